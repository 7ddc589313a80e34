"""Counters of quotas through the management interface: read by name, set for the next call, kept over a kill."""

import collections
import http.client
import itertools
import os
import random
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


# A second, and what a loaded machine takes to write.
LOST_S = 5 if harness.SANITIZED else 1.5


class Load:
    """Threads that call until the server is killed; when each answer came, and the fields of its request."""
    THREADS = 3

    def __init__(self, server, fields):
        self.port, self.fields, self.answered = server.ports["gateway"]["http"], fields, []
        self.threads = [threading.Thread(target=self.call) for _ in range(self.THREADS)]
        for thread in self.threads:
            thread.start()

    def call(self):
        connection = http.client.HTTPConnection("localhost", self.port, timeout=30)
        try:
            while True:
                fields = self.fields()
                connection.request("GET", "/a/echo", headers=fields)
                answer = connection.getresponse()
                if answer.read() == b"" and answer.status == 200:
                    self.answered.append((time.monotonic(), fields))
        except (OSError, http.client.HTTPException):
            pass  # The server is gone.

    def lasted(self, seconds):
        return self.answered and time.monotonic() - self.answered[0][0] >= seconds

    def join(self):
        for thread in self.threads:
            thread.join()
        return self.answered


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
        load = Load(self.server, lambda: {"Ocp-Apim-Subscription-Key": key})
        while self.counters("busy").json["value"][0]["value"]["callsCount"] < 200 or not load.lasted(2.5):
            time.sleep(0.05)
        end = time.monotonic()
        self.server.stop(signal.SIGKILL)
        answered = [at for at, _ in load.join()]
        self.server.start()
        kept = self.counters("busy").json["value"][0]["value"]["callsCount"]
        before = sum(at < end - LOST_S for at in answered)
        print(f"{len(answered)} calls, {kept} kept; {sum(at < end - 1 for at in answered)} of them a second before")
        self.assertGreaterEqual(kept, before)
        self.assertLessEqual(kept, len(answered) + Load.THREADS)

    def test_many_counters_survive_kills_under_load(self):
        self.policy("/apis/a", '<quota-by-key calls="1000000" renewal-period="0" '
                               'counter-key="@(context.Request.Headers.GetValueOrDefault(\"X-Who\", \"\"))" />')
        self.policy("/products/p", "")
        self.addCleanup(self.policy, "/products/p", POLICY)
        self.addCleanup(self.server.arm, "DELETE", "/apis/a/policies/policy")
        key = self.server.subscribe("crowd", "p")
        callers = [f"caller-{number}" for number in range(3000)]
        turn = itertools.cycle(callers)
        least, most = collections.Counter(), collections.Counter()
        # A process that is killed again soon has what the one before it had, too.
        for seconds in (LOST_S + 2.5, LOST_S + 1, LOST_S + 2.5):
            load = Load(self.server, lambda: {"Ocp-Apim-Subscription-Key": key, "X-Who": next(turn)})
            while not load.lasted(seconds):
                time.sleep(0.05)
            end = time.monotonic()
            self.server.stop(signal.SIGKILL)
            answered = load.join()
            self.server.start()
            least.update(fields["X-Who"] for at, fields in answered if at < end - LOST_S)
            most.update(fields["X-Who"] for _, fields in answered)
        self.assertGreater(len(least), 1500, "Too slow to say anything.")
        for caller in random.Random(7).sample(callers, 1000):
            found = self.counters(caller).json["value"]
            calls = found[0]["value"]["callsCount"] if found else 0
            self.assertLessEqual(least[caller], calls, caller)
            # Calls that were under way may have counted without an answer.
            self.assertLessEqual(calls, most[caller] + 3 * Load.THREADS, caller)
        print(f"{sum(most.values())} calls of {len(most)} callers, {sum(least.values())} a second before a kill")

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
