"""The size that is promised: 10,000 APIs of 10 operations and 1,000,000 keys. What a call costs there against the same
gateway with one API and one key, both with limit, quota, metering and access log. Calls come from all keys at random,
each key's to an API of its own, so that no call finds anything of its caller in a cache: the worst there is. And how
long publishing takes. Both gateways have their instance from memory (src/app/scale_bench.cc)."""

import json
import re
import subprocess
from pathlib import Path

import common
import peers as programs

SIZES = {"small": (1, 1, 19190), "large": (10_000, 1_000_000, 19191)}
CHANGES = ("subscription_ms", "api_ms", "operation_ms", "product_ms", "product_policy_ms", "global_policy_ms")
RELEASE = common.ROOT / "build/release"
# Each connection pauses between its calls, so that both gateways get the same rate, about half of what they can: at
# saturation the slower one finds its peers asleep and pays for waking them.
PAUSE_MS = 4
SCRIPT = """
local apis, keys, step, at = %d, %d, %d, 0
function init(arguments) math.randomseed(tonumber(arguments[1])) end
if step == 0 then
  function delay() return PAUSE end
end
function request()
  local key = math.random(0, keys - 1)
  if step > 0 then key = at; at = (at + step) %% keys end
  local api = key %% apis
  return "POST /azureml-demo-" .. api .. "/workspaces/abc/services/def/execute?api-version=2.0&details=true" ..
         " HTTP/1.1\\r\\nHost: localhost\\r\\nOcp-Apim-Subscription-Key: 0123456789abcdef01234567" ..
         (10000000 + key) .. "\\r\\nContent-Length: 0\\r\\n\\r\\n"
end
"""


class Scale:
    def __init__(self, running, connections=64):
        self.running, self.connections = running, connections
        for name, (apis, keys, port) in SIZES.items():
            log = running.folder / f"scale-{name}.log"
            running.start(("scale", name), [str(RELEASE / "scale_bench"), str(apis), str(keys), str(port),
                                            str(programs.BACKEND), str(log)], port, "1", stdin=subprocess.PIPE)
            script = SCRIPT.replace("PAUSE", str(PAUSE_MS))
            (running.folder / f"{name}.lua").write_text(script % (apis, keys, 0))
            (running.folder / f"{name}-each.lua").write_text(script % (apis, keys, 1))

    def drive(self, name, seconds, seed, script=""):
        port = SIZES[name][2]
        before = self.running.cpu_ns("scale", name)
        said = subprocess.run(["taskset", "-c", "0", "wrk", "-t", "1", "-c", str(self.connections), "-d",
                               f"{max(1, round(seconds))}s", "-s", str(self.running.folder / f"{name}{script}.lua"),
                               f"http://127.0.0.1:{port}", str(seed)], capture_output=True, text=True).stdout
        spent = self.running.cpu_ns("scale", name) - before
        calls = re.search(r"(\d+) requests in", said)
        if not calls or "Non-2xx" in said:
            raise SystemExit("wrk said:\n" + said)
        return spent / int(calls.group(1)) / 1000

    def stop(self):
        for name in SIZES:
            self.running.end(("scale", name))
            (self.running.folder / f"scale-{name}.log").unlink(missing_ok=True)


def call_cost(report, running, rounds, seconds):
    scale = Scale(running)
    try:
        # Each key once: its counters are there afterwards, as they are in a gateway that has run for a while.
        scale.drive("large", 25 if rounds > 3 else 3, 0, "-each")
        scale.drive("small", 1, 0)
        seeds = iter(range(1, 10_000))
        values = common.rounds(rounds, list(SIZES), lambda name: scale.drive(name, seconds, next(seeds)))
    finally:
        scale.stop()
    report.say("\nscale: us CPU/request at the same rate, median [95 %]:")
    for name in SIZES:
        median, low, high = common.interval(values[name])
        report.say(f"  {name:12} {median:6.2f} [{low:.2f}-{high:.2f}]")
    report.figure("scale_call_ratio", [a / b for a, b in zip(values["large"], values["small"])], 1.15)


def measure(pattern, program=RELEASE / "decide_bench"):
    done = subprocess.run(["taskset", "-c", "1", str(program), f"--benchmark_filter={pattern}",
                           "--benchmark_format=json"], check=True, capture_output=True, text=True)
    return {one["name"]: one for one in json.loads(done.stdout)["benchmarks"]}


def publishing(report, rounds):
    """The whole instance, then changes of one entity: each round's worst of five."""
    published = [next(iter(measure("^publish").values())) for _ in range(rounds)]
    for name, target in (("whole_ms", 3000), *((change, 50) for change in CHANGES)):
        median, _, worst = common.interval([one[name] for one in published])
        report.verdict(f"publish_{name}", f"{median:.1f}[..{worst:.1f}]", f"<={target}", worst <= target)
