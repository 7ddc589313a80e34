"""Runs the fuzz targets and measures what their corpora reach; `tools/dev fuzz` is the way in."""

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class Target:
    def __init__(self, harness):
        self.name = harness.stem
        self.source = str(harness.relative_to(ROOT)).replace("_fuzz.cc", ".cc")
        self.regions_min = 0
        self.corpus = ROOT / "fuzz/corpus" / self.name
        self.found = ROOT / "build/fuzz/found" / self.name
        self.artifacts = ROOT / "build/fuzz/artifacts" / self.name


def targets(names):
    """The targets of those names, or all."""
    found = {}
    for harness in sorted((ROOT / "src").rglob("*_fuzz.cc")):
        target = Target(harness)
        found[target.name] = target
    for line in (ROOT / "tools/fuzz_targets.txt").read_text().splitlines():
        matched = re.fullmatch(r"(\w+):\s*(\S+)\s*\|\s*(\d+)", line)
        if matched and matched[1] in found:
            found[matched[1]].source, found[matched[1]].regions_min = matched[2], int(matched[3])
    wanted = [name if name.endswith("_fuzz") else name + "_fuzz" for name in names]
    unknown = [name for name in wanted if name not in found]
    if unknown:
        sys.exit(f"no such fuzz target: {', '.join(unknown)}; there are: {', '.join(found)}")
    return [found[name] for name in wanted or found]


def build(preset, chosen):
    folder = ROOT / "build" / preset
    subprocess.run(["cmake", "--preset", preset], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", folder, "--target", *[t.name for t in chosen]], check=True)
    return folder


def run(folder, target, seconds):
    """Looks for inputs that break the target. True when it found none."""
    target.found.mkdir(parents=True, exist_ok=True)
    target.artifacts.mkdir(parents=True, exist_ok=True)
    command = [folder / target.name, f"-artifact_prefix={target.artifacts}/", "-print_final_stats=1", "-max_len=40000",
               "-timeout=10"]
    if seconds > 0:
        command += [f"-max_total_time={seconds}", target.found, target.corpus]
    else:
        command += ["-runs=0", target.corpus]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if done.returncode != 0:
        print(done.stderr[-6000:])
        print(f"{target.name}: FAILED; inputs that break it are in {target.artifacts.relative_to(ROOT)}")
        return False
    runs = re.search(r"number_of_executed_units:\s*(\d+)", done.stderr)
    print(f"{target.name}: {runs[1] if runs else '?'} inputs tried, none breaks it")
    return True


def keep(folder, target):
    """Adds to the corpus those found inputs that reach something new."""
    subprocess.run([folder / target.name, "-merge=1", "-max_len=40000", target.corpus, target.found], check=True,
                   capture_output=True)


def coverage(folder, target):
    """What the corpus reaches in the target's own file: llvm-cov's totals by kind."""
    raw, merged = folder / f"{target.name}.profraw", folder / f"{target.name}.profdata"
    environment = dict(os.environ, LLVM_PROFILE_FILE=str(raw))
    subprocess.run([folder / target.name, "-runs=0", "-max_len=40000", target.corpus], env=environment, check=True,
                   capture_output=True)
    subprocess.run(["llvm-profdata-19", "merge", "-sparse", "-o", merged, raw], check=True)
    exported = subprocess.run(["llvm-cov-19", "export", "-summary-only", f"-instr-profile={merged}",
                               folder / target.name, ROOT / target.source], check=True, capture_output=True)
    return json.loads(exported.stdout)["data"][0]["totals"]


def report_coverage(chosen):
    """Prints a line per target; False when one reaches less than it has to."""
    folder, good = build("coverage", chosen), True
    for target in chosen:
        totals = coverage(folder, target)
        shares = [f"{kind} {totals[kind]['covered']}/{totals[kind]['count']} = {totals[kind]['percent']:.1f} %"
                  for kind in ("regions", "branches", "lines") if totals[kind]["count"]]
        enough = totals["regions"]["percent"] >= target.regions_min
        good = good and enough
        demand = f"; at least {target.regions_min} % of regions: {'ok' if enough else 'short'}"
        print(f"{target.source}: {', '.join(shares)}{demand if target.regions_min else ''}")
    return good


def main(names, seconds, keep_found):
    chosen = targets(names)
    # A corpus is replayed in the sanitizers' build, which the unit tests have made already.
    folder = build("fuzz" if seconds > 0 or keep_found else "asan", chosen)
    for target in chosen:
        target.corpus.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        good = all(list(pool.map(lambda target: run(folder, target, seconds), chosen)))
    if keep_found:
        for target in chosen:
            keep(folder, target)
    return report_coverage(chosen) and good
