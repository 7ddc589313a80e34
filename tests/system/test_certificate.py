"""The server certificate names the instances, also those that are made while the server runs."""

import socket
import ssl
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from harness import Server


class Certificate(unittest.TestCase):
    def names(self, server, host):
        """What the certificate names, as a client that verifies sees it."""
        address = ("127.0.0.1", server.ports["gateway"]["https"])
        with socket.create_connection(address, 30) as plain, \
                server.tls().wrap_socket(plain, server_hostname=host) as secure:
            return [name for kind, name in secure.getpeercert()["subjectAltName"] if kind == "DNS"]

    def test_a_new_instance_is_named_at_once_and_after_a_restart(self):
        with Server() as server:
            with self.assertRaises(ssl.SSLCertVerificationError):
                self.names(server, "first.localhost")
            with socket.create_connection(("127.0.0.1", server.ports["gateway"]["https"]), 30) as plain, \
                    server.tls().wrap_socket(plain, server_hostname="localhost") as early:
                server.make_instance("first")
                server.make_instance("second")
                self.assertIn("first.localhost", self.names(server, "first.localhost"))
                self.assertIn("second.localhost", self.names(server, "second.localhost"))
                self.assertIn("localhost", self.names(server, "localhost"))
                # A connection from before goes on.
                early.sendall(b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n")
                self.assertTrue(early.recv(100).startswith(b"HTTP/1.1 404 "))
            before = (server.data / "tls/server.pem").read_text()
            server.stop()
            server.start()
            self.assertIn("second.localhost", self.names(server, "second.localhost"))
            self.assertEqual((server.data / "tls/server.pem").read_text(), before)


if __name__ == "__main__":
    unittest.main()
