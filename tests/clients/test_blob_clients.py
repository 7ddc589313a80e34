"""Azure's own blob clients against the embedded endpoint: azure-storage-blob of Debian, @azure/storage-blob of npm, and
the az command.

Each client is a program of its own (azure_blob.py, js/blob.mjs), which prints what came of its calls. A client that is
not installed is counted as skipped, and why is said.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import harness

HERE = harness.ROOT / "tests/clients"
DEBIAN_PYTHON = "/usr/bin/python3"
DEVELOPMENT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def connection_string(server, key=DEVELOPMENT_KEY, account="devstoreaccount1"):
    return (f"DefaultEndpointsProtocol=http;AccountName={account};AccountKey={key};"
            f"BlobEndpoint=http://127.0.0.1:{server.ports['blob']['http']}/{account};")


def token_for(server, container):
    """What `mlgate blob sas` prints for a whole container."""
    made = harness.run_mlgate("blob", "sas", f"devstoreaccount1/{container}", "--permissions", "racwdl", *server.flags)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip().lstrip("?")


def output_of(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, **options)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return json.loads(done.stdout)


class Python(unittest.TestCase):
    def test_azure_storage_blob(self):
        if subprocess.run([DEBIAN_PYTHON, "-c", "import azure.storage.blob"], capture_output=True).returncode != 0:
            self.skipTest("Debian's python3-azure-storage is not installed")
        with harness.Server() as server:
            out = output_of([DEBIAN_PYTHON, str(HERE / "azure_blob.py"), connection_string(server),
                             token_for(server, "python-one")], env=harness.clean_environment())
        self.assertEqual(out["uploads"], [True] * 5)
        self.assertEqual(out, {**out, **{
            "exists": "ContainerAlreadyExists", "missing": "ContainerNotFound",
            "containers": ["python-one", "python-two"], "container metadata": {"color": "red"}, "public": "blob",
            "container pages": [["python-one"], ["python-two"]], "changed metadata": {"color": "blue"},
            "leased container": "LeaseIdMissing", "lease state": "leased", "policies": ["readers"],
            "committed blocks": 50, "range": "fcfdfeff0000000000000001", "checked range": 4 << 20,
            "behind the end": "InvalidRange", "checked": "checked", "staged": [0, 3],
            "block content": "b" * 10 + "a" * 10,
            "block properties": ["blocks/odd name: ä+ &<>%2F", "text/csv", "en", {"k": "v"}, 20],
            "wrong block": "InvalidBlockList", "reused block": "a" * 10 + "dddd", "no overwrite": "BlobAlreadyExists",
            "stale": "ConditionNotMet", "not modified": "ConditionNotMet",
            "set": [{"a": "1"}, "text/plain", "no-store"], "leased": "LeaseIdMissing",
            "wrong lease": "LeaseIdMismatchWithBlobOperation", "broken in": 0, "broken": "broken", "copy": "success",
            "copied": "leased", "deleted": ["BlobNotFound", False],
            "list": ["list/a/1", "list/a/2", "list/b", "list/c/x/y", "list/d"],
            "walk": ["list/a/", "list/c/", "list/b", "list/d"],
            "pages": [["list/a/1", "list/a/2"], ["list/b", "list/c/x/y"], ["list/d"]], "list metadata": [{"m": "d"}],
            "uncommitted": ["list/uncommitted"], "sas read": ["signed", "x/y"],
            "sas no write": "AuthorizationPermissionMismatch", "sas no other": "AuthenticationFailed",
            "sas create": "UnauthorizedBlobOverwrite", "sas expired": "AuthenticationFailed",
            "sas ip": "AuthorizationSourceIPMismatch", "sas protocol": "AuthorizationProtocolMismatch",
            "sas policy": [1, "AuthorizationPermissionMismatch"],
            "their token": [True, ["theirs"], "FeatureNotSupported", "AuthenticationFailed"],
            "sas account": [True, "AuthorizationResourceTypeMismatch"], "wrong key": "AuthenticationFailed",
            "anonymous": "NoAuthenticationInformation", "public read": "open", "cors": "https://www.example.com",
            "account": "StorageV2", "append": "FeatureNotSupported", "page": "FeatureNotSupported",
            "snapshot": "FeatureNotSupported", "tier": "NotImplemented", "gone": "ContainerNotFound"}})


class JavaScript(unittest.TestCase):
    def test_azure_storage_blob(self):
        if not shutil.which("npm") or not shutil.which("node"):
            self.skipTest("node and npm are not installed")
        folder = harness.ROOT / "build/clients-js"
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json", ".npmrc", "blob.mjs"):
            shutil.copy(HERE / "js" / name, folder / name)
        if not (folder / "node_modules/@azure/storage-blob").exists():
            subprocess.run(["npm", "ci"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        with harness.Server() as server:
            environment = {**harness.clean_environment(), "NODE_EXTRA_CA_CERTS": str(server.data / "tls/ca.pem")}
            out = output_of(["node", "blob.mjs", connection_string(server),
                             f"https://127.0.0.1:{server.ports['blob']['https']}/devstoreaccount1",
                             server.token("https://storage.azure.com"), token_for(server, "javascript")],
                            cwd=folder, env=environment)
        self.assertEqual(out["uploads"], [True] * 4)
        self.assertEqual(out["sas"], {version: ["x/y", "AuthorizationPermissionMismatch"] for version in (
            "2015-04-05", "2018-11-09", "2020-02-10", "2020-12-06", "2026-04-06")})
        self.assertEqual(out["delegated"], {version: None for version in (
            "2018-11-09", "2020-02-10", "2020-12-06", "2025-07-05", "2026-04-06")})
        self.assertEqual(out, {**out, **{
            "metadata": {"color": "red", "x_1": "y"}, "onePut": True, "streamed": 3, "badMetadata": "InvalidMetadata",
            "properties": ["text/csv", {"k": "v", "z_1": "1", "aa": "2"}, 8, "BlockBlob"], "range": "b\n1",
            "etag": "ConditionNotMet", "noneMatch": "BlobAlreadyExists", "notModified": "ConditionNotMet",
            "unmodifiedSince": "ConditionNotMet", "leased": "LeaseIdMissing", "copied": "success",
            "list": ["folder/*", "size/*", "copy", "one put", "streamed"], "page": [3, True], "containerSas": 8,
            "accountSas": 201, "theirToken": [True, "AuthenticationFailed"], "bearer": 8,
            "badBearer": "AuthenticationFailed", "cors": 1, "preflight": [200, "*"],
            "refused": ["FeatureNotSupported"] * 3, "gone": "ContainerNotFound"}})


class CommandLine(unittest.TestCase):
    def test_az_storage_blob(self):
        if not shutil.which("az"):
            self.skipTest("azure-cli is not installed")
        with harness.Server() as server, tempfile.TemporaryDirectory() as folder:
            environment = {**harness.clean_environment(), "AZURE_CONFIG_DIR": folder + "/az",
                           "AZURE_CORE_COLLECT_TELEMETRY": "no",
                           "AZURE_STORAGE_CONNECTION_STRING": connection_string(server)}
            def az(*arguments):
                return output_of(["az", "storage", *arguments, "-o", "json"], env=environment)

            self.assertTrue(az("container", "create", "-n", "cli")["created"])
            names = []
            for size in (0, 200 << 20, 5 << 20):
                content = os.urandom(min(size, 1 << 20)) * max(1, size >> 20)
                with open(folder + "/in", "wb") as file:
                    file.write(content)
                names.append(f"a/{size}")
                az("blob", "upload", "-c", "cli", "-n", names[-1], "-f", folder + "/in", "--no-progress")
                az("blob", "download", "-c", "cli", "-n", names[-1], "-f", folder + "/out", "--no-progress")
                with open(folder + "/out", "rb") as file:
                    self.assertTrue(file.read() == content, size)
            self.assertEqual({b["name"] for b in az("blob", "list", "-c", "cli", "--prefix", "a/")}, set(names))
            part = az("blob", "download", "-c", "cli", "-n", names[-1], "-f", folder + "/part", "--no-progress",
                      "--start-range", "5", "--end-range", "9")
            self.assertEqual(part["properties"]["contentLength"], 5)
            with open(folder + "/part", "rb") as file:
                self.assertEqual(file.read(), content[5:10])
            token = az("blob", "generate-sas", "-c", "cli", "-n", names[-1], "--permissions", "r", "--expiry",
                       "2100-01-01T00:00Z")
            answer = server.call("blob", "GET", f"/devstoreaccount1/cli/{names[-1]}?" + token)
            self.assertTrue(answer.body == content)
            # By a token of the other side, without the key.
            keyless = {**environment, "AZURE_STORAGE_CONNECTION_STRING": ""}
            shown = output_of(["az", "storage", "blob", "show", "-c", "cli", "-n", names[-1], "--blob-endpoint",
                               f"{server.url('blob')}/devstoreaccount1", "--sas-token", token_for(server, "cli"),
                               "-o", "json"], env=keyless)
            self.assertEqual(shown["properties"]["contentLength"], 5 << 20)
            self.assertEqual(az("blob", "show", "-c", "cli", "-n", names[-1])["properties"]["contentLength"], 5 << 20)


if __name__ == "__main__":
    unittest.main()
