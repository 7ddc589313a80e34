"""The size that is promised: 10,000 APIs of 10 operations and 1,000,000 keys. What a call costs there against the same
gateway with one API and one key, both with limit, quota, metering and access log. Calls come from all keys at random,
each key's to an API of its own, so that no call finds anything of its caller in a cache: the worst there is. Meanwhile
the counters of the quota are kept in a store on disk, as the program does it: bytes and time of each turn. And how long
publishing takes. Both gateways have their instance from memory (src/app/scale_bench.cc)."""

import json
import re
import shutil
import statistics
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import common
import load as loads
import peers as programs

SIZES = {"small": (1, 1, 19190), "large": (10_000, 1_000_000, 19191)}
CHANGES = ("subscription_ms", "api_ms", "operation_ms", "product_ms", "product_policy_ms", "global_policy_ms")
# What callers may notice of changes: some at a time, at a rate that leaves the worker idle for most of it.
PUBLISHES, PUBLISH_RATE, PUBLISH_CONNECTIONS = 100, 10_000, 64
RELEASE = common.ROOT / "build/release"
# A turn begins every 800 ms and has to end within a second of the one before.
CHECKPOINT_MS, CHECKPOINT_BYTES = 200, 8 << 20
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
        self.stores = Path(tempfile.mkdtemp(prefix="mlgate-bench-", dir=common.ROOT / "build"))
        for name, (apis, keys, port) in SIZES.items():
            log = running.folder / f"scale-{name}.log"
            running.start(("scale", name), [str(RELEASE / "scale_bench"), str(apis), str(keys), str(port),
                                            str(programs.BACKEND), str(log), str(self.stores / f"{name}.db")],
                          port, "1", stdin=subprocess.PIPE)
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
        shutil.rmtree(self.stores, ignore_errors=True)

    def checkpoints(self, name):
        """Bytes and milliseconds of each turn, once it has stopped."""
        said = (self.running.folder / f"scale-{name}.out").read_text()
        found = re.findall(r"^checkpoint (\d+) ([\d.]+)$", said, re.M)
        return [int(size) for size, _ in found], [float(ms) for _, ms in found]


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
    for name, turns, target in zip(("bytes", "ms"), scale.checkpoints("large"), (CHECKPOINT_BYTES, CHECKPOINT_MS)):
        if not turns:
            raise SystemExit("no counters were kept")
        report.verdict(f"quota_checkpoint_{name}", f"{statistics.median(turns):.0f}[..{max(turns):.0f}]",
                       f"<={target}", max(turns) <= target)


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


def publish_once(mlgate, turn):
    mlgate.arm("PUT", "/apis/bench/policies/policy", {"properties": {"format": "rawxml", "value":
               f"<policies><inbound><base /><set-header name='X-Turn'><value>{turn}</value></set-header></inbound>"
               "</policies>"}})


def publishing_under_load(report, running, rounds):
    """p99 of calls while 100 changes are published in a row through management, against p99 without. The worker has one
    thread; the rest of the program may use both cores, as it does outside of benchmarks."""
    mlgate = running.mlgate
    mlgate.serve(("mlgate", 1), "0,1")
    mlgate.token = mlgate.get_token()
    load = loads.Load(f"http://127.0.0.1:{programs.PORTS['mlgate', 1]}/bench/item", PUBLISH_CONNECTIONS,
                      [(programs.KEY_HEADER, programs.KEYS[500])])
    took = []

    def publish_all():
        time.sleep(load.settle_s())
        begun = time.monotonic()
        for turn in range(PUBLISHES):
            publish_once(mlgate, turn)
        took.append(time.monotonic() - begun)

    def drive(seconds):
        return loads.drive(load, lambda: 0, PUBLISH_RATE, seconds, running.folder)

    def p99_ms(name):
        if name == "without":
            return drive(took[-1]).p99_us / 1000
        publisher = threading.Thread(target=publish_all)
        publisher.start()
        cost = drive(took[-1])
        publisher.join()
        return cost.p99_us / 1000

    publish_all()  # How long it takes, and the policy is there in both.
    p99_ms("with")
    values = common.rounds(rounds, ["without", "with"], p99_ms)
    running.end(("mlgate", 1))
    report.say(f"\npublish: {PUBLISHES} changes in a row, in {statistics.median(took):.2f} s; p99 of calls at "
               f"{PUBLISH_RATE}/s without {common.interval(values['without'])[0]:.2f} ms, with "
               f"{common.interval(values['with'])[0]:.2f} ms")
    report.figure("publish_added_p99_ms", [a - b for a, b in zip(values["with"], values["without"])], 1.0)
