"""What was called through the gateway is what the usage reports say."""

import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from harness import Server


class Reports(unittest.TestCase):
    def test_known_calls_show_the_same_counts(self):
        with Server() as server:
            server.make_instance()
            key = {"Ocp-Apim-Subscription-Key": server.subscribe("mine", "unlimited")}
            for _ in range(3):
                self.assertEqual(server.call("gateway", "GET", "/echo/resource?param1=a", headers=key,
                                             scheme="https").status, 200)
            self.assertEqual(server.call("gateway", "GET", "/echo/nothing", headers=key, scheme="https").status, 404)
            self.assertEqual(server.call("gateway", "GET", "/echo/resource?param1=a", scheme="https").status, 401)
            rows = self.rows(server, "byApi", calls=5)
            echo = next(row for row in rows if row["apiId"] == "/apis/echo-api")
            self.assertEqual(echo["name"], "Echo API")
            self.assertEqual(echo["callCountSuccess"], 3, rows)
            self.assertEqual(sum(row["callCountBlocked"] for row in rows), 1, rows)
            mine = [row for row in self.rows(server, "bySubscription", calls=5)
                    if row["subscriptionId"] == "/subscriptions/mine"]
            self.assertEqual(sum(row["callCountSuccess"] for row in mine), 3, mine)
            self.assertGreater(echo["bandwidth"], 0)
            self.assertGreater(echo["apiTimeMax"], 0)

    def rows(self, server, kind, calls):
        """The report's rows once that many calls are in it, which is to be within two seconds."""
        until = time.monotonic() + 2
        while True:
            answer = server.arm("GET", f"/reports/{kind}", query="&$filter=timestamp%20ge%202020-01-01")
            self.assertEqual(answer.status, 200, answer)
            if sum(row["callCountTotal"] for row in answer.json["value"]) >= calls or time.monotonic() > until:
                return answer.json["value"]


if __name__ == "__main__":
    unittest.main()
