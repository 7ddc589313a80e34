"""People and their sessions on the real binary: who gets in, what a session opens, and what it does not."""

import json
import re
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from harness import BINARY, Server, clean_environment, run_mlgate

EMAIL, PASSWORD = "ann@example.org", "correct horse battery"
VERSION = "?api-version=2022-08-01"


def first_code(server):
    return re.search(r"/first-run#(\S+)", (server.data / "server.log").read_text()).group(1)


class Browser:
    """What a browser on one of our pages sends."""

    def __init__(self, server, scheme="http"):
        self.server, self.scheme = server, scheme
        self.origin = server.url("console", scheme)
        self.cookie = self.csrf = ""

    def call(self, method, path, body=None, **changed):
        headers = {"Cookie": self.cookie}
        if method != "GET":
            headers |= {"Origin": self.origin, "X-MLGate-Csrf": self.csrf}
        headers |= changed
        return self.server.call("console", method, path, body,
                                {name: value for name, value in headers.items() if value}, self.scheme)

    def enter(self, way, **body):
        answer = self.call("POST", "/console/api/" + way, body)
        if answer.status == 200:
            self.cookie = answer.headers["Set-Cookie"].split(";")[0]
            self.csrf = answer.json["csrf"]
        return answer


def administrator(server, scheme="http"):
    browser = Browser(server, scheme)
    answer = browser.enter("first-run", code=first_code(server), email=EMAIL, password=PASSWORD)
    assert answer.status == 200, answer
    return browser


