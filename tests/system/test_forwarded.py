"""A gateway behind proxies that it trusts, and one that compares paths with their case."""

import json
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import harness
from recorder import RecordingBackend
from test_reload import make_api, set_policy, wait_for

CALLER = {"X-Forwarded-For": "1.2.3.4, 198.51.100.7", "X-Forwarded-Proto": "https"}


class Forwarded(unittest.TestCase):
    def gateway(self, *flags):
        backend = RecordingBackend()
        self.addCleanup(backend.close)
        server = harness.Server(flags=list(flags))
        server.__enter__()
        self.addCleanup(server.__exit__)
        server.make_instance()
        make_api(server, "a", f"http://127.0.0.1:{backend.port}", protocols=["http", "https"])
        return server, backend

    def caller_in_log(self, server, path):
        log, found = server.data / "logs/access.log", []

        def look():
            found[:] = [line for line in map(json.loads, log.read_text().splitlines()) if path in line["url"]]
            return found
        wait_for(look, f"a line of {path}")
        return found[-1]["callerIpAddress"]

    def test_a_trusted_proxy_says_who_calls(self):
        server, backend = self.gateway("--gateway.trusted_proxies", "127.0.0.0/8,::1")
        make_api(server, "safe", f"http://127.0.0.1:{backend.port}", protocols=["https"])
        set_policy(server, "/apis/a", "<rate-limit-by-key calls='1' renewal-period='300' "
                                      "counter-key='@(context.Request.IpAddress)' />")
        self.assertEqual(server.call("gateway", "GET", "/a/x", headers=CALLER).status, 200)
        self.assertEqual(self.caller_in_log(server, "/a/x"), "198.51.100.7")
        # The backend learns of every hop.
        self.assertRegex(backend.seen[-1].head, r"(?i)x-forwarded-for: 1\.2\.3\.4, 198\.51\.100\.7, 127\.0\.0\.1\r\n")
        # A caller is himself whatever he writes in front, and another one is another.
        self.assertEqual(server.call("gateway", "GET", "/a/x", headers={
            **CALLER, "X-Forwarded-For": "5.6.7.8, 198.51.100.7"}).status, 429)
        self.assertEqual(server.call("gateway", "GET", "/a/x", headers={
            **CALLER, "X-Forwarded-For": "198.51.100.8"}).status, 200)
        # What came over TLS to the proxy came over TLS.
        self.assertEqual(server.call("gateway", "GET", "/safe/x").status, 404)
        self.assertEqual(server.call("gateway", "GET", "/safe/x", headers=CALLER).status, 200)

    def test_nobody_else_does(self):
        server, backend = self.gateway()
        make_api(server, "safe", f"http://127.0.0.1:{backend.port}", protocols=["https"])
        self.assertEqual(server.call("gateway", "GET", "/a/y", headers=CALLER).status, 200)
        self.assertEqual(self.caller_in_log(server, "/a/y"), "127.0.0.1")
        self.assertEqual(server.call("gateway", "GET", "/safe/x", headers=CALLER).status, 404)
        self.assertEqual(server.call("gateway", "GET", "/A/ECHO").status, 200)

    def test_paths_may_be_compared_with_their_case(self):
        server, _ = self.gateway("--gateway.path_case", "sensitive")
        self.assertEqual(server.call("gateway", "GET", "/a/echo").status, 200)
        self.assertEqual(server.call("gateway", "GET", "/A/echo").status, 404)

    def test_wrong_values_are_named(self):
        with harness.Server() as server:
            for flag, value, wanted in (("--gateway.path_case", "upper", "insensitive or sensitive"),
                                        ("--gateway.trusted_proxies", "10.0.0.0/99", "gateway.trusted_proxies")):
                done = subprocess.run([harness.BINARY, "serve", "--data", str(server.data), flag, value],
                                      capture_output=True, text=True, timeout=60, env=harness.clean_environment())
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(wanted, done.stderr)


if __name__ == "__main__":
    unittest.main()
