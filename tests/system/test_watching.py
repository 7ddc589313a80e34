"""What an operator sees of the gateway: metrics, health, the access log, traces and their export."""

import contextlib
import json
import os
import re
import signal
import socket
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
sys.path.append("/usr/lib/python3/dist-packages")  # Debian's parser, whichever Python runs this.
import harness
from collector import Collector, attributes, every, one
from test_proxy import Backend, QuietServer

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"


def samples(text):
    """Prometheus text through the parser of Prometheus' own client: {(name, labels): value}."""
    from prometheus_client.parser import text_string_to_metric_families
    out = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in out, f"{key} stands twice"
            out[key] = sample.value
    return out


def total(values, name, **labels):
    wanted = set(labels.items())
    return sum(v for (n, l), v in values.items() if n == name and wanted <= set(l))


def until(look, seconds=60):
    """Asks again until the answer is true: for what another thread writes down within milliseconds."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found or time.monotonic() > deadline:
            return found
        time.sleep(0.02)


class Watching(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.backend = QuietServer(("127.0.0.1", 0), Backend)
        cls.backend.daemon_threads = True
        import threading
        threading.Thread(target=cls.backend.serve_forever, daemon=True).start()
        cls.collector = Collector().__enter__()
        cls.server = harness.Server(flags=[
            "--metrics.port", "0", "--telemetry.otlp_endpoint", cls.collector.url, "--telemetry.otlp_headers",
            "x-team=blue,authorization=Bearer otlp-secret", "--telemetry.metrics_interval", "1"]).__enter__()
        cls.server.make_instance()
        cls.server.put("/apis/plain", {"displayName": "plain", "path": "plain", "protocols": ["http", "https"],
                                       "serviceUrl": f"http://127.0.0.1:{cls.backend.server_address[1]}/base"})
        cls.server.put("/apis/plain/operations/any", {"displayName": "any", "method": "POST", "urlTemplate": "/{*rest}",
                                                      "templateParameters": [{"name": "rest", "type": "string"}]})
        cls.server.put("/products/starter/apis/plain", {})
        cls.server.put("/products/starter/policies/policy", {"format": "rawxml", "value":
                       '<policies><inbound><rate-limit calls="3" renewal-period="300" /><base /></inbound></policies>'})
        cls.server.put("/products/unlimited/apis/plain", {})
        cls.key = cls.server.subscribe("watch", "unlimited", allowTracing=True)
        cls.limited = cls.server.subscribe("limited", "starter")

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()
        cls.collector.__exit__()
        cls.backend.shutdown()
        cls.backend.server_close()

    def post(self, path="/plain/x", headers=None, body=b"hello", key=None):
        return self.server.call("gateway", "POST", path, body,
                                {"Ocp-Apim-Subscription-Key": key or self.key, **(headers or {})})

    def metrics(self):
        answer = self.server.call("console", "GET", "/metrics")
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
        return samples(answer.text)

    # Metrics ---------------------------------------------------------------------------------------------------

    def test_calls_are_counted_by_api_and_answer(self):
        name = "mlgate_gateway_requests_total"
        labels = {"hostname": "demoazureml", "api_id": "plain"}
        before = self.metrics()
        for _ in range(5):
            self.assertEqual(self.post().status, 200)
        self.assertEqual(self.post(key="wrong").status, 401)
        counted = lambda now, **more: total(now, name, **labels, **more) - total(before, name, **labels, **more)
        self.assertTrue(until(lambda: counted(self.metrics()) >= 6))
        now = self.metrics()
        self.assertEqual(counted(now, response_code="200", status="Successful", backend_response_code="200"), 5)
        self.assertEqual(counted(now, response_code="401", status="Unauthorized",
                                 last_error_reason="SubscriptionKeyInvalid", backend_response_code=""), 1)
        took = lambda m: total(m, "mlgate_gateway_duration_seconds_count", **labels)
        self.assertEqual(took(now) - took(before), 6)
        inf = total(now, "mlgate_gateway_duration_seconds_bucket", le="+Inf", **labels)
        self.assertEqual(inf, took(now))
        ended = lambda m: total(m, "mlgate_worker_calls_total")
        self.assertEqual(ended(now) - ended(before), 6)

    def test_the_process_and_its_parts_are_there(self):
        now = self.metrics()
        for name in ("process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds",
                     "process_max_fds", "mlgate_snapshot_version", "mlgate_ready", "mlgate_connections_accepted_total"):
            self.assertGreater(total(now, name), 0, name)
        import resource
        self.assertEqual(total(now, "process_max_fds"), resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        start = total(now, "process_start_time_seconds")
        self.assertLess(abs(time.time() - start), 600)
        self.server.call("services", "GET", "/status-0123456789abcdef")
        self.assertEqual(total(self.metrics(), "mlgate_requests_total", role="services")
                         - total(now, "mlgate_requests_total", role="services"), 1)
        self.assertIn("mlgate_quota_counters", {name for name, _ in now})

    def test_what_could_not_be_read_is_counted(self):
        before = self.metrics()
        answer = self.server.raw("gateway", b"GET /plain/x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        self.assertTrue(answer.startswith(b"HTTP/1.1 400 "), answer)
        with socket.create_connection(("127.0.0.1", self.server.ports["gateway"]["https"])) as stranger:
            stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
            with contextlib.suppress(ConnectionResetError):
                while stranger.recv(4096):
                    pass
        after = self.metrics()
        for name, labels in (("mlgate_malformed_messages_total", {"role": "gateway", "status": "400"}),
                             ("mlgate_tls_handshakes_failed_total", {"listener": "gateway.https"})):
            self.assertEqual(total(after, name, **labels) - total(before, name, **labels), 1, name)

    def test_metrics_are_for_this_machine_or_for_a_token(self):
        ask = lambda headers: self.server.call("console", "GET", "/metrics", headers=headers).status
        self.assertEqual(ask({}), 200)
        self.assertEqual(ask({"X-Forwarded-For": "10.0.0.9"}), 401)
        self.assertEqual(ask({"X-Forwarded-For": "10.0.0.9", "Authorization": f"Bearer {self.server.bearer()}"}), 200)
        self.assertEqual(ask({"Via": "1.1 proxy", "Authorization": "Bearer nonsense"}), 401)

    def test_metrics_have_a_listener_of_their_own(self):
        self.server.ports["own"] = {"http": self.server.ports["metrics"]}
        self.assertEqual(self.server.call("own", "GET", "/metrics", headers={"Via": "1.1 p"}).status, 200)
        self.assertEqual(self.server.call("own", "GET", "/subscriptions").status, 404)
        self.assertEqual(self.server.call("own", "GET", "/readyz").status, 200)

    def test_names_of_callers_make_no_series(self):
        before = len(self.metrics())
        for i in range(30):
            self.server.call("gateway", "GET", f"/nowhere/{i}", headers={"Host": f"h{i}.example", "X-A": str(i)})
        until(lambda: total(self.metrics(), "mlgate_gateway_requests_total", response_code="404") >= 30)
        # One series more for "not found", with its share of the histograms.
        self.assertLess(len(self.metrics()) - before, 100)

    # Health ----------------------------------------------------------------------------------------------------

    def test_health_of_every_listener(self):
        for role in ("gateway", "console", "services"):
            for scheme in ("http", "https"):
                answer = self.server.call(role, "GET", "/status-0123456789abcdef", scheme=scheme)
                self.assertEqual((answer.status, answer.body), (200, b"ok\n"), role)
        for role in ("console", "services"):
            for path in ("/readyz", "/livez"):
                self.assertEqual(self.server.call(role, "GET", path).status, 200)
        self.assertEqual(self.server.call("gateway", "GET", "/readyz").status, 404, "That is an API's to give.")

    def test_top_shows_rates_by_api(self):
        for _ in range(3):
            self.post()
        shown = until(lambda: self.top_line("plain"))
        self.assertGreaterEqual(shown["calls"], 3)
        self.assertGreater(shown["p99Ms"], 0)
        table = harness.run_mlgate("top", "--once", *self.server.flags)
        self.assertEqual(table.returncode, 0, table.stderr)
        self.assertRegex(table.stdout, r"plain +demoazureml +[0-9.]+")
        live = self.server.call("console", "GET", "/console/api/live")
        self.assertEqual(live.status, 401)

    def top_line(self, api):
        done = harness.run_mlgate("top", "--once", "--json", *self.server.flags)
        self.assertEqual(done.returncode, 0, done.stderr)
        return next((line for line in json.loads(done.stdout)["apis"] if line["api"] == api), None)

    # Access log ------------------------------------------------------------------------------------------------

    def log_lines(self, wanted):
        path = self.server.data / "logs/access.log"
        return until(lambda: [l for l in map(json.loads, path.read_text().splitlines()) if wanted(l)])

    def test_a_line_has_the_documented_fields(self):
        self.assertEqual(self.post("/plain/fields?subscription-key=abc&b=1").status, 200)
        line = self.log_lines(lambda l: "/plain/fields" in l["url"])[0]
        for name in ("timestamp", "isRequestSuccess", "correlationId", "method", "url", "backendResponseCode",
                     "responseCode", "responseSize", "cache", "backendTime", "requestSize", "apiId", "operationId",
                     "productId", "apimSubscriptionId", "clientTime", "cacheTime", "clientProtocol",
                     "backendProtocol", "apiRevision", "backendMethod", "backendUrl", "callerIpAddress", "totalTime"):
            self.assertIn(name, line)
        self.assertNotIn("abc", json.dumps(line))
        self.assertRegex(line["correlationId"], r"^[0-9a-f]{8}-[0-9a-f]{4}-4")

    def test_an_error_is_told_with_its_time(self):
        self.assertEqual(self.post("/plain/denied", key="wrong").status, 401)
        line = self.log_lines(lambda l: "/plain/denied" in l["url"])[0]
        self.assertEqual(line["lastError"]["source"], "authorization")
        self.assertEqual(line["lastError"]["reason"], "SubscriptionKeyInvalid")
        self.assertGreaterEqual(line["lastError"]["elapsed"], 0)
        self.assertEqual(line["errors"], [line["lastError"]])

    # Traces ----------------------------------------------------------------------------------------------------

    def test_a_callers_trace_goes_on_through_the_gateway(self):
        self.assertEqual(self.post("/plain/joined", {"traceparent": f"00-{TRACE}-{SPAN}-01",
                                                     "tracestate": "team=1"}).status, 200)
        seen = [headers for _, path, headers in Backend.seen if path.startswith("/base/joined")][-1]
        sent = re.fullmatch(rf"00-{TRACE}-([0-9a-f]{{16}})-01", seen["traceparent"])
        self.assertTrue(sent, seen["traceparent"])
        self.assertEqual(seen["tracestate"], "team=1")
        mine = lambda: [s for s in self.collector.spans() if s.trace == TRACE]
        self.assertTrue(self.collector.wait(lambda: len(mine()) >= 2))
        server = next(s for s in mine() if s.kind == 2)
        client = next(s for s in mine() if s.kind == 3)
        self.assertEqual((server.parent, server.state), (SPAN, "team=1"))
        self.assertEqual((client.parent, client.id), (server.id, sent.group(1)))
        self.assertEqual(server.attributes["http.response.status_code"], 200)
        self.assertEqual(server.attributes["url.path"], "/plain/joined")
        self.assertEqual(server.attributes["mlgate.api"], "plain")
        self.assertTrue(server.start <= client.start <= client.end <= server.end + 1_000_000)
        self.assertTrue(all("subscription" not in name for name in server.attributes))

    def test_what_is_not_sampled_is_not_sent_and_what_is_malformed_is_replaced(self):
        other = "1" * 32
        self.assertEqual(self.post("/plain/unsampled", {"traceparent": f"00-{other}-{SPAN}-00"}).status, 200)
        self.assertEqual(self.post("/plain/malformed", {"traceparent": f"00-{TRACE.upper()}-{SPAN}-01",
                                                        "tracestate": "x=y"}).status, 200)
        seen = {path.split("?")[0]: headers for _, path, headers in Backend.seen}
        self.assertTrue(seen["/base/unsampled"]["traceparent"].endswith("-00"))
        fresh = seen["/base/malformed"]["traceparent"]
        self.assertNotIn(TRACE, fresh.lower())
        self.assertIsNone(seen["/base/malformed"]["tracestate"])
        self.assertTrue(self.collector.wait(lambda: any(s.trace == fresh[3:35] for s in self.collector.spans())))
        self.assertFalse(any(s.trace == other for s in self.collector.spans()))

    def test_metrics_are_pushed_under_their_documented_names(self):
        self.post()
        self.assertTrue(self.collector.wait(lambda: any(self.pushed_requests())))
        resource = one(self.collector.taken("/v1/metrics")[-1], 1)
        self.assertEqual(attributes(one(resource, 1), 1)["service.name"], "mlgate")
        scope = one(resource, 2)
        self.assertEqual(one(one(scope, 1), 1), b"mlgate.gateway")
        names = [one(metric, 1).decode() for metric in every(scope, 2)]
        self.assertEqual(names, ["Requests", "DurationInMs", "BackendDurationInMs", "ClientDurationInMs",
                                 "GatewayDurationInMs"])
        headers = self.collector.headers[-1]
        self.assertEqual((headers["x-team"], headers["authorization"]), ("blue", "Bearer otlp-secret"))
        self.assertEqual(headers["Content-Type"], "application/x-protobuf")

    def pushed_requests(self):
        for body in self.collector.taken("/v1/metrics"):
            for metric in every(one(one(body, 1), 2), 2):
                if one(metric, 1) == b"Requests":
                    for point in every(one(metric, 7), 1):
                        if attributes(point, 7).get("ApiId") == "plain":
                            yield one(point, 6)

    def test_a_collector_that_is_away_costs_no_call(self):
        self.collector.status = 503
        try:
            marks = [f"{i:032x}" for i in range(1, 21)]
            for mark in marks:
                self.assertEqual(self.post(headers={"traceparent": f"00-{mark}-{SPAN}-01"}).status, 200)
            refused = lambda: [b for b in self.collector.bodies if b[1] == 503]
            self.assertTrue(self.collector.wait(lambda: len(refused()) >= 1))
        finally:
            self.collector.status = 200
        here = lambda: {s.trace for s in self.collector.spans()}
        self.assertTrue(self.collector.wait(lambda: set(marks) <= here()), "They come once it is back.")
        self.assertGreater(total(self.metrics(), "mlgate_otlp_failed_pushes_total"), 0)

    def test_a_secret_setting_is_not_shown(self):
        shown = harness.run_mlgate("config", "show", *self.server.flags)
        self.assertNotIn("otlp-secret", shown.stdout)

    # Debugging one call ----------------------------------------------------------------------------------------

    def debug_token(self, api="plain", **more):
        c = self.server.credentials
        full = (f"/subscriptions/{c['subscriptionId']}/resourceGroups/mlgate/providers/Microsoft.ApiManagement/service"
                f"/demoazureml/apis/{api}")
        return self.server.arm("POST", "/gateways/managed/listDebugCredentials",
                               {"credentialsExpireAfter": "PT1H", "apiId": full, "purposes": ["tracing"], **more})

    def trace(self, trace_id):
        answer = self.server.arm("POST", "/gateways/managed/listTrace", {"traceId": trace_id})
        self.assertEqual(answer.status, 200, answer)
        return answer.json

    def test_a_trace_shows_what_limits_by_key_decided(self):
        self.server.put("/apis/plain/policies/policy", {"format": "rawxml", "value": """<policies>
            <inbound><base /><rate-limit-by-key calls="7" renewal-period="60" counter-key="rates" />
              <quota-by-key calls="9" bandwidth="2" renewal-period="0" counter-key="volume" /></inbound>
            <backend><limit-concurrency key="places" max-count="3"><forward-request /></limit-concurrency></backend>
            </policies>"""})
        self.addCleanup(self.server.arm, "DELETE", "/apis/plain/policies/policy")
        answer = self.post("/plain/traced", {"Apim-Debug-Authorization": self.debug_token().json["token"]}, b"x")
        self.assertEqual(answer.status, 200)
        entries = self.trace(answer.headers["Apim-Trace-Id"])["traceEntries"]
        data = {}
        for entry in (entry for section in entries.values() for entry in section):
            data.setdefault(entry["source"], entry["data"])  # Its end has an entry as well, behind its children.

        def noted(source, *names):
            return [data[source][name] for name in names]
        self.assertEqual(noted("rate-limit-by-key", "counterKey", "limitCalls", "remainingCalls"), ["rates", "7", "6"])
        self.assertEqual(noted("quota-by-key", "counterKey", "limitCalls", "limitBytes", "countedCalls",
                               "countedBytes"), ["volume", "9", "2048", "1", "0"])
        self.assertEqual(noted("limit-concurrency", "key", "maxCount", "runningCalls"), ["places", "3", "1"])

    def test_a_debug_credential_shows_every_step(self):
        token = self.debug_token().json["token"]
        answer = self.post("/plain/traced?subscription-key=not-this", {"Apim-Debug-Authorization": token},
                           b"the body of the request", self.limited)
        self.assertEqual((answer.status, answer.body), (200, b"the body of the request"))
        trace = self.trace(answer.headers["Apim-Trace-Id"])
        self.assertEqual(trace["serviceName"], "demoazureml")
        entries = trace["traceEntries"]
        self.assertEqual(set(entries), {"inbound", "backend", "outbound", "on-error"})
        sources = [entry["source"] for entry in entries["inbound"]]
        self.assertEqual(sources, ["configuration", "authorization", "rate-limit"])
        limit = entries["inbound"][2]["data"]
        self.assertEqual((limit["decision"], limit["remainingCalls"], limit["scope"]), ("next", "2", "product"))
        self.assertIn("/plain/traced", limit["input"]["url"])
        forward = [e["data"] for e in entries["backend"] if e["source"] == "forward-request"]
        self.assertTrue(any("/base/traced" in d.get("url", "") for d in forward))
        self.assertTrue(any(d.get("response", {}).get("status") == 200 for d in forward))
        bodies = next(e["data"] for e in entries["backend"] if e["source"] == "body")
        self.assertEqual(bodies["request"]["body"], "the body of the request")
        self.assertEqual(bodies["response"]["bytes"], 23)
        for entry in entries["inbound"] + entries["backend"]:
            self.assertRegex(entry["elapsed"], r"^00:00:\d\d\.\d{7}$")
        times = [entry["elapsed"] for entry in entries["inbound"] + entries["backend"][:2]]
        self.assertEqual(times, sorted(times))
        text = json.dumps(trace)
        for secret in (self.limited, token, "not-this"):
            self.assertNotIn(secret, text)
        seen = [headers for _, path, headers in Backend.seen if path.startswith("/base/traced")][-1]
        self.assertIsNone(seen["Apim-Debug-Authorization"], "It is no business of the backend.")

    def test_what_administrators_keep_secret_is_in_no_trace(self):
        self.server.put("/namedValues/shared", {"displayName": "shared-key", "value": "tom&amp;jerry-4711",
                                                "secret": True})
        self.server.put("/namedValues/open", {"displayName": "open-text", "value": "for-everyone"})
        self.server.put("/backends/guarded", {
            "url": f"http://127.0.0.1:{self.backend.server_address[1]}/base", "protocol": "http",
            "credentials": {"header": {"X-Guard": ["swordfish-1"]}, "query": {"code": ["swordfish 2"]}}})
        self.server.put("/apis/plain/policies/policy", {"format": "rawxml", "value": """<policies><inbound><base />
            <set-header name="X-Shared"><value>Key {{shared-key}} {{open-text}}</value></set-header>
            <set-backend-service backend-id="guarded" /></inbound></policies>"""})
        self.addCleanup(self.server.arm, "DELETE", "/apis/plain/policies/policy")
        token = self.debug_token().json["token"]
        answer = self.post("/plain/masked", {"Apim-Debug-Authorization": token}, b"it is tom&jerry-4711")
        self.assertEqual(answer.status, 200)
        target, headers = [(path, headers) for _, path, headers in Backend.seen if "/base/masked" in path][-1]
        self.assertEqual((headers["X-Shared"], headers["X-Guard"]), ("Key tom&jerry-4711 for-everyone", "swordfish-1"))
        self.assertIn("code=swordfish%202", target)
        text = json.dumps(self.trace(answer.headers["Apim-Trace-Id"]))
        for secret in ("4711", "swordfish"):
            self.assertNotIn(secret, text)
        for shown in ("Key *** for-everyone", "it is ***", "code=***"):
            self.assertIn(shown, text)

    def test_a_refused_call_is_traced_to_its_refusal(self):
        token = self.debug_token().json["token"]
        answer = self.post("/plain/x", {"Apim-Debug-Authorization": token}, key="no-such-key")
        self.assertEqual(answer.status, 401)
        entries = self.trace(answer.headers["Apim-Trace-Id"])["traceEntries"]
        self.assertEqual(entries["inbound"][1]["data"]["decision"], "denied")
        self.assertEqual(entries["on-error"][0]["data"]["error"]["reason"], "SubscriptionKeyInvalid")

    def test_a_credential_of_another_api_or_none_only_adds_a_header(self):
        wrong = self.post(headers={"Apim-Debug-Authorization": self.debug_token("echo-api").json["token"]})
        self.assertEqual((wrong.status, wrong.headers["Apim-Debug-Authorization-WrongAPI"]), (200, "true"))
        self.assertIsNone(wrong.headers["Apim-Trace-Id"])
        forged = self.post(headers={"Apim-Debug-Authorization": "aid=forged"})
        self.assertEqual(forged.status, 200)
        self.assertTrue(forged.headers["Apim-Debug-Authorization-Expired"])

    def test_credentials_can_be_taken_back(self):
        token = self.debug_token().json["token"]
        self.assertEqual(self.server.arm("POST", "/gateways/managed/invalidateDebugCredentials").status, 204)
        answer = self.post(headers={"Apim-Debug-Authorization": token})
        self.assertIsNone(answer.headers["Apim-Trace-Id"])
        self.assertTrue(answer.headers["Apim-Debug-Authorization-Expired"])

    def test_requests_for_credentials_are_checked(self):
        for more, field in (({"credentialsExpireAfter": "PT2H"}, "credentialsExpireAfter"),
                            ({"credentialsExpireAfter": "1 hour"}, "credentialsExpireAfter"),
                            ({"purposes": []}, "purposes"), ({"apiId": "plain"}, "apiId")):
            answer = self.debug_token(**more)
            self.assertEqual(answer.status, 400, more)
            self.assertIn(field, answer.text)
        self.assertEqual(self.debug_token("no-such-api").status, 404)
        self.assertEqual(self.server.arm("POST", "/gateways/other/listTrace", {"traceId": "x"}).status, 404)
        self.assertEqual(self.server.arm("POST", "/gateways/managed/listTrace", {"traceId": "x"}).status, 404)

    def test_the_old_way_gives_a_link_that_opens_once(self):
        answer = self.post(headers={"Ocp-Apim-Trace": "true"})
        self.assertEqual(answer.status, 200)
        link = answer.headers["Ocp-Apim-Trace-Location"]
        path = link[len(self.server.url("console", "https")):]
        first = self.server.call("console", "GET", path, scheme="https")
        self.assertEqual(first.status, 200, first)
        self.assertEqual(first.json["traceEntries"]["inbound"][1]["source"], "authorization")
        self.assertEqual(self.server.call("console", "GET", path, scheme="https").status, 404)
        # Who may not trace is told nothing.
        other = self.server.subscribe("untraced", "unlimited")
        self.assertIsNone(self.post(headers={"Ocp-Apim-Trace": "true"}, key=other).headers["Ocp-Apim-Trace-Location"])


if __name__ == "__main__":
    unittest.main()
