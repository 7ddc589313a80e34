"""Changes under load, a store that is away, and backends that come and go: callers notice nothing. MLGATE_PUBLISHES
says how many changes (100 in an ordinary run), MLGATE_AWAY how many seconds the store is away (2)."""

import base64
import http.client
import http.server
import os
import signal
import sqlite3
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import harness

PUBLISHES = int(os.environ.get("MLGATE_PUBLISHES", "100"))
AWAY_SECONDS = float(os.environ.get("MLGATE_AWAY", "2"))


class Backend:
    """A small HTTP server that answers its name, over TLS with `context`."""

    def __init__(self, name, context=None, port=0):
        connections = self.connections = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                super().setup()
                connections.append(self.connection)

            def do_GET(self):
                body = name.encode()
                if self.path.endswith("/peer"):
                    body = str(self.connection.getpeercert().get("subject")).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        for connection in self.connections:  # Those that are kept would go on.
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # Closed already.


class Load:
    """Threads that call one path on connections of their own until told to stop."""

    def __init__(self, server, path, expected, threads=4):
        self.server, self.path, self.expected = server, path, expected
        self.count, self.wrong, self.ended = 0, [], threading.Event()
        self.threads = [threading.Thread(target=self.run) for _ in range(threads)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        for thread in self.threads:
            thread.join()

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.ports["gateway"]["http"], timeout=20)
        while not self.ended.is_set():
            try:
                connection.request("GET", self.path, headers={"Host": "localhost"})
                answer = connection.getresponse()
                body = answer.read()
            except OSError as error:
                self.wrong.append(repr(error))
                return
            if (answer.status, body) != self.expected:
                self.wrong.append((answer.status, body))
            self.count += 1
        connection.close()


def make_api(server, name, url, **more):
    server.put(f"/apis/{name}", {"displayName": name, "path": name, "protocols": ["http"], "serviceUrl": url,
                                 "subscriptionRequired": False, **more})
    server.put(f"/apis/{name}/operations/any", {"displayName": "any", "method": "GET", "urlTemplate": "/*",
                                               "templateParameters": []})


def set_policy(server, owner, inbound):
    server.put(f"{owner}/policies/policy", {"format": "rawxml", "value":
               f"<policies><inbound>{inbound}<base /></inbound></policies>"})


def wait_for(condition, what, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"never happened: {what}")
        time.sleep(0.02)


def take_store_away(data):
    away = data / "away"
    away.mkdir()
    for file in data.glob("store.db*"):
        file.rename(away / file.name)
    return away


