"""Bodies that go both ways at once, expectations, hints, trailers and WebSockets through the gateway."""

import base64
import hashlib
import os
import socket
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import harness
from recorder import RecordingBackend, ThreadedBackend
from test_reload import set_policy

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
KEY = base64.b64encode(b"0123456789abcdef").decode()


def accept_of(key):
    return base64.b64encode(hashlib.sha1(key.encode() + GUID).digest()).decode()


class Talker:
    """An HTTP/1.1 client that sees bytes."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 30)
        self.received = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, text):
        self.socket.sendall(text if isinstance(text, bytes) else text.encode())

    def until(self, what):
        """Everything up to and with those bytes."""
        what = what if isinstance(what, bytes) else what.encode()
        while what not in self.received:
            piece = self.socket.recv(65536)
            if not piece:
                raise AssertionError(f"closed before {what!r}; came: {self.received[-300:]!r}")
            self.received += piece
        head, self.received = self.received[:self.received.index(what) + len(what)], self.received[
            self.received.index(what) + len(what):]
        return head.decode("latin-1")

    def rest(self):
        while piece := self.socket.recv(65536):
            self.received += piece
        return self.received


class SocketBackend(ThreadedBackend):
    """Accepts WebSockets, right or wrong by the path, and echoes bytes."""

    def __init__(self):
        self.heads = []
        super().__init__()

    def serve(self, connection):
        with connection:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                piece = connection.recv(1)
                if not piece:
                    return
                head += piece
            head = head.decode()
            self.heads.append(head)
            key = next((line.split(": ")[1] for line in head.split("\r\n") if line.lower().startswith(
                "sec-websocket-key")), "")
            accept = "wrong" if "/wrong" in head else accept_of(key)
            if "/plain" in head:
                connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
                return
            # The first bytes come right behind the handshake.
            connection.sendall((f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                f"Sec-WebSocket-Accept: {accept}\r\n\r\nhello").encode())
            while piece := connection.recv(65536):
                connection.sendall(piece)
                if piece.endswith(b"bye"):
                    return


class Streams(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.backend, cls.sockets = RecordingBackend(), SocketBackend()
        cls.server = harness.Server(flags=["--gateway.websocket_idle", "2"])
        cls.server.__enter__()
        cls.server.make_instance()
        cls.port = cls.server.ports["gateway"]["http"]
        for name, url, protocols, key in (
                ("p", f"http://127.0.0.1:{cls.backend.port}", ["http", "https"], False),
                ("locked", f"http://127.0.0.1:{cls.backend.port}", ["http"], True),
                ("ws", f"ws://127.0.0.1:{cls.sockets.port}", ["ws", "wss"], False),
                ("wslocked", f"ws://127.0.0.1:{cls.sockets.port}", ["ws"], True)):
            cls.server.put(f"/apis/{name}", {"displayName": name, "path": name, "protocols": protocols,
                                             "serviceUrl": url, "subscriptionRequired": key})
            for verb in ("GET", "POST"):
                cls.server.put(f"/apis/{name}/operations/{verb.lower()}", {
                    "displayName": verb, "method": verb, "urlTemplate": "/*", "templateParameters": []})

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()
        cls.backend.close()
        cls.sockets.close()

    def setUp(self):
        self.backend.seen.clear()
        self.backend.release.clear()
        self.backend.arrived.clear()
        self.backend.gone.clear()

    def tearDown(self):
        self.backend.release.set()
        self.assertEqual(self.server.call("gateway", "GET", "/p/echo").status, 200)

    def talk(self):
        return Talker(self.port)

    def head(self, method, path, *fields):
        return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *fields, "", ""])

    def test_an_early_answer_of_a_backend_that_stops_reading_comes_at_once(self):
        # The caller still sends when the answer comes, and a full pipe must not hold it back.
        with self.talk() as caller:
            caller.send(self.head("POST", "/p/refuse", "Content-Length: 1000000000"))
            caller.socket.settimeout(60)
            sent = threading.Event()

            def pour():
                try:
                    while not sent.is_set():
                        caller.socket.sendall(b"x" * 65536)
                except OSError:
                    pass
            thread = threading.Thread(target=pour, daemon=True)
            thread.start()
            began = time.monotonic()
            self.assertIn("413 Payload Too Large", caller.until("too much"))
            self.assertLess(time.monotonic() - began, 15, "It waited for the body, which has 30 s for its next byte.")
            sent.set()

    def test_a_backend_that_dies_while_the_body_comes_is_told_to_the_caller(self):
        with self.talk() as caller:
            caller.send(self.head("POST", "/p/die", "Content-Length: 100000") + "only the beginning")
            self.assertIn("500 Internal Server Error", caller.until("\r\n\r\n"))

    def test_both_sides_talk_in_turns(self):
        with self.talk() as caller:
            caller.send(self.head("POST", "/p/talk", "Transfer-Encoding: chunked"))
            caller.until("\r\n\r\n")
            for word in ("one", "two", "three"):
                caller.send(f"{len(word):x}\r\n{word}\r\n")
                caller.until("heard " + word)
            caller.send("0\r\n\r\n")
            caller.until("0\r\n\r\n")
            caller.send(self.head("GET", "/p/echo"))  # The connection goes on.
            caller.until("200 OK")

    def test_a_caller_that_leaves_while_its_answer_is_made_frees_the_backend(self):
        for body in ("", "some"):
            with self.subTest(body=body):
                self.backend.arrived.clear()
                self.backend.gone.clear()
                with self.talk() as caller:
                    caller.send(self.head("POST", "/p/wait", f"Content-Length: {len(body)}") + body)
                    self.assertTrue(self.backend.arrived.wait(20))
                self.assertTrue(self.backend.gone.wait(20), "The backend still works for nobody.")
        with self.subTest("gone with the last bytes of its body"):
            self.backend.arrived.clear()
            self.backend.gone.clear()
            with self.talk() as caller:
                caller.send(self.head("POST", "/p/wait", "Content-Length: 100000") + "x" * 99_999)
                caller.send("x")
            self.assertTrue(not self.backend.arrived.wait(1) or self.backend.gone.wait(20))
        self.backend.arrived.clear()
        self.backend.gone.clear()
        with socket.create_connection(("localhost", self.server.ports["gateway"]["https"]), 30) as plain:
            with self.server.tls().wrap_socket(plain, server_hostname="localhost") as caller:
                caller.sendall(self.head("GET", "/p/wait").encode())
                self.assertTrue(self.backend.arrived.wait(20))
        self.assertTrue(self.backend.gone.wait(20), "The backend still works for nobody.")

    def test_a_caller_that_leaves_inside_a_silent_stream_frees_the_backend(self):
        with self.talk() as caller:
            caller.send(self.head("GET", "/p/silent"))
            caller.until("first")
        self.assertTrue(self.backend.gone.wait(20), "The backend still works for nobody.")

    def test_a_caller_that_ends_its_side_behind_several_requests_gets_its_answers(self):
        with self.talk() as caller:
            caller.send(self.head("GET", "/p/wait") + self.head("GET", "/p/echo"))
            self.assertTrue(self.backend.arrived.wait(20))
            caller.socket.shutdown(socket.SHUT_WR)
            self.backend.release.set()
            caller.until("200 OK")

    def test_trailers_both_ways(self):
        with self.talk() as caller:
            caller.send(self.head("POST", "/p/trailers", "Transfer-Encoding: chunked", "TE: trailers",
                                  "Connection: TE") + "3\r\nabc\r\n0\r\nX-Sum: 7\r\nContent-Length: 3\r\n\r\n")
            answer = caller.until("X-End: yes\r\n\r\n")
            self.assertNotIn("Content-Length", answer)
        self.assertEqual(self.backend.seen[0].trailers, "X-Sum: 7\r\n")

    def test_a_caller_that_did_not_ask_gets_no_trailers(self):
        with self.talk() as caller:
            caller.send(self.head("GET", "/p/trailers"))
            self.assertNotIn("X-End: yes", caller.until("0\r\n\r\n"))

    def test_hints_pass(self):
        with self.talk() as caller:
            caller.send(self.head("GET", "/p/hint"))
            self.assertEqual(caller.until("\r\n\r\n"), "HTTP/1.1 103 Early Hints\r\nLink: </style>\r\n\r\n")
            self.assertIn("200 OK", caller.until("\r\n\r\n"))

    def test_an_expectation_is_the_backends_to_meet(self):
        with self.talk() as caller:
            caller.send(self.head("POST", "/p/echo", "Expect: 100-continue", "Content-Length: 4"))
            self.assertEqual(caller.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n")
            caller.send("body")
            caller.until("\r\n\r\nbody")
        self.assertIn("Expect: 100-continue\r\n", self.backend.seen[0].head)

    def test_a_backend_that_refuses_the_expectation_never_gets_the_body(self):
        with self.talk() as caller:
            caller.send(self.head("POST", "/p/unwanted", "Expect: 100-continue", "Content-Length: 4"))
            self.assertTrue(caller.until("\r\n\r\nno").startswith("HTTP/1.1 403 Forbidden"))

    def test_a_backend_that_knows_no_expectations_gets_the_body_soon(self):
        with self.talk() as caller:
            caller.send(self.head("POST", "/p/ignorant", "Expect: 100-continue", "Content-Length: 4"))
            caller.until("HTTP/1.1 100 Continue\r\n\r\n")
            caller.send("body")
            caller.until("\r\n\r\nbody")

    def test_a_call_that_is_refused_is_never_asked_for_its_body(self):
        with self.talk() as caller:
            caller.send(self.head("POST", "/locked/echo", "Expect: 100-continue", "Content-Length: 4"))
            self.assertTrue(caller.rest().startswith(b"HTTP/1.1 401 Access Denied"))
        self.assertEqual(self.backend.seen, [])

    def test_a_body_that_breaks_off_reaches_nobody_as_whole(self):
        with self.talk() as caller:
            caller.send(self.head("POST", "/p/echo", "Transfer-Encoding: chunked") + "5\r\nabcde\r\nxyz\r\n")
            self.assertIn(b"400 Bad Request", caller.rest())
        self.assertEqual(self.backend.seen, [])

    # WebSocket -------------------------------------------------------------------------------------------------

    def open(self, path, *fields, key=KEY, version="13"):
        return self.head("GET", path, "Connection: keep-alive, Upgrade", "Upgrade: websocket",
                         f"Sec-WebSocket-Version: {version}", f"Sec-WebSocket-Key: {key}", *fields)

    def test_a_websocket_passes_bytes_both_ways(self):
        with self.talk() as caller:
            caller.send(self.open("/ws/chat", "Sec-WebSocket-Extensions: permessage-deflate"))
            answer = caller.until("\r\n\r\n")
            self.assertIn("101 Switching Protocols", answer)
            self.assertIn(f"Sec-WebSocket-Accept: {accept_of(KEY)}\r\n", answer)
            self.assertEqual(answer.lower().count("\r\nupgrade:"), 1)
            caller.until("hello")
            caller.send(b"\x81\x03abc")
            caller.until(b"\x81\x03abc")
            payload = os.urandom(3_000_000)
            threading.Thread(target=caller.socket.sendall, args=(payload + b"bye",), daemon=True).start()
            self.assertEqual(caller.rest(), payload + b"bye")
        self.assertIn("permessage-deflate", self.sockets.heads[-1])

    def test_a_silent_websocket_is_closed(self):
        with self.talk() as caller:
            caller.send(self.open("/ws/chat"))
            caller.until("hello")
            began = time.monotonic()
            self.assertEqual(caller.rest(), b"")
            self.assertGreater(time.monotonic() - began, 1.5)

    def test_a_caller_that_leaves_frees_the_backend(self):
        with self.talk() as caller:
            caller.send(self.open("/ws/chat"))
            caller.until("hello")
        self.assertEqual(self.server.call("gateway", "GET", "/p/echo").status, 200)

    def test_handshakes_that_are_wrong_are_refused_before_the_backend(self):
        before = len(self.sockets.heads)
        wrong = {
            "a key of another size": (self.open("/ws/x", key="YWJj"), "400"),
            "a key that is no base64": (self.open("/ws/x", key="!" * 24), "400"),
            "another version": (self.open("/ws/x", version="8"), "426"),
            "two keys": (self.open("/ws/x", f"Sec-WebSocket-Key: {KEY}"), "400"),
            "a body": (self.open("/ws/x", "Content-Length: 3") + "abc", "400"),
            "no key of a subscription": (self.open("/wslocked/x"), "401"),
            "an API that knows no WebSocket": (self.open("/p/echo"), "404"),
        }
        for name, (message, status) in wrong.items():
            with self.subTest(name), self.talk() as caller:
                caller.send(message)
                answer = caller.until("\r\n\r\n")
                self.assertTrue(answer.startswith(f"HTTP/1.1 {status} "), answer)
                if status == "426":
                    self.assertIn("Sec-WebSocket-Version: 13", answer)
        self.assertEqual(len(self.sockets.heads), before)

    def test_a_backend_that_did_not_understand_is_not_joined(self):
        with self.talk() as caller:
            caller.send(self.open("/ws/wrong"))
            self.assertIn("500 Internal Server Error", caller.until("\r\n\r\n"))

    def test_a_refusal_of_the_backend_passes(self):
        with self.talk() as caller:
            caller.send(self.open("/ws/plain"))
            self.assertIn("403 Forbidden", caller.until("no"))


    def test_policies_of_a_websocket_api_see_its_handshake(self):
        self.server.put("/apis/chat", {"displayName": "chat", "path": "chat", "type": "websocket",
                                       "protocols": ["ws"], "serviceUrl": f"ws://127.0.0.1:{self.sockets.port}",
                                       "subscriptionRequired": False})
        owner = "/apis/chat/operations/onHandshake"
        set_policy(self.server, owner, "<set-header name='X-Seen'><value>yes</value></set-header>")
        with self.talk() as caller:
            caller.send(self.open("/chat/room/1?a=b"))
            caller.until("hello")
        self.assertIn("GET /room/1?a=b ", self.sockets.heads[-1])
        self.assertIn("X-Seen: yes\r\n", self.sockets.heads[-1])
        set_policy(self.server, owner, "<return-response><set-status code='403' reason='No' /></return-response>")
        with self.talk() as caller:
            caller.send(self.open("/chat/room/1"))
            self.assertIn("403 No", caller.until("\r\n\r\n"))
        # Whoever wants no WebSocket finds nothing there.
        self.assertEqual(self.server.call("gateway", "GET", "/chat/room/1").status, 404)


if __name__ == "__main__":
    unittest.main()
