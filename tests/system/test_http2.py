"""HTTP/2 as its clients meet it, well-formed and not, on clear text and on TLS, down to an HTTP/1.1 backend."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import harness
from http2_frames import (ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PADDED, PING, PRIORITY,
                          PUSH_PROMISE, RST_STREAM, SETTINGS, WINDOW_UPDATE, Peer, fields, frame, request, status_of)
from recorder import RecordingBackend

BOTH = END_HEADERS | END_STREAM
HEAD = request("/p/echo")
POST = request("/p/echo", "POST")


def get(block=HEAD, stream=1):
    return frame(HEADERS, BOTH, stream, block)


# What is wrong, and what becomes of it. The connection or the stream is named by the code that RFC 9113 asks for.
MALFORMED = {
    "data on stream 0": (frame(DATA, 0, 0, b"x"), "GOAWAY PROTOCOL_ERROR"),
    "headers on stream 0": (frame(HEADERS, BOTH, 0, HEAD), "GOAWAY PROTOCOL_ERROR"),
    "an even stream": (frame(HEADERS, BOTH, 2, HEAD), "GOAWAY PROTOCOL_ERROR"),
    "data on a stream that never was": (frame(DATA, 0, 5, b"x"), "GOAWAY PROTOCOL_ERROR"),
    "settings of odd size": (frame(SETTINGS, 0, 0, b"\0" * 5), "GOAWAY FRAME_SIZE_ERROR"),
    "settings on a stream": (frame(SETTINGS, 0, 1, b"\0" * 6), "GOAWAY PROTOCOL_ERROR"),
    "an acknowledgement with settings": (frame(SETTINGS, ACK, 0, b"\0" * 6), "GOAWAY FRAME_SIZE_ERROR"),
    "a window of 2^31": (frame(SETTINGS, 0, 0, b"\0\4\x80\0\0\0"), "GOAWAY FLOW_CONTROL_ERROR"),
    "a frame limit that is too small": (frame(SETTINGS, 0, 0, b"\0\5\0\0\0\1"), "GOAWAY PROTOCOL_ERROR"),
    "push enabled with 2": (frame(SETTINGS, 0, 0, b"\0\2\0\0\0\2"), "GOAWAY PROTOCOL_ERROR"),
    "a ping of 7 bytes": (frame(PING, 0, 0, b"1234567"), "GOAWAY FRAME_SIZE_ERROR"),
    "a ping on a stream": (frame(PING, 0, 1, b"12345678"), "GOAWAY PROTOCOL_ERROR"),
    "a push": (frame(PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\2" + HEAD), "GOAWAY PROTOCOL_ERROR"),
    "a continuation of nothing": (frame(CONTINUATION, END_HEADERS, 1, HEAD), "GOAWAY PROTOCOL_ERROR"),
    "a frame inside a header block": (frame(HEADERS, END_STREAM, 1, HEAD[:9]) + frame(PING, 0, 0, b"12345678"),
                                      "GOAWAY PROTOCOL_ERROR"),
    "a header block that is no HPACK": (frame(HEADERS, BOTH, 1, b"\xff\xff\xff\xff\xff\xff\xff\xff"),
                                        "GOAWAY COMPRESSION_ERROR"),
    "a frame above the limit": (frame(HEADERS, BOTH, 1, b"\0" * 16385), "GOAWAY FRAME_SIZE_ERROR"),
    "more padding than frame": (frame(HEADERS, BOTH | PADDED, 1, b"\xff" + HEAD[:20]), "GOAWAY PROTOCOL_ERROR"),
    "a window opened by nothing": (get() + frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\0"), "GOAWAY PROTOCOL_ERROR"),
    "a window opened too far": (frame(WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff"), "GOAWAY FLOW_CONTROL_ERROR"),
    "a reset of 3 bytes": (frame(HEADERS, END_HEADERS, 1, POST) + frame(RST_STREAM, 0, 1, b"123"),
                           "GOAWAY FRAME_SIZE_ERROR"),
    "no method": (get(fields((":scheme", "http"), (":path", "/"), (":authority", "localhost"))), "RST PROTOCOL_ERROR"),
    "two paths": (get(HEAD + fields((":path", "/p/echo"))), "RST PROTOCOL_ERROR"),
    "a pseudo field that is not known": (get(HEAD + fields((":x", "1"))), "RST PROTOCOL_ERROR"),
    "a pseudo field behind fields": (get(fields(("a", "b")) + HEAD), "RST PROTOCOL_ERROR"),
    "an empty path": (get(request("")), "RST PROTOCOL_ERROR"),
    "a name in upper case": (get(HEAD + fields(("Accept", "x"))), "RST PROTOCOL_ERROR"),
    "a body shorter than told": (frame(HEADERS, END_HEADERS, 1, POST + fields(("content-length", "5"))) +
                                 frame(DATA, END_STREAM, 1, b"1234"), "RST PROTOCOL_ERROR"),
    "a body longer than told": (frame(HEADERS, END_HEADERS, 1, POST + fields(("content-length", "3"))) +
                                frame(DATA, END_STREAM, 1, b"1234"), "RST PROTOCOL_ERROR"),
}

# What would be read in two ways behind a gateway that wrote it down as HTTP/1.1.
SMUGGLING = {
    "a line end in a value": fields(("x", "a\r\nTransfer-Encoding: chunked")),
    "a bare line feed in a value": fields(("x", "a\nHost: evil")),
    "a NUL in a value": fields(("x", "a\0b")),
    "a blank at the end of a value": fields(("x", "a ")),
    "a colon in a name": fields(("x:y", "a")),
    "a blank in a name": fields(("x y", "a")),
    "a line end in a name": fields(("x\r\ny", "a")),
    "an empty name": fields(("", "a")),
    "connection": fields(("connection", "keep-alive")),
    "keep-alive": fields(("keep-alive", "5")),
    "proxy-connection": fields(("proxy-connection", "close")),
    "transfer-encoding": fields(("transfer-encoding", "chunked")),
    "upgrade": fields(("upgrade", "h2c")),
    "te with another coding": fields(("te", "gzip")),
    "two lengths": fields(("content-length", "0"), ("content-length", "0")),
    "a length that is no number": fields(("content-length", "+0")),
    "another host": fields(("host", "elsewhere")),
}
HEADS = {
    "a blank in the path": request("/p/echo HTTP/1.1"),
    "a line end in the path": request("/p/echo\r\nX: y"),
    "a fragment in the path": request("/p/echo#x"),
    "a path without a slash": request("p/echo"),
    "a star for GET": request("*"),
    "a blank in the method": request("/p/echo", "GET /x"),
    "a method that is no token": request("/p/echo", "G(T"),
    "an empty method": request("/p/echo", ""),
    "an authority with a user": request("/p/echo", authority="u@localhost"),
    "an authority with a path": request("/p/echo", authority="localhost/x"),
    "an authority with a line end": request("/p/echo", authority="localhost\r\nx: y"),
    "a port that is none": request("/p/echo", authority="localhost:99999"),
    "no authority at all": fields((":method", "GET"), (":scheme", "http"), (":path", "/p/echo")),
}


class Http2(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.backend = RecordingBackend()
        cls.server = harness.Server()
        cls.server.__enter__()
        cls.server.make_instance()
        cls.server.put("/apis/p", {"displayName": "P", "path": "p", "protocols": ["http", "https"],
                                   "serviceUrl": f"http://127.0.0.1:{cls.backend.port}", "subscriptionRequired": False})
        for verb in ("GET", "POST", "HEAD", "OPTIONS"):
            cls.server.put(f"/apis/p/operations/{verb.lower()}", {
                "displayName": verb, "method": verb, "urlTemplate": "/*", "templateParameters": []})
        cls.port = cls.server.ports["gateway"]["http"]

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()
        cls.backend.close()

    def setUp(self):
        self.backend.seen.clear()

    def tearDown(self):
        # Whatever happened on one connection, others are served.
        answer = self.server.call("gateway", "GET", "/p/echo")
        self.assertEqual(answer.status, 200)

    def test_malformed_frames_close_with_the_right_code(self):
        for name, (data, wanted) in MALFORMED.items():
            with self.subTest(name), Peer(self.port) as peer:
                peer.send(data)
                # An answer may be under way to what came before.
                outcome = peer.outcome()
                while outcome == "200":
                    outcome = peer.outcome()
                self.assertEqual(outcome, wanted)
                if wanted.startswith("GOAWAY"):
                    self.assertIsNone(peer.until(DATA))

    def test_what_is_no_preface_is_refused(self):
        with Peer(self.port, preface=b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n") as peer:
            self.assertIn(peer.outcome(), ("GOAWAY PROTOCOL_ERROR", "closed"))

    def test_what_cannot_be_said_in_http_1_never_reaches_the_backend(self):
        valid = frame(HEADERS, BOTH, 3, request("/p/valid"))
        cases = {name: HEAD + more for name, more in SMUGGLING.items()} | HEADS
        for name, block in cases.items():
            with self.subTest(name), Peer(self.port) as peer:
                self.backend.seen.clear()
                peer.send(frame(HEADERS, BOTH, 1, block))
                self.assertEqual(peer.outcome(1), "RST PROTOCOL_ERROR")
                peer.send(valid)  # Its twin, on the same connection.
                self.assertEqual(peer.outcome(3), "200")
                self.assertEqual([r.target for r in self.backend.seen], ["/valid"])

    def test_limits_are_answered(self):
        long_path = request("/p/" + "x" * 9000)
        many = HEAD + fields(*((f"x-{i}", "y") for i in range(120)))
        large = HEAD + fields(("x", "y" * 40000))
        for block, wanted in ((long_path, "414"), (many, "431"), (large, "431")):
            with Peer(self.port) as peer:
                pieces = [block[i:i + 16000] for i in range(0, len(block), 16000)]
                for i, piece in enumerate(pieces):
                    last = END_HEADERS if i == len(pieces) - 1 else 0
                    peer.send(frame(HEADERS, END_STREAM | last, 1, piece) if i == 0 else
                              frame(CONTINUATION, last, 1, piece))
                self.assertEqual(peer.outcome(), wanted)

    def test_floods_end_the_connection(self):
        flood = {
            "ping": frame(PING, 0, 0, b"12345678") * 2000,
            "settings": frame(SETTINGS) * 2000,
            "priority": frame(PRIORITY, 0, 1, b"\0\0\0\3\1") * 2000,
            "rapid reset": b"".join(frame(HEADERS, BOTH, i, HEAD) + frame(RST_STREAM, 0, i, b"\0\0\0\x08")
                                    for i in range(1, 4001, 2)),
            "empty data": frame(HEADERS, END_HEADERS, 1, POST) + frame(DATA, 0, 1, b"") * 2000,
            "continuation": frame(HEADERS, END_STREAM, 1, HEAD) + frame(CONTINUATION, 0, 1, b"") * 2000,
        }
        for name, data in flood.items():
            with self.subTest(name), Peer(self.port) as peer:
                peer.send(data)
                outcome = peer.outcome(0)
                self.assertIn(outcome, ("GOAWAY ENHANCE_YOUR_CALM", "GOAWAY PROTOCOL_ERROR", "GOAWAY INTERNAL_ERROR",
                                        "closed"))

    def test_more_streams_than_allowed_are_refused(self):
        with Peer(self.port) as peer:
            for i in range(140):
                peer.send(frame(HEADERS, END_HEADERS, 2 * i + 1, POST))
            got = peer.until(RST_STREAM)
            self.assertEqual((got[2], int.from_bytes(got[3], "big")), (257, 7))  # REFUSED_STREAM

    def test_streams_share_a_connection_and_wait_for_themselves_alone(self):
        with Peer(self.port) as peer:
            peer.send(frame(HEADERS, END_HEADERS, 1, POST))  # Its body does not come yet.
            for stream in (3, 5, 7):
                peer.send(get(stream=stream))
                self.assertEqual(peer.outcome(stream), "200")
            peer.send(frame(DATA, END_STREAM, 1, b"late"))
            self.assertEqual(peer.outcome(1), "200")
            self.assertEqual(peer.until(DATA, stream=1)[3], b"late")

    def test_windows_open_only_as_the_backend_reads(self):
        with Peer(self.port) as peer:
            peer.send(frame(HEADERS, END_HEADERS, 1, request("/p/stall", "POST")))
            window = 131072
            for _ in range(window // 16384):
                peer.send(frame(DATA, 0, 1, b"x" * 16384))
            # More than kernel buffers between gateway and backend hold does not go; what goes opens the window again.
            taken = window
            peer.socket.settimeout(1.5)
            try:
                while taken < 100_000_000:
                    got = peer.until(WINDOW_UPDATE, stream=1)
                    more = int.from_bytes(got[3], "big")
                    peer.send(b"".join(frame(DATA, 0, 1, b"x" * min(16384, more - i)) for i in range(0, more, 16384)))
                    taken += more
            except TimeoutError:
                pass
            self.assertLess(taken, 20_000_000)

    def test_a_peer_that_takes_nothing_stalls_its_own_streams_only(self):
        small_window = b"\0\4\0\0\0\x0a"
        with Peer(self.port, settings=small_window) as peer:
            peer.send(frame(HEADERS, BOTH, 1, request("/p/big")))
            self.assertEqual(peer.outcome(1), "200")
            self.assertEqual(len(peer.until(DATA, stream=1)[3]), 10)
            peer.send(get(stream=3))
            self.assertEqual(peer.outcome(3), "200")
            peer.send(frame(WINDOW_UPDATE, 0, 1, b"\0\0\0\5"))
            self.assertEqual(len(peer.until(DATA, stream=1)[3]), 5)

    def test_a_reset_reaches_the_backend(self):
        with Peer(self.port) as peer:
            peer.send(frame(HEADERS, BOTH, 1, request("/p/wait")))
            self.assertTrue(self.backend.arrived.wait(30))
            self.backend.gone.clear()
            peer.send(frame(RST_STREAM, 0, 1, b"\0\0\0\x08"))
            self.assertTrue(self.backend.gone.wait(30))

    def test_trailers_both_ways(self):
        with Peer(self.port) as peer:
            peer.send(frame(HEADERS, END_HEADERS, 1, request("/p/trailers", "POST", more=[("te", "trailers")])) +
                      frame(DATA, 0, 1, b"body") +
                      frame(HEADERS, BOTH, 1, fields(("x-sum", "42"), ("authorization", "x"))))
            self.assertEqual(peer.outcome(1), "200")
            last = peer.until(HEADERS, stream=1)
            self.assertTrue(last[1] & END_STREAM)
            self.assertIn("te: trailers", self.backend.seen[0].head.lower())
            self.assertEqual(self.backend.seen[0].trailers, "x-sum: 42\r\n")

    def test_cookie_crumbs_are_put_together(self):
        with Peer(self.port) as peer:
            peer.send(get(HEAD + fields(("cookie", "a=1"), ("x", "y"), ("cookie", "b=2"))))
            self.assertEqual(peer.outcome(1), "200")
        self.assertIn("cookie: a=1; b=2\r\n", self.backend.seen[0].head)

    def test_an_expectation_is_met(self):
        with Peer(self.port) as peer:
            peer.send(frame(HEADERS, END_HEADERS, 1, POST + fields(("expect", "100-continue"),
                                                                   ("content-length", "4"))))
            self.assertEqual(peer.outcome(1), "100")
            peer.send(frame(DATA, END_STREAM, 1, b"body"))
            self.assertEqual(peer.outcome(1), "200")

    def test_a_stop_says_goaway_and_lets_streams_end(self):
        with harness.Server() as server:
            server.make_instance()
            server.put("/apis/p", {"displayName": "P", "path": "p", "protocols": ["http"],
                                   "serviceUrl": f"http://127.0.0.1:{self.backend.port}",
                                   "subscriptionRequired": False})
            server.put("/apis/p/operations/get", {"displayName": "g", "method": "GET", "urlTemplate": "/*",
                                                  "templateParameters": []})
            with Peer(server.ports["gateway"]["http"]) as peer, Peer(server.ports["gateway"]["http"]) as idle:
                idle.until(SETTINGS)
                self.backend.arrived.clear()
                self.backend.release.clear()
                peer.send(frame(HEADERS, BOTH, 1, request("/p/wait")))
                self.assertTrue(self.backend.arrived.wait(30))
                server.process.terminate()
                self.assertEqual(int.from_bytes(peer.until(GOAWAY)[3][4:], "big"), 0)
                self.assertIsNotNone(idle.until(GOAWAY))
                self.assertIsNone(idle.next())
                self.backend.release.set()
                self.assertEqual(status_of(peer.until(HEADERS)[3]), "200")
            self.assertEqual(server.process.wait(60), 0)

    def nghttp(self, *arguments):
        if not shutil.which(arguments[0]):
            self.fail(f"{arguments[0]} is needed (package nghttp2-client)")
        done = subprocess.run(arguments, capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_nghttp_and_h2load_work_on_clear_text_and_tls(self):
        with tempfile.NamedTemporaryFile() as body:
            body.write(os.urandom(300_000))
            body.flush()
            for scheme in ("http", "https"):
                url = f"{scheme}://localhost:{self.server.ports['gateway'][scheme]}/p/echo"
                self.assertEqual(self.nghttp("nghttp", url, "-d", body.name), Path(body.name).read_bytes())
                out = self.nghttp("h2load", "-n", "2000", "-c", "10", "-m", "20", url).decode()
                self.assertIn("2000 succeeded, 0 failed", out)
        for role, path in (("console", "/metadata/endpoints?api-version=2022-09-01"), ("services", "/nothing")):
            url = f"https://localhost:{self.server.ports[role]['https']}{path}"
            self.assertIn(b"{", self.nghttp("nghttp", url))


if __name__ == "__main__":
    unittest.main()
