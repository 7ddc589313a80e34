"""A backend over https: one that our own CA vouches for is called, one that nobody vouches for is not."""

import http.server
import os
import ssl
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import harness


class Backend(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Quiet(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # Refused handshakes are what is tested.


def serve(certificate, key):
    server = Quiet(("127.0.0.1", 0), Backend)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class TlsBackend(unittest.TestCase):
    def managed(self, server, name, url):
        server.put(f"/apis/{name}", {"displayName": name, "path": name, "protocols": ["https"], "serviceUrl": url,
                                     "subscriptionRequired": False})
        server.put(f"/apis/{name}/operations/post", {"displayName": "post", "method": "POST", "urlTemplate": "/*"})
        return [server.call("gateway", "POST", f"/{name}/x", b"b" * size, scheme="https") for size in (3, 200_000)]

    def test_the_backend_has_to_prove_its_name(self):
        with harness.Server() as server, tempfile.TemporaryDirectory() as folder:
            server.make_instance()
            known = serve(server.data / "tls/server.pem", server.data / "tls/server.key")
            port = known.server_address[1]
            for answer, size in zip(self.managed(server, "known", f"https://localhost:{port}"), (3, 200_000)):
                self.assertEqual((answer.status, answer.body), (200, b"b" * size))
            # The same certificate under a name that it does not bear.
            for answer in self.managed(server, "misnamed", f"https://127.0.0.2:{port}"):
                self.assertEqual(answer.status, 500, answer)
            known.shutdown()
            known.server_close()

            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                            "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                            "-keyout", f"{folder}/key.pem", "-out", f"{folder}/own.pem"], check=True,
                           capture_output=True)
            stranger = serve(f"{folder}/own.pem", f"{folder}/key.pem")
            for answer in self.managed(server, "stranger", f"https://localhost:{stranger.server_address[1]}"):
                self.assertEqual(answer.status, 500, answer)
                self.assertNotIn(b"certificate", answer.body)
            stranger.shutdown()
            stranger.server_close()


if __name__ == "__main__":
    unittest.main()
