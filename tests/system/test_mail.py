"""Mails and accounts on the real binary and a real mail server: sign-up, reset, invitation, approval, and an outbox
that survives what happens to the program."""

import re
import signal
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parent))
from harness import Server, run_mlgate
from mail_sink import MailSink
from test_sessions import Browser, administrator

SERVICE, PASSWORD = "demoazureml", "correct horse battery"
LINK = re.compile(r"(https?://\S+?)/developer/(\w+)/([\w-]+)#(\S+)")


def mail_flags(sink, *more):
    return ["--mail.server", sink.url, "--mail.starttls", "never", "--mail.retry", "1", *more]


def sign_up(server, email, password=PASSWORD, **changed):
    body = {"service": SERVICE, "email": email, "password": password, "firstName": "Ann", "lastName": "Lee"}
    return Browser(server).call("POST", "/console/api/sign-up", body | changed)


def eventually(what, seconds=60):
    """The first true value that `what` gives."""
    until = time.monotonic() + seconds
    while True:
        value = what()
        if value or time.monotonic() > until:
            return value
        time.sleep(0.05)


def outbox(admin):
    return admin.call("GET", f"/console/api/mails?service={SERVICE}").json


class Mail(unittest.TestCase):
    def test_sign_up_confirm_sign_in_reset_and_close(self):
        with MailSink() as sink, Server(flags=mail_flags(sink)) as server:
            server.make_instance()
            admin = administrator(server)
            self.assertEqual(sign_up(server, "lee@example.org").status, 202)
            mail = sink.wait_for("lee@example.org")
            self.assertEqual(mail.sender, f"noreply@{SERVICE}.localhost")
            self.assertEqual(str(mail["From"]), f"Demo <noreply@{SERVICE}.localhost>")
            self.assertIn("Demo", mail["Subject"])
            address, service, page, ticket = LINK.search(mail.plain).groups()
            self.assertEqual((address, service, page), (server.url("console"), SERVICE, "confirm"))
            self.assertIn(f'href="{address}/developer/{SERVICE}/confirm#{ticket}"', mail.html)

            guest = Browser(server)
            refused = guest.enter("sign-in", email="lee@example.org", password=PASSWORD)
            self.assertEqual(refused.status, 401)
            self.assertIn("not confirmed", refused.text)
            confirmed = guest.call("POST", "/console/api/sign-up-confirm", {"ticket": ticket})
            self.assertEqual(confirmed.json, {"service": SERVICE, "email": "lee@example.org"})
            self.assertEqual(guest.call("POST", "/console/api/sign-up-confirm", {"ticket": ticket}).status, 401)
            self.assertIn("ready", sink.wait_for("lee@example.org").plain)
            users = {one["properties"]["email"]: one for one in server.arm("GET", "/users").json["value"]}
            self.assertEqual(users["lee@example.org"]["properties"]["state"], "active")
            self.assertEqual(users["lee@example.org"]["properties"]["firstName"], "Ann")

            ann = Browser(server)
            self.assertEqual(ann.enter("sign-in", email="lee@example.org", password=PASSWORD).status, 200)
            for path in (f"/console/api/mails?service={SERVICE}", "/console/api/mail?id=1"):
                self.assertEqual(ann.call("GET", path).status, 403)
            # The text of a delivered link is gone, the rest is listed.
            shown = {one["kind"]: one for one in outbox(admin)["value"]}
            self.assertEqual(shown["ConfirmSignUpIdentityDefault"]["state"], "sent")
            kept = admin.call("GET", "/console/api/mail?id=" + shown["ConfirmSignUpIdentityDefault"]["id"]).json
            self.assertEqual(kept["body"], "")

            self.assertEqual(Browser(server).call("POST", "/console/api/reset", {"service": SERVICE, "email":
                                                                              "Lee@example.org"}).status, 202)
            page, ticket = LINK.search(sink.wait_for("lee@example.org").plain).groups()[2:]
            self.assertEqual(page, "reset-password")
            for password, status in (("short", 400), ("another battery", 200), ("and once more", 401)):
                answer = guest.call("POST", "/console/api/reset-finish", {"ticket": ticket, "password": password})
                self.assertEqual(answer.status, status, answer)
            self.assertFalse(ann.call("GET", "/console/api/session").json["signedIn"], "sessions have ended")
            self.assertEqual(ann.enter("sign-in", email="lee@example.org", password=PASSWORD).status, 401)
            self.assertEqual(ann.enter("sign-in", email="lee@example.org", password="another battery").status, 200)

            changed = ann.call("POST", "/console/api/password", {"password": "wrong", "newPassword": PASSWORD})
            self.assertEqual((changed.status, changed.json["error"]["target"]), (400, "password"))
            before = ann.cookie
            changed = ann.call("POST", "/console/api/password",
                               {"password": "another battery", "newPassword": PASSWORD})
            self.assertEqual(changed.status, 200)
            self.assertFalse(ann.call("GET", "/console/api/session").json["signedIn"], "the session is a new one")
            ann.cookie, ann.csrf = changed.headers["Set-Cookie"].split(";")[0], changed.json["csrf"]
            self.assertNotEqual(ann.cookie, before)
            self.assertTrue(ann.call("GET", "/console/api/session").json["signedIn"])

            self.assertEqual(ann.call("POST", "/console/api/close-account", {"password": "wrong"}).status, 400)
            self.assertEqual(ann.call("POST", "/console/api/close-account", {"password": PASSWORD}).status, 204)
            self.assertIn("closed", sink.wait_for("lee@example.org").plain)
            self.assertIn("lee@example.org", sink.wait_for("admin@example.com").plain)
            self.assertEqual(ann.enter("sign-in", email="lee@example.org", password=PASSWORD).status, 401)
            self.assertEqual(len(server.arm("GET", "/users").json["value"]), 1)

    def test_what_strangers_learn_and_cause(self):
        with MailSink() as sink, Server(flags=mail_flags(sink)) as server:
            server.make_instance()
            administrator(server)
            self.assertEqual(sign_up(server, "lee@example.org").status, 202)
            ticket = LINK.search(sink.wait_for("lee@example.org").plain).group(4)
            guest = Browser(server)
            self.assertEqual(guest.call("POST", "/console/api/sign-up-confirm", {"ticket": ticket}).status, 200)
            sink.wait_for("lee@example.org")

            # The answers for a known and an unknown address are the same bytes.
            known, unknown = sign_up(server, "lee@example.org"), sign_up(server, "eve@example.org")
            self.assertEqual((known.status, known.body), (unknown.status, unknown.body))
            self.assertNotIn("confirm#", sink.wait_for("lee@example.org").plain)
            ask = {"service": SERVICE, "email": "nobody@example.org"}
            self.assertEqual(guest.call("POST", "/console/api/reset", ask).body,
                             guest.call("POST", "/console/api/reset", ask | {"email": "lee@example.org"}).body)
            # The administrator's account does not hang on a mailbox.
            guest.call("POST", "/console/api/reset", ask | {"email": "admin@example.com"})
            sink.wait_for("eve@example.org")
            sink.wait_for("lee@example.org")
            self.assertTrue(sink.mails.empty())

            # What a request says of hosts does not get into a mail.
            poisoned = Browser(server).call("POST", "/console/api/sign-up", {
                "service": SERVICE, "email": "bob@example.org", "password": PASSWORD, "firstName": "Bob",
                "lastName": "Lee"}, **{"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example",
                                       "X-Forwarded-Proto": "https"})
            self.assertEqual(poisoned.status, 202)
            mail = sink.wait_for("bob@example.org")
            self.assertNotIn("evil", mail.plain + mail.html)
            self.assertIn(server.url("console") + "/developer/", mail.plain)
            other = Browser(server)
            self.assertEqual(other.call("POST", "/console/api/sign-up", {}, Host="evil.example").status, 421)
            self.assertEqual(other.call("POST", "/console/api/sign-up", {}, Origin="http://evil.example").status, 403)

            # Names do not become markup, nor headers.
            hostile = sign_up(server, "mallory@example.org", firstName="<img src=x>", lastName="$OrganizationName")
            self.assertEqual(hostile.status, 202)
            mail = sink.wait_for("mallory@example.org")
            self.assertIn("&lt;img src=x&gt; $OrganizationName", mail.html)
            self.assertEqual(sign_up(server, "a@b.c\r\nBcc: x@y.z").status, 400)
            self.assertEqual(sign_up(server, "m2@example.org", firstName="A\r\nBcc: x@y.z").status, 400)
            self.assertEqual(sign_up(server, "x@example.org", service="none").status, 404)

            # An address is not flooded.
            statuses = [sign_up(server, "flood@example.org").status for _ in range(12)]
            self.assertEqual(statuses[0], 202)
            self.assertIn(429, statuses)
            for path, body in (("sign-up-confirm", {"ticket": "x" * 50}), ("reset-finish", {"ticket": "",
                               "password": PASSWORD}), ("invitation", {"ticket": "../x", "password": PASSWORD})):
                self.assertEqual(guest.call("POST", "/console/api/" + path, body).status, 401, path)

    def test_invitation_and_approval(self):
        with MailSink() as sink, Server(flags=mail_flags(sink)) as server:
            server.make_instance()
            administrator(server)
            made = server.arm("PUT", "/users/ann", {"properties": {
                "firstName": "Ann", "lastName": "Lee", "email": "lee@example.org", "confirmation": "invite"}})
            self.assertEqual((made.status, made.json["properties"]["state"]), (201, "pending"))
            page, ticket = LINK.search(sink.wait_for("lee@example.org").plain).groups()[2:]
            self.assertEqual(page, "invitation")
            ann = Browser(server)
            accepted = ann.call("POST", "/console/api/invitation", {"ticket": ticket, "password": PASSWORD})
            self.assertEqual(accepted.status, 200, accepted)
            self.assertEqual(ann.enter("sign-in", email="lee@example.org", password=PASSWORD).status, 200)
            self.assertEqual(server.arm("GET", "/users/ann").json["properties"]["state"], "active")
            self.assertEqual(server.arm("POST", "/users/ann/confirmations/password/send").status, 204)
            self.assertIn("reset-password#", sink.wait_for("lee@example.org").plain)

            def ask(name):
                server.put(f"/subscriptions/{name}", {"scope": "/products/unlimited", "displayName": name,
                                                      "ownerId": "/users/ann", "state": "submitted"},
                           query="&notify=true")
                self.assertIn("Unlimited", sink.wait_for("lee@example.org").plain)
                self.assertIn("lee@example.org", sink.wait_for("admin@example.com").plain)

            def decide(name, **properties):
                answer = server.arm("PATCH", f"/subscriptions/{name}", {"properties": properties},
                                    headers={"If-Match": "*"})
                self.assertEqual(answer.status, 200, answer)

            ask("one")
            decide("one", state="active")
            self.assertIn("is active", sink.wait_for("lee@example.org").plain)
            self.assertIn("new subscription", sink.wait_for("admin@example.com").plain)
            server.arm("PUT", "/templates/rejectDeveloperNotificationMessage",
                       {"properties": {"subject": "Nein: $ProdName"}}, headers={"If-Match": "*"})
            ask("two")
            decide("two", state="rejected", stateComment="no <budget>")
            refusal = sink.wait_for("lee@example.org")
            self.assertEqual(refusal["Subject"], "Nein: Unlimited")
            self.assertIn("no <budget>", refusal.plain)
            self.assertIn("no &lt;budget&gt;", refusal.html)
            self.assertTrue(sink.mails.empty())

    def test_nothing_is_lost_by_a_kill_and_what_is_refused_is_tried_again(self):
        addresses = [f"p{i}@example.org" for i in range(30)]
        with MailSink() as sink, Server(flags=mail_flags(sink)) as server:
            server.make_instance()
            admin = administrator(server)
            sink.busy.set()
            sink.refused.add("gone@example.org")
            for address in [*addresses, "gone@example.org"]:
                self.assertEqual(sign_up(server, address).status, 202)
            self.assertTrue(eventually(lambda: sink.attempts > 5), "it tries while the server is busy")
            server.stop(signal.SIGKILL)
            server.start()
            waiting = [one for one in outbox(admin)["value"] if one["state"] == "waiting"]
            self.assertEqual(len(waiting), 31)
            self.assertTrue(any("451" in one["error"] or "busy" in one["error"] or one["attempts"] > 0
                                for one in waiting))
            sink.busy.clear()
            arrived = {sink.next(120).to for _ in addresses}
            self.assertEqual(arrived, set(addresses))
            failed = eventually(lambda: [one for one in outbox(admin)["value"] if one["state"] == "failed"], 120)
            self.assertEqual([one["to"] for one in failed], ["gone@example.org"])
            sink.refused.clear()
            self.assertEqual(admin.call("POST", "/console/api/mail-retry", {"id": failed[0]["id"]}).status, 204)
            self.assertEqual(sink.next().to, "gone@example.org")

    def test_without_a_mail_server_mails_are_read(self):
        with Server() as server:
            server.make_instance()
            admin = administrator(server)
            facts = Browser(server).call("GET", f"/console/api/sign-up?service={SERVICE}")
            self.assertEqual(facts.json, {"service": SERVICE, "organization": "Demo", "mail": False})
            self.assertEqual(sign_up(server, "lee@example.org").status, 202)
            listed = outbox(admin)
            self.assertFalse(listed["delivers"])
            self.assertEqual([(one["to"], one["state"]) for one in listed["value"]], [("lee@example.org", "waiting")])
            text = admin.call("GET", "/console/api/mail?id=" + listed["value"][0]["id"]).json["body"]
            printed = run_mlgate("mail", "list", *server.flags).stdout
            self.assertIn("lee@example.org", printed)
            shown = run_mlgate("mail", "show", printed.split()[0], *server.flags).stdout
            ticket = LINK.search(shown).group(4)
            self.assertIn(ticket, text)
            # Neither the ticket nor the text lies in the store in the clear.
            for file in server.data.glob("store.db*"):
                self.assertNotIn(ticket.encode(), file.read_bytes())
            preview = {"template": "accountClosedDeveloper", "subject": "Bye $DevFirstName", "body": "#if ($X"}
            refused = admin.call("POST", "/console/api/mail-preview", preview)
            self.assertEqual((refused.status, refused.json["error"]["target"]), (400, "body"))
            made = admin.call("POST", "/console/api/mail-preview", preview | {"body": "<p>$DevLastName</p>"})
            self.assertEqual(made.json, {"subject": "Bye Developer first name", "body": "<p>Developer last name</p>"})

    def test_tls_and_sign_in(self):
        with Server() as first:
            certificate, key = first.data / "tls/server.pem", first.data / "tls/server.key"
            for implicit in (False, True):
                with self.subTest(implicit=implicit), \
                        MailSink(certificate, key, implicit, "mlgate", "s3cret") as sink, \
                        Server(flags=["--mail.server", sink.url, "--mail.user", "mlgate", "--mail.retry", "1",
                                      "--mail.ca", str(first.data / "tls/ca.pem")]) as server:
                    server.stop()
                    (server.data / "server.log").write_text("")
                    server.start(environment={"MLGATE_MAIL_PASSWORD": "s3cret"})
                    server.make_instance()
                    administrator(server)
                    self.assertEqual(sign_up(server, "lee@example.org").status, 202)
                    mail = sink.wait_for("lee@example.org")
                    self.assertTrue(mail.secure)
            # A server whose certificate nobody vouches for, and one without TLS, get nothing.
            for sink in (MailSink(certificate, key), MailSink()):
                with sink, Server(flags=["--mail.server", sink.url, "--mail.retry", "1"]) as server:
                    server.make_instance()
                    admin = administrator(server)
                    self.assertEqual(sign_up(server, "lee@example.org").status, 202)
                    failed = eventually(lambda: [one for one in outbox(admin)["value"] if one["error"]])
                    self.assertTrue(failed)
                    self.assertTrue(sink.mails.empty())
            first.stop()
            refused = run_mlgate("serve", *first.flags, "--mail.server", "smtp://localhost", "--mail.starttls",
                                 "offered", "--mail.user", "x")
            self.assertEqual(refused.returncode, 1)
            self.assertIn("mail.starttls", refused.stderr)


if __name__ == "__main__":
    unittest.main()
