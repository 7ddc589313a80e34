"""Jobs outlive their workers: worker processes and the whole server are killed at every place where something has just
become durable, or is about to, and at random, while jobs succeed, fail, skip rows, are cancelled, and have their blobs
in another server. Every acknowledged job ends as the undisturbed run does, with the same bytes or the same reason, is
there once, and no blocks stay behind. MLGATE_ROUNDS says how often at random (3 in an ordinary run); from 50 on, no
place is left out."""

import http.client
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import harness
from batch_site import STORAGE, Site, Worker, reviews

ROUNDS = int(os.environ.get("MLGATE_ROUNDS", "3"))
FULL = ROUNDS >= 50
FLAGS = ["--dial.allow", "127.0.0.1", "--batch.lease_ms", "1000", "--batch.part_bytes", "3000", "--batch.threads", "2"]
GONE = (OSError, http.client.HTTPException)
PATIENCE = 120 if harness.SANITIZED else 60


def ended(process, seconds):
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


class Kind:
    """What a job is like, and what it came to when nothing happened."""

    def __init__(self, source, query="", elsewhere=False):
        self.source, self.query, self.elsewhere = source, query, elsewhere


KINDS = {"good": Kind("in.csv"), "bad": Kind("bad.csv"), "skips": Kind("bad.csv", "&onRowError=skip"),
         "elsewhere": Kind("in.csv", elsewhere=True)}


