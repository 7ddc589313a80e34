"""Who has no right to an answer is told so before his body is read."""

import socket
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from harness import Server

LARGE = 5_000_000


class Strangers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server().__enter__()
        cls.addClassCleanup(cls.server.__exit__, None, None, None)

    def answer_to_head(self, role, path, headers=(), method="POST"):
        """What comes back when only the head of a request with a large body is sent."""
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {LARGE}", *headers, "", ""]
        with socket.create_connection(("127.0.0.1", self.server.ports[role]["http"]), 30) as connection:
            connection.sendall("\r\n".join(lines).encode())
            return connection.recv(65536).decode()

    def test_management_without_a_token(self):
        answer = self.answer_to_head("console", "/subscriptions?api-version=2022-08-01")
        self.assertTrue(answer.startswith("HTTP/1.1 401 "), answer)
        self.assertIn("WWW-Authenticate: Bearer ", answer)
        self.assertIn('"AuthenticationFailed"', answer)
        self.assertIn("x-ms-request-id: ", answer)

    def test_management_with_a_wrong_token(self):
        answer = self.answer_to_head("console", "/subscriptions", ["Authorization: Bearer a.b.c"], "PUT")
        self.assertTrue(answer.startswith("HTTP/1.1 401 "), answer)

    def test_the_token_service_takes_small_bodies_only(self):
        answer = self.answer_to_head("console", f"/{self.server.credentials['tenantId']}/oauth2/v2.0/token")
        self.assertTrue(answer.startswith("HTTP/1.1 413 "), answer)

    def test_scoring_without_a_key(self):
        path = f"/workspaces/{'0' * 32}/services/{'1' * 32}/execute?api-version=2.0"
        answer = self.answer_to_head("services", path)
        self.assertTrue(answer.startswith("HTTP/1.1 401 Unauthorized"), answer)
        self.assertIn('"code":"ScoreRequestUnauthorized"', answer)

    def test_studio_and_web_service_management_without_a_token(self):
        answer = self.answer_to_head("services", f"/api/workspaces/{'0' * 32}/datasources")
        self.assertTrue(answer.startswith("HTTP/1.1 401 "), answer)
        answer = self.answer_to_head("services", f"/workspaces/{'0' * 32}/webservices/{'1' * 32}", method="PUT")
        self.assertTrue(answer.startswith("HTTP/1.1 401 "), answer)
        self.assertIn('"ManagementRequestUnauthorized"', answer)


if __name__ == "__main__":
    unittest.main()
