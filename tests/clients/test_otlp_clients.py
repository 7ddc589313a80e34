"""What the gateway exports, read with the protobuf definitions of OpenTelemetry's own npm package."""

import base64
import json
import os
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import harness
from collector import Collector

PACKAGE = "@opentelemetry/otlp-transformer@0.57.2"
SCRIPT = """
const { opentelemetry } = require("@opentelemetry/otlp-transformer/build/src/generated/root.js");
const { trace, metrics } = opentelemetry.proto.collector;
const types = { "/v1/traces": trace.v1.ExportTraceServiceRequest,
  "/v1/metrics": metrics.v1.ExportMetricsServiceRequest };
const messages = JSON.parse(require("fs").readFileSync(0));
const read = ([path, body]) => {
  const type = types[path], bytes = Buffer.from(body, "base64"), message = type.decode(bytes);
  const wrong = type.verify(message);
  if (wrong) throw new Error(wrong);
  // Nothing is lost when it is written again: no field was unknown.
  if (type.encode(message).finish().length !== bytes.length) throw new Error("unknown fields in " + path);
  return [path, type.toObject(message, { longs: Number, bytes: String })];
};
console.log(JSON.stringify(messages.map(read)));
"""
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Otlp(unittest.TestCase):
    def decode(self, messages):
        folder = harness.ROOT / "build/otlp-client"
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "node_modules/@opentelemetry/otlp-transformer").exists():
            (folder / "package.json").write_text('{"name": "otlp-client", "private": true}\n')
            subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", PACKAGE], cwd=folder,
                           check=True, stdout=subprocess.DEVNULL)
        (folder / "decode.cjs").write_text(SCRIPT)
        given = json.dumps([[path, base64.b64encode(body).decode()] for path, body in messages])
        done = subprocess.run(["node", "decode.cjs"], cwd=folder, input=given, capture_output=True, text=True,
                              timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_spans_and_metrics_are_read_by_their_own_definitions(self):
        if not shutil.which("npm") or not shutil.which("node"):
            self.skipTest("node and npm are not installed")
        with Collector() as collector, harness.Server(
                flags=["--telemetry.otlp_endpoint", collector.url, "--telemetry.metrics_interval", "1"]) as server:
            server.make_instance()
            key = server.subscribe("otlp", "unlimited")
            answer = server.call("gateway", "POST", "/echo/resource", b"x", {
                "Ocp-Apim-Subscription-Key": key, "traceparent": f"00-{TRACE}-{SPAN}-01"}, scheme="https")
            self.assertEqual(answer.status, 200, answer)
            self.assertTrue(collector.wait(lambda: collector.spans() and collector.taken("/v1/metrics")))
            decoded = self.decode([(path, body) for path, _, body in collector.bodies])
        spans = [span for path, message in decoded if path == "/v1/traces"
                 for span in message["resourceSpans"][0]["scopeSpans"][0]["spans"]]
        server_span = next(span for span in spans if span["kind"] == 2)
        ids = [base64.b64decode(server_span[name]).hex() for name in ("traceId", "parentSpanId")]
        self.assertEqual(ids, [TRACE, SPAN])
        attributes = {a["key"]: a["value"] for a in server_span["attributes"]}
        self.assertEqual(attributes["http.response.status_code"], {"intValue": 200})
        metrics = [m for path, message in decoded if path == "/v1/metrics"
                   for m in message["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]]
        duration = [m for m in metrics if m["name"] == "DurationInMs"][-1]
        self.assertEqual(duration["unit"], "ms")
        point = duration["histogram"]["dataPoints"][0]
        self.assertEqual(len(point["bucketCounts"]), len(point["explicitBounds"]) + 1)
        self.assertEqual(sum(point["bucketCounts"]), point["count"])


if __name__ == "__main__":
    unittest.main()
