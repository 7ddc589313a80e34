"""The acceptance scenario: the tutorial end to end, and each answer that its last steps promise, byte for byte."""

import json
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import harness

ROW = '"Values":[["This is a good day","1","1","2","2","0","2","0","1"]]'
BODY = ('{"Inputs": {"input1": {"ColumnNames": ["Col2"], "Values": [["This is a good day"]]}}, '
        '"GlobalParameters": {}}')


class Tutorial(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = harness.Server()
        cls.server.__enter__()
        cls.made, cls.printed = cls.server.tutorial()
        cls.path = (f"/workspaces/{cls.made['workspace']}/services/{cls.made['service']}"
                    "/execute?api-version=2.0&details=true")
        cls.headers = {"Content-Type": "application/json", "Authorization": "Bearer " + cls.made["apiKey"]}

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    def managed(self, key=None, path=None, scheme="https", method="POST"):
        headers = dict(self.headers)
        if key is not None:
            headers["Ocp-Apim-Subscription-Key"] = key
        return self.server.call("gateway", method, "/azureml-demo" + (path or self.path), BODY, headers, scheme)

    def test_prints_each_step_with_what_came_back(self):
        for call in ("POST {services}/api/workspaces/{w}/experiments -> 200", "/webservice -> 200",
                     "POST {services}/workspaces/{w}/services/{s}/execute?api-version=2.0&details=true",
                     "PUT {console}/subscriptions/", "/apis/azureml-demo-api/operations/rrs-execute -> 201",
                     "{gateway}/azureml-demo/workspaces/{w}/services/{s}/execute"):
            words = call.format(services=self.server.url("services"), console=self.server.url("console"),
                                gateway=self.server.url("gateway", "https"), w=self.made["workspace"],
                                s=self.made["service"])
            self.assertIn(words, self.printed)
        for words in ("SimpleFeatureHashingExperiment", "1 1 2 2 0 2 0 1", "429", "AzureML Demo API"):
            self.assertIn(words, self.printed)
        self.assertNotIn(self.server.credentials["clientSecret"], self.printed)

    def test_again_on_the_same_data_reuses_what_is_there(self):
        made, _ = self.server.tutorial()
        self.assertEqual(made["service"], self.made["service"])
        apis = self.server.arm("GET", "/apis").json
        self.assertEqual([a["properties"]["path"] for a in apis["value"]].count("azureml-demo"), 1)

    def test_direct_call(self):
        answer = self.server.call("services", "POST", self.path, BODY, self.headers)
        self.assertEqual(answer.status, 200)
        self.assertIn(ROW, answer.text)
        self.assertEqual(answer.headers["Content-Type"], "application/json; charset=utf-8")

    def test_managed_call_gives_the_same_bytes(self):
        key = self.server.subscribe("managed", "starter")
        answer = self.managed(key)
        self.assertEqual(answer.status, 200, answer)
        direct = self.server.call("services", "POST", self.path, BODY, self.headers)
        self.assertEqual(answer.body, direct.body)

    def test_clear_text_is_not_found_since_the_scheme_is_https(self):
        key = self.server.subscribe("clear", "starter")
        answer = self.managed(key, scheme="http")
        self.assertEqual((answer.status, answer.reason), (404, "Resource Not Found"))
        self.assertEqual(answer.body, b'{ "statusCode": 404, "message": "Resource not found" }')

    def test_missing_key(self):
        answer = self.managed()
        self.assertEqual((answer.status, answer.reason), (401, "Access Denied"))
        self.assertEqual(answer.body, b'{ "statusCode": 401, "message": "Access denied due to missing subscription '
                                      b'key. Make sure to include subscription key when making requests to an API." }')
        self.assertEqual(answer.headers["Content-Type"], "application/json")
        port = self.server.ports["gateway"]["https"]
        self.assertEqual(answer.headers["WWW-Authenticate"],
                         f'AzureApiManagementKey realm="https://localhost:{port}/azureml-demo",'
                         'name="Ocp-Apim-Subscription-Key",type="header"')

    def test_wrong_key(self):
        answer = self.managed("0" * 32)
        self.assertEqual((answer.status, answer.reason), (401, "Access Denied"))
        self.assertEqual(answer.body, b'{ "statusCode": 401, "message": "Access denied due to invalid subscription '
                                      b'key. Make sure to provide a valid key for an active subscription." }')

    def test_unknown_operation(self):
        key = self.server.subscribe("unknown", "starter")
        answer = self.managed(key, path="/workspaces/x/nothing?api-version=2.0")
        self.assertEqual((answer.status, answer.body),
                         (404, b'{ "statusCode": 404, "message": "Resource not found" }'))

    def test_the_sixth_call_within_a_minute_is_refused(self):
        key = self.server.subscribe("limited", "starter")
        for _ in range(5):
            self.assertEqual(self.managed(key).status, 200)
        answer = self.managed(key)
        self.assertEqual((answer.status, answer.reason), (429, "Too Many Requests"))
        seconds = answer.headers["Retry-After"]
        self.assertTrue(1 <= int(seconds) <= 60)
        self.assertEqual(answer.text, '{ "statusCode": 429, "message": "Rate limit is exceeded. '
                                      f'Try again in {seconds} seconds." }}')

    def test_standard_library_client(self):
        client = os.path.join(os.path.dirname(__file__), "../clients/stdlib_rrs.py")
        url = self.server.url("services") + self.path
        good = subprocess.run([sys.executable, client, url, self.made["apiKey"]], capture_output=True, text=True,
                              env=harness.clean_environment())
        self.assertEqual(good.returncode, 0, good.stderr)
        self.assertIn(ROW, good.stdout)
        bad = subprocess.run([sys.executable, client, url, "wrong"], capture_output=True, text=True,
                             env=harness.clean_environment())
        self.assertEqual(bad.returncode, 1, bad.stderr)
        self.assertIn("status code: 401", bad.stdout)
        self.assertIn("x-ms-request-id", bad.stdout.lower())
        self.assertIn("ScoreRequestUnauthorized", bad.stdout)

    def test_curl(self):
        key = self.server.subscribe("curl", "starter")
        url = self.server.url("gateway", "https") + "/azureml-demo" + self.path
        done = subprocess.run(["curl", "-sS", "--noproxy", "*", "--cacert", str(self.server.data / "tls/ca.pem"), url,
                               "-H", "Content-Type: application/json", "-H", "Ocp-Apim-Subscription-Key: " + key,
                               "-H", "Authorization: Bearer " + self.made["apiKey"], "-d", BODY],
                              capture_output=True, text=True, env=harness.clean_environment())
        self.assertIn(ROW, done.stdout, done.stderr)

    def test_the_printed_curl_line_has_all_its_calls(self):
        _, printed = self.server.tutorial()
        line = printed[printed.index("curl --cacert"):].strip()
        for _ in range(5):
            done = subprocess.run(["bash", "-c", line + " -sS --noproxy '*'"], capture_output=True, text=True,
                                  env=harness.clean_environment())
            self.assertIn(ROW, done.stdout, done.stderr)

    def test_prints_every_address(self):
        ready = self.printed[self.printed.index("Ready."):]
        for name, scheme in (("gateway", "https"), ("gateway", "http"), ("console", "https"), ("console", "http"),
                             ("services", "https"), ("services", "http"), ("blob", "http")):
            self.assertIn(self.server.url(name, scheme), ready)

    def test_secrets_stay_out_of_the_log(self):
        key = self.server.subscribe("logged", "starter")
        self.managed(key)
        self.server.call("gateway", "GET", f"/azureml-demo/x?subscription-key={key}", scheme="https")
        for file in list(self.server.data.rglob("*.log")):
            text = file.read_text(errors="replace")
            self.assertNotIn(key, text, file)
            self.assertNotIn(self.made["apiKey"], text, file)


class WithoutAServer(unittest.TestCase):
    def test_runs_on_a_temporary_server_and_leaves_the_data_usable(self):
        server = harness.Server()
        made = harness.run_mlgate("init", *server.flags)
        self.assertEqual(made.returncode, 0, made.stderr)
        done = harness.run_mlgate("tutorial", *server.flags)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("1 1 2 2 0 2 0 1", done.stdout)
        with server:
            made = json.loads((server.data / "tutorial.json").read_text())
            answer = server.call("services", "POST",
                                 f"/workspaces/{made['workspace']}/services/{made['service']}/execute",
                                 BODY, {"Authorization": "Bearer " + made["apiKey"]})
            self.assertIn(ROW, answer.text)


if __name__ == "__main__":
    unittest.main()
