"""The dashboard in Debian's chromium, over calls that are known."""

import subprocess
import unittest

from test_pages import HERE, ensure_packages, first_run_address, tools
from harness import Server


class TestDashboard(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        ensure_packages()

    def test_known_calls_by_mouse_and_keyboard(self):
        with Server() as server:
            server.make_instance()
            key = server.subscribe("mine", "unlimited")
            changed = server.arm("PATCH", "/apis/echo-api", {"properties": {"protocols": ["http", "https"]}},
                                 headers={"If-Match": "*"})
            self.assertIn(changed.status, (200, 204), changed)
            resource = "resource?param1=a"
            calls = [*3 * [(resource, key, 200)], *2 * [(resource, "no", 401)], ("nothing", key, 404)]
            for path, given, status in calls:
                answer = server.call("gateway", "GET", f"/echo/{path}", headers={"Ocp-Apim-Subscription-Key": given},
                                     scheme="https")
                self.assertEqual(answer.status, status)
            arguments = [first_run_address(server), server.url("gateway"), key]
            done = subprocess.run(["node", HERE / "dashboard.mjs", *arguments], capture_output=True, text=True,
                                  env=tools(), timeout=600)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
