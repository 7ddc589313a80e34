"""The gateway in front of a real HTTP backend: bodies of every framing, both ways; backends and callers that fail."""

import http.server
import os
import socket
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import harness


class Backend(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen = []

    def log_message(self, *_):
        pass

    def read_body(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while True:
                size = int(self.rfile.readline(), 16)
                body += self.rfile.read(size)
                self.rfile.readline()
                if size == 0:
                    return body
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def answer(self, status=200, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status != 204:
            self.wfile.write(body)

    def do_any(self):
        name = self.path.split("?")[0].rsplit("/", 1)[-1]
        Backend.seen.append((self.command, self.path, self.headers))
        if name == "chunked":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for piece in (b"one", b"two" * 10000, b"end"):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")
        elif name == "close":
            self.send_response(200)
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(b"until the end")
            self.close_connection = True
        elif name == "short":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"only this")
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
        elif name == "die":
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
        elif name == "garbage":
            self.wfile.write(b"nonsense\r\n\r\n")
            self.close_connection = True
        elif name == "empty":
            self.read_body()
            self.answer(204)
        elif name == "interim":
            self.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
            self.answer(200, b"after the hint")
        elif name == "resource":  # Its length is not told.
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(b"3\r\nabc\r\n0\r\n\r\n")
        elif name == "refuse":
            self.answer(413, b"too much", [("Connection", "close")])
            self.close_connection = True
        elif name == "events":
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"d\r\ndata: first\n\n\r\n")
            self.wfile.flush()
            Backend.gate.wait(20)
            self.wfile.write(b"e\r\ndata: second\n\n\r\n0\r\n\r\n")
        else:
            body = self.read_body()
            self.answer(200, body, [("X-Backend", "yes"), ("Connection", "X-Hop"), ("X-Hop", "secret")])

    do_GET = do_POST = do_HEAD = do_PUT = do_DELETE = do_any


class QuietServer(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        pass  # Callers that vanish are part of the tests.


class Proxy(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.backend = QuietServer(("127.0.0.1", 0), Backend)
        threading.Thread(target=cls.backend.serve_forever, daemon=True).start()
        cls.server = harness.Server()
        cls.server.__enter__()
        cls.server.make_instance()
        cls.server.put("/apis/p", {"displayName": "P", "path": "p", "protocols": ["http", "https"],
                                   "serviceUrl": f"http://127.0.0.1:{cls.backend.server_address[1]}/base",
                                   "subscriptionRequired": False})
        for verb in ("GET", "POST", "HEAD", "PUT"):
            cls.server.put(f"/apis/p/operations/{verb.lower()}", {
                "displayName": verb, "method": verb, "urlTemplate": "/*", "templateParameters": []})

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()
        cls.backend.shutdown()

    def call(self, method, path, body=None, headers=None, scheme="http"):
        return self.server.call("gateway", method, "/p" + path, body, headers, scheme)

    def test_bodies_of_every_size(self):
        for size in (0, 1, 200, 70_000, 3_000_000):
            for scheme in ("http", "https"):
                body = os.urandom(size)
                answer = self.call("POST", "/echo", body, scheme=scheme)
                self.assertEqual((answer.status, answer.body == body), (200, True), (size, scheme))

    def test_chunked_request(self):
        pieces = [b"a" * 10, b"b" * 100_000, b"c"]
        answer = self.call("POST", "/echo", iter(pieces))
        self.assertEqual(answer.body, b"".join(pieces))

    def test_chunked_response(self):
        self.assertEqual(self.call("GET", "/chunked").body, b"one" + b"two" * 10000 + b"end")

    def test_response_that_ends_with_its_connection(self):
        self.assertEqual(self.call("GET", "/close").body, b"until the end")

    def test_head_and_204(self):
        self.assertEqual(self.call("HEAD", "/echo").body, b"")
        answer = self.call("POST", "/empty", b"x")
        self.assertEqual((answer.status, answer.body, answer.headers["Content-Length"]), (204, b"", None))

    def test_head_of_a_resource_of_unknown_length_does_not_invent_one(self):
        answer = self.call("HEAD", "/resource")
        self.assertEqual((answer.status, answer.headers["Content-Length"]), (200, None))

    def test_an_expectation_of_the_caller_is_met(self):
        head = (b"POST /p/echo HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nConnection: close\r\n"
                b"Content-Length: 300000\r\n\r\n")
        with socket.create_connection(("127.0.0.1", self.server.ports["gateway"]["http"]), 30) as connection:
            connection.sendall(head)
            self.assertEqual(connection.recv(100), b"HTTP/1.1 100 Continue\r\n\r\n")
            connection.sendall(b"e" * 300000)
            received = b""
            while piece := connection.recv(65536):
                received += piece
        self.assertTrue(received.startswith(b"HTTP/1.1 200 OK\r\n"), received[:100])
        self.assertTrue(received.endswith(b"e" * 300000))

    def test_an_upgrade_to_http2_is_ignored(self):
        answer = self.call("GET", "/echo", headers={"Upgrade": "h2c", "Connection": "Upgrade, HTTP2-Settings",
                                                    "HTTP2-Settings": "AAMAAABkAARAAAAAAAIAAAAA"})
        self.assertEqual(answer.status, 200)

    def test_interim_answers_do_not_end_the_call(self):
        received = self.server.raw("gateway", b"GET /p/interim HTTP/1.0\r\nHost: localhost\r\n\r\n")
        self.assertNotIn(b"103", received)  # Which HTTP/1.0 does not know.
        self.assertTrue(received.endswith(b"after the hint"))

    def test_what_reaches_the_backend(self):
        self.call("GET", "/a%20b?x=1&subscription-key=", headers={"X-Forwarded-For": "1.2.3.4", "X-Own": "kept",
                                                                  "Connection": "X-Mine", "X-Mine": "hop"})
        method, path, headers = Backend.seen[-1]
        self.assertEqual((method, path.split("&")[0]), ("GET", "/base/a%20b?x=1"))
        self.assertEqual(headers["X-Own"], "kept")
        self.assertIsNone(headers["X-Mine"])
        self.assertIn("1.2.3.4", headers["X-Forwarded-For"])
        self.assertIn("127.0.0.1", headers["X-Forwarded-For"])
        self.assertEqual(headers["Host"], f"127.0.0.1:{self.backend.server_address[1]}")

    def test_hop_by_hop_fields_of_the_backend_are_dropped(self):
        answer = self.call("GET", "/echo")
        self.assertEqual(answer.headers["X-Backend"], "yes")
        self.assertIsNone(answer.headers["X-Hop"])

    def test_a_backend_that_dies_before_it_answers(self):
        for method, body in (("GET", None), ("POST", b"x")):
            answer = self.call(method, "/die", body)
            self.assertEqual(answer.status, 500)
            self.assertRegex(answer.text, r'^{ "statusCode": 500, "message": "Internal server error", '
                                          r'"activityId": "[0-9a-f-]{36}" }$')

    def test_a_backend_that_talks_nonsense(self):
        self.assertEqual(self.call("GET", "/garbage").status, 500)

    def test_a_short_answer_is_not_taken_for_a_whole_one(self):
        received = self.server.raw("gateway", b"GET /p/short HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertIn(b"Content-Length: 1000", received)
        self.assertTrue(received.endswith(b"only this"))

    def test_an_early_refusal_reaches_the_caller(self):
        answer = None
        try:
            answer = self.call("POST", "/refuse", b"x" * 5_000_000)
        except (BrokenPipeError, ConnectionResetError):
            pass  # The refusal may cut the sending short.
        if answer is not None:
            self.assertEqual(answer.status, 413)
        self.assertEqual(self.call("GET", "/echo").status, 200)

    def test_events_arrive_while_the_answer_goes_on(self):
        Backend.gate = threading.Event()
        with socket.create_connection(("127.0.0.1", self.server.ports["gateway"]["http"]), 30) as connection:
            connection.sendall(b"GET /p/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            received = b""
            while b"data: first" not in received:
                received += connection.recv(4096)
            self.assertNotIn(b"data: second", received)
            Backend.gate.set()
            while piece := connection.recv(4096):
                received += piece
        self.assertIn(b"data: second", received)

    def test_callers_that_vanish_harm_no_one(self):
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", self.server.ports["gateway"]["http"]), 30) as connection:
                connection.sendall(b"POST /p/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nsome")
        self.assertEqual(self.call("GET", "/echo").status, 200)

    def test_a_stop_lets_a_call_end(self):
        Backend.gate = threading.Event()
        with harness.Server() as server:
            server.make_instance()
            server.put("/apis/p", {"displayName": "P", "path": "p", "protocols": ["http"],
                                   "serviceUrl": f"http://127.0.0.1:{self.backend.server_address[1]}",
                                   "subscriptionRequired": False})
            server.put("/apis/p/operations/get", {"displayName": "g", "method": "GET", "urlTemplate": "/*",
                                                  "templateParameters": []})
            with socket.create_connection(("127.0.0.1", server.ports["gateway"]["http"]), 30) as connection:
                connection.sendall(b"GET /p/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
                received = b""
                while b"data: first" not in received:
                    received += connection.recv(4096)
                server.process.terminate()
                Backend.gate.set()
                while piece := connection.recv(4096):
                    received += piece
            self.assertIn(b"data: second", received)
            self.assertEqual(server.process.wait(60), 0)

    def test_pipelined_calls_are_answered_in_order(self):
        one = b"POST /p/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\n"
        received = self.server.raw("gateway", one + b"one" + one + b"two" +
                                   b"GET /p/echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        self.assertEqual(received.count(b"HTTP/1.1 200 OK"), 3)
        self.assertLess(received.index(b"\r\n\r\none"), received.index(b"\r\n\r\ntwo"))


if __name__ == "__main__":
    unittest.main()
