"""tests/strict/http1.txt through the gateway, with nginx and with HAProxy as its backends: what is malformed is refused
and nothing of it served, and what is passed on they read as the same number of requests with the same lengths."""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import harness
from http2_frames import (DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PADDED, RST_STREAM, Peer, fields, frame,
                          request, status_of)
from recorder import RecordingBackend
from test_http2 import SMUGGLING

TABLE = Path(__file__).resolve().parents[1] / "strict/http1.txt"
CLASSES_MIN, CASES_MIN = 20, 5


def decode(text):
    text = re.sub(r"\{([^{}*]*|[^{}]?)\*(\d+)\}", lambda m: m.group(1) * int(m.group(2)), text)
    text = text.replace("{post}", "POST /p/e HTTP/1.1~Host: localhost~").replace(
        "{get}", "GET /p/e HTTP/1.1~Host: localhost~")
    # The one tilde that is meant stands in a field name, among other characters of tokens.
    text = text.replace("|~y", "|\\x7ey").replace("~", "\r\n")
    plain = {"r": "\r", "n": "\n", "t": "\t", "0": "\0"}
    text = re.sub(r"\\(?:x([0-9a-f]{2})|([rnt0]))", lambda m: chr(int(m[1], 16)) if m[1] else plain[m[2]], text)
    return text.encode("latin-1")


def read_table():
    """[(class, what, status, message, lengths of the twin, message of the twin)]"""
    found, name, bad = [], "", None
    for number, line in enumerate(TABLE.read_text().splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            name = line[1:-1]
        elif line.startswith("bad "):
            status, what, message = re.fullmatch(r"bad (\d+) \| (.*?) \| (.*)", line).groups()
            bad = (name, what, status, decode(message))
        else:
            lengths, message = re.fullmatch(r"good ([\d ]+) \| (.*)", line).groups()
            assert bad, f"line {number} is no twin"
            found.append((*bad, [int(n) for n in lengths.split()], decode(message)))
            bad = None
    return found


def downgrades(path):
    """What is well-formed in HTTP/2 and has to stay so in HTTP/1.1: frames, and the lengths of bodies, rising."""
    head = request(path, "POST")
    inner = b"GET /p/inner HTTP/1.1\r\nHost: localhost\r\n\r\n"

    def post(more=b"", flags=0, stream=1):
        return frame(HEADERS, END_HEADERS | flags, stream, head + more)

    return {
        "a length": (post(fields(("content-length", "4"))) + frame(DATA, END_STREAM, 1, b"abcd"), [4]),
        "no length": (post() + frame(DATA, 0, 1, b"ab") + frame(DATA, END_STREAM, 1, b"cd"), [4]),
        "no body": (post(flags=END_STREAM), [0]),
        "a length of nothing": (post(fields(("content-length", "0")), END_STREAM), [0]),
        "an end of its own": (post() + frame(DATA, 0, 1, b"abc") + frame(DATA, END_STREAM, 1, b""), [3]),
        "padding": (post() + frame(DATA, END_STREAM | PADDED, 1, b"\x05abc" + b"\0" * 5), [3]),
        "trailers": (post(fields(("te", "trailers"))) + frame(DATA, 0, 1, b"abcd") +
                     frame(HEADERS, END_HEADERS | END_STREAM, 1, fields(("x-sum", "4"))), [4]),
        "a body like a request": (post() + frame(DATA, END_STREAM, 1, inner), [len(inner)]),
        "a body like a last chunk": (post() + frame(DATA, END_STREAM, 1, b"0\r\n\r\n" + inner), [5 + len(inner)]),
        "crumbs": (post(fields(("cookie", "a=1"), ("cookie", "b=2")), END_STREAM), [0]),
        "a GET with a body": (frame(HEADERS, END_HEADERS, 1, request(path)) + frame(DATA, END_STREAM, 1, b"ab"), [2]),
        "two at once": (post() + post(stream=3) + frame(DATA, 0, 1, b"ab") + frame(DATA, END_STREAM, 3, b"x") +
                        frame(DATA, END_STREAM, 1, b"cd"), [1, 4]),
    }


def await_port(port, process):
    for _ in range(200):
        if process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"{process.args[0]} does not listen")


