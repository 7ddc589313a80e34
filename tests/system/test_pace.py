"""How slow a caller may be: heads, bodies and answers that trickle are given up, pauses of a conversation are not."""

import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import harness
from http2_frames import (CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, RST_STREAM, WINDOW_UPDATE, Peer,
                          fields, frame, request)
from recorder import RecordingBackend
from test_reload import make_api
from test_streams import Talker

# Longer than a body may stay away, and than the rates wait, in the settings of these tests.
PAUSE_S = 2.5


class Pace(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.backend = RecordingBackend()
        cls.server = harness.Server(flags=["--limits.head_time", "1", "--limits.body_gap", "1", "--limits.rate_after",
                                           "1", "--limits.target_bytes", "300", "--limits.streams", "2"])
        cls.server.__enter__()
        cls.server.make_instance()
        make_api(cls.server, "p", f"http://127.0.0.1:{cls.backend.port}")
        cls.server.put("/apis/p/operations/post", {"displayName": "post", "method": "POST", "urlTemplate": "/*",
                                                   "templateParameters": []})
        cls.port = cls.server.ports["gateway"]["http"]

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()
        cls.backend.close()

    def post(self, framing):
        caller = Talker(self.port)
        caller.__enter__()
        self.addCleanup(caller.__exit__)
        caller.send(f"POST /p/echo HTTP/1.1\r\nHost: localhost\r\n{framing}\r\n\r\n")
        return caller

    def test_a_body_of_unknown_length_may_pause(self):
        caller = self.post("Transfer-Encoding: chunked")
        caller.send("3\r\none\r\n")
        time.sleep(PAUSE_S)
        caller.send("3\r\ntwo\r\n0\r\n\r\n")
        caller.until("200 OK")
        caller.until("onetwo")

    def test_a_body_of_known_length_may_not(self):
        caller = self.post("Content-Length: 1000")
        caller.send("one")
        caller.until("408 ")
        # Nor may it trickle.
        caller = self.post("Content-Length: 1000")
        began = time.monotonic()
        try:
            while time.monotonic() - began < 10:
                caller.send("x")
                time.sleep(0.2)
        except OSError:
            pass
        self.assertLess(time.monotonic() - began, 10)

    def test_pauses_over_http2(self):
        with Peer(self.port) as peer:
            peer.send(frame(HEADERS, END_HEADERS, 1, request("/p/echo", "POST")) + frame(DATA, 0, 1, b"one"))
            peer.send(frame(HEADERS, END_HEADERS, 3, request("/p/echo", "POST", more=[("content-length", "6")])) +
                      frame(DATA, 0, 3, b"one"))
            self.assertEqual(peer.outcome(3), "408")
            time.sleep(PAUSE_S)
            peer.send(frame(DATA, END_STREAM, 1, b"two"))
            self.assertEqual(peer.outcome(1), "200")
            self.assertEqual(peer.until(DATA, stream=1)[3], b"onetwo")

    def test_a_reader_that_sips_at_its_answer_is_cut_off(self):
        # One byte at a time is always something, and never enough.
        with Peer(self.port, settings=b"\0\4\0\0\0\x0a") as peer:
            peer.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, request("/p/big")))
            peer.socket.settimeout(0.2)
            began = time.monotonic()
            ended = None
            while ended is None and time.monotonic() - began < 20:
                peer.send(frame(WINDOW_UPDATE, 0, 1, b"\0\0\0\1"))
                try:
                    ended = peer.until(RST_STREAM)
                except TimeoutError:
                    pass
            self.assertIsNotNone(ended)
            self.assertGreater(time.monotonic() - began, 1)
        self.assertEqual(self.server.call("gateway", "GET", "/p/echo").status, 200)

    def test_a_head_that_trickles_over_http2_is_cut_off(self):
        with Peer(self.port) as peer:
            peer.send(frame(HEADERS, END_STREAM, 1, request("/p/echo")))
            peer.socket.settimeout(0.2)
            began, ended = time.monotonic(), None
            while ended is None and not peer.closed and time.monotonic() - began < 20:
                peer.send(frame(CONTINUATION, 0, 1, fields(("x", "y"))))
                try:
                    ended = peer.until(RST_STREAM, GOAWAY)
                except TimeoutError:
                    pass
            self.assertLess(time.monotonic() - began, 6)

    def test_the_limits_that_are_set_hold(self):
        self.assertEqual(self.server.call("gateway", "GET", "/p/" + "x" * 297).status, 200)
        self.assertEqual(self.server.call("gateway", "GET", "/p/" + "x" * 298).status, 414)
        with Peer(self.port) as peer:
            for stream in (1, 3, 5):
                peer.send(frame(HEADERS, END_HEADERS, stream, request("/p/echo", "POST")))
            self.assertEqual(peer.outcome(5), "RST REFUSED_STREAM")


if __name__ == "__main__":
    unittest.main()
