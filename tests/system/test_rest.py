"""The verb `rest`: one call of the management interface from the command line."""

import json
import os
import sys
import unittest
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import harness


class Rest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(harness.Server())
        cls.id = cls.server.make_instance()["id"]

    def rest(self, *words, status=0, **options):
        done = harness.run_mlgate("rest", *words, *self.server.flags, **options)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return json.loads(done.stdout) if status == 0 and done.stdout else done

    def test_entities_are_made_read_changed_and_deleted(self):
        body = {"properties": {"url": "http://localhost:1", "protocol": "http"}}
        made = self.rest("put", "/backends/one", "--body", json.dumps(body))
        self.assertEqual(made["properties"]["url"], "http://localhost:1")
        file = Path(self.server.data, "body.json")
        file.write_text('{"properties":{"title":"One"}}')
        self.rest("PATCH", "backends/one", "--body", f"@{file}")
        self.rest("PATCH", "backends/one", "--body", "-", input='{"properties":{"description":"First"}}')
        seen = self.rest("GET", "/backends/one")["properties"]
        self.assertEqual((seen["title"], seen["description"]), ("One", "First"))
        self.rest("DELETE", "/backends/one")
        gone = self.rest("GET", "/backends/one", status=1)
        self.assertIn("404", gone.stderr)
        self.assertEqual(gone.stdout, "")

    def test_paths_of_other_names_and_whole_ones(self):
        self.assertEqual(self.rest("GET", "/")["id"], self.id)
        self.assertEqual(self.rest("GET", self.id + "/products?$top=1")["count"], 2)
        self.assertIn("value", self.rest("GET", "/subscriptions?$top=1"), "Those of the instance.")
        own = self.id.split("/")[2]
        self.assertEqual(self.rest("GET", f"/subscriptions/{own}")["subscriptionId"], own)
        name = "0" * 32 + "-abc"
        self.server.put(f"/subscriptions/{name}", {"scope": "/apis", "displayName": "x", "state": "active"})
        self.assertIn("primaryKey", self.rest("POST", f"/subscriptions/{name}/listSecrets"))

    def test_several_instances_are_told_apart(self):
        self.server.make_instance("another")
        self.addCleanup(self.server.arm, "DELETE", "", service="another")
        self.assertIn("--service", self.rest("GET", "/apis", status=1).stderr)
        self.assertTrue(self.rest("GET", "/", "--service", "Another")["id"].endswith("/another"))
        self.assertIn("demoazureml", self.rest("GET", "/apis", "--service", "none", status=1).stderr)

    def test_what_cannot_be_sent_is_refused(self):
        self.assertNotEqual(harness.run_mlgate("rest", "FETCH", "/apis", *self.server.flags).returncode, 0)
        self.assertNotIn("answer is", self.rest("PUT", "/apis/a", "--body", "{no json", status=1).stderr)

    def test_without_a_server_it_says_what_to_do(self):
        with harness.Server() as other:
            other.stop()
            done = harness.run_mlgate("rest", "GET", "/apis", *other.flags)
            self.assertEqual(done.returncode, 1)
            self.assertIn("mlgate serve", done.stderr)


if __name__ == "__main__":
    unittest.main()
