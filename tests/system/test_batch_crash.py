"""Jobs outlive their workers: the process is killed at every place where something has just become durable, or is
about to, and at random. Every acknowledged job ends, its output has the bytes of the undisturbed run, and no blocks
stay behind. MLGATE_ROUNDS says how often (3 in an ordinary run)."""

import http.client
import os
import random
import signal
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import harness
from batch_site import Site, Worker, reviews

ROUNDS = int(os.environ.get("MLGATE_ROUNDS", "3"))
FLAGS = ["--batch.lease_ms", "1000", "--batch.part_bytes", "3000", "--batch.threads", "2"]


class Crash(unittest.TestCase):
    def test_a_worker_dies_at_every_write_of_a_job(self):
        with harness.Server(flags=FLAGS) as server:
            site = Site(server)
            site.put("/box/in.csv", reviews(300))
            done = site.wait(site.run("in.csv", "expected.csv"))
            self.assertEqual(done["StatusCode"], "Finished", done)
            expected = site.get("expected.csv")
            server.stop()
            server.flags += ["--roles", "gateway,console,services,blob"]
            server.start()
            total = self.count_points(server, site)
            if total == 0:
                print("skipped: the binary under test has no crash points (they are in builds without NDEBUG)")
                return
            # All of them in a full run, some of them otherwise.
            points = list(range(1, total + 1))
            if ROUNDS < 50:
                points = sorted(random.sample(points, min(len(points), 4 * ROUNDS)))
            for point in points:
                with self.subTest(point=point, total=total):
                    name = f"out{point}.csv"
                    job = site.run("in.csv", name)
                    dying = Worker(server, environment={"MLGATE_CRASH_AT": str(point)})
                    if dying.ready:
                        try:
                            dying.process.wait(5)
                        except Exception:
                            pass  # Interleavings differ, so that the last points may not be reached.
                    dying.end()
                    heir = Worker(server)
                    try:
                        self.assertEqual(site.wait(job)["StatusCode"], "Finished")
                    finally:
                        heir.end()
                    self.assertEqual(site.get(name), expected)
            self.assertEqual(site.uncommitted(), [])

    def count_points(self, server, site):
        with tempfile.NamedTemporaryFile() as count:
            job = site.run("in.csv", "count.csv")
            worker = Worker(server, environment={"MLGATE_CRASH_COUNT": count.name})
            try:
                self.assertEqual(site.wait(job)["StatusCode"], "Finished")
            finally:
                worker.end()
            text = count.read()
            return int(text) if text else 0

    def test_the_whole_server_dies_at_random(self):
        seed = int.from_bytes(os.urandom(4), "big")
        print(f"seed {seed}")
        chance = random.Random(seed)
        with harness.Server(flags=FLAGS) as server:
            site = Site(server)
            site.put("/box/in.csv", reviews(3_000))
            done = site.wait(site.run("in.csv", "expected.csv"))
            self.assertEqual(done["StatusCode"], "Finished", done)
            expected = site.get("expected.csv")
            jobs = {}
            for number in range(ROUNDS):
                for i in range(3):
                    name = f"r{number}n{i}.csv"
                    try:
                        jobs[site.run("in.csv", name)] = name
                    except (OSError, http.client.HTTPException):
                        break
                self.sleep_until_killed(server, chance.uniform(0, 0.3))
                server.start()
            for job, name in jobs.items():
                self.assertEqual(site.wait(job)["StatusCode"], "Finished")
                self.assertEqual(site.get(name), expected)
            self.assertEqual(site.uncommitted(), [])

    def sleep_until_killed(self, server, seconds):
        try:
            server.process.wait(seconds)
        except Exception:
            pass
        server.stop(signal.SIGKILL)


if __name__ == "__main__":
    unittest.main()
