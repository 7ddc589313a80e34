"""Starts the real mlgate on a fresh data folder and free ports, and talks to it as its users do."""

import contextlib
import http.client
import json
import os
import random
import signal
import socket
import sqlite3
import ssl
import struct
import subprocess
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BINARY = os.environ.get("MLGATE", str(ROOT / "build/release/mlgate"))
SANITIZED = "asan" in BINARY or "tsan" in BINARY
API_VERSION = "2022-08-01"


def clean_environment():
    # Proxies and MLGATE_ variables of the machine must not reach the program under test.
    return {k: v for k, v in os.environ.items() if not k.startswith("MLGATE") and not k.lower().endswith("_proxy")}


def free_ports(count):
    """Ports that are free now and stay so: none of those that the kernel deals out to outgoing connections, which
    could take one between its choice and its use, or while a server restarts."""
    low = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    chance, found = random.SystemRandom(), []
    while len(found) < count:
        port = chance.randrange(10_000, max(low, 12_000))
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in found:
            found.append(port)
    return found


def port_flags():
    ports = iter(map(str, free_ports(8)))
    return [part for role in ("gateway", "console", "services", "blob") for scheme in ("http", "https")
            for part in (f"--{role}.{scheme}_port", next(ports))]


def run_mlgate(*arguments, **options):
    options.setdefault("timeout", 120)
    return subprocess.run([BINARY, *arguments], capture_output=True, text=True, env=clean_environment(), **options)


# What a sanitizer prints that ends nothing, or only at the exit.
SANITIZER_WORDS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "WARNING: ThreadSanitizer", ": runtime error: ")


class Answer:
    def __init__(self, status, reason, headers, body):
        self.status, self.reason, self.headers, self.body = status, reason, headers, body

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.reason} {self.body[:300]!r}>"


