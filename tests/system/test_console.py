"""Who reaches the console how: in clear text on this machine only, and as its owner without a token."""

import http.client
import os
import signal
import socket
import stat
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from harness import Server, run_mlgate

VERSION = "?api-version=2022-08-01"


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=30)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


class Console(unittest.TestCase):
    def test_off_this_machine_clear_text_leads_to_tls(self):
        with Server(flags=["--bind", "0.0.0.0"]) as server:
            secure = server.ports["console"]["https"]
            for method, path in (("GET", "/subscriptions?api-version=1&a=%2f"), ("POST", "/common/oauth2/token")):
                answer = server.call("console", method, path, b"x" if method == "POST" else None)
                self.assertEqual(answer.status, 308, answer)
                self.assertEqual(answer.headers["Location"], f"https://localhost:{secure}{path}")
                self.assertEqual(answer.body, b"")
            named = server.raw("console", b"GET /x HTTP/1.1\r\nHost: [::1]:99\r\nConnection: close\r\n\r\n")
            self.assertIn(f"Location: https://[::1]:{secure}/x\r\n".encode(), named)
            self.assertEqual(server.call("console", "GET", "/metadata/endpoints?api-version=2020-06-01",
                                         scheme="https").status, 200)
            # The other roles keep their clear-text listeners.
            self.assertEqual(server.call("gateway", "GET", "/nothing").status, 404)
            tutorial = run_mlgate("tutorial", *server.flags)
            self.assertEqual(tutorial.returncode, 0, tutorial.stdout + tutorial.stderr)

    def test_the_owner_of_the_data_folder_needs_no_token(self):
        with Server() as server:
            path = server.data / "run/admin.sock"
            self.assertTrue(stat.S_ISSOCK(os.stat(path).st_mode))
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
            connection = UnixConnection(path)
            group = f"/subscriptions/{server.credentials['subscriptionId']}/resourceGroups/mine{VERSION}"
            for method, body, status in (("PUT", '{"location":"local"}', 201), ("GET", None, 200)):
                connection.request(method, group, body)
                answer = connection.getresponse()
                self.assertEqual(answer.status, status, answer.read())
                answer.read()
            connection.close()
            # The same without the socket is refused.
            self.assertEqual(server.call("console", "GET", group).status, 401)
            # What a killed server left there is no obstacle.
            server.stop(signal.SIGKILL)
            server.start()
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
            server.stop()
            self.assertFalse(path.exists())


if __name__ == "__main__":
    unittest.main()
