"""What every benchmark shares: CPU time of a process, interleaved rounds, ratios with their interval, figures.

A figure is decided by the median of per-round ratios with its 95 % interval (order statistics of the sign test,
so at least 6 rounds): ok if the interval's worse end meets the target.
"""

import datetime
import math
import os
import platform
import statistics
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results"


def cpu_ns(pids):
    """CPU time of all threads of the processes, kernel time included, in nanoseconds."""
    total = 0
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
    return total


def children_of(pid):
    """The process and all that descend from it."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += children_of(int(child))
    return found


def interval(values):
    """Median and its 95 % interval by order statistics."""
    ordered = sorted(values)
    n = len(ordered)
    if n < 6:
        return statistics.median(ordered), ordered[0], ordered[-1]
    rank = 0
    while True:
        outside = 2 * sum(math.comb(n, k) for k in range(rank + 1)) / 2**n
        if outside > 0.05:
            break
        rank += 1
    rank = max(rank - 1, 0)
    return statistics.median(ordered), ordered[rank], ordered[n - 1 - rank]


class Report:
    """Prints as it goes and keeps the text for bench/results/NAME.txt."""

    def __init__(self, name):
        self.name = name
        self.lines = []
        self.failed = False
        commit = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"],
                                capture_output=True, text=True).stdout.strip() or "none"
        dirty = subprocess.run(["git", "-C", str(ROOT), "status", "--porcelain", "--", "src"],
                               capture_output=True, text=True).stdout.strip()
        self.say(f"benchmark {name}, {datetime.date.today()}, commit {commit}{' with changes' if dirty else ''}")
        model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")),
                     platform.machine())
        self.say(f"machine: {os.cpu_count()} x {model}, Linux {platform.release()}")

    def say(self, line=""):
        print(line, flush=True)
        self.lines.append(line)

    def figure(self, name, ratios, target, at_most=True):
        """Decides a figure from per-round ratios."""
        median, low, high = interval(ratios)
        good = high <= target if at_most else low >= target
        self.verdict(name, f"{median:.2f}[{low:.2f}-{high:.2f}]",
                     f"{'<=' if at_most else '>='}{target}", good)

    def verdict(self, name, value, target, good):
        self.failed = self.failed or not good
        self.say(f"figure {name} {value} {target} {'ok' if good else 'short'}")

    def save(self):
        RESULTS.mkdir(parents=True, exist_ok=True)
        (RESULTS / f"{self.name}.txt").write_text("\n".join(self.lines) + "\n")


def rounds(count, names, measure):
    """measure(name) for every name in `count` interleaved rounds, the order rotated; {name: [values]}."""
    values = {name: [] for name in names}
    for turn in range(count):
        for step in range(len(names)):
            name = names[(turn + step) % len(names)]
            values[name].append(measure(name))
    return values
