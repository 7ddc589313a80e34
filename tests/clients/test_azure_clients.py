"""Azure's SDK for Python and its command line against this server, over TLS with its own CA.

Both are Debian packages (python3-azure, azure-cli); where one is missing its test says so and is counted as skipped.
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

HERE = os.path.dirname(os.path.abspath(__file__))
INTERPRETERS = ("/usr/bin/python3", sys.executable)  # Debian's packages belong to Debian's own.


def with_ca(server, **more):
    return {**harness.clean_environment(), "REQUESTS_CA_BUNDLE": str(server.data / "tls/ca.pem"), **more}


class PythonSdk(unittest.TestCase):
    def interpreter(self):
        for one in INTERPRETERS:
            probe = [one, "-c", "import azure.mgmt.apimanagement"]
            if shutil.which(one) and subprocess.run(probe, capture_output=True).returncode == 0:
                return one
        self.skipTest("no Python has azure.mgmt.apimanagement (Debian: python3-azure)")

    def test_azure_mgmt_apimanagement(self):
        interpreter = self.interpreter()
        with harness.Server() as server:
            server.make_instance()
            done = subprocess.run([interpreter, "-B", os.path.join(HERE, "python_azure.py"),
                                   server.url("console", "https"), server.credentials["subscriptionId"],
                                   server.token()], env=with_ca(server), capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        out = json.loads(done.stdout)
        self.assertEqual(out["state"], "Succeeded")
        self.assertIn("frompython.localhost", out["gateway"])
        self.assertEqual((out["api"], out["operation"], out["product"]), ("py", "/x/{id}", "published"))
        self.assertEqual(out["keys"], [32, True, True])
        self.assertIn("X-P", out["policy"])
        self.assertEqual((out["apis"], out["products"], out["reports"]), (["echo-api", "py"], ["pack"], []))
        self.assertEqual((out["refused"], out["gone"]), ("ValidationError", "ResourceNotFound"))
        self.assertEqual(out["left"], ["demoazureml"])


class CommandLine(unittest.TestCase):
    def az(self, *words):
        done = subprocess.run(["/usr/bin/az", *words, "--only-show-errors", "-o", "json"], env=self.environment,
                              capture_output=True, text=True, timeout=180)
        self.assertEqual(done.returncode, 0, f"az {' '.join(words[:4])}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout) if done.stdout.strip() else None

    def test_az(self):
        if not os.path.exists("/usr/bin/az"):
            self.skipTest("az is not installed (Debian: azure-cli)")
        with harness.Server() as server, tempfile.TemporaryDirectory() as folder:
            self.environment = with_ca(server, AZURE_CONFIG_DIR=folder, AZURE_CORE_COLLECT_TELEMETRY="false")
            self.sign_in(server)
            self.work(server)

    def sign_in(self, server):
        console, ours = server.url("console", "https"), server.credentials
        # As "adfs" the sign-in service is asked itself; az of this age asks the cloud's about any other.
        self.az("cloud", "register", "-n", "mlgate", "--endpoint-resource-manager", console,
                "--endpoint-active-directory", console + "/adfs", "--endpoint-active-directory-resource-id", console,
                "--endpoint-active-directory-graph-resource-id", console)
        self.az("cloud", "set", "-n", "mlgate")
        found = self.az("login", "--service-principal", "-u", ours["clientId"], "-p", ours["clientSecret"],
                        "--tenant", ours["tenantId"])
        self.assertEqual([one["id"] for one in found], [ours["subscriptionId"]])

    def work(self, server):
        self.az("group", "create", "-n", "mlgate", "-l", "local")
        here = ("-g", "mlgate", "-n", "fromaz")
        made = self.az("apim", "create", *here, "-l", "local", "--publisher-email", "a@example.com",
                       "--publisher-name", "az", "--sku-name", "Developer")
        self.assertEqual(made["provisioningState"], "Succeeded")
        in_it = ("-g", "mlgate", "--service-name", "fromaz")
        self.az("apim", "api", "create", *in_it, "--api-id", "az", "--path", "az", "--display-name", "From az",
                "--service-url", "http://127.0.0.1:9", "--protocols", "https")
        base = (f"{server.url('console', 'https')}/subscriptions/{server.credentials['subscriptionId']}/resourceGroups/"
                "mlgate/providers/Microsoft.ApiManagement/service/fromaz")
        version = "?api-version=2021-08-01"
        rest = ("rest", "--resource", server.url("console", "https"), "--method")
        # Debian's SDK below az cannot send these two as JSON.
        self.az(*rest, "put", "--url", f"{base}/apis/az/operations/get{version}", "--body", json.dumps(
            {"properties": {"displayName": "get", "method": "GET", "urlTemplate": "/x"}}))
        self.az(*rest, "put", "--url", f"{base}/products/pack{version}", "--body", json.dumps(
            {"properties": {"displayName": "Pack", "subscriptionRequired": True, "state": "published"}}))
        operations = self.az("apim", "api", "operation", "list", *in_it, "--api-id", "az")
        self.assertEqual([one["urlTemplate"] for one in operations], ["/x"])
        self.az("apim", "product", "api", "add", *in_it, "--product-id", "pack", "--api-id", "az")
        apis = self.az("apim", "product", "api", "list", *in_it, "--product-id", "pack")
        self.assertEqual([one["name"] for one in apis], ["az"])
        self.az(*rest, "put", "--url", f"{base}/subscriptions/mine{version}", "--body", json.dumps(
            {"properties": {"scope": "/products/pack", "displayName": "mine", "state": "active"}}))
        keys = self.az(*rest, "post", "--url", f"{base}/subscriptions/mine/listSecrets{version}")
        self.assertEqual(len(keys["primaryKey"]), 32)
        self.az(*rest, "put", "--url", f"{base}/apis/az/policies/policy{version}", "--body", json.dumps(
            {"properties": {"format": "rawxml", "value": "<policies><inbound><base /></inbound></policies>"}}))
        self.az("apim", "delete", *here, "-y")
        self.assertEqual(self.az("apim", "list", "-g", "mlgate"), [])


if __name__ == "__main__":
    unittest.main()