class Server:
    """One running mlgate. Use as a context manager."""

    def __init__(self, data=None, flags=()):
        self.folder = None
        if data is None:
            self.folder = tempfile.TemporaryDirectory(prefix="mlgate-test-")
            data = self.folder.name + "/data"
        self.data = Path(data)
        self.flags = ["--data", str(self.data), "--workers", "2"]
        self.flags += port_flags()  # Chosen once, so that a restart keeps the addresses.
        self.flags += list(flags)
        self.process = None

    def __enter__(self):
        if not (self.data / "credentials.json").exists():
            made = run_mlgate("init", *self.flags)
            assert made.returncode == 0, made.stdout + made.stderr
        for attempt in range(5):
            try:
                self.start()
                return self
            except AssertionError as failed:
                # Somebody else was faster.
                if attempt == 4 or "is not to be had" not in str(failed):
                    raise
                ports = port_flags()
                at = self.flags.index(ports[0])
                self.flags[at:at + len(ports)] = ports

    def __exit__(self, kind=None, *_):
        try:
            if self.process and self.process.poll() is None:
                status, printed = self.stop(), (self.data / "server.log").read_text(errors="replace")
                if kind is None and (status != 0 or any(words in printed for words in SANITIZER_WORDS)):
                    raise AssertionError(f"mlgate ended with {status}:\n{printed[-8000:]}")
        finally:
            if self.folder:
                self.folder.cleanup()

    def start(self, environment=None):
        """Starts the program, with more environment variables, if any; the addresses stay."""
        reader, writer = os.pipe()
        if self.process:
            self.log.close()
        self.log = open(self.data / "server.log", "ab")
        self.process = subprocess.Popen([BINARY, "serve", *self.flags, "--ready-fd", str(writer)], pass_fds=[writer],
                                        stdout=self.log, stderr=self.log,
                                        env={**clean_environment(), **(environment or {})})
        os.close(writer)
        with os.fdopen(reader) as ready:
            line = ready.readline()
        if not line:
            self.process.wait()
            raise AssertionError("mlgate did not start:\n" + (self.data / "server.log").read_text())
        self._token = None  # Good for the addresses of the server that issued it.
        self.ports = json.loads((self.data / "run/endpoints.json").read_text())
        self.credentials = json.loads((self.data / "credentials.json").read_text())

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        status = self.process.wait(60)
        self.log.close()
        return status

    # Addresses -------------------------------------------------------------------------------------------------

    def tls(self):
        return ssl.create_default_context(cafile=str(self.data / "tls/ca.pem"))

    def url(self, role, scheme="http"):
        return f"{scheme}://localhost:{self.ports[role][scheme]}"

    def call(self, role, method, path, body=None, headers=None, scheme="http"):
        """One request on a connection of its own."""
        port = self.ports[role][scheme]
        if scheme == "https":
            connection = http.client.HTTPSConnection("localhost", port, timeout=30, context=self.tls())
        else:
            connection = http.client.HTTPConnection("localhost", port, timeout=30)
        try:
            if isinstance(body, (dict, list)):
                body = json.dumps(body).encode()
                headers = {"Content-Type": "application/json", **(headers or {})}
            try:
                connection.request(method, path, body=body, headers=headers or {})
            except (BrokenPipeError, ConnectionResetError):
                pass  # The answer came before the body was taken.
            answer = connection.getresponse()
            return Answer(answer.status, answer.reason, answer.headers, answer.read())
        finally:
            connection.close()

    def raw(self, role, data, half_close=False):
        """Sends bytes as they are to the clear-text listener and returns all that comes until it closes."""
        with socket.create_connection(("127.0.0.1", self.ports[role]["http"]), 30) as connection:
            connection.sendall(data)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            received = b""
            while True:
                piece = connection.recv(65536)
                if not piece:
                    return received
                received += piece

    # Management REST -------------------------------------------------------------------------------------------

    def token(self, audience=None):
        c = self.credentials
        form = urllib.parse.urlencode({"grant_type": "client_credentials", "client_id": c["clientId"],
                                       "client_secret": c["clientSecret"],
                                       **({"scope": f"{audience}/.default"} if audience else {})})
        answer = self.call("console", "POST", f"/{c['tenantId']}/oauth2/v2.0/token", form.encode(),
                           {"Content-Type": "application/x-www-form-urlencoded"})
        assert answer.status == 200, answer
        return answer.json["access_token"]

    def bearer(self):
        if not self._token:
            self._token = self.token()
        return self._token

    def arm(self, method, path, body=None, service="demoazureml", headers=None, query=""):
        c = self.credentials
        full = (f"/subscriptions/{c['subscriptionId']}/resourceGroups/mlgate/providers/Microsoft.ApiManagement"
                f"/service/{service}{path}?api-version={API_VERSION}{query}")
        return self.call("console", method, full, body, {"Authorization": f"Bearer {self.bearer()}", **(headers or {})})

    def put(self, path, properties, **options):
        answer = self.arm("PUT", path, {"properties": properties}, **options)
        assert answer.status in (200, 201), (path, answer)
        return answer.json

    def make_instance(self, service="demoazureml"):
        c = self.credentials
        group = self.call("console", "PUT", f"/subscriptions/{c['subscriptionId']}/resourceGroups/mlgate"
                          f"?api-version={API_VERSION}", {"location": "local"},
                          {"Authorization": f"Bearer {self.bearer()}"})
        assert group.status in (200, 201), group
        answer = self.arm("PUT", "", {"location": "local", "sku": {"name": "Developer", "capacity": 1},
                                      "properties": {"publisherName": "Demo", "publisherEmail": "admin@example.com"}},
                          service=service)
        assert answer.status in (200, 201), answer
        return answer.json

    def kept_quotas(self):
        """The calls that the counters of quotas in the store stand at."""
        with contextlib.closing(sqlite3.connect(f"file:{self.data}/store.db?mode=ro", uri=True)) as store:
            rows = store.execute("SELECT body FROM documents WHERE collection='quota'").fetchall()
        return [calls for (body,) in rows for *_, calls, _ in struct.iter_unpack("<6q", body.split(b"\n", 1)[1])]

    def subscribe(self, name, product, **more):
        """A new active subscription to a product; its primary key."""
        self.put(f"/subscriptions/{name}",
                 {"scope": f"/products/{product}", "displayName": name, "state": "active", **more})
        return self.arm("POST", f"/subscriptions/{name}/listSecrets").json["primaryKey"]

    def tutorial(self):
        """Runs the tutorial against this server; what it made, and what it printed."""
        done = run_mlgate("tutorial", *self.flags)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads((self.data / "tutorial.json").read_text()), done.stdout
