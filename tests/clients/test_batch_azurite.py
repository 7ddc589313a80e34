"""Batch jobs whose blobs lie in another storage: Azurite, of npm, over HTTP. Its blobs are read in ranges, written in
blocks, with the key, with a token, and with credentials that are wrong. Without node and npm the test says so and is
counted as skipped."""

import base64
import datetime
import hashlib
import hmac
import os
import shutil
import socket
import subprocess
import sys
import time
import unittest
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "system"))
sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import harness
from batch_site import ACCOUNT, KEY, Site, reviews

AZURITE = "azurite@3.35.0"


class Azurite(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not shutil.which("npm") or not shutil.which("node"):
            raise unittest.SkipTest("node and npm are not installed")
        tools = harness.ROOT / "build/azurite"
        if not (tools / "node_modules/azurite").exists():
            tools.mkdir(parents=True, exist_ok=True)
            subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(tools),
                            AZURITE], check=True, stdout=subprocess.DEVNULL)
        (cls.port,) = harness.free_ports(1)
        cls.server = harness.Server(flags=["--dial.allow", "127.0.0.1"])
        cls.server.__enter__()
        cls.log = open(cls.server.data / "azurite.log", "wb")
        cls.azurite = subprocess.Popen(
            ["node", str(tools / "node_modules/azurite/dist/src/blob/main.js"), "--silent", "--blobPort",
             str(cls.port), "--location", str(cls.server.data / "azurite")], stdout=cls.log, stderr=cls.log)
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", cls.port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        cls.site = Site(cls.server)
        cls.base = f"http://127.0.0.1:{cls.port}/{ACCOUNT}"
        # The same signed calls, sent to the other storage.
        cls.other = Site.of_blobs(Elsewhere(cls.port))
        cls.data = reviews(20_000)
        cls.other.put("/box/in.csv", cls.data)
        cls.site.put("/box/in.csv", cls.data)
        cls.site.wait(cls.site.run("in.csv", "expected.csv"))
        cls.expected = cls.site.get("expected.csv")

    @classmethod
    def tearDownClass(cls):
        cls.azurite.terminate()
        cls.azurite.wait()
        cls.log.close()
        cls.server.__exit__()

    def run_job(self, source, target):
        answer = self.site.call("POST", "?api-version=2.0", {"Input": source, "Outputs": {"output1": target}})
        self.assertEqual(answer.status, 200, answer)
        return self.site.wait(self.site.start(answer.json), 300)

    def by_key(self, name, key=KEY, container="box"):
        return {"ConnectionString": f"AccountName={ACCOUNT};AccountKey={key};BlobEndpoint={self.base}",
                "RelativeLocation": f"/{container}/{name}"}

    def token(self, name, permissions):
        """A service SAS for one blob, as clients of 2018 make it."""
        later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
        expiry = later.strftime("%Y-%m-%dT%H:%M:%SZ")
        text = "\n".join([permissions, "", expiry, f"/blob/{ACCOUNT}/box/{name}", "", "", "", "2018-03-28",
                          "", "", "", "", ""])
        signature = base64.b64encode(hmac.new(base64.b64decode(KEY), text.encode(), hashlib.sha256).digest()).decode()
        return "?" + urllib.parse.urlencode({"sv": "2018-03-28", "sr": "b", "sp": permissions, "se": expiry,
                                             "sig": signature})

    def test_with_the_account_key(self):
        done = self.run_job(self.by_key("in.csv"), self.by_key("out.csv"))
        self.assertEqual(done["StatusCode"], "Finished", done)
        self.assertEqual(self.other.get("out.csv"), self.expected)
        result = done["Results"]["output1"]
        link = urllib.parse.urlsplit(result["BaseLocation"] + result["RelativeLocation"] + result["SasBlobToken"])
        got = self.other.server.call("blob", "GET", f"{link.path}?{link.query}")
        self.assertEqual(got.status, 200, got)
        self.assertEqual(got.body, self.expected)

    def test_files_of_all_sizes(self):
        """Read in ranges and written in blocks, or at once, or not at all."""
        sizes = {"none": b"", "header": b"id,Col2\r\n", "one": b"id,Col2\r\n1,This is a good day\r\n"}
        piece = b"".join(b'%d,"%s, row %d"\r\n' % (i, b"a good day, " * 20, i) for i in range(10_000))
        # 200 MiB; a sanitizer takes a tenth.
        sizes["large"] = b"id,Col2\r\n" + piece * (8 if harness.SANITIZED else 80)
        for name, data in sizes.items():
            with self.subTest(name, bytes=len(data)):
                for where in (self.other, self.site):
                    where.put(f"/box/{name}.csv", data)
                here = self.site.wait(self.site.run(f"{name}.csv", f"{name}-out.csv"), 300)
                there = self.run_job(self.by_key(f"{name}.csv"), self.by_key(f"{name}-out.csv"))
                self.assertEqual(there["StatusCode"], here["StatusCode"], there)
                self.assertTrue(self.other.get(f"{name}-out.csv") == self.site.get(f"{name}-out.csv"))

    def test_with_tokens(self):
        source = {"BaseLocation": self.base + "/", "RelativeLocation": "box/in.csv",
                  "SasBlobToken": self.token("in.csv", "r")}
        target = {"BaseLocation": self.base + "/", "RelativeLocation": "box/out2.csv",
                  "SasBlobToken": self.token("out2.csv", "rcw")}
        done = self.run_job(source, target)
        self.assertEqual(done["StatusCode"], "Finished", done)
        self.assertEqual(self.other.get("out2.csv"), self.expected)

    def test_what_goes_wrong_is_said(self):
        wrong = base64.b64encode(b"x" * 64).decode()
        refused = self.run_job(self.by_key("in.csv", wrong), self.by_key("out3.csv"))
        self.assertEqual(refused["StatusCode"], "Failed")
        self.assertIn("the account key or the token is wrong", refused["Details"])
        self.assertNotIn(wrong, refused["Details"])
        missing = self.run_job(self.by_key("in.csv"), self.by_key("out3.csv", container="nowhere"))
        self.assertIn("The container does not exist. (ContainerNotFound)", missing["Details"])
        nothing = self.run_job(self.by_key("nothing.csv"), self.by_key("out3.csv"))
        self.assertIn("The blob does not exist.", nothing["Details"])
        self.assertIsNone(self.other.get("out3.csv"))

    def test_a_job_that_fails_shows_no_blob_and_leaves_its_retry_alone(self):
        self.other.put("/box/bad.csv", self.data + b"1,\xff\r\n")
        failed = self.run_job(self.by_key("bad.csv"), self.by_key("out4.csv"))
        self.assertEqual(failed["StatusCode"], "Failed")
        self.assertIsNone(self.other.get("out4.csv"))
        # Cleaning up after the first falls into the time of the second.
        again = self.run_job(self.by_key("in.csv"), self.by_key("out4.csv"))
        self.assertEqual(again["StatusCode"], "Finished", again)
        self.assertEqual(self.other.get("out4.csv"), self.expected)
        self.assertNotIn("out4.csv", self.other.uncommitted())


class Private(unittest.TestCase):
    def test_addresses_of_the_machine_are_not_dialled_unless_allowed(self):
        with harness.Server() as server:
            site = Site(server)
            site.put("/box/in.csv", b"Col2\nx\n")
            with socket.socket() as other:
                other.bind(("127.0.0.1", 0))
                other.listen()
                base = f"http://127.0.0.1:{other.getsockname()[1]}/a"
                source = {"BaseLocation": base, "RelativeLocation": "box/i.csv"}
                answer = site.call("POST", "?api-version=2.0", {"Input": source})
                done = site.wait(site.start(answer.json))
                self.assertEqual(done["StatusCode"], "Failed")
                self.assertIn("loopback", done["Details"])


class Elsewhere:
    """Takes the calls that a Site makes to the blob endpoint of its server."""

    def __init__(self, port):
        self.ports = {"blob": {"http": port}}

    def call(self, role, method, path, body=None, headers=None):
        return harness.Server.call(self, role, method, path, body, headers)


if __name__ == "__main__":
    unittest.main()