class Crash(unittest.TestCase):
    def setUp(self):
        # Blobs of a server that nothing happens to.
        self.other_server = self.enterContext(harness.Server(flags=["--roles", "blob"]))
        self.other = Site.of_blobs(self.other_server)

    def begin(self, server, rows):
        """A service, files, and what jobs make of them when nothing happens."""
        self.kills = 0
        self.site = site = Site(server)
        data = reviews(rows)
        half = data.rindex(b"\r\n", 0, len(data) // 2) + 2
        for blobs in (site, self.other):
            blobs.put("/box/in.csv", data)
        site.put("/box/bad.csv", data[:half] + b"1,\xff\r\n" + data[half:])
        for name, kind in KINDS.items():
            target = f"expected-{name}.csv"
            kind.expected = self.outcome(self.run_job(name, target), name, target)
        self.assertEqual([kind.expected[0] for kind in KINDS.values()], ["Finished", "Failed", "Finished", "Finished"])
        self.assertEqual(KINDS["good"].expected[2], KINDS["elsewhere"].expected[2])
        self.assertIn("Row ", KINDS["bad"].expected[1])
        return site

    def blobs_of(self, name):
        return self.other if KINDS[name].elsewhere else self.site

    def submit(self, name, target):
        kind = KINDS[name]
        storage = self.other.connection_string() if kind.elsewhere else STORAGE
        return self.site.submit(kind.source, target, kind.query, storage)

    def run_job(self, name, target):
        return self.site.start(self.submit(name, target))

    def outcome(self, job, name, target):
        """State, reason, result and report at the end."""
        done = self.site.wait(job, PATIENCE, patient=True)
        reason = (done["Details"] or "").replace(job, "").replace(target, "")
        blobs = self.blobs_of(name)
        return done["StatusCode"], reason, blobs.get(target), blobs.get(target + ".errors.csv")

    def check(self, job, name, target):
        self.assertTrue(self.outcome(job, name, target) == KINDS[name].expected,
                        (name, target, self.site.status(job)))

    def end(self, jobs, cancelled=()):
        """Every job that was acknowledged has ended as it has to, is there once, and nothing lies about."""
        for job, (name, target) in jobs.items():
            self.check(job, name, target)
        for job, target in cancelled:
            # Whole or not at all.
            self.assertIn(self.site.get(target), (None, KINDS["good"].expected[2]), target)
        shown = [one["Id"] for one in self.site.show()]
        self.assertEqual(len(shown), len(set(shown)))
        self.assertEqual(set(jobs) - set(shown), set())
        # What dead processes have left goes at the next start, and what jobs have left by a worker.
        janitor = Worker(self.site.server)
        try:
            self.assertEqual(self.site.orphans_after_restart(PATIENCE), [])
        finally:
            janitor.end()
        finished = [target for name, target in jobs.values() if KINDS[name].elsewhere]
        self.assertEqual([name for name in self.other.uncommitted() if name in finished], [])
        print(f"{self.kills} kills, {len(jobs)} jobs, {len(cancelled)} cancelled")

    def points(self, count_file, most):
        text = count_file.read()
        if not text:
            print("skipped: the binary under test has no crash points (they are in builds without NDEBUG)")
            return []
        every = list(range(1, int(text) + 1))
        return every if FULL else sorted(random.sample(every, min(len(every), most)))

    def test_a_worker_dies_at_every_write_of_a_job(self):
        with harness.Server(flags=FLAGS) as server:
            site, jobs = self.begin(server, 300), {}
            server.stop()
            server.flags += ["--roles", "gateway,console,services,blob"]
            server.start()
            for name in KINDS:
                with self.subTest(kind=name):
                    self.worker_dies(server, site, name, jobs)
            self.end(jobs)

    def worker_dies(self, server, site, name, jobs):
        with tempfile.NamedTemporaryFile() as count:
            job = self.run_job(name, f"{name}-count.csv")
            jobs[job] = (name, f"{name}-count.csv")
            worker = Worker(server, environment={"MLGATE_CRASH_COUNT": count.name})
            try:
                self.check(job, *jobs[job])
            finally:
                worker.end()
            points = self.points(count, (3 if name == "good" else 1) * ROUNDS)
        for point in points:
            with self.subTest(point=point):
                target = f"{name}{point}.csv"
                job = self.run_job(name, target)
                jobs[job] = (name, target)
                dying = Worker(server, environment={"MLGATE_CRASH_AT": str(point)})
                # Interleavings differ, so that the last points may not be reached: then the job has ended.
                while dying.ready and not ended(dying.process, 0.05):
                    if site.status(job)["StatusCode"] == KINDS[name].expected[0]:
                        ended(dying.process, 1)
                        break
                self.kills += dying.process.poll() == -signal.SIGKILL
                dying.end()
                heir = Worker(server)
                try:
                    self.check(job, name, target)
                finally:
                    heir.end()

    def test_the_server_dies_at_every_write_of_a_job(self):
        with harness.Server(flags=FLAGS) as server, tempfile.NamedTemporaryFile() as count:
            self.begin(server, 300)
            server.stop()
            server.start({"MLGATE_CRASH_COUNT": count.name})
            jobs = {}
            self.run_into(server, "count.csv", jobs)
            server.stop()
            for point in self.points(count, 2 * ROUNDS):
                with self.subTest(point=point):
                    try:
                        server.start({"MLGATE_CRASH_AT": str(point)})
                        self.run_into(server, f"out{point}.csv", jobs)
                    except AssertionError:
                        # It may die while it starts; anything else is a failure.
                        if server.process.poll() != -signal.SIGKILL:
                            raise
                    if server.process.poll() is None:
                        server.stop()
                    self.kills += server.process.returncode == -signal.SIGKILL
            server.start()
            self.end(jobs)

    def run_into(self, server, target, jobs):
        """Submits and starts a job and follows it, until it ends or the server does."""
        try:
            job = self.submit("good", target)
            self.site.start(job)
            jobs[job] = ("good", target)
            self.site.wait(job, PATIENCE)
        except GONE:
            self.assertTrue(ended(server.process, 10), "the server lives and does not answer")

    def cancel(self, job):
        """Whether it was acknowledged."""
        try:
            answer = self.site.call("DELETE", f"/{job}?api-version=2.0")
        except GONE:
            return False
        self.assertEqual(answer.status, 200, answer)
        return True

    def is_cancelled(self, job):
        """For good; the record of a job that had ended before is gone."""
        answer = self.site.call("GET", f"/{job}?api-version=2.0")
        return answer.status == 404 or answer.json["StatusCode"] == "Cancelled"

    def test_the_server_dies_at_every_write_of_a_cancel(self):
        with harness.Server(flags=FLAGS) as server, tempfile.NamedTemporaryFile() as count:
            self.begin(server, 3_000)
            server.stop()
            server.flags += ["--roles", "gateway,console,services,blob"]
            server.start()
            cancelled = [self.cancel_under(server, {"MLGATE_CRASH_COUNT": count.name}, "cancel.csv")]
            for point in self.points(count, 2 * ROUNDS):
                with self.subTest(point=point):
                    cancelled.append(self.cancel_under(server, {"MLGATE_CRASH_AT": str(point)}, f"cancel{point}.csv"))
            self.assertTrue(all(self.is_cancelled(job) for job, _ in cancelled))
            self.end({}, cancelled)

    def cancel_under(self, server, environment, target):
        """Cancels a job that has begun, whose worker is dead, on a server that may be about to die."""
        job, worker = self.run_job("good", target), Worker(server)
        try:
            while self.site.show(job)["RowsDone"] == 0:
                self.assertIn(self.site.status(job)["StatusCode"], ("NotStarted", "Running"))
        finally:
            worker.end()
        server.stop()
        try:
            server.start(environment)
            acknowledged = self.cancel(job)
        except AssertionError:
            # It may die while it starts; anything else is a failure.
            if server.process.poll() != -signal.SIGKILL:
                raise
            acknowledged = False
        if not acknowledged:
            self.assertTrue(ended(server.process, 10), "the server lives and does not answer")
            self.kills += 1
        elif server.process.poll() is None:
            server.stop()
        server.start()
        if not acknowledged and not self.is_cancelled(job):
            self.assertTrue(self.cancel(job))
        self.assertEqual(self.site.show(job)["State"], "Cancelled")
        return job, target

    def test_the_server_or_a_worker_dies_at_random(self):
        seed = int.from_bytes(os.urandom(4), "big")
        print(f"seed {seed}")
        chance = random.Random(seed)
        with harness.Server(flags=FLAGS) as server:
            site = self.begin(server, 3_000)
            jobs, cancelled, workers = {}, [], [Worker(server), Worker(server)]
            try:
                for number in range(ROUNDS):
                    for name in KINDS:
                        target = f"{name}{number}.csv"
                        jobs[self.run_job(name, target)] = (name, target)
                    leaving = self.run_job("good", f"leaves{number}.csv")
                    time.sleep(chance.uniform(0, 0.3))
                    if chance.random() < 0.5:
                        self.assertTrue(self.cancel(leaving))
                        cancelled.append((leaving, f"leaves{number}.csv"))
                    else:
                        jobs[leaving] = ("good", f"leaves{number}.csv")
                    if chance.random() < 0.5:
                        server.stop(signal.SIGKILL)
                        server.start()
                    else:
                        index = chance.randrange(len(workers))
                        workers[index].end()
                        workers[index] = Worker(server)
                    self.kills += 1
                    self.assertTrue(all(self.is_cancelled(job) for job, _ in cancelled))
                for job, (name, target) in jobs.items():
                    self.check(job, name, target)
            finally:
                for worker in workers:
                    worker.end()
            self.end(jobs, cancelled)


if __name__ == "__main__":
    unittest.main()