class Relays:
    """nginx and HAProxy between the gateway and a backend that records what they understood."""

    def __init__(self, origin):
        self.folder = tempfile.mkdtemp(prefix="mlgate-strict-")
        self.processes = []
        self.ports = dict(zip(("nginx", "haproxy"), harness.free_ports(2)))
        for name in self.ports:
            if not shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin"):
                raise AssertionError(f"{name} is needed (tools/install test)")
        temporary = "".join(f"{kind}_temp_path {self.folder}/{kind}; " for kind in
                            ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        self.run("nginx", ["nginx", "-c", self.write("nginx.conf", f"""
daemon off; master_process off; pid {self.folder}/pid; error_log {self.folder}/nginx.err;
events {{ worker_connections 512; }}
http {{ access_log off; {temporary} large_client_header_buffers 8 64k;
  server {{ listen 127.0.0.1:{self.ports['nginx']};
    location / {{ proxy_pass http://127.0.0.1:{origin}; proxy_http_version 1.1; }} }} }}
""")])
        self.run("haproxy", ["haproxy", "-db", "-f", self.write("haproxy.cfg", f"""
global
  tune.bufsize 65536
defaults
  mode http
  timeout connect 5s
  timeout client 20s
  timeout server 20s
listen relay
  bind 127.0.0.1:{self.ports['haproxy']}
  server origin 127.0.0.1:{origin}
""")])

    def write(self, name, text):
        path = Path(self.folder) / name
        path.write_text(text)
        return str(path)

    def run(self, name, command):
        environment = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin")
        with open(f"{self.folder}/{name}.out", "wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        self.processes.append(process)
        await_port(self.ports[name], process)

    def close(self):
        for process in self.processes:
            process.terminate()
            process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)


class Strict(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.origin = RecordingBackend()
        cls.relays = Relays(cls.origin.port)
        cls.server = harness.Server()
        cls.server.__enter__()
        cls.server.make_instance()
        for name, port in cls.relays.ports.items():
            cls.server.put(f"/apis/{name}", {"displayName": name, "path": name, "protocols": ["http"],
                                             "serviceUrl": f"http://127.0.0.1:{port}", "subscriptionRequired": False})
            for verb in ("GET", "POST"):
                cls.server.put(f"/apis/{name}/operations/{verb.lower()}", {
                    "displayName": verb, "method": verb, "urlTemplate": "/*", "templateParameters": []})
        cls.table = read_table()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()
        cls.relays.close()
        cls.origin.close()

    def exchange(self, relay, message):
        """Sends it with one request more behind; the statuses that come back, and what the backend got."""
        self.origin.seen.clear()
        last = b"GET /p/last HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        received = self.server.raw("gateway", (message + last).replace(b"/p/", b"/" + relay.encode() + b"/"))
        return re.findall(rb"HTTP/1\.1 (\d{3}) ", received), [len(r.body) for r in self.origin.seen]

    def test_the_table_is_as_large_as_it_has_to_be(self):
        classes = {}
        for name, what, *_ in self.table:
            classes.setdefault(name, set()).add(what)
        self.assertGreaterEqual(len(classes), CLASSES_MIN)
        for name, cases in classes.items():
            self.assertGreaterEqual(len(cases), CASES_MIN, name)

    def test_what_is_malformed_is_refused_and_nothing_of_it_served(self):
        for relay in self.relays.ports:
            for name, what, status, message, *_ in self.table:
                with self.subTest(relay=relay, of=name, what=what):
                    self.assertEqual(self.exchange(relay, message), ([status.encode()], []))

    def test_what_is_valid_arrives_in_number_and_length(self):
        for relay in self.relays.ports:
            for name, what, _, _, lengths, message in self.table:
                with self.subTest(relay=relay, of=name, twin_of=what):
                    statuses, bodies = self.exchange(relay, message)
                    self.assertEqual((statuses, bodies), ([b"200"] * (len(lengths) + 1), [*lengths, 0]))

    def test_what_came_by_http2_arrives_in_number_and_length(self):
        for relay in self.relays.ports:
            for what, (frames, lengths) in downgrades(f"/{relay}/e").items():
                with self.subTest(relay=relay, what=what), Peer(self.server.ports["gateway"]["http"]) as peer:
                    self.origin.seen.clear()
                    peer.send(frames)
                    answers = {}  # By stream, in whatever order they come.
                    while len(answers) < len(lengths):
                        kind, _, stream, payload = peer.until(HEADERS, RST_STREAM, GOAWAY)
                        answers[stream] = status_of(payload) if kind == HEADERS else f"frame {kind}"
                    self.assertEqual(set(answers.values()), {"200"})
                    self.assertEqual(sorted(len(r.body) for r in self.origin.seen), lengths)

    def test_what_http2_could_smuggle_reaches_neither(self):
        for relay in self.relays.ports:
            path = f"/{relay}/e"
            for what, more in SMUGGLING.items():
                with self.subTest(relay=relay, what=what), Peer(self.server.ports["gateway"]["http"]) as peer:
                    self.origin.seen.clear()
                    peer.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, request(path) + more))
                    self.assertEqual(peer.outcome(1), "RST PROTOCOL_ERROR")
                    peer.send(frame(HEADERS, END_HEADERS | END_STREAM, 3, request(path)))
                    self.assertEqual(peer.outcome(3), "200")
                    self.assertEqual([len(r.body) for r in self.origin.seen], [0])


if __name__ == "__main__":
    unittest.main()
