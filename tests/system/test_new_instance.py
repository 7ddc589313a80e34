"""What a new instance of API management is born with, entity by entity."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import harness

# Texts and numbers that callers of the cloud's instances know.
PRODUCTS = {
    "starter": {"displayName": "Starter", "description": "Subscribers will be able to run 5 calls/minute up to a "
                "maximum of 100 calls/week.", "subscriptionRequired": True, "approvalRequired": False,
                "subscriptionsLimit": 1, "state": "published"},
    "unlimited": {"displayName": "Unlimited", "description": "Subscribers have completely unlimited access to the API. "
                  "Administrator approval is required.", "subscriptionRequired": True, "approvalRequired": True,
                  "subscriptionsLimit": 1, "state": "published"},
}
STARTER_POLICY = ('<policies><inbound><rate-limit calls="5" renewal-period="60" />'
                  '<quota calls="100" renewal-period="604800" /><base /></inbound>'
                  '<backend><base /></backend><outbound><base /></outbound></policies>')
GLOBAL_POLICY = "<policies><inbound /><backend><forward-request /></backend><outbound /></policies>"
ECHO_OPERATIONS = {
    "retrieve-resource": ("Retrieve resource", "GET", "/resource"),
    "retrieve-header-only": ("Retrieve header only", "HEAD", "/resource"),
    "create-resource": ("Create resource", "POST", "/resource"),
    "modify-resource": ("Modify Resource", "PUT", "/resource"),
    "remove-resource": ("Remove resource", "DELETE", "/resource"),
    "retrieve-resource-cached": ("Retrieve resource (cached)", "GET", "/resource-cached"),
}


class NewInstance(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = harness.Server()
        cls.server.__enter__()
        cls.made = cls.server.make_instance()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    def all(self, path):
        """Properties of the entities of a list by name."""
        answer = self.server.arm("GET", path)
        self.assertEqual(answer.status, 200, answer)
        return {one["name"]: one["properties"] for one in answer.json["value"]}

    def policy(self, scope):
        answer = self.server.arm("GET", f"{scope}/policies/policy", query="&format=rawxml")
        self.assertEqual(answer.status, 200, answer)
        return answer.json["properties"]["value"]

    def assert_has(self, entity, expected):
        self.assertEqual({name: entity.get(name) for name in expected}, expected)

    def test_products(self):
        products = self.all("/products")
        self.assertEqual(list(products), list(PRODUCTS))
        for name, expected in PRODUCTS.items():
            self.assert_has(products[name], expected)
            self.assertEqual(list(self.all(f"/products/{name}/apis")), ["echo-api"])
            self.assertEqual(sorted(self.all(f"/products/{name}/groups")), ["administrators", "developers", "guests"])

    def test_policies(self):
        self.assertEqual(self.policy("/products/starter"), STARTER_POLICY)
        self.assertEqual(self.policy(""), GLOBAL_POLICY)
        for scope in ("/products/unlimited", "/apis/echo-api"):
            self.assertEqual(self.server.arm("GET", f"{scope}/policies/policy").status, 404, scope)

    def test_echo_api(self):
        apis = self.all("/apis")
        self.assertEqual(list(apis), ["echo-api"])
        self.assert_has(apis["echo-api"], {"displayName": "Echo API", "path": "echo", "protocols": ["https"],
                                           "subscriptionRequired": True, "apiRevision": "1", "isCurrent": True})
        operations = {name: (one["displayName"], one["method"], one["urlTemplate"])
                      for name, one in self.all("/apis/echo-api/operations").items()}
        self.assertEqual(operations, ECHO_OPERATIONS)
        key = self.server.arm("POST", "/subscriptions/master/listSecrets").json["primaryKey"]
        for display_name, method, template in ECHO_OPERATIONS.values():
            # Its backend is inside the program, so each of them works on a machine without a network.
            answer = self.server.call("gateway", method, "/echo" + template, b"hello" if method in ("POST", "PUT") else
                                      None, {"Ocp-Apim-Subscription-Key": key}, "https")
            self.assertEqual(answer.status, 200, display_name)
            if method in ("POST", "PUT"):
                self.assertEqual(answer.body, b"hello", display_name)

    def test_groups(self):
        groups = {name: (one["displayName"], one["builtIn"], one["type"]) for name, one in self.all("/groups").items()}
        self.assertEqual(groups, {"administrators": ("Administrators", True, "system"),
                                  "developers": ("Developers", True, "system"),
                                  "guests": ("Guests", True, "system")})
        self.assertEqual(list(self.all("/groups/administrators/users")), ["1"])

    def test_the_administrator(self):
        users = self.all("/users")
        self.assertEqual(list(users), ["1"])
        self.assert_has(users["1"], {"firstName": "Administrator", "email": "admin@example.com", "state": "active",
                                     "identities": [{"provider": "Azure", "id": "admin@example.com"}]})
        owned = self.all("/users/1/subscriptions")
        self.assertEqual(sorted(one["scope"].split("/products/")[1] for one in owned.values()),
                         ["starter", "unlimited"])
        self.assertEqual({one["state"] for one in owned.values()}, {"active"})

    def test_the_master_subscription(self):
        master = self.server.arm("GET", "/subscriptions/master").json
        self.assert_has(master["properties"], {"displayName": "Built-in all-access subscription", "state": "active",
                                               "allowTracing": False})
        self.assertEqual(master["properties"]["scope"], self.made["id"] + "/")
        self.assertNotIn("primaryKey", master["properties"])
        for method, body in (("DELETE", None), ("PATCH", {"properties": {"state": "suspended"}}),
                             ("PATCH", {"properties": {"scope": "/apis"}})):
            answer = self.server.arm(method, "/subscriptions/master", body, headers={"If-Match": "*"})
            self.assertEqual((answer.status, answer.json["error"]["code"]), (400, "ValidationError"), (method, body))
        old = self.server.arm("POST", "/subscriptions/master/listSecrets").json["secondaryKey"]
        self.assertEqual(self.server.arm("POST", "/subscriptions/master/regenerateSecondaryKey").status, 204)
        self.assertNotEqual(self.server.arm("POST", "/subscriptions/master/listSecrets").json["secondaryKey"], old)


if __name__ == "__main__":
    unittest.main()
