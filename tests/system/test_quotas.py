"""Counters of quotas through the management interface: read by name, set for the next call, kept over a kill."""

import http.client
import os
import signal
import sys
import threading
import time
import unittest
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import harness
from recorder import RecordingBackend

WEEK = 604_800
POLICY = f"""<quota calls="5" renewal-period="{WEEK}"><api name="The API" calls="4" renewal-period="{WEEK}">
               <operation id="get" calls="3" renewal-period="0" /></api></quota>"""


class Quotas(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.backend = RecordingBackend()
        cls.addClassCleanup(cls.backend.close)
        cls.server = cls.enterClassContext(harness.Server())
        cls.server.make_instance()
        cls.server.put("/apis/a", {"displayName": "The API", "path": "a", "protocols": ["http"],
                                   "serviceUrl": f"http://127.0.0.1:{cls.backend.port}"})
        cls.server.put("/apis/a/operations/get", {"displayName": "Read", "method": "GET", "urlTemplate": "/*",
                                                  "templateParameters": []})
        cls.server.put("/products/p", {"displayName": "p", "subscriptionRequired": True, "state": "published"})
        cls.server.arm("PUT", "/products/p/apis/a")
        cls.policy("/products/p", POLICY)

    @classmethod
    def policy(cls, owner, inbound):
        cls.server.put(f"{owner}/policies/policy", {"format": "rawxml", "value":
                       f"<policies><inbound>{inbound}<base /></inbound></policies>"})

    def call(self, key, path="/a/echo"):
        return self.server.call("gateway", "GET", path, headers={"Ocp-Apim-Subscription-Key": key}).status

    def counters(self, name, period=None, method="GET", **properties):
        path = f"/quotas/{urllib.parse.quote(name, safe='')}" + (f"/periods/{period}" if period else "")
        return self.server.arm(method, path, {"properties": properties} if properties else None)

    def test_a_subscriptions_quotas_are_read_and_set(self):
        key = self.server.subscribe("one", "p")
        fresh = self.counters("one").json
        self.assertEqual((fresh["count"], fresh["value"][0]["value"]), (1, {"callsCount": 0, "kbTransferred": 0}))
        self.assertEqual([self.call(key) for _ in range(4)], [200, 200, 200, 403])
        for name in ("one", "one/apis/a", "ONE/apis/A/operations/GET"):
            self.assertEqual(self.counters(name).json["value"][0]["value"]["callsCount"], 3, name)
        whole = self.counters("one").json["value"][0]
        self.assertEqual(whole["counterKey"], "one")
        self.assertRegex(whole["periodKey"], rf"^\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\dZ_{WEEK}$")
        self.assertGreater(whole["value"]["kbTransferred"], 0)
        self.assertLess(whole["periodStartTime"], whole["periodEndTime"])
        endless = self.counters("one/apis/a/operations/get").json["value"][0]
        self.assertEqual((endless["periodKey"], endless["periodEndTime"]), ("infinite", "9999-12-31T23:59:59Z"))
        # The operation's calls are given back: the API's are the next to end.
        answer = self.counters("one/apis/a/operations/get", "infinite", "PATCH", callsCount=0)
        self.assertEqual((answer.status, answer.json["value"]["callsCount"]), (200, 0))
        self.assertEqual([self.call(key) for _ in range(2)], [200, 403])
        answer = self.counters("one/apis/a", method="PATCH", callsCount=2, kbTransferred=0.5)
        self.assertEqual(answer.json["value"][0]["value"], {"callsCount": 2, "kbTransferred": 0.5})
        self.assertEqual([self.call(key) for _ in range(2)], [200, 403], "The subscription's five are used up.")
        self.assertEqual(self.counters("one").json["value"][0]["value"]["callsCount"], 5)

    def test_what_was_set_survives_a_kill(self):
        key = self.server.subscribe("two", "p")
        self.assertEqual(self.call(key), 200)
        period = self.counters("two").json["value"][0]["periodKey"]
        self.assertEqual(self.counters("two", period, "PATCH", callsCount=5).status, 200)
        self.server.stop(signal.SIGKILL)
        self.server.start()
        self.assertEqual(self.counters("two", period).json["value"]["callsCount"], 5)
        self.assertEqual(self.call(key), 403)

    def test_a_kill_under_load_loses_a_second_at_most(self):
        key = self.server.subscribe("busy", "p")
        self.policy("/products/p", f'<quota calls="1000000" renewal-period="{WEEK}" />')
        self.addCleanup(self.policy, "/products/p", POLICY)
        answered, killed = [], threading.Event()

        def load():
            connection = http.client.HTTPConnection("localhost", self.server.ports["gateway"]["http"], timeout=30)
            try:
                while not killed.is_set():
                    connection.request("GET", "/a/echo", headers={"Ocp-Apim-Subscription-Key": key})
                    if connection.getresponse().read() == b"":
                        answered.append(time.monotonic())
            except (OSError, http.client.HTTPException):
                pass  # The server is gone.

        threads = [threading.Thread(target=load) for _ in range(3)]
        for thread in threads:
            thread.start()
        while self.counters("busy").json["value"][0]["value"]["callsCount"] < 200 or not answered or (
                time.monotonic() - answered[0] < 2.5):
            time.sleep(0.05)
        end = time.monotonic()
        self.server.stop(signal.SIGKILL)
        killed.set()
        for thread in threads:
            thread.join()
        self.server.start()
        kept = self.counters("busy").json["value"][0]["value"]["callsCount"]
        # A second, and what a loaded machine takes to write.
        before = sum(at < end - (5 if harness.SANITIZED else 1.5) for at in answered)
        print(f"{len(answered)} calls, {kept} kept; {sum(at < end - 1 for at in answered)} of them a second before")
        self.assertGreaterEqual(kept, before)
        self.assertLessEqual(kept, len(answered) + len(threads))

    def test_keys_that_callers_bring_are_counters_once_they_have_counted(self):
        self.policy("/apis/a", '<quota-by-key calls="2" renewal-period="0" '
                               'counter-key="@(context.Request.Headers.GetValueOrDefault(\"X-Who\", \"\"))" />')
        self.addCleanup(self.server.arm, "DELETE", "/apis/a/policies/policy")
        key = self.server.subscribe("three", "p")
        name = "sales/north east?"
        self.assertEqual(self.counters(name).json["value"], [])
        self.assertEqual(self.counters(name, method="PATCH", callsCount=0).status, 404)

        def call():
            return self.server.call("gateway", "GET", "/a/echo",
                                    headers={"Ocp-Apim-Subscription-Key": key, "X-Who": name}).status
        self.assertEqual([call() for _ in range(3)], [200, 200, 403])
        self.assertEqual(self.counters(name, "infinite").json["value"]["callsCount"], 2)
        self.assertEqual(self.counters(name, "infinite", "PATCH", callsCount=1).status, 200)
        self.assertEqual([call() for _ in range(2)], [200, 403])

    def test_what_is_not_there_or_no_number_is_refused(self):
        self.server.subscribe("four", "p")
        self.assertEqual(self.counters("nobody").json["value"], [])
        self.assertEqual(self.counters("four", "2001-01-01T00:00:00Z_60").status, 404)
        self.assertEqual(self.counters("four/apis/none").json["value"], [])
        for wrong in ({"callsCount": -1}, {"callsCount": 1.5}, {"kbTransferred": "much"}, {"other": 1}):
            self.assertEqual(self.counters("four", method="PATCH", **wrong).status, 400, wrong)
        self.assertEqual(self.counters("four").json["value"][0]["value"]["callsCount"], 0)


if __name__ == "__main__":
    unittest.main()
