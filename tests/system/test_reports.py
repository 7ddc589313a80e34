"""What was called through the gateway is what all usage reports, the access log and the metrics say, also after a
restart and after a kill."""

import csv
import io
import json
import re
import signal
import sys
import time
import unittest
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from harness import Server, run_mlgate

CLASSES = ("callCountSuccess", "callCountBlocked", "callCountFailed", "callCountOther")
GROUPED = ("byApi", "byUser", "byOperation", "byProduct", "bySubscription", "byGeo")
PATIENCE = 2  # Seconds until a call shows up.


def numbers(rows):
    """Calls by class, summed over the rows of a report."""
    return tuple(sum(row[name] for row in rows) for name in CLASSES)


class Reports(unittest.TestCase):
    def call(self, server, path, status, key=None, times=1):
        headers = {"Ocp-Apim-Subscription-Key": key} if key else {}
        for _ in range(times):
            self.assertEqual(server.call("gateway", "GET", path, headers=headers, scheme="https").status, status)

    def known_calls(self, server, key):
        """Three successes, two blocked, one other."""
        self.call(server, "/echo/resource?param1=a", 200, key, times=3)
        self.call(server, "/echo/resource?param1=a", 401, times=2)
        self.call(server, "/echo/nothing", 404, key)

    def test_known_calls_show_the_same_counts_everywhere(self):
        with Server() as server:
            server.make_instance()
            key = server.subscribe("mine", "unlimited")
            self.known_calls(server, key)
            self.check_all(server, (3, 2, 0, 1))
            rows = self.rows(server, "byApi", 6)
            echo = next(row for row in rows if row["apiId"] == "/apis/echo-api")
            self.assertEqual((echo["name"], echo["callCountSuccess"]), ("Echo API", 3))
            self.assertGreater(echo["bandwidth"], 0)
            self.assertGreater(echo["apiTimeMax"], 0)
            mine = [row for row in self.rows(server, "bySubscription", 6)
                    if row["subscriptionId"] == "/subscriptions/mine"]
            self.assertEqual(numbers(mine)[0], 3)
            self.check_verb(server, echo)
            self.assertEqual(server.stop(), 0)
            server.start()
            self.check_all(server, (3, 2, 0, 1), since_start=(0, 0, 0, 0))
            self.known_calls(server, key)
            self.check_all(server, (6, 4, 0, 2), since_start=(3, 2, 0, 1))

    def test_a_kill_loses_a_second_at_most(self):
        with Server() as server:
            server.make_instance()
            key = server.subscribe("mine", "unlimited")
            self.known_calls(server, key)
            self.rows(server, "byApi", 6)
            saved = "\nmlgate_usage_unsaved_calls 0\n"
            self.wait_until(lambda: saved in server.call("console", "GET", "/metrics").text, 30)
            server.stop(signal.SIGKILL)
            server.start()
            self.check_all(server, (3, 2, 0, 1), since_start=(0, 0, 0, 0))

    def check_all(self, server, wanted, since_start=None):
        calls = sum(wanted)
        for kind in GROUPED:
            self.assertEqual(numbers(self.rows(server, kind, calls)), wanted, kind)
        by_time = self.report(server, "byTime", "&interval=PT15M", hours=24)
        self.assertEqual(numbers(by_time["value"]), wanted)
        requests = self.report(server, "byRequest", "&$top=1000")
        self.assertEqual(requests["count"], calls)
        statuses = sorted(row["responseCode"] for row in requests["value"])
        logged = [json.loads(line) for line in (server.data / "logs/access.log").read_text().splitlines()]
        self.assertEqual(statuses, sorted(line["responseCode"] for line in logged))
        self.assertEqual({row["requestId"] for row in requests["value"]}, {line["correlationId"] for line in logged})
        self.assertNotIn("key=", "".join(row["url"] for row in requests["value"]).lower())
        metrics = server.call("console", "GET", "/metrics").text
        counted = [sum(int(float(n)) for n in re.findall(rf'^mlgate_worker_calls_total\{{.*status="{name}"\}} (\S+)$',
                                                        metrics, re.MULTILINE))
                   for name in ("Successful", "Unauthorized", "Failed", "Other")]
        self.assertEqual(tuple(counted), since_start or wanted)
        self.assertIn("\nmlgate_usage_lost_calls_total 0\n", metrics)
        self.assertIn("\nmlgate_usage_failures_total 0\n", metrics)

    def check_verb(self, server, echo):
        data = ["--data", str(server.data)]
        shown = run_mlgate("report", "by-api", "--since", "1h", *data)
        self.assertEqual(shown.returncode, 0, shown.stderr)
        line = next(line for line in shown.stdout.splitlines() if "/apis/echo-api" in line)
        self.assertIn("Echo API", line)
        table = run_mlgate("report", "by-api", "--csv", *data)
        rows = list(csv.DictReader(io.StringIO(table.stdout)))
        self.assertIn(str(echo["callCountSuccess"]), [row["callCountSuccess"] for row in rows])
        answer = run_mlgate("report", "by-request", "--json", "--filter", "apiId eq '/apis/echo-api'", *data)
        self.assertEqual(json.loads(answer.stdout)["count"], echo["callCountTotal"])
        wrong = run_mlgate("report", "by-api", "--filter", "name eq 'x'", *data)
        self.assertEqual(wrong.returncode, 1)
        self.assertIn("cannot be filtered by 'name'", wrong.stderr)

    def report(self, server, kind, more="", hours=24 * 365):
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - hours * 3600))
        query = urllib.parse.quote(f"timestamp ge {since}")
        answer = server.arm("GET", f"/reports/{kind}", query=f"&$filter={query}{more}")
        self.assertEqual(answer.status, 200, answer)
        return answer.json

    def rows(self, server, kind, calls):
        """The report's rows once that many calls are in it, which is to be within two seconds."""
        until = time.monotonic() + PATIENCE
        while True:
            rows = self.report(server, kind)["value"]
            if sum(row["callCountTotal"] for row in rows) >= calls or time.monotonic() > until:
                return rows

    def wait_until(self, what, seconds):
        until = time.monotonic() + seconds
        while not what() and time.monotonic() < until:
            time.sleep(0.05)
        self.assertTrue(what())


class Events(unittest.TestCase):
    def test_strangers_hear_nothing(self):
        with Server() as server:
            answer = server.call("console", "GET", "/console/api/usage-events")
            self.assertEqual(answer.status, 401)


if __name__ == "__main__":
    unittest.main()
