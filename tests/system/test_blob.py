"""The blob endpoint on the real binary: old clients and addresses, what is off until it is set, bounded memory, and
what a kill or a full disk may not take away."""

import base64
import hashlib
import hmac
import http.client
import os
import re
import resource
import signal
import socket
import sys
import threading
import time
import unittest
import urllib.parse
from email.utils import formatdate
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import harness

DEVELOPMENT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
MIB = 1 << 20


def signed(method, path, account="devstoreaccount1", key=DEVELOPMENT_KEY, headers=None, body=b"", version="2012-02-12",
           lite=False):
    """The header fields of a signed request, as a client of that version makes them. The path may have a query."""
    fields = {name.lower(): value for name, value in (headers or {}).items()}
    fields.update({"x-ms-date": formatdate(usegmt=True), "x-ms-version": version})
    if method in ("PUT", "POST"):
        fields["content-length"] = str(len(body))
    raw, _, query = path.partition("?")
    own = "".join(f"{name}:{fields[name]}\n" for name in sorted(fields) if name.startswith("x-ms-"))
    resource_path = f"/{account}{raw}"
    if lite:
        comp = urllib.parse.parse_qs(query).get("comp")
        text = "\n".join([method, fields.get("content-md5", ""), fields.get("content-type", ""), "", own + resource_path
                          + (f"?comp={comp[0]}" if comp else "")])
    else:
        length = fields.get("content-length", "")
        if length == "0" and version >= "2015-02-21":
            length = ""
        parameters = "".join(f"\n{name}:{value}" for name, value in sorted(urllib.parse.parse_qsl(query)))
        lines = [method, "", "", length, fields.get("content-md5", ""), fields.get("content-type", ""), "", "",
                 fields.get("if-match", ""), fields.get("if-none-match", ""), "", fields.get("range", "")]
        text = "\n".join(lines) + "\n" + own + resource_path + parameters
    signature = base64.b64encode(hmac.new(base64.b64decode(key), text.encode(), hashlib.sha256).digest()).decode()
    fields["authorization"] = f"SharedKey{'Lite' if lite else ''} {account}:{signature}"
    return fields


class Blobs:
    """The endpoint of a server, as one account uses it."""

    def __init__(self, server, account="devstoreaccount1", key=DEVELOPMENT_KEY):
        self.server, self.account, self.key = server, account, key

    def call(self, method, path, body=b"", headers=None, **options):
        path = f"/{self.account}{path}"
        fields = signed(method, path, self.account, self.key, headers, body, **options)
        return self.server.call("blob", method, path, body or None, fields)

    def container(self, name, **options):
        answer = self.call("PUT", f"/{name}?restype=container", **options)
        assert answer.status == 201, answer
        return answer

    def put(self, path, body, headers=None, **options):
        return self.call("PUT", path, body, {"x-ms-blob-type": "BlockBlob", **(headers or {})}, **options)


def error_code(answer):
    return re.search(r"<Code>(\w+)</Code>", answer.text)[1] if answer.body else None


def content_files(server):
    return [path for path in (server.data / "blobs/content").rglob("*") if path.is_file()]


