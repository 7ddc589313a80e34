"""forward-request with buffer-request-body: the body is there, whole, before the backend hears of the call."""

import os
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import harness
from http2_frames import DATA, END_HEADERS, END_STREAM, HEADERS, Peer, frame, request
from recorder import RecordingBackend, ThreadedBackend
from test_reload import make_api
from test_streams import Talker

MOST = 200_000


class OnceBackend(ThreadedBackend):
    """Answers the first request of each connection; closes inside the second."""

    def serve(self, connection):
        with connection:
            stream = connection.makefile("rb")
            for answer in (True, False):
                size = 0
                while (line := stream.readline()) not in (b"\r\n", b""):
                    if line.lower().startswith(b"content-length:"):
                        size = int(line.split(b":")[1])
                if not answer:
                    return
                stream.read(size)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


class Buffered(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.backend, cls.once = RecordingBackend(), OnceBackend()
        cls.server = harness.Server(flags=["--gateway.max_buffered_body", str(MOST)])
        cls.server.__enter__()
        cls.server.make_instance()
        cls.port = cls.server.ports["gateway"]["http"]
        for name, port, buffers in (("b", cls.backend.port, "true"), ("s", cls.backend.port, "false"),
                                    ("once", cls.once.port, "true")):
            make_api(cls.server, name, f"http://127.0.0.1:{port}")
            for verb in ("POST", "PUT"):
                cls.server.put(f"/apis/{name}/operations/{verb.lower()}", {
                    "displayName": verb, "method": verb, "urlTemplate": "/*", "templateParameters": []})
            cls.server.put(f"/apis/{name}/policies/policy", {"format": "rawxml", "value":
                           f"<policies><backend><forward-request buffer-request-body='{buffers}' /></backend>"
                           "</policies>"})

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()
        cls.backend.close()
        cls.once.close()

    def setUp(self):
        self.backend.seen.clear()

    def post(self, path, *fields):
        caller = Talker(self.port)
        caller.__enter__()
        self.addCleanup(caller.__exit__)
        caller.send("\r\n".join([f"POST {path} HTTP/1.1", "Host: localhost", *fields, "", ""]))
        return caller

    def test_the_backend_hears_nothing_of_a_body_that_is_still_to_come(self):
        # Both calls break off inside the body; the one that streams had reached the backend.
        for api, heard in (("s", "POST"), ("b", None)):
            with Peer(self.port) as peer:
                self.backend.seen.clear()
                peer.send(frame(HEADERS, END_HEADERS, 1, request(f"/{api}/talk", "POST")) + frame(DATA, 0, 1, b"half"))
                if heard:
                    self.assertEqual(peer.outcome(1), "200")
                # The twin comes behind it and ends.
                peer.send(frame(HEADERS, END_HEADERS | END_STREAM, 3, request("/s/echo")))
                self.assertEqual(peer.outcome(3), "200")
                self.assertEqual([one.method for one in self.backend.seen], [heard, "GET"] if heard else ["GET"])

    def test_it_gets_the_whole_with_its_length(self):
        caller = self.post("/b/echo", "Transfer-Encoding: chunked", "Expect: 100-continue")
        caller.until("100 Continue")
        caller.send("3\r\none\r\n")
        caller.send("3\r\ntwo\r\n0\r\n\r\n")
        caller.until("onetwo")
        head = self.backend.seen[0].head.lower()
        self.assertIn("content-length: 6\r\n", head)
        self.assertNotIn("transfer-encoding", head)
        self.assertNotIn("expect", head)

    def test_the_limit_holds_on_both_sides(self):
        for size, status in ((MOST, 200), (MOST + 1, 413)):
            for framing in ("length", "chunked"):
                self.backend.seen.clear()
                if framing == "length":
                    caller = self.post("/b/echo", f"Content-Length: {size}")
                    body = b"x" * size
                else:
                    caller = self.post("/b/echo", "Transfer-Encoding: chunked")
                    body = b"%x\r\n%s\r\n0\r\n\r\n" % (size, b"x" * size)
                threading.Thread(target=lambda c=caller, b=body: c.socket.sendall(b), daemon=True).start()
                self.assertIn(f" {status} ", caller.until("\r\n\r\n"))
                self.assertEqual(len(self.backend.seen), 1 if status == 200 else 0)

    def test_it_is_sent_again_when_a_kept_connection_turns_out_to_be_dead(self):
        body = b"x" * 150_000  # Larger than what comes in one piece.
        for _ in range(3):
            answer = self.server.call("gateway", "PUT", "/once/x", body=body)
            self.assertEqual(answer.status, 200)


if __name__ == "__main__":
    unittest.main()