class Reload(unittest.TestCase):
    def get(self, server, path, headers=None):
        return server.call("gateway", "GET", path, headers=headers)

    def test_changes_under_load(self):
        backend = Backend("steady")
        with harness.Server() as server:
            server.make_instance()
            make_api(server, "a", f"http://127.0.0.1:{backend.port}")
            with Load(server, "/a/x", (200, b"steady")) as load:
                wait_for(lambda: load.count > 20, "first calls")
                begun = time.monotonic()
                for turn in range(PUBLISHES):
                    kind = turn % 4
                    if kind == 0:
                        set_policy(server, "/apis/a", f"<set-header name='X-Turn'><value>{turn}</value></set-header>")
                    elif kind == 1:
                        server.put(f"/subscriptions/s{turn}", {"scope": "/apis", "displayName": "s", "state": "active"})
                    elif kind == 2:
                        make_api(server, f"b{turn}", "http://127.0.0.1:1")
                    else:
                        refused = server.arm("PUT", "/apis/a/policies/policy", {"properties": {
                            "format": "rawxml", "value": "<policies><inbound><rate-limit /></inbound></policies>"}})
                        self.assertEqual(refused.status, 400)
                enough = load.count + 200
                wait_for(lambda: load.count > enough, "calls go on")
                print(f"{PUBLISHES} changes in {time.monotonic() - begun:.1f} s, {load.count} calls meanwhile")
            self.assertEqual(load.wrong, [])
        backend.stop()

    def test_quotas_survive_a_kill(self):
        backend = Backend("b")
        with harness.Server() as server:
            server.make_instance()
            make_api(server, "a", f"http://127.0.0.1:{backend.port}")
            server.put("/products/p", {"displayName": "p", "subscriptionRequired": True, "state": "published"})
            server.arm("PUT", "/products/p/apis/a")
            set_policy(server, "/products/p", "<quota calls='15' renewal-period='604800' />")
            set_policy(server, "/apis/a", "<quota-by-key calls='12' renewal-period='0' counter-key='all' />")
            key = {"Ocp-Apim-Subscription-Key": server.subscribe("one", "p")}
            for _ in range(10):
                self.assertEqual(self.get(server, "/a/x", key).status, 200)

            def kept():
                return server.kept_quotas().count(10) >= 2

            wait_for(kept, "the quotas are in the store")
            server.stop(signal.SIGKILL)
            server.start()
            self.assertEqual([self.get(server, "/a/x", key).status for _ in range(3)], [200, 200, 403])
            server.arm("DELETE", "/apis/a/policies/policy")
            self.assertEqual([self.get(server, "/a/x", key).status for _ in range(4)], [200, 200, 200, 403])
        backend.stop()

    def test_a_store_that_does_not_answer_is_not_noticed(self):
        backend = Backend("here")
        with harness.Server() as server:
            server.make_instance()
            make_api(server, "a", f"http://127.0.0.1:{backend.port}")
            set_policy(server, "/apis/a", "<quota-by-key calls='1000000' renewal-period='0' counter-key='k' />")
            with Load(server, "/a/x", (200, b"here")) as load:
                with sqlite3.connect(server.data / "store.db", isolation_level=None) as store:
                    store.execute("BEGIN EXCLUSIVE")
                    time.sleep(AWAY_SECONDS)  # The store is away for that long; nothing is awaited.
                    before = load.count
                    wait_for(lambda: load.count > before + 20, "calls go on")
                    store.execute("ROLLBACK")
            self.assertEqual(load.wrong, [])
            server.put("/apis/a", {"displayName": "a", "path": "b", "protocols": ["http"],
                                   "serviceUrl": f"http://127.0.0.1:{backend.port}", "subscriptionRequired": False})
            self.assertEqual(self.get(server, "/b/x").status, 200)
        backend.stop()

    def test_a_gateway_starts_without_the_store(self):
        backend = Backend("kept")
        with harness.Server() as server:
            server.make_instance()
            make_api(server, "a", f"http://127.0.0.1:{backend.port}")
            self.assertEqual(self.get(server, "/a/x").body, b"kept")
            server.stop()
            away = take_store_away(server.data)
            log = server.data / "server.log"
            with harness.Server(data=server.data, flags=["--roles", "gateway"]) as alone:
                self.assertEqual(self.get(alone, "/a/x").body, b"kept")
                self.assertFalse((server.data / "store.db").exists())
                for file in away.iterdir():
                    file.rename(server.data / file.name)
                wait_for(lambda: "the store is back" in log.read_text(), "the store is opened again")
                self.assertEqual(self.get(alone, "/a/x").body, b"kept")
                # Another process changes something; the gateway alone hears of it.
                with harness.Server(data=server.data, flags=["--roles", "console"]) as console:
                    console.arm("DELETE", "/apis/a")
                    wait_for(lambda: self.get(alone, "/a/x").status == 404, "the change is served")
                # The data folder's list of ports is that of whoever started last.
            server.process = None
        backend.stop()

    def test_a_console_in_another_process_is_heard(self):
        backend = Backend("here")
        with harness.Server() as server:
            server.make_instance()
            make_api(server, "a", f"http://127.0.0.1:{backend.port}")
            self.assertEqual(self.get(server, "/a/x").status, 200)
            with harness.Server(data=server.data, flags=["--roles", "console"]) as console:
                console.arm("DELETE", "/apis/a")
                wait_for(lambda: self.get(server, "/a/x").status == 404, "the change is served")
                # The other way round as well.
                make_api(server, "a", f"http://127.0.0.1:{backend.port}")
                self.assertEqual(console.arm("GET", "/apis/a").status, 200)
        backend.stop()

    def test_gateways_on_one_data_folder_keep_their_own_counters(self):
        backend = Backend("b")
        with harness.Server() as server:
            server.make_instance()
            make_api(server, "a", f"http://127.0.0.1:{backend.port}")
            set_policy(server, "/apis/a", "<quota-by-key calls='5' renewal-period='0' counter-key='all' />")
            with harness.Server(data=server.data, flags=["--roles", "gateway"]) as other:
                self.assertEqual([self.get(server, "/a/x").status for _ in range(3)], [200] * 3)
                self.assertEqual([self.get(other, "/a/x").status for _ in range(4)], [200] * 4)
                self.assertEqual(server.stop(), 0)
                self.assertEqual(other.stop(), 0)
                server.start()
                other.start()
                self.assertEqual([self.get(server, "/a/x").status for _ in range(3)], [200, 200, 403])
                self.assertEqual([self.get(other, "/a/x").status for _ in range(2)], [200, 403])
                # The store goes away, and both still start.
                self.assertEqual(server.stop(), 0)
                self.assertEqual(other.stop(), 0)
                take_store_away(server.data)
                other.start()
                self.assertEqual(self.get(other, "/a/x").body, b"b")
        backend.stop()

    def test_a_gateway_whose_store_stays_away_ends_well(self):
        backend = Backend("kept")
        with harness.Server() as server:
            server.make_instance()
            make_api(server, "a", f"http://127.0.0.1:{backend.port}")
            set_policy(server, "/apis/a", "<quota-by-key calls='2' renewal-period='0' counter-key='all' />")
            server.stop()
            take_store_away(server.data)
            with harness.Server(data=server.data, flags=["--roles", "gateway"]) as alone:
                self.assertEqual([self.get(alone, "/a/x").status for _ in range(3)], [200, 200, 403])
                self.assertEqual(alone.stop(), 0)
            server.process = None
        backend.stop()

    def test_a_pool_passes_over_what_is_down(self):
        one, two = Backend("one"), Backend("two")
        with harness.Server() as server:
            server.make_instance()
            make_api(server, "a", "http://127.0.0.1:1")
            server.put("/backends/one", {"url": f"http://127.0.0.1:{one.port}", "protocol": "http", "circuitBreaker": {
                "rules": [{"name": "r", "tripDuration": "PT1H", "failureCondition": {
                    "count": 2, "interval": "PT1M", "errorReasons": ["BackendConnectionFailure"]}}]}})
            server.put("/backends/two", {"url": f"http://127.0.0.1:{two.port}", "protocol": "http", "healthCheck": {
                "path": "/health", "interval": "PT1S", "timeout": "PT1S", "unhealthyAfter": 1, "healthyAfter": 1}})
            server.put("/backends/pool", {"type": "Pool", "pool": {"services": [
                {"id": "/backends/one"}, {"id": "/backends/two"}]}})
            set_policy(server, "/apis/a", "<set-backend-service backend-id='pool' />")
            self.assertEqual({self.get(server, "/a/x").body for _ in range(4)}, {b"one", b"two"})
            one.stop()
            answers = [self.get(server, "/a/x").status for _ in range(12)]
            self.assertLessEqual(answers.count(500), 3)  # Two trip it; one may be of a connection that was kept.
            self.assertEqual(answers[-4:], [200] * 4)
            two.stop()
            wait_for(lambda: self.get(server, "/a/x").status == 503, "the health check takes the last one out")
            answer = self.get(server, "/a/x")
            self.assertIn(b"Backend pool is temporarily unavailable.", answer.body)
            self.assertGreater(int(answer.headers["Retry-After"]), 0)
            again = Backend("two again", port=two.port)
            wait_for(lambda: self.get(server, "/a/x").status == 200, "the health check brings it back")
            again.stop()

    def test_tls_to_backends(self):
        with harness.Server() as server, tempfile.TemporaryDirectory() as folder:
            server.make_instance()
            files = {name: str(Path(folder) / name) for name in ("c.pem", "c.key", "c.pfx", "s.pem", "s.key")}
            for name in ("c", "s"):
                subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                                "-nodes", "-subj", f"/CN={name}", "-days", "30", "-keyout", files[f"{name}.key"],
                                "-out", files[f"{name}.pem"]], check=True, capture_output=True)
            subprocess.run(["openssl", "pkcs12", "-export", "-in", files["c.pem"], "-inkey", files["c.key"], "-out",
                            files["c.pfx"], "-passout", "pass:secret"], check=True, capture_output=True)
            known = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            known.load_cert_chain(server.data / "tls/server.pem", server.data / "tls/server.key")
            known.load_verify_locations(files["c.pem"])
            known.verify_mode = ssl.CERT_REQUIRED
            stranger = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            stranger.load_cert_chain(files["s.pem"], files["s.key"])
            wants, strange = Backend("wants", known), Backend("strange", stranger)
            make_api(server, "a", f"https://localhost:{wants.port}")
            self.assertEqual(self.get(server, "/a/peer").status, 500, "No client certificate is shown.")
            wrong = server.arm("PUT", "/certificates/c", {"properties": {
                "data": base64.b64encode(Path(files["c.pfx"]).read_bytes()).decode(), "password": "wrong"}})
            self.assertEqual(wrong.status, 400)
            made = server.put("/certificates/c", {
                "data": base64.b64encode(Path(files["c.pfx"]).read_bytes()).decode(), "password": "secret"})
            self.assertEqual(made["properties"]["subject"], "CN=c")
            self.assertNotIn("data", made["properties"])
            url = f"https://localhost:{wants.port}"
            server.put("/backends/b", {"url": url, "protocol": "http", "credentials": {"certificateIds": ["c"]}})
            set_policy(server, "/apis/a", "<set-backend-service backend-id='b' />")
            self.assertIn(b"commonName", self.get(server, "/a/peer").body)
            self.assertEqual(server.arm("DELETE", "/certificates/c").status, 400, "It is in use.")
            server.put("/backends/b", {"url": f"https://localhost:{strange.port}", "protocol": "http"})
            self.assertEqual(self.get(server, "/a/x").status, 500, "An unknown authority is refused.")
            server.put("/backends/b", {"url": f"https://localhost:{strange.port}", "protocol": "http",
                                       "tls": {"validateCertificateChain": False, "validateCertificateName": False}})
            self.assertEqual(self.get(server, "/a/x").body, b"strange")
            wants.stop()
            strange.stop()


if __name__ == "__main__":
    unittest.main()
