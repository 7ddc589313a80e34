"""Settings of the real program: default, file, environment, flag, in this order; wrong ones are named."""

import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import harness


def config(*words, environment=None):
    return subprocess.run([harness.BINARY, "config", *words], capture_output=True, text=True, timeout=60,
                          env={**harness.clean_environment(), **(environment or {})})


class Settings(unittest.TestCase):
    def test_later_sources_win(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write("gateway:\n  http_port: 9001\n  https_port: 9002\nconsole:\n  http_port: 9003\n")
            file.flush()
            shown = config("show", "--config", file.name, "--console.http_port", "9203", environment={
                "MLGATE_GATEWAY_HTTPS_PORT": "9102", "MLGATE_CONSOLE_HTTP_PORT": "9103"}).stdout
        for line in ("gateway:", "  http_port: 9001", "  https_port: 9102", "  http_port: 9203", "  https_port: 8444"):
            self.assertIn(line + "\n", shown)

    def test_an_unknown_key_is_named_with_its_source(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write("gateway:\n  port: 9001\n")
            file.flush()
            done = config("check", "--config", file.name)
            self.assertEqual(done.returncode, 1)
            self.assertIn("gateway.port", done.stderr)
            self.assertIn(file.name, done.stderr)
        self.assertNotEqual(config("check", "--gateway.port", "1").returncode, 0)
        done = config("check", environment={"MLGATE_WORKERS": "many"})
        self.assertEqual(done.returncode, 1)
        self.assertIn("MLGATE_WORKERS", done.stderr)


if __name__ == "__main__":
    unittest.main()
