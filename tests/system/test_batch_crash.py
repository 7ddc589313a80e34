"""Jobs outlive their workers: worker processes and the whole server are killed at every place where something has just
become durable, or is about to, and at random. Every acknowledged job ends, its output has the bytes of the undisturbed
run, and no blocks stay behind. MLGATE_ROUNDS says how often at random (3 in an ordinary run); from 50 on, no place is
left out."""

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
from batch_site import Site, Worker, reviews

ROUNDS = int(os.environ.get("MLGATE_ROUNDS", "3"))
FULL = ROUNDS >= 50
FLAGS = ["--batch.lease_ms", "1000", "--batch.part_bytes", "3000", "--batch.threads", "2"]
GONE = (OSError, http.client.HTTPException)
PATIENCE = 120 if harness.SANITIZED else 60


def ended(process, seconds):
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


class Crash(unittest.TestCase):
    def begin(self, server, rows):
        """A service, a file, and what the job makes of it when nothing happens."""
        self.kills = 0
        site = Site(server)
        site.put("/box/in.csv", reviews(rows))
        done = site.wait(site.run("in.csv", "expected.csv"), PATIENCE)
        self.assertEqual(done["StatusCode"], "Finished", done)
        return site, site.get("expected.csv")

    def end(self, server, site, jobs, expected):
        """Every job that was acknowledged has ended well, and nothing lies about."""
        for job, name in jobs.items():
            done = site.wait(job, PATIENCE)
            self.assertEqual(done["StatusCode"], "Finished", (name, done))
            self.assertEqual(site.get(name), expected, name)
        # What a dead process has left goes at the next start.
        self.assertEqual(site.orphans_after_restart(PATIENCE), [])
        print(f"{self.kills} kills, {len(jobs)} jobs")

    def points(self, count_file, most):
        text = count_file.read()
        if not text:
            print("skipped: the binary under test has no crash points (they are in builds without NDEBUG)")
            return []
        every = list(range(1, int(text) + 1))
        return every if FULL else sorted(random.sample(every, min(len(every), most)))

    def test_a_worker_dies_at_every_write_of_a_job(self):
        with harness.Server(flags=FLAGS) as server, tempfile.NamedTemporaryFile() as count:
            site, expected = self.begin(server, 300)
            server.stop()
            server.flags += ["--roles", "gateway,console,services,blob"]
            server.start()
            jobs = {site.run("in.csv", "count.csv"): "count.csv"}
            worker = Worker(server, environment={"MLGATE_CRASH_COUNT": count.name})
            try:
                self.assertEqual(site.wait(list(jobs)[0], PATIENCE)["StatusCode"], "Finished")
            finally:
                worker.end()
            for point in self.points(count, 4 * ROUNDS):
                with self.subTest(point=point):
                    name = f"out{point}.csv"
                    job = site.run("in.csv", name)
                    jobs[job] = name
                    dying = Worker(server, environment={"MLGATE_CRASH_AT": str(point)})
                    # Interleavings differ, so that the last points may not be reached: then the job has ended.
                    while dying.ready and not ended(dying.process, 0.05):
                        if site.status(job)["StatusCode"] == "Finished":
                            ended(dying.process, 1)
                            break
                    self.kills += dying.process.poll() == -signal.SIGKILL
                    dying.end()
                    heir = Worker(server)
                    try:
                        self.assertEqual(site.wait(job, PATIENCE)["StatusCode"], "Finished")
                    finally:
                        heir.end()
                    self.assertEqual(site.get(name), expected)
            self.end(server, site, jobs, expected)

    def test_the_server_dies_at_every_write_of_a_job(self):
        with harness.Server(flags=FLAGS) as server, tempfile.NamedTemporaryFile() as count:
            site, expected = self.begin(server, 300)
            server.stop()
            server.start({"MLGATE_CRASH_COUNT": count.name})
            jobs = {}
            self.run_into(server, site, "count.csv", jobs)
            server.stop()
            for point in self.points(count, 2 * ROUNDS):
                with self.subTest(point=point):
                    try:
                        server.start({"MLGATE_CRASH_AT": str(point)})
                        self.run_into(server, site, f"out{point}.csv", jobs)
                    except AssertionError:
                        # It may die while it starts; anything else is a failure.
                        if server.process.poll() != -signal.SIGKILL:
                            raise
                    if server.process.poll() is None:
                        server.stop()
                    self.kills += server.process.returncode == -signal.SIGKILL
            server.start()
            self.end(server, site, jobs, expected)

    def run_into(self, server, site, name, jobs):
        """Submits and starts a job and follows it, until it ends or the server does."""
        try:
            job = site.submit("in.csv", name)
            site.start(job)
            jobs[job] = name
            site.wait(job, PATIENCE)
        except GONE:
            self.assertTrue(ended(server.process, 10), "the server lives and does not answer")

    def test_the_server_or_a_worker_dies_at_random(self):
        seed = int.from_bytes(os.urandom(4), "big")
        print(f"seed {seed}")
        chance = random.Random(seed)
        with harness.Server(flags=FLAGS) as server:
            site, expected = self.begin(server, 3_000)
            jobs, workers = {}, [Worker(server), Worker(server)]
            try:
                for number in range(ROUNDS):
                    for i in range(3):
                        name = f"r{number}n{i}.csv"
                        jobs[site.run("in.csv", name)] = name
                    time.sleep(chance.uniform(0, 0.3))
                    if chance.random() < 0.5:
                        server.stop(signal.SIGKILL)
                        server.start()
                    else:
                        index = chance.randrange(len(workers))
                        workers[index].end()
                        workers[index] = Worker(server)
                    self.kills += 1
                self.end(server, site, jobs, expected)
            finally:
                for worker in workers:
                    worker.end()


if __name__ == "__main__":
    unittest.main()
