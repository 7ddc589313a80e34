"""Backends that fail: what the caller gets, what on-error and the log say, and when a breaker opens."""

import json
import os
import socket
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import harness
import recorder
from test_reload import make_api, set_policy, wait_for


class OnceBackend(recorder.ThreadedBackend):
    """Answers the first request of each connection with its number; closes at the second without an answer."""

    def __init__(self):
        self.served, self.together = 0, threading.Barrier(1)
        super().__init__()

    def serve(self, connection):
        with connection:
            stream = connection.makefile("rb")
            for answer in (True, False):
                while (line := stream.readline()) not in (b"\r\n", b""):
                    pass
                if not answer or line == b"":
                    return
                self.served += 1
                self.together.wait(60)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


class Failures(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.backend = recorder.RecordingBackend()
        cls.server = harness.Server(flags=["--gateway.backend_timeout", "2", "--gateway.connect_timeout", "1"])
        cls.server.__enter__()
        cls.server.make_instance()
        make_api(cls.server, "a", f"http://127.0.0.1:{cls.backend.port}")

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()
        cls.backend.close()

    def get(self, path):
        return self.server.call("gateway", "GET", path)

    def log_line(self, path):
        log = self.server.data / "logs/access.log"
        found = []

        def look():
            found[:] = [line for line in map(json.loads, log.read_text().splitlines()) if path in line["url"]]
            return found
        wait_for(look, f"a line of {path}")
        return found[-1]

    def test_a_head_that_does_not_come_is_given_up_after_the_gateways_time(self):
        began = time.monotonic()
        answer = self.get("/a/stall")
        self.assertEqual(answer.status, 500)
        self.assertGreaterEqual(time.monotonic() - began, 1.9)
        error = self.log_line("/a/stall")["lastError"]
        self.assertEqual((error["source"], error["reason"], error["message"]),
                         ("forward-request", "Timeout", "The response of the backend was not received in time."))

    def test_forward_request_may_name_a_shorter_time(self):
        make_api(self.server, "short", f"http://127.0.0.1:{self.backend.port}")
        self.server.put("/apis/short/policies/policy", {"format": "rawxml", "value":
                        "<policies><backend><forward-request timeout-ms='50' /></backend></policies>"})
        self.assertEqual(self.get("/short/stall").status, 500)
        self.assertLess(self.log_line("/short/stall")["totalTime"], 1900)

    def test_the_log_says_why_no_connection_was_made(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            free = taken.getsockname()[1]
        for name, url, message in (("refused", f"http://127.0.0.1:{free}", f"Error connecting to 127.0.0.1:{free}"),
                                   ("unknown", "http://no-such-name.invalid", "the name no-such-name.invalid"),
                                   ("plain", f"https://127.0.0.1:{self.backend.port}", "TLS handshake ")):
            make_api(self.server, name, url)
            self.assertEqual(self.get(f"/{name}/x").status, 500)
            error = self.log_line(f"/{name}/x")["lastError"]
            self.assertEqual(error["reason"], "BackendConnectionFailure")
            self.assertIn(message, error["message"])

    def test_the_log_names_the_backend_entity(self):
        self.server.put("/backends/first", {"url": f"http://127.0.0.1:{self.backend.port}", "protocol": "http"})
        make_api(self.server, "named", "http://127.0.0.1:1")
        set_policy(self.server, "/apis/named", "<set-backend-service backend-id='first' />")
        self.assertEqual(self.get("/named/x").status, 200)
        self.assertEqual(self.log_line("/named/x")["backendId"], "first")
        self.assertEqual(self.get("/a/unnamed").status, 200)
        self.assertNotIn("backendId", self.log_line("/a/unnamed"))

    def test_a_breaker_counts_its_time_from_the_failure(self):
        self.server.put("/backends/slow", {
            "url": f"http://127.0.0.1:{self.backend.port}", "protocol": "http", "circuitBreaker": {"rules": [{
                "name": "r", "tripDuration": "PT1S",
                "failureCondition": {"count": 1, "interval": "PT1M", "errorReasons": ["timeout"]}}]}})
        make_api(self.server, "slow", "http://127.0.0.1:1")
        set_policy(self.server, "/apis/slow", "<set-backend-service backend-id='slow' />")
        # The call takes twice as long as the breaker stays open.
        self.assertEqual(self.get("/slow/stall").status, 500)
        self.assertEqual(self.get("/slow/x").status, 503)

    def test_a_call_that_may_be_repeated_ends_up_on_a_new_connection(self):
        backend = OnceBackend()
        make_api(self.server, "once", f"http://127.0.0.1:{backend.port}")
        # As many kept connections as there are calls at a time.
        backend.together = threading.Barrier(12)
        answers = []
        callers = [threading.Thread(target=lambda: answers.append(self.get("/once/x").status)) for _ in range(12)]
        for one in callers:
            one.start()
        for one in callers:
            one.join()
        self.assertEqual(answers, [200] * 12)
        backend.together = threading.Barrier(1)
        self.assertEqual(self.get("/once/x").status, 200)
        backend.close()

    def test_failures_may_be_told_as_http_does(self):
        with harness.Server(flags=["--gateway.backend_failure_status", "http",
                                   "--gateway.backend_timeout", "1"]) as server:
            server.make_instance()
            make_api(server, "a", f"http://127.0.0.1:{self.backend.port}")
            make_api(server, "b", "http://127.0.0.1:1")
            answer = server.call("gateway", "GET", "/a/stall")
            self.assertEqual((answer.status, answer.reason), (504, "Gateway Timeout"))
            answer = server.call("gateway", "GET", "/b/x")
            self.assertEqual((answer.status, answer.reason), (502, "Bad Gateway"))

    def test_connections_to_an_address_are_capped(self):
        with harness.Server(flags=["--gateway.backend_connections", "1"]) as server:
            server.make_instance()
            make_api(server, "a", f"http://127.0.0.1:{self.backend.port}")
            seen = len(self.backend.seen)
            waiting = threading.Thread(target=lambda: server.call("gateway", "GET", "/a/stall"))
            waiting.start()
            wait_for(lambda: len(self.backend.seen) > seen, "the first call is at the backend")
            answer = server.call("gateway", "GET", "/a/x")
            self.assertEqual((answer.status, answer.reason), (429, "Too Many Requests"))
            self.backend.release.set()
            waiting.join()
            self.backend.release.clear()
            self.assertEqual(server.call("gateway", "GET", "/a/x").status, 200)


if __name__ == "__main__":
    unittest.main()
