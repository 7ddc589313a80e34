"""The pages in Debian's chromium, on the real binary: the tutorial by mouse and keyboard, and its samples."""

import json
import os
import re
import shutil
import subprocess
import sys
import unittest
import unittest.mock
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "tests"))
import experiments  # noqa: E402
from harness import Server, clean_environment, run_mlgate  # noqa: E402


def ensure_packages():
    lock, stamp = HERE / "package-lock.json", HERE / "node_modules/.lock-installed"
    if not stamp.exists() or stamp.read_bytes() != lock.read_bytes():
        subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=HERE, env=tools(), check=True)
        shutil.copyfile(lock, stamp)


def tools():
    """An environment with the node that the pages are built with."""
    folder = subprocess.run([ROOT / "tools/web", "node"], capture_output=True, text=True, check=True).stdout.strip()
    kept = {name: os.environ[name] for name in ("MLGATE_SHOTS", "MLGATE_PATIENCE", "CHROMIUM") if name in os.environ}
    return {**clean_environment(), **kept, "PATH": folder + os.pathsep + os.environ["PATH"]}


def first_run_address(server):
    """The link that `serve` has printed."""
    return re.search(r"http://\S+/first-run#\S+", (server.data / "server.log").read_text()).group()


class TestPages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        ensure_packages()

    def browse(self, script, *arguments):
        done = subprocess.run(["node", HERE / script, *arguments], capture_output=True, text=True, env=tools(),
                              timeout=900)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_the_tutorial_by_mouse_and_keyboard(self):
        with Server() as server:
            developer = ("ann.lee@example.org", "a horse that is correct")
            added = run_mlgate("user", "add", developer[0], "--role", "developer", *server.flags,
                               input=developer[1] + "\n")
            self.assertEqual(added.returncode, 0, added.stderr)
            told = json.loads(self.browse("tutorial.mjs", first_run_address(server), server.url("services"),
                                          server.url("gateway"), *developer))
            for name, text in told["samples"].items():
                self.assertIn(f"/workspaces/{told['workspace']}/services/{told['service']}/", text, name)
            self.run_samples(server, told)
            self.call_managed(server, told)
            self.run_call_samples(server, told["own"]["samples"])

    def test_people_and_mail(self):
        with Server() as server:
            server.make_instance()
            server.put("/users/carl", {"firstName": "Carl", "lastName": "Ott", "email": "carl@example.org"})
            server.put("/subscriptions/please", {"scope": "/products/unlimited", "displayName": "Please",
                                                 "ownerId": "/users/carl", "state": "submitted"})
            server.make_instance("empty")
            self.browse("people.mjs", first_run_address(server), "demoazureml", "empty")

    def test_policies_by_completion_and_by_form(self):
        with Server() as server:
            server.make_instance()
            self.browse("policies.mjs", first_run_address(server), "demoazureml")

    def test_help_pages_name_the_types_that_answers_have(self):
        with Server() as server:
            rules = {"begin": "all", "keepOrder": False, "rules": []}
            with unittest.mock.patch.object(experiments, "SELECT_TEXT", rules):
                path, key = experiments.publish(server, "types", inputs=(experiments.SELECT,),
                                                outputs=(experiments.SELECT,))
            workspace = server.credentials["workspaceId"]
            [service] = server.call("services", "GET", f"/workspaces/{workspace}/webservices", headers={
                "Authorization": "Bearer " + server.credentials["workspaceToken"]}).json
            scored = server.call("services", "POST", path + "/execute?api-version=2.0&details=true", {
                "Inputs": {"input1": {"ColumnNames": ["Col1", "Col2"], "Values": [["5", "good"]]}},
                "GlobalParameters": {}}, {"Authorization": "Bearer " + key})
            self.assertEqual(scored.status, 200, scored)
            types = scored.json["Results"]["output1"]["value"]["ColumnTypes"]
            self.assertIn("Int32", types)
            shown = json.loads(self.browse("help.mjs", first_run_address(server),
                                           f"/studio/{workspace}/webservices/{service['Id']}/score"))
            self.assertEqual(shown["Results"]["output1"]["value"]["ColumnTypes"], types)

    def call_managed(self, server, told):
        """The API, its product, its policies and the key that were made by mouse."""
        path = (f"/azureml-demo/workspaces/{told['workspace']}/services/{told['service']}/execute"
                "?api-version=2.0&details=true")
        body = {"Inputs": {"input1": {"ColumnNames": ["Col2"], "Values": [["This is a good day"]]}},
                "GlobalParameters": {}}

        def call(key):
            return server.call("gateway", "POST", path, body,
                               {"Authorization": "Bearer " + told["key"], "Ocp-Apim-Subscription-Key": key})

        answer = call(told["managed"]["key"])
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.json["Results"]["output1"]["value"]["Values"][0][-8:], list("11220201"))
        self.assertEqual(answer.headers["X-Managed"], "yes")
        self.assertEqual(call(told["managed"]["old"]).status, 401, "a key that was replaced")
        self.assertEqual(call(told["own"]["old"]).status, 401, "a key that its developer has replaced")
        self.assertIn(call(told["own"]["made"]).status, (200, 429), "the developer's own")

    def run_samples(self, server, told):
        """The sample code as printed, with key and storage account filled in."""
        keys = run_mlgate("blob", "account", "keys", "devstoreaccount1", *server.flags)
        self.assertEqual(keys.returncode, 0, keys.stderr)
        account = {"abc123": told["key"], "=NAME": "=devstoreaccount1",
                   "AccountKey=KEY": "AccountKey=" + re.search(r"key1 (\S+)", keys.stdout).group(1),
                   "=ENDPOINT": f"={server.url('blob')}/devstoreaccount1"}
        for name, text in told["samples"].items():
            with self.subTest(name):
                folder = server.data / name.replace(".", "-")
                folder.mkdir()
                for placeholder, value in account.items():
                    text = text.replace(placeholder, value)
                (folder / name).write_text(text)
                (folder / "input.csv").write_text("Col2\nThis is a good day\n")
                printed = self.run_sample(folder, name)
                if name.startswith("rrs"):
                    self.assertEqual(len(json.loads(printed)["Results"]["output1"]["value"]["Values"]), 2)
                else:
                    result = (folder / "output1.csv").read_text().splitlines()
                    self.assertTrue(result[1].endswith(",1,1,2,2,0,2,0,1"), result)

    def run_call_samples(self, server, samples):
        """The developer portal's sample code, with the key and the body filled in; over clear text, because not every
        language can be told of the local authority from outside."""
        opened = server.arm("PATCH", "/apis/echo-api", {"properties": {"protocols": ["https", "http"]}},
                            headers={"If-Match": "*"})
        self.assertEqual(opened.status, 200, opened)
        key = server.arm("POST", "/subscriptions/master/listSecrets").json["primaryKey"]
        for name, text in samples.items():
            with self.subTest(name):
                self.assertIn(server.url("gateway", "https") + "/echo/resource", text)
                self.assertIn("Ocp-Apim-Subscription-Key", text)
        for language, file in (("curl", "call.sh"), ("Python", "call.py"), ("JavaScript", "call.mjs"),
                               ("R", "call.r"), ("C#", "call.cs")):
            with self.subTest(language):
                folder = server.data / file.replace(".", "-")
                folder.mkdir()
                text = samples[language].replace(server.url("gateway", "https"), server.url("gateway"))
                (folder / file).write_text(text.replace("{subscription key}", key).replace("{body}", "hello"))
                printed = self.run_sample(folder, file)
                self.assertIn("200", printed)
                self.assertIn("hello", printed)

    def run_sample(self, folder, name):
        commands = {"sh": [["bash", name]], "mjs": [["node", name]], "py": [[sys.executable, name]],
                    "r": [["Rscript", "--vanilla", name]],
                    "cs": [["mcs", "-r:System.Net.Http", "-out:sample.exe", name], ["mono", "sample.exe"]]}
        for command in commands[name.split(".")[1]]:
            done = subprocess.run(command, capture_output=True, text=True, env=tools(), cwd=folder,
                                  timeout=300)
            self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout}{done.stderr}")
        return done.stdout


if __name__ == "__main__":
    unittest.main()