class Sessions(unittest.TestCase):
    def test_a_session_opens_the_interfaces_of_its_origin(self):
        with Server() as server:
            guest = Browser(server)
            workspaces = "/api/workspaces"
            subscription = "/subscriptions/" + server.credentials["subscriptionId"]
            for path in (subscription + VERSION, workspaces, "/workspaces/" + server.credentials["workspaceId"] +
                         "/webservices"):
                self.assertEqual(guest.call("GET", path).status, 401, path)

            browser = administrator(server, "https")
            self.assertTrue(browser.cookie.startswith("__Host-"))
            self.assertEqual(browser.call("GET", subscription + VERSION).status, 200)
            found = browser.call("GET", workspaces).json
            self.assertEqual([one["WorkspaceId"] for one in found], [server.credentials["workspaceId"]])
            self.assertNotIn(server.credentials["workspaceToken"], json.dumps(found))
            workspace = found[0]["WorkspaceId"]
            self.assertEqual(browser.call("GET", f"/workspaces/{workspace}/webservices").json, [])
            made = browser.call("POST", f"/api/workspaces/{workspace}/experiments", {"Description": "x"})
            self.assertEqual(made.status, 200, made)
            # What is made by a session is there for programs.
            told = server.call("services", "GET", f"/api/workspaces/{workspace}/experiments",
                               headers={"x-ms-metaanalytics-authorizationtoken": server.credentials["workspaceToken"]})
            self.assertEqual(told.json[0]["Description"], "x")

    def test_what_does_not_come_from_our_page_changes_nothing(self):
        with Server() as server:
            browser = administrator(server)
            group = f"/subscriptions/{server.credentials['subscriptionId']}/resourceGroups/g{VERSION}"
            for changed in ({"X-MLGate-Csrf": ""}, {"X-MLGate-Csrf": "guess"}, {"Origin": ""},
                            {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Host": "evil.example"}):
                answer = browser.call("PUT", group, {"location": "local"}, **changed)
                self.assertEqual(answer.status, 401, (changed, answer))
            self.assertEqual(browser.call("GET", group).status, 404)
            self.assertIn(browser.call("PUT", group, {"location": "local"}).status, (200, 201))
            self.assertEqual(browser.call("GET", "/console/api/session", Host="evil.example").status, 421)

    def test_developers_manage_nothing(self):
        with Server() as server:
            administrator(server)
            added = subprocess.run([BINARY, "user", "add", "dev@example.org", *server.flags], input=PASSWORD + "\n",
                                   capture_output=True, text=True, env=clean_environment(), timeout=60)
            self.assertEqual(added.returncode, 0, added.stderr)
            self.assertEqual(run_mlgate("user", "list", *server.flags).stdout.splitlines(),
                             [EMAIL + "  administrator", "dev@example.org  developer"])
            developer = Browser(server)
            self.assertEqual(developer.enter("sign-in", email="dev@example.org", password=PASSWORD).status, 200)
            self.assertEqual(developer.call("GET", "/console/api/session").json["role"], "developer")
            for path in ("/subscriptions" + VERSION, "/api/workspaces",
                         f"/workspaces/{server.credentials['workspaceId']}/webservices"):
                self.assertEqual(developer.call("GET", path).status, 403, path)
            removed = run_mlgate("user", "remove", "dev@example.org", *server.flags)
            self.assertEqual(removed.returncode, 0, removed.stderr)
            self.assertFalse(developer.call("GET", "/console/api/session").json["signedIn"])
            refused = run_mlgate("user", "remove", EMAIL, *server.flags)
            self.assertEqual(refused.returncode, 1)
            self.assertIn("last administrator", refused.stderr)

    def test_a_session_outlives_a_restart_and_ends_with_sign_out(self):
        with Server() as server:
            browser = administrator(server)
            server.stop()
            (server.data / "server.log").write_text("")
            server.start()
            self.assertTrue(browser.call("GET", "/console/api/session").json["signedIn"])
            self.assertNotIn("first-run", (server.data / "server.log").read_text())
            self.assertEqual(browser.call("POST", "/console/api/sign-out").status, 204)
            self.assertFalse(browser.call("GET", "/console/api/session").json["signedIn"])

            link = run_mlgate("user", "link", *server.flags).stdout.strip()
            self.assertTrue(link.startswith(browser.origin + "/sign-in#"), link)
            ticket = link.split("#")[1]
            self.assertEqual(browser.enter("sign-in-link", link=ticket).status, 200)
            self.assertEqual(Browser(server).enter("sign-in-link", link=ticket).status, 401)

    def test_guesses_are_braked(self):
        with Server() as server:
            administrator(server)
            stranger = Browser(server)
            seen = [stranger.enter("sign-in", email=EMAIL, password=f"guess number {i}").status for i in range(7)]
            self.assertEqual(seen[:5], [401] * 5)
            self.assertIn(429, seen[5:])
            self.assertEqual(Browser(server).enter("first-run", code=first_code(server), email="b@example.org",
                                                   password=PASSWORD).status, 401)

    def test_no_secret_of_people_is_written_down(self):
        with Server() as server:
            browser = administrator(server)
            token = browser.cookie.split("=", 1)[1].split(".")[1]
            browser.call("GET", "/console/api/session")
            for file in server.data.rglob("*"):
                if not file.is_file() or file.name == "server.log":
                    continue
                for secret in (PASSWORD, token):
                    self.assertNotIn(secret.encode(), file.read_bytes(), file)

    def test_the_page_lets_no_foreign_script_in(self):
        with Server() as server:
            for path in ("/", "/studio/x", "/first-run"):
                page = server.call("console", "GET", path)
                self.assertEqual(page.status, 200)
                self.assertIn("script-src 'self';", page.headers["Content-Security-Policy"])
                self.assertEqual(page.headers["Cache-Control"], "no-cache")
            again = server.call("console", "GET", "/", headers={"If-None-Match": page.headers["ETag"]})
            self.assertEqual((again.status, again.body), (304, b""))
            script = re.search(r'src="(/ui/[^"]+\.js)"', page.text).group(1)
            packed = server.call("console", "GET", script, headers={"Accept-Encoding": "gzip, br"})
            self.assertEqual(packed.headers["Content-Encoding"], "br")
            self.assertIn("immutable", packed.headers["Cache-Control"])
            self.assertEqual(server.call("console", "GET", "/no-such-page").status, 404)

    def test_pages_of_others_can_neither_frame_the_console_nor_pose_as_it(self):
        with Server() as server:
            server.make_instance()
            browser = administrator(server)
            subscription = "/subscriptions/" + server.credentials["subscriptionId"] + VERSION
            paths = ("/", "/first-run", "/publisher/demoazureml/apis", "/developer", "/studio", "/account",
                     "/console/api/session", "/data-api/service/demoazureml/apis", subscription, "/api/workspaces")
            for path in paths:
                own = browser.call("GET", path)
                self.assertEqual(own.status, 200, (path, own))
                if own.headers["Content-Type"].startswith("text/html"):
                    self.assertIn("frame-ancestors 'none'", own.headers["Content-Security-Policy"], path)
                    self.assertEqual(own.headers["X-Frame-Options"], "DENY", path)
                # A name of somebody else's that leads here, even with the cookie.
                other = browser.call("GET", path, Host="rebound.example")
                self.assertIn(other.status, (401, 403, 421), (path, other))
                self.assertNotIn("csrf", other.text)

    def test_the_help_address_of_an_endpoint_leads_to_its_page(self):
        with Server() as server:
            for end in ("", "/score", "/jobs"):
                led = server.call("services", "GET", "/apihelp/workspaces/w1/webservices/s1/endpoints/e1" + end)
                self.assertEqual(led.status, 302, led)
                self.assertEqual(led.headers["Location"], server.url("console") + "/studio/w1/webservices/s1" + end)
            self.assertEqual(server.call("services", "GET", "/apihelp/workspaces/w1/webservices/s1/endpoints/e1/x")
                             .status, 404)


if __name__ == "__main__":
    unittest.main()