class Endpoint(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = harness.Server().__enter__()
        cls.blobs = Blobs(cls.server)
        cls.blobs.container("shared")

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    def test_a_client_of_2012(self):
        self.blobs.container("old")
        made = self.blobs.put("/old/a.txt", b"hello", {"content-type": "text/plain"})
        self.assertEqual((made.status, made.headers["x-ms-version"]), (201, "2012-02-12"))
        listed = self.blobs.call("GET", "/old?restype=container&comp=list")
        base = f"http://localhost:{self.server.ports['blob']['http']}/devstoreaccount1"
        self.assertIn(f'<EnumerationResults ContainerName="{base}/old">', listed.text)
        self.assertIn(f"<Name>a.txt</Name><Url>{base}/old/a.txt</Url>", listed.text)
        newer = self.blobs.call("GET", "/old?restype=container&comp=list", version="2020-10-02")
        self.assertIn(f'<EnumerationResults ServiceEndpoint="{base}/" ContainerName="old">', newer.text)
        self.assertEqual(self.blobs.call("GET", "/old/a.txt", lite=True).text, "hello")
        lease = self.blobs.call("PUT", "/old/a.txt?comp=lease",
                                headers={"x-ms-lease-action": "acquire", "x-ms-lease-duration": "15"})
        self.assertEqual(lease.status, 201)
        self.assertEqual(error_code(self.blobs.call("DELETE", "/old/a.txt")), "LeaseIdMissing")

    def test_the_account_may_stand_in_the_host(self):
        self.blobs.put("/shared/host", b"by host")
        fields = signed("GET", "/shared/host", version="2020-10-02")
        fields["Host"] = "devstoreaccount1.blob.localhost"
        self.assertEqual(self.server.call("blob", "GET", "/shared/host", headers=fields).text, "by host")

    def test_nothing_is_open_until_it_is_set(self):
        self.blobs.put("/shared/closed", b"closed")
        path = "/devstoreaccount1/shared/closed"
        refused = self.server.call("blob", "GET", path)
        self.assertEqual((refused.status, error_code(refused)), (401, "NoAuthenticationInformation"))
        absent = self.server.call("blob", "GET", "/devstoreaccount1/absent/closed")
        self.assertEqual((absent.status, error_code(absent)), (401, "NoAuthenticationInformation"))
        preflight = self.server.call("blob", "OPTIONS", path, headers={
            "Origin": "http://a.example", "Access-Control-Request-Method": "GET"})
        self.assertEqual((preflight.status, error_code(preflight)), (403, "CorsPreflightFailure"))
        self.assertIsNone(preflight.headers["Access-Control-Allow-Origin"])

    def test_errors_have_their_shape(self):
        answer = self.blobs.call("GET", "/shared/absent", headers={"x-ms-client-request-id": "mine"})
        self.assertEqual((answer.status, answer.headers["x-ms-error-code"]), (404, "BlobNotFound"))
        self.assertEqual(answer.headers["x-ms-client-request-id"], "mine")
        self.assertEqual(answer.headers["Content-Type"], "application/xml")
        expected = (r'<\?xml version="1.0" encoding="utf-8"\?><Error><Code>BlobNotFound</Code><Message>The specified '
                    r"blob does not exist.\nRequestId:" + answer.headers["x-ms-request-id"] + r"\nTime:[-\d]+T[\d:.]+Z"
                    r"</Message></Error>")
        self.assertRegex(answer.text, "^" + expected + "$")
        head = self.blobs.call("HEAD", "/shared/absent")
        self.assertEqual((head.status, head.headers["x-ms-error-code"], head.body), (404, "BlobNotFound", b""))
        wrong = Blobs(self.server, key=base64.b64encode(b"x" * 64).decode()).call("GET", "/shared/absent")
        self.assertEqual((wrong.status, error_code(wrong)), (403, "AuthenticationFailed"))
        fields = signed("GET", "/devstoreaccount1/shared/absent")
        fields["x-ms-date"] = formatdate(time.time() - 3600, usegmt=True)
        late = self.server.call("blob", "GET", "/devstoreaccount1/shared/absent", headers=fields)
        self.assertIn("too old or too new", late.text)
        self.assertNotIn(DEVELOPMENT_KEY, late.text + wrong.text)

    def test_checksums_are_checked(self):
        md5 = base64.b64encode(hashlib.md5(b"right").digest()).decode()
        good = self.blobs.put("/shared/sum", b"right", {"content-md5": md5})
        self.assertEqual((good.status, good.headers["Content-MD5"]), (201, md5))
        self.assertEqual(self.blobs.call("GET", "/shared/sum").headers["Content-MD5"], md5)
        self.assertEqual(error_code(self.blobs.put("/shared/sum", b"wrong", {"content-md5": md5})), "Md5Mismatch")
        crc = good.headers["x-ms-content-crc64"]
        self.assertEqual(self.blobs.put("/shared/sum", b"right", {"x-ms-content-crc64": crc}).status, 201)
        self.assertEqual(error_code(self.blobs.put("/shared/sum", b"wrong", {"x-ms-content-crc64": crc})),
                         "Crc64Mismatch")
        self.assertEqual(self.blobs.call("GET", "/shared/sum").text, "right")

    def test_ranges(self):
        self.blobs.put("/shared/range", b"0123456789")
        for value, status, body in (("bytes=2-4", 206, b"234"), ("bytes=8-", 206, b"89"), ("bytes=-2", 206, b"89"),
                                    ("bytes=0-1,3-4", 200, b"0123456789"), ("lines=1", 200, b"0123456789")):
            answer = self.blobs.call("GET", "/shared/range", headers={"range": value})
            self.assertEqual((answer.status, answer.body), (status, body), value)
        behind = self.blobs.call("GET", "/shared/range", headers={"range": "bytes=10-"})
        self.assertEqual((behind.status, error_code(behind)), (416, "InvalidRange"))

    def test_accounts_and_links_made_by_the_verb(self):
        flags = ["--data", str(self.server.data)]
        made = harness.run_mlgate("blob", "account", "create", "byverb", *flags)
        self.assertEqual(made.returncode, 0, made.stderr)
        blobs = Blobs(self.server, "byverb", made.stdout.split()[1])
        blobs.container("con")
        blobs.put("/con/out 1.csv".replace(" ", "%20"), b"a,b\n")
        link = harness.run_mlgate("blob", "sas", "byverb/con/out 1.csv", *flags).stdout.strip()
        path = "/byverb/con/out%201.csv" + link
        self.assertEqual(self.server.call("blob", "GET", path).text, "a,b\n")
        self.assertEqual(self.server.call("blob", "DELETE", path).status, 403)
        verified = harness.run_mlgate("blob", "verify", *flags)
        self.assertEqual((verified.returncode, verified.stdout.endswith(" 0 damaged parts\n")), (0, True), verified)
        wrong = harness.run_mlgate("blob", "sas", "byverb/con", "--permissions", "rz", *flags)
        self.assertIn("permissions are letters of racwdl", wrong.stderr)
        self.assertIn("byverb", harness.run_mlgate("blob", "account", "list", *flags).stdout)
        self.assertEqual(harness.run_mlgate("blob", "account", "delete", "byverb", *flags).returncode, 0)

    def head_of_put(self, path, size):
        fields = signed("PUT", path, headers={"x-ms-blob-type": "BlockBlob"}, body=range(size), version="2020-10-02")
        return (f"PUT {path} HTTP/1.1\r\nHost: localhost\r\n" + "".join(
            f"{name}: {value}\r\n" for name, value in fields.items()) + "\r\n").encode()

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.server.ports["blob"]["http"]), 120)

    def test_a_body_that_comes_in_drops(self):
        """With MLGATE_FULL the caller takes longer for what wakes a reader than one may without sending anything."""
        pause = 11 if os.environ.get("MLGATE_FULL") == "1" else 0.2
        body = os.urandom(700_000)
        path = "/devstoreaccount1/shared/drops"
        with self.connect() as connection:
            connection.sendall(self.head_of_put(path, len(body)) + body[:10])
            marks = (10, 20_000, 40_000, 60_000, 80_000, 699_999, 700_000)
            for begin, end in zip(marks, marks[1:]):
                time.sleep(pause)
                connection.sendall(body[begin:end])
            self.assertTrue(connection.recv(65536).startswith(b"HTTP/1.1 201 "))
            # The connection goes on with whole requests of any size.
            connection.sendall(self.head_of_put(path + "2", 3) + b"abc")
            self.assertTrue(connection.recv(65536).startswith(b"HTTP/1.1 201 "))
        self.assertTrue(self.blobs.call("GET", "/shared/drops").body == body)
        # A caller that goes away in the middle leaves nothing.
        with self.connect() as connection:
            connection.sendall(self.head_of_put(path + "3", len(body)) + body[:400_000])
        self.assertEqual(self.blobs.call("GET", "/shared/drops3").status, 404)

    def test_a_reader_that_stops_now_and_then(self):
        body = os.urandom(MIB) * 24
        self.blobs.put("/shared/paused", body)
        path = "/devstoreaccount1/shared/paused"
        fields = "".join(f"{name}: {value}\r\n" for name, value in signed("GET", path).items())
        with self.connect() as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n".encode())
            received = b""
            while len(received.partition(b"\r\n\r\n")[2]) < len(body):
                time.sleep(0.01)
                received += connection.recv(2 * MIB)
        self.assertTrue(received.partition(b"\r\n\r\n")[2] == body)

    def test_a_large_blob_needs_little_memory(self):
        size, block = 200 * MIB, os.urandom(MIB)
        with self.connect() as connection:
            connection.sendall(self.head_of_put("/devstoreaccount1/shared/large", size))
            for _ in range(size // MIB):
                connection.sendall(block)
            self.assertTrue(connection.recv(65536).startswith(b"HTTP/1.1 201 "))
        for scheme in ("http", "https"):
            answer = self.server.call("blob", "GET", "/devstoreaccount1/shared/large",
                                      headers=signed("GET", "/devstoreaccount1/shared/large"), scheme=scheme)
            self.assertEqual(hashlib.sha256(answer.body).digest(), hashlib.sha256(block * 200).digest())
        status = Path(f"/proc/{self.server.process.pid}/status").read_text()
        peak = int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) // 1024
        # A sanitizer keeps what was freed for a while.
        self.assertLess(peak, 400 if harness.SANITIZED else 120, "MiB resident at most")


