"""Azure's own management clients against this server, over TLS with its own CA.

The JavaScript SDK comes from npm by the lock file beside this, into build/clients; without node and npm the test says
so and is counted as skipped.
"""

import json
import os
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import harness

HERE = Path(__file__).resolve().parent
SCRIPT = """
import { ApiManagementClient } from "@azure/arm-apimanagement";
const [endpoint, subscription, token] = process.argv.slice(2);
const credential = { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3600000 }) };
const client = new ApiManagementClient(credential, subscription, { endpoint });
const group = "mlgate", service = "demoazureml";
const out = {};
out.service = (await client.apiManagementService.get(group, service)).provisioningState;
out.api = (await client.api.beginCreateOrUpdateAndWait(group, service, "js", {
  displayName: "From JavaScript", path: "js", protocols: ["https"], serviceUrl: "http://127.0.0.1:9" })).path;
out.operation = (await client.apiOperation.createOrUpdate(group, service, "js", "get", {
  displayName: "get", method: "GET", urlTemplate: "/x", templateParameters: [] })).urlTemplate;
out.product = (await client.productApi.createOrUpdate(group, service, "starter", "js")).displayName;
await client.subscription.createOrUpdate(group, service, "from-js", {
  scope: "/products/starter", displayName: "from js", state: "active" });
out.key = (await client.subscription.listSecrets(group, service, "from-js")).primaryKey.length;
await client.apiPolicy.createOrUpdate(group, service, "js", "policy", { format: "rawxml",
  value: '<policies><inbound><base /><set-header name="X-A"><value>a</value></set-header></inbound></policies>' });
out.apis = [];
for await (const api of client.api.listByService(group, service)) out.apis.push(api.name);
out.policies = await (await fetch(`${endpoint}/subscriptions/${subscription}/resourceGroups/${group}/providers/`
  + `Microsoft.ApiManagement/service/${service}/apis/js/policies?api-version=2024-05-01`,
  { headers: { Authorization: `Bearer ${token}` } })).text();
await client.api.beginDeleteAndWait(group, service, "js", "*");
try { await client.api.get(group, service, "js"); } catch (error) { out.gone = error.code; }
console.log(JSON.stringify(out));
"""


class JavaScript(unittest.TestCase):
    def test_arm_apimanagement(self):
        if not shutil.which("npm") or not shutil.which("node"):
            self.skipTest("node and npm are not installed")
        folder = harness.ROOT / "build/clients"
        folder.mkdir(parents=True, exist_ok=True)
        lock = (HERE / "package-lock.json").read_text()
        installed = folder / "installed-lock.json"
        if not installed.exists() or installed.read_text() != lock:
            for name in ("package.json", "package-lock.json", ".npmrc"):
                shutil.copy(HERE / name, folder)
            subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=folder, check=True,
                           stdout=subprocess.DEVNULL)
            installed.write_text(lock)
        (folder / "arm.mjs").write_text(SCRIPT)
        with harness.Server() as server:
            server.make_instance()
            environment = {**harness.clean_environment(), "NODE_EXTRA_CA_CERTS": str(server.data / "tls/ca.pem")}
            done = subprocess.run(["node", "arm.mjs", server.url("console", "https"),
                                   server.credentials["subscriptionId"], server.token()],
                                  cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        out = json.loads(done.stdout)
        self.assertEqual(out["service"], "Succeeded")
        self.assertEqual((out["api"], out["operation"], out["key"]), ("js", "/x", 32))
        self.assertIn("X-A", out["policies"])
        self.assertEqual(out["apis"], ["echo-api", "js"])
        self.assertEqual(out["gone"], "ResourceNotFound")


if __name__ == "__main__":
    unittest.main()
