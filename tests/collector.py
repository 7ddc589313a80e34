"""An OpenTelemetry collector, as far as tests need one: takes OTLP over HTTP and keeps what came."""

import http.server
import threading


def fields(message):
    """A protobuf message as [(number, value)]: varints and fixed numbers as int, the rest as bytes."""
    out, at = [], 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(message):
        tag = varint()
        kind = tag & 7
        if kind == 0:
            value = varint()
        elif kind == 2:
            size = varint()
            value = message[at:at + size]
            assert len(value) == size, "cut message"
            at += size
        else:
            size = {1: 8, 5: 4}[kind]
            value = int.from_bytes(message[at:at + size], "little")
            at += size
        out.append((tag >> 3, value))
    return out


def one(message, number):
    found = [value for key, value in fields(message) if key == number]
    return found[0] if found else None


def every(message, number):
    return [value for key, value in fields(message) if key == number]


def attributes(message, number):
    out = {}
    for pair in every(message, number):
        value = fields(one(pair, 2))[0]
        out[one(pair, 1).decode()] = value[1].decode() if value[0] == 1 else value[1]
    return out


class Span:
    def __init__(self, message):
        self.trace, self.id = one(message, 1).hex(), one(message, 2).hex()
        self.parent = (one(message, 4) or b"").hex()
        self.state = (one(message, 3) or b"").decode()
        self.name, self.kind = one(message, 5).decode(), one(message, 6)
        self.start, self.end = one(message, 7), one(message, 8)
        self.attributes = attributes(message, 9)


class Collector:
    """Use as a context manager; `status` is what it answers."""

    def __init__(self):
        self.bodies, self.status, self.headers = [], 200, []
        self.changed = threading.Condition()
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with collector.changed:
                    status = collector.status
                    collector.bodies.append((self.path, status, body))
                    collector.headers.append(self.headers)
                    collector.changed.notify_all()
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def taken(self, path):
        with self.changed:
            return [body for where, status, body in self.bodies if where == path and status == 200]

    def spans(self):
        out = []
        for body in self.taken("/v1/traces"):
            for resource in every(body, 1):
                for scope in every(resource, 2):
                    out += [Span(span) for span in every(scope, 2)]
        return out

    def wait(self, done, seconds=30):
        """Waits until `done()` holds; looks again whenever something came."""
        with self.changed:
            return self.changed.wait_for(done, seconds)
