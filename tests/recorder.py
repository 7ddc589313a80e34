"""A backend that reads HTTP/1.1 strictly, records what it was sent, and misbehaves when its path says so."""

import select
import socket
import threading


class Recorded:
    def __init__(self, head, body, trailers):
        self.head, self.body, self.trailers = head, body, trailers
        self.method, self.target, _ = head.split("\r\n", 1)[0].split(" ")

    def __repr__(self):
        return f"<{self.method} {self.target} {len(self.body)}>"


class ThreadedBackend:
    """Listens on a port of its own and gives each connection to `serve`, in a thread."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()


class RecordingBackend(ThreadedBackend):
    def __init__(self):
        self.seen = []
        self.arrived, self.gone, self.release = threading.Event(), threading.Event(), threading.Event()
        super().__init__()

    def close(self):
        self.release.set()
        super().close()

    def serve(self, connection):
        with connection:
            try:
                stream = connection.makefile("rb")
                while self.one(connection, stream):
                    pass
            except (OSError, ValueError):  # The gateway broke off.
                pass

    def one(self, connection, stream):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = stream.readline()
            if not line:
                return False
            head += line
        head = head.decode("latin-1")
        name = head.split(" ")[1].split("?")[0].rsplit("/", 1)[-1]
        fields = [line.split(": ", 1) for line in head.split("\r\n")[1:-2]]
        values = {key.lower(): value for key, value in fields}
        if name == "stall":
            self.seen.append(Recorded(head, b"", ""))
            self.release.wait(20)
            return False
        if name == "die":
            self.seen.append(Recorded(head, b"", ""))
            return False
        if name == "refuse":  # Answers and reads no more, but keeps the connection.
            connection.sendall(b"HTTP/1.1 413 Payload Too Large\r\nContent-Length: 8\r\n\r\ntoo much")
            self.seen.append(Recorded(head, b"", ""))
            self.release.wait(20)
            return False
        if name == "unwanted" and "expect" in values:
            self.seen.append(Recorded(head, b"", ""))
            connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
            return True
        if values.get("expect") and name != "ignorant":
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if name == "talk":  # Answers each piece as it comes.
            return self.talk(connection, stream, head)
        body, trailers = b"", ""
        if values.get("transfer-encoding") == "chunked":
            while size := int(stream.readline(), 16):
                body += stream.read(size)
                stream.readline()
            while (line := stream.readline()) != b"\r\n":
                trailers += line.decode()
        else:
            body = stream.read(int(values.get("content-length", 0)))
        self.seen.append(Recorded(head, body, trailers))
        self.answer(connection, name, body)
        return True

    def answer(self, connection, name, body):
        if name in ("wait", "silent"):
            if name == "silent":
                connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
            self.arrived.set()
            while not self.release.wait(0.02):
                if select.select([connection], [], [], 0)[0] and not connection.recv(1, socket.MSG_PEEK):
                    self.gone.set()
                    return
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        elif name == "trailers":
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-End\r\n\r\n"
                               b"4\r\ndata\r\n0\r\nX-End: yes\r\nContent-Length: 7\r\n\r\n")
        elif name == "big":
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + b"b" * 3_000_000)
        elif name == "hint":
            connection.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </style>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0"
                               b"\r\n\r\n")
        else:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    def talk(self, connection, stream, head):
        self.seen.append(Recorded(head, b"", ""))
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while size := int(stream.readline(), 16):
            piece = b"heard " + stream.read(size)
            stream.readline()
            connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
        stream.readline()
        connection.sendall(b"0\r\n\r\n")
        return True
