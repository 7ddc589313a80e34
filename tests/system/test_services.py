"""Web services with more than the tutorial's one text input, called straight and through the gateway, and the document
that describes them."""

import json
import os
import sys
import unittest
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import harness
from experiments import HASHING, SELECT, publish

GOLDEN = Path(__file__).resolve().parents[1] / "golden/swagger.json"
TEXT = "This is a good day"
BODY = {"Inputs": {"input1": {"ColumnNames": ["Col1", "Col2"], "Values": [["5", "a"], [4, None]]},
                   "input2": [{"Col2": TEXT}]}}
ANSWER = ('{"Results":{"output1":{"type":"table","value":{"Values":[["a"],[null]]}},'
          f'"output2":{{"type":"table","value":{{"Values":[["{TEXT}","3","6"]]}}}}}}}}')


class Services(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = harness.Server()
        cls.server.__enter__()
        cls.path, key = publish(cls.server, "Two ports", 1, (SELECT, HASHING), (SELECT, HASHING))
        cls.headers = {"Authorization": "Bearer " + key}
        cls.server.make_instance()
        cls.server.put("/apis/ml", {"displayName": "ML", "path": "ml/services", "protocols": ["http", "https"],
                                    "serviceUrl": cls.server.url("services")})
        for method in ("GET", "POST"):
            cls.server.put(f"/apis/ml/operations/{method}",
                           {"displayName": method, "method": method, "urlTemplate": "/{*rest}",
                            "templateParameters": [{"name": "rest", "type": "string"}]})
        cls.server.put("/products/unlimited/apis/ml", {})
        cls.managed = {**cls.headers, "Ocp-Apim-Subscription-Key": cls.server.subscribe("ml", "unlimited")}

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    def execute(self, body, path=None, query="?api-version=2.0"):
        return self.server.call("services", "POST", (path or self.path) + "/execute" + query, body, self.headers)

    def test_two_inputs_and_two_outputs(self):
        answer = self.execute(BODY)
        self.assertEqual((answer.status, answer.text), (200, ANSWER))
        rows = self.execute(BODY, query="?api-version=2.0&format=swagger")
        self.assertEqual(rows.text, '{"Results":{"output1":[{"Col2":"a"},{"Col2":null}],"output2":[{"Col2":"' + TEXT +
                         '","Col2_HashingFeature_1":"3","Col2_HashingFeature_2":"6"}]}}')

    def test_the_same_bytes_through_the_gateway(self):
        for scheme in ("http", "https"):
            answer = self.server.call("gateway", "POST", f"/ml/services{self.path}/execute?api-version=2.0", BODY,
                                      self.managed, scheme)
            self.assertEqual((answer.status, answer.text), (200, ANSWER))

    def test_a_number_that_does_not_convert_is_named(self):
        bad = {"Inputs": {**BODY["Inputs"], "input1": [{"Col1": 5, "Col2": "a"}, {"Col1": "five", "Col2": "b"}]}}
        straight = self.execute(bad)
        self.assertEqual((straight.status, straight.json["error"]), (400, {
            "code": "BadUserArgument", "message": "Invalid user argument provided.",
            "details": [{"code": "InputParseError", "message":
                         "Parsing of input vector failed.  Verify the input vector has the correct number of columns "
                         'and data types.  Additional details: input "input1", row 2, column "Col1": expected Int32, '
                         'found "five".'}]}))
        managed = self.server.call("gateway", "POST", f"/ml/services{self.path}/execute", bad, self.managed)
        self.assertEqual((managed.status, managed.body), (400, straight.body))

    def test_the_address_by_subscription(self):
        service = self.path.split("/services/")[1]
        ours = self.server.credentials["subscriptionId"]
        for one in (ours, ours.replace("-", "")):
            answer = self.execute(BODY, f"/subscriptions/{one}/services/{service}")
            self.assertEqual((answer.status, answer.text), (200, ANSWER))
        other = self.execute(BODY, f"/subscriptions/{'1' * 32}/services/{service}")
        self.assertEqual((other.status, other.json["error"]["details"][0]["code"]),
                         (404, "WebServiceIdNotFoundInWorkspace"))

    def test_the_document_names_the_address_that_it_was_asked_at(self):
        asked = [(role, scheme, prefix) for role, prefix in (("services", ""), ("gateway", "/ml/services"))
                 for scheme in ("http", "https")]
        for role, scheme, prefix in asked:
            with self.subTest(role=role, scheme=scheme):
                headers = self.managed if role == "gateway" else {}
                answer = self.server.call(role, "GET", f"{prefix}{self.path}/swagger.json", None, headers, scheme)
                self.assertEqual((answer.status, answer.headers["Content-Type"]),
                                 (200, "application/json; charset=utf-8"))
                expected = GOLDEN.read_text().replace("{scheme}", scheme).replace("{base path}", prefix + self.path)
                expected = expected.replace("{host}", f"localhost:{self.server.ports[role][scheme]}")
                self.assertEqual(answer.text, json.dumps(json.loads(expected), separators=(",", ":")))
                # What it says leads to the service.
                said = answer.json
                path = said["basePath"] + list(said["paths"])[1]
                scored = self.server.call(role, "POST", path, said["definitions"]["ExecutionRequest"]["example"],
                                          self.managed if role == "gateway" else self.headers, scheme)
                self.assertEqual((scored.status, list(scored.json["Results"])), (200, ["output1", "output2"]))


if __name__ == "__main__":
    unittest.main()
