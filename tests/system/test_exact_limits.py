"""What limits count together, exactly, over the wire and on two workers (docs/guide/limits.md)."""

import http.client
import os
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import harness
from recorder import RecordingBackend
from test_watching import samples, total, until

CONNECTIONS, CALLS_EACH, ALLOWED = 40, 8, 50
WHO = '@(context.Request.Headers.GetValueOrDefault("X-Who", ""))'


def by_key(policy, more="", calls=2, period=300):
    return f'<{policy} calls="{calls}" renewal-period="{period}" counter-key="{WHO}" {more}/>'


class Limited(unittest.TestCase):
    FLAGS = []

    @classmethod
    def setUpClass(cls):
        cls.backend = RecordingBackend()
        cls.addClassCleanup(cls.backend.close)
        cls.server = cls.enterClassContext(harness.Server(flags=cls.FLAGS))
        cls.server.make_instance()
        for name in ("a", "b"):
            cls.server.put(f"/apis/{name}", {"displayName": name, "path": name, "protocols": ["http"],
                                             "serviceUrl": f"http://127.0.0.1:{cls.backend.port}"})
            for operation, template in (("one", "/one"), ("rest", "/*")):
                cls.server.put(f"/apis/{name}/operations/{operation}",
                               {"displayName": operation, "method": "GET", "urlTemplate": template,
                                "templateParameters": []})
        for name in ("p", "q"):
            cls.server.put(f"/products/{name}", {"displayName": name, "subscriptionRequired": True,
                                                 "state": "published"})
            for api in ("a", "b"):
                cls.server.arm("PUT", f"/products/{name}/apis/{api}")
        cls.keys = {f"{product}{number}": cls.server.subscribe(f"{product}{number}", product)
                    for product in ("p", "q") for number in (1, 2)}
        cls.everybody = cls.server.put("/subscriptions/all", {"scope": "/apis", "displayName": "all",
                                                              "state": "active"})

    def policy(self, owner, inbound):
        """For one test."""
        self.server.put(f"{owner}/policies/policy", {"format": "rawxml", "value":
                        f"<policies><inbound>{inbound}<base /></inbound></policies>"})
        self.addCleanup(self.server.arm, "DELETE", f"{owner}/policies/policy")

    def get(self, path, subscription="p1", who=""):
        return self.server.call("gateway", "GET", path,
                                headers={"Ocp-Apim-Subscription-Key": self.keys[subscription], "X-Who": who})

    def statuses(self, *calls):
        return [self.get(*call).status for call in calls]


class Exactness(Limited):
    def burst(self, headers):
        """The statuses of many calls that come at once on many connections."""
        found, begin = [], threading.Barrier(CONNECTIONS)

        def call():
            connection = http.client.HTTPConnection("localhost", self.server.ports["gateway"]["http"], timeout=60)
            connection.connect()
            begin.wait()
            for _ in range(CALLS_EACH):
                connection.request("GET", "/a/x", headers=headers)
                answer = connection.getresponse()
                answer.read()
                found.append(answer.status)
            connection.close()

        threads = [threading.Thread(target=call) for _ in range(CONNECTIONS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return found

    def test_of_a_burst_exactly_as_many_as_allowed_are_admitted(self):
        cases = {"rate-limit": ("/products/p", f'<rate-limit calls="{ALLOWED}" renewal-period="300" />', 429),
                 "quota": ("/products/p", f'<quota calls="{ALLOWED}" renewal-period="0" />', 403),
                 "rate-limit-by-key": ("/apis/a", by_key("rate-limit-by-key", calls=ALLOWED), 429),
                 "quota-by-key": ("/apis/a", by_key("quota-by-key", calls=ALLOWED), 403)}
        for name, (owner, policy, refusal) in cases.items():
            with self.subTest(name):
                self.policy(owner, policy)
                found = self.burst({"Ocp-Apim-Subscription-Key": self.keys["p1"], "X-Who": "crowd"})
                self.assertEqual(len(found), CONNECTIONS * CALLS_EACH)
                self.assertEqual((found.count(200), found.count(refusal)), (ALLOWED, len(found) - ALLOWED))
                self.server.arm("DELETE", f"{owner}/policies/policy")

        def both_worked():
            values = samples(self.server.call("console", "GET", "/metrics").text)
            return all(total(values, "mlgate_worker_calls_total", worker=worker) > 0 for worker in ("0", "1"))
        self.assertTrue(until(both_worked), "Both workers had calls to count.")

    def test_a_condition_on_the_response_lets_in_what_is_under_way(self):
        self.policy("/apis/a", by_key("rate-limit-by-key", calls=2, more=
                                      'increment-condition="@(context.Response.StatusCode == 200)"'))
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(self.get("/a/wait", who="slow").status))
                   for _ in range(4)]
        before = len(self.backend.seen)
        for thread in threads:
            thread.start()
        self.assertTrue(until(lambda: len(self.backend.seen) == before + 4), "All four are let in.")
        self.backend.release.set()
        for thread in threads:
            thread.join()
        self.assertEqual(answers, [200] * 4)
        self.assertEqual(self.get("/a/x", who="slow").status, 429)


