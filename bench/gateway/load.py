"""Load, and what it cost: CPU time of the peer over a stretch of steady load, by the calls that ended within it.
Connections are opened before and closed after the stretch, so that they are not part of it."""

import re
import resource
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import peers as programs


@dataclass
class Cost:
    cpu_us: float
    calls_per_s: float
    p50_us: float = 0
    p99_us: float = 0


@dataclass
class Load:
    """What is sent: `streams` more than 0 is HTTP/2 with so many on a connection."""
    url: str
    connections: int
    headers: list
    body: str = ""
    streams: int = 0
    cores: str = "0"

    def command(self, seconds, rate=None, log=None):
        command = ["taskset", "-c", self.cores, "h2load", *(["-m", str(self.streams)] if self.streams else ["--h1"]),
                   "-c", str(self.connections), "-t", "1", "-D", f"{round(seconds * 1000)}ms", "--warm-up-time", "0"]
        if rate:
            command += ["--rps", f"{rate / self.connections:.3f}"]
        if log:
            command += ["--log-file", str(log)]
        for name, value in self.headers:
            command += ["-H", f"{name}: {value}"]
        if self.body:
            command += ["-d", self.body]
        return command + [self.url]

    def settle_s(self):
        return 0.25 + self.connections / 4000


def check(said, url):
    done = re.search(r"requests: (\d+) total.*?(\d+) succeeded, (\d+) failed", said)
    codes = re.search(r"status codes: (\d+) 2xx", said)
    if not done or not codes:
        raise SystemExit("h2load said:\n" + said)
    good = int(codes.group(1))
    if good == 0 or int(done.group(3)) > good // 100:
        raise SystemExit(f"calls failed at {url}:\n{said}")


def share(ordered, part):
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0


def drive(load, cpu_ns, rate, seconds, folder):
    """At a fixed rate, or (None) as many calls as go. A call takes from its start at the client to its end there."""
    if rate:
        seconds = max(seconds, 1.5 * load.connections / rate)  # Every connection has its turn.
    log = Path(folder) / "calls.log"
    log.unlink(missing_ok=True)
    settle = load.settle_s()
    client = subprocess.Popen(load.command(settle + seconds + 0.1, rate, log), stdout=subprocess.PIPE, text=True)
    time.sleep(settle)
    before, begun = cpu_ns(), time.time() * 1e6
    time.sleep(seconds)
    spent, ended = cpu_ns() - before, time.time() * 1e6
    check(client.communicate()[0], load.url)
    times = []
    for line in log.read_text().splitlines():
        start, _, took = line.split("\t")[:3]
        if begun <= int(start) + int(took) < ended:
            times.append(int(took))
    times.sort()
    if not times:
        raise SystemExit(f"no call of {load.url} ended in time")
    return Cost(spent / len(times) / 1000, len(times) / (ended - begun) * 1e6, share(times, 0.5), share(times, 0.99))


def resident_kib(pid):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])


def idle_bytes(process, port, path, key, count):
    """Resident bytes for each of `count` connections that have served a call and wait for the next."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    call = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{programs.KEY_HEADER}: {key}\r\n\r\n".encode()
    pid = process.pid
    first, kept, used = 200, [], 0
    for number in range(first + count):
        if number == first:
            used = resident_kib(pid)
        one = socket.create_connection(("127.0.0.1", port))
        one.sendall(call)
        answer = one.recv(65536)
        if b" 200 " not in answer[:20]:
            raise SystemExit(f"the answer on an idle connection was {answer[:200]!r}")
        kept.append(one)
    time.sleep(0.5)
    each = (resident_kib(pid) - used) * 1024 / count
    for one in kept:
        one.close()
    return each