class Safety(unittest.TestCase):
    def test_the_public_key_is_none_off_loopback(self):
        with harness.Server(flags=["--bind", "0.0.0.0"]) as server:
            self.assertEqual(Blobs(server).call("GET", "?comp=list").status, 403)
            own = harness.run_mlgate("blob", "account", "keys", "devstoreaccount1", "--data", str(server.data))
            self.assertEqual(Blobs(server, key=own.stdout.split()[1]).call("GET", "?comp=list").status, 200)

    def test_a_kill_takes_nothing_acknowledged_and_leaves_nothing_behind(self):
        with harness.Server() as server:
            blobs = Blobs(server)
            blobs.container("crash")
            acknowledged, stop = {}, threading.Event()

            def write(writer):
                turn = 0
                while not stop.is_set():
                    name, body = f"/crash/{writer}-{turn % 5}", os.urandom(100_000 + turn)
                    try:
                        if blobs.put(name, body).status == 201:
                            acknowledged[name] = body
                        else:
                            return
                    except (OSError, http.client.HTTPException):
                        acknowledged[name] = (acknowledged.get(name), body)  # Either may be there.
                        return
                    turn += 1

            # One upload stands still in the middle, so that the kill is sure to hit one.
            fields = signed("PUT", "/devstoreaccount1/crash/half", headers={"x-ms-blob-type": "BlockBlob"},
                            body=range(8 * MIB))
            half = socket.create_connection(("127.0.0.1", server.ports["blob"]["http"]), 30)
            half.sendall(("PUT /devstoreaccount1/crash/half HTTP/1.1\r\nHost: localhost\r\n" + "".join(
                f"{name}: {value}\r\n" for name, value in fields.items()) + "\r\n").encode() + b"x" * (3 * MIB))
            threads = [threading.Thread(target=write, args=(writer,)) for writer in range(3)]
            for thread in threads:
                thread.start()
            while len(acknowledged) < 15:
                time.sleep(0.01)
            server.stop(signal.SIGKILL)
            stop.set()
            for thread in threads:
                thread.join()
            half.close()
            self.assertTrue([path for path in (server.data / "blobs/live").rglob("*") if len(path.name) == 32
                             and path.is_file()], "the kill hit no upload")
            server.start()
            for name, body in acknowledged.items():
                got = blobs.call("GET", name).body
                self.assertIn(got, body if isinstance(body, tuple) else (body,), name)
            self.assertEqual(blobs.call("GET", "/crash/half").status, 404)
            # The collector runs at the start, on a thread of its own.
            until = time.time() + 20
            while time.time() < until:
                left = [path for path in (server.data / "blobs/live").rglob("*") if path.is_file()]
                if len(left) == 1:
                    break
                time.sleep(0.05)
            self.assertEqual([path.name for path in left], ["lock"])

    def test_a_full_disk_is_a_clear_error(self):
        with harness.Server() as server:
            blobs = Blobs(server)
            blobs.container("full")
            self.assertEqual(blobs.put("/full/kept", b"k" * MIB).status, 201)
            pid = server.process.pid
            before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (8 * MIB, before[1]))
            refused = blobs.put("/full/kept", b"n" * (12 * MIB))
            self.assertEqual((refused.status, error_code(refused)), (507, "InsufficientStorage"))
            self.assertEqual(blobs.call("GET", "/full/kept").body, b"k" * MIB)
            self.assertEqual(len(content_files(server)), 1)
            # Where the body was read to its end, the connection goes on with the next request.
            body = b"n" * (8 * MIB + 30_000)
            path = "/devstoreaccount1/full/kept"
            connection = http.client.HTTPConnection("localhost", server.ports["blob"]["http"], timeout=60)
            connection.request("PUT", path, body, signed("PUT", path, headers={"x-ms-blob-type": "BlockBlob"},
                                                         body=body))
            answer = connection.getresponse()
            self.assertEqual((answer.status, answer.read() != b""), (507, True))
            connection.request("HEAD", path, headers=signed("HEAD", path))
            self.assertEqual(connection.getresponse().status, 200)
            connection.close()
            resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
            self.assertEqual(blobs.put("/full/kept", b"n" * (12 * MIB)).status, 201)


if __name__ == "__main__":
    unittest.main()