class Sharing(Limited):
    def test_subscription_limits_stand_for_themselves_at_each_scope(self):
        self.policy("/products/p", '<rate-limit calls="4" renewal-period="300" />')
        self.policy("/apis/a", '<rate-limit calls="2" renewal-period="300" />')
        # Both APIs count for the product, and a counts for itself as well. Its document runs first, so that what it
        # refuses does not come to the product's.
        self.assertEqual(self.statuses(("/a/x",), ("/a/x",), ("/a/x",)), [200, 200, 429])
        self.assertEqual(self.statuses(("/b/x",), ("/b/x",), ("/b/x",)), [200, 200, 429])
        # Another subscription has counters of its own; the API's limit holds for other products as well.
        self.assertEqual(self.statuses(("/a/x", "p2"), ("/b/x", "p2")), [200, 200])
        self.assertEqual(self.statuses(("/a/x", "q1"), ("/a/x", "q1"), ("/a/x", "q1"), ("/b/x", "q1")),
                         [200, 200, 429, 200])

    def test_within_one_policy_a_call_counts_everywhere_or_nowhere(self):
        self.policy("/products/q", '<rate-limit calls="3" renewal-period="300"><api id="a" calls="2" '
                    'renewal-period="300"><operation id="one" calls="1" renewal-period="300" /></api></rate-limit>')
        # Five of these seven are refused by the inner limits and use up nothing of the outer one.
        self.assertEqual(self.statuses(*[("/a/one", "q2")] * 4), [200, 429, 429, 429])
        self.assertEqual(self.statuses(*[("/a/x", "q2")] * 3), [200, 429, 429])
        self.assertEqual(self.statuses(*[("/b/x", "q2")] * 2), [200, 429])

    def test_a_key_is_one_counter_in_all_documents(self):
        self.policy("/apis/a", by_key("rate-limit-by-key", calls=2))
        self.policy("/apis/b", by_key("rate-limit-by-key", calls=4))
        self.assertEqual(self.statuses(("/a/x", "p1", "k"), ("/b/x", "p2", "k"), ("/a/x", "q1", "k")), [200, 200, 429])
        # The other document goes by its own number.
        self.assertEqual(self.statuses(*[("/b/x", "p1", "k")] * 3), [200, 200, 429])
        self.assertEqual(self.get("/a/x", who="another").status, 200)
        # A changed document keeps what was counted: four calls.
        self.policy("/apis/a", by_key("rate-limit-by-key", calls=5))
        self.assertEqual(self.statuses(*[("/a/x", "p1", "k")] * 2), [200, 429])

    def test_quotas_by_key_share_where_the_period_is_the_same(self):
        self.policy("/apis/a", by_key("quota-by-key", calls=2, period=604800))
        self.policy("/apis/b", by_key("quota-by-key", calls=2, period=604800))
        self.assertEqual(self.statuses(*[("/a/x", "p1", "m"), ("/b/x", "p1", "m"), ("/b/x", "p1", "m")]),
                         [200, 200, 403])
        self.policy("/apis/b", by_key("quota-by-key", calls=2, period=0))
        self.assertEqual(self.statuses(*[("/b/x", "p1", "m")] * 3), [200, 200, 403])
        # A rate limit by the same key counts for itself.
        self.policy("/apis/b", by_key("rate-limit-by-key", calls=1))
        self.assertEqual(self.statuses(*[("/b/x", "p1", "m")] * 2), [200, 429])


class FullTables(Limited):
    FLAGS = ["--limits.counters", "2"]

    def test_without_room_for_a_counter_calls_are_refused_with_429(self):
        later = 'increment-condition="@(context.Response.StatusCode == 200)"'
        limit = "Rate limit is exceeded. Try again in 1 seconds."
        for policy, message, metric in (
                ("rate-limit-by-key", limit, "mlgate_rate_limit_table_full_total"),
                ("quota-by-key", "There is no room for another counter of quotas.",
                 "mlgate_quota_table_full_total")):
            with self.subTest(policy):
                self.policy("/apis/a", by_key(policy, calls=3))
                self.policy("/apis/b", by_key(policy, calls=3, more=later))
                self.assertEqual(self.statuses(*[("/a/x", "p1", who) for who in ("1", "2", "1")]), [200] * 3)
                for path in ("/a/x", "/b/x"):
                    refused = self.get(path, who="3")
                    self.assertEqual((refused.status, refused.headers["Retry-After"], refused.json),
                                     (429, "1", {"statusCode": 429, "message": message}), path)
                self.assertEqual(self.get("/a/x", who="2").status, 200, "Whom it counts already is served.")
                values = samples(self.server.call("console", "GET", "/metrics").text)
                self.assertEqual(total(values, metric), 2)


if __name__ == "__main__":
    unittest.main()
