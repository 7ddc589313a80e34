"""Certificates: which one a name gets, new ones without a restart, and callers who show their own."""

import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import harness


def openssl(*arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


class Authority:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(exist_ok=True)
        self.certificate, self.key = self.folder / "authority.pem", self.folder / "authority.key"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-subj", "/CN=Test authority", "-keyout", self.key, "-out", self.certificate)

    def issue(self, target, *names):
        """target.pem and target.key for those names; the key is in place before the certificate."""
        target = Path(target)
        request, extension = self.folder / "request.pem", self.folder / "extension"
        extension.write_text("subjectAltName=" + ",".join(f"DNS:{n}" for n in names) + "\n")
        key, certificate = self.folder / "new.key", self.folder / "new.pem"
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
                f"/CN={names[0]}", "-keyout", key, "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial",
                "-days", "2", "-extfile", extension, "-out", certificate)
        os.replace(key, target.with_suffix(".key"))
        os.replace(certificate, target.with_suffix(".pem"))


class Tls(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="mlgate-tls-")
        self.addCleanup(self.folder.cleanup)
        self.authority = Authority(self.folder.name + "/ca")

    def shown(self, server, name, own=None, version=None):
        """The names in the certificate that a caller of `name` is shown, and what was agreed upon."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(server.data / "tls/ca.pem")
        context.load_verify_locations(self.authority.certificate)
        context.set_alpn_protocols(["h2", "http/1.1"])
        if own:
            context.load_cert_chain(own + ".pem", own + ".key")
        if version:
            context.maximum_version = version
        port = server.ports["gateway"]["https"]
        with socket.create_connection(("127.0.0.1", port), 30) as raw:
            with context.wrap_socket(raw, server_hostname=name) as connection:
                names = [value for _, value in connection.getpeercert()["subjectAltName"]]
                protocol, agreed = connection.version(), connection.selected_alpn_protocol()
                # TLS 1.3 tells a refused certificate only with the first read; others get the settings of HTTP/2.
                connection.settimeout(30)
                connection.recv(1)
                return names, protocol, agreed

    def await_shown(self, server, name, wanted):
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            if self.shown(server, name)[0] == wanted:
                return
        self.fail(f"{name} is never shown {wanted}")

    def test_each_name_gets_its_certificate_and_new_ones_need_no_restart(self):
        with harness.Server() as server:
            sites = server.data / "tls/sites"
            self.assertIn("localhost", self.shown(server, "api.example.test")[0])
            sites.mkdir()
            self.authority.issue(sites / "api", "api.example.test")
            self.authority.issue(sites / "wild", "*.wild.test", "wild.test")
            server.process.send_signal(signal.SIGHUP)
            self.await_shown(server, "api.example.test", ["api.example.test"])
            self.assertEqual(self.shown(server, "API.Example.Test")[0], ["api.example.test"])
            self.assertEqual(self.shown(server, "a.wild.test")[0], ["*.wild.test", "wild.test"])
            self.assertIn("localhost", self.shown(server, "a.b.wild.test")[0])
            self.assertIn("localhost", self.shown(server, "localhost")[0])
            # A change of the files is noticed without being told.
            self.authority.issue(sites / "api", "api.example.test", "more.example.test")
            self.await_shown(server, "more.example.test", ["api.example.test", "more.example.test"])
            # What cannot be read changes nothing.
            (sites / "api.pem").write_text("nonsense")
            server.process.send_signal(signal.SIGHUP)
            log = server.data / "server.log"
            deadline = time.monotonic() + 15
            while "stay as they were" not in log.read_text() and time.monotonic() < deadline:
                self.shown(server, "localhost")
            self.assertIn("api.pem", log.read_text())
            self.assertEqual(self.shown(server, "api.example.test")[0], ["api.example.test", "more.example.test"])

    def test_both_versions_and_both_protocols(self):
        with harness.Server() as server:
            for version, name in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
                _, agreed, protocol = self.shown(server, "localhost", version=version)
                self.assertEqual((agreed, protocol), (name, "h2"))

    def test_callers_are_asked_for_a_certificate_as_the_setting_says(self):
        own, stranger = self.folder.name + "/own", self.folder.name + "/stranger"
        self.authority.issue(own, "caller")
        Authority(self.folder.name + "/other").issue(stranger, "stranger")
        for mode, without in (("request", True), ("require", False)):
            flags = ["--tls.client_certificates", mode, "--tls.client_ca", str(self.authority.certificate)]
            with harness.Server(flags=flags) as server:
                self.assertIn("localhost", self.shown(server, "localhost", own)[0])
                with self.assertRaises(ssl.SSLError):
                    self.shown(server, "localhost", stranger)
                if without:
                    self.assertIn("localhost", self.shown(server, "localhost")[0])
                else:
                    with self.assertRaises(ssl.SSLError):
                        self.shown(server, "localhost")
                # Only the gateway asks.
                answer = server.call("console", "GET", "/metadata/endpoints?api-version=2022-09-01", scheme="https")
                self.assertEqual(answer.status, 200)

    def test_a_mode_without_authorities_is_refused_at_start(self):
        with harness.Server() as server:
            server.stop()
            done = harness.run_mlgate("serve", *server.flags, "--tls.client_certificates", "require")
            self.assertEqual(done.returncode, 1)
            self.assertIn("client certificates need", done.stderr)
            done = harness.run_mlgate("serve", *server.flags, "--tls.client_certificates", "maybe")
            self.assertEqual(done.returncode, 1)
            self.assertIn("tls.client_certificates", done.stderr)
            server.start()


if __name__ == "__main__":
    unittest.main()
