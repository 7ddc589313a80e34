"""The gateway's cap on request bodies, to a backend and to a service in process: what fits passes, one byte more is
refused in the gateway's words, and the connection is never in doubt afterwards."""

import os
import re
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import harness
from http2_frames import DATA, END_HEADERS, END_STREAM, HEADERS, Peer, frame, request
from recorder import RecordingBackend
from test_limits import open_api
from test_streams import Talker

LIMIT = 100_000  # More than fits into one block of input, so that bodies are met while they come, too.
TOO_LARGE = b'{ "statusCode": 413, "message": "Request body is too large." }'
PATHS = ("/open/x", "/near/x")


class BodyLimit(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.backend = RecordingBackend()
        cls.server = harness.Server(flags=["--gateway.max_request_body", str(LIMIT)])
        cls.server.__enter__()
        cls.key = open_api(cls.server, cls.backend.port)
        cls.server.put("/apis/near", {"displayName": "near", "path": "near", "protocols": ["http"],
                                      "serviceUrl": f"http://127.0.0.1:{cls.server.ports['services']['http']}/echo"})
        cls.server.put("/apis/near/operations/any", {
            "displayName": "any", "method": "POST", "urlTemplate": "/{*rest}",
            "templateParameters": [{"name": "rest", "type": "string"}]})
        cls.server.put("/products/unlimited/apis/near", {})

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()
        cls.backend.close()

    def setUp(self):
        self.backend.seen.clear()

    def talker(self):
        return Talker(self.server.ports["gateway"]["http"])

    def head(self, path, *fields):
        return "\r\n".join([f"POST {path} HTTP/1.1", "Host: localhost", f"Ocp-Apim-Subscription-Key: {self.key}",
                            *fields, "", ""]).encode()

    def answer(self, caller):
        """Status line, fields and body of the next answer."""
        head = caller.until("\r\n\r\n")
        size = int(re.search(r"(?i)\r\nContent-Length: (\d+)", head)[1])
        while len(caller.received) < size:
            piece = caller.socket.recv(65536)
            self.assertTrue(piece, "closed within an answer")
            caller.received += piece
        body, caller.received = caller.received[:size], caller.received[size:]
        return head.split("\r\n")[0], head, body

    def expect_refusal(self, caller):
        status, head, body = self.answer(caller)
        self.assertEqual((status, body), ("HTTP/1.1 413 Payload Too Large", TOO_LARGE))
        self.assertIn("\r\nContent-Type: application/json\r\n", head)
        return head

    def expect_next(self, caller, path):
        """The connection takes another call."""
        caller.send(self.head(path, "Content-Length: 4") + b"next")
        self.assertEqual(self.answer(caller)[::2], ("HTTP/1.1 200 OK", b"next"))

    def test_with_a_length(self):
        for path in PATHS:
            with self.subTest(path=path), self.talker() as caller:
                whole = b"a" * LIMIT
                caller.send(self.head(path, f"Content-Length: {LIMIT}") + whole)
                self.assertEqual(self.answer(caller)[::2], ("HTTP/1.1 200 OK", whole))
                self.expect_next(caller, path)
                caller.send(self.head(path, f"Content-Length: {LIMIT + 1}") + whole + b"a")
                self.assertIn("\r\nConnection: close\r\n", self.expect_refusal(caller))
                self.assertEqual(caller.rest(), b"")
        self.assertEqual([len(one.body) for one in self.backend.seen], [LIMIT, 4])

    def test_nothing_is_read_of_a_body_that_is_announced_too_large(self):
        for path in PATHS:
            for fields in (("Content-Length: 1000000000000",),
                           (f"Content-Length: {LIMIT + 1}", "Expect: 100-continue")):
                with self.subTest(path=path, fields=fields), self.talker() as caller:
                    caller.send(self.head(path, *fields))
                    self.assertIn("\r\nConnection: close\r\n", self.expect_refusal(caller))
                    # What follows is part of the body that was refused, whatever it looks like.
                    caller.send(self.head(path, "Content-Length: 0"))
                    self.assertEqual(caller.rest(), b"")
        self.assertEqual(self.backend.seen, [])

    def test_in_chunks(self):
        half = b"b" * (LIMIT // 2)
        chunk = b"%x\r\n%s\r\n" % (len(half), half)
        for path in PATHS:
            with self.subTest(path=path), self.talker() as caller:
                caller.send(self.head(path, "Transfer-Encoding: chunked") + chunk + chunk + b"0\r\n\r\n")
                self.assertEqual(self.answer(caller)[::2], ("HTTP/1.1 200 OK", half + half))
                self.expect_next(caller, path)
                caller.send(self.head(path, "Transfer-Encoding: chunked") + chunk + chunk + b"1\r\nb\r\n0\r\n\r\n")
                self.expect_refusal(caller)
                # The end of the body came with it, so the connection is good for more.
                self.expect_next(caller, path)
                caller.send(self.head(path, "Transfer-Encoding: chunked") + chunk + chunk + chunk)
                self.expect_refusal(caller)
        self.assertEqual([len(one.body) for one in self.backend.seen], [LIMIT, 4, 4],
                         "No body that is too large ends as a whole one.")

    def test_a_limit_holds_for_what_arrives_with_its_head(self):
        with harness.Server(flags=["--gateway.max_request_body", "10"]) as server:
            here, self.server, key = self.server, server, self.key
            self.key = open_api(server)
            try:
                with self.talker() as caller:
                    for good, fields, body in ((True, "Content-Length: 10", b"0123456789"),
                                               (False, "Content-Length: 11", b"0123456789a"),
                                               (True, "Transfer-Encoding: chunked", b"a\r\n0123456789\r\n0\r\n\r\n"),
                                               (False, "Transfer-Encoding: chunked", b"b\r\n0123456789a\r\n0\r\n\r\n")):
                        caller.send(self.head("/open/x", fields) + body)
                        if good:
                            self.assertEqual(self.answer(caller)[::2], ("HTTP/1.1 200 OK", b"0123456789"))
                        else:
                            self.assertNotIn("Connection: close", self.expect_refusal(caller))
                for pieces, status in (((b"0123456789",), "200"), ((b"01234", b"56789"), "200"),
                                       ((b"0123456789a",), "413"), ((b"01234", b"56789", b"a"), "413")):
                    with Peer(server.ports["gateway"]["http"]) as caller:
                        caller.send(frame(HEADERS, END_HEADERS, 1,
                                          request(f"/open/x?subscription-key={self.key}", "POST")) +
                                    b"".join(frame(DATA, 0, 1, piece) for piece in pieces[:-1]) +
                                    frame(DATA, END_STREAM, 1, pieces[-1]))
                        self.assertEqual(caller.outcome(), status, pieces)
            finally:
                self.server, self.key = here, key


if __name__ == "__main__":
    unittest.main()
