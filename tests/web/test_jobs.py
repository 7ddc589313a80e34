"""The batch jobs of a service in Debian's chromium: they wait, run, fail, finish, are cancelled while one looks on."""

import re
import subprocess
import sys
import time
import unittest

from test_pages import HERE, ROOT, ensure_packages, tools
from harness import Server

sys.path.insert(0, str(ROOT / "tests/system"))
from batch_site import Site, Worker, reviews  # noqa: E402


class TestJobs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        ensure_packages()

    def test_jobs_while_one_looks_on(self):
        with Server(flags=["--batch.part_bytes", "20000", "--batch.threads", "2"]) as server:
            site = Site(server)  # The tutorial needs a worker in the process.
            server.stop()
            server.flags += ["--roles", "gateway,console,services,blob"]
            server.start()
            site.put("/box/long.csv", reviews(300_000) + reviews(300_000)[len("id,Col2\r\n"):] * 3)
            site.put("/box/bad.csv", b"Col2\nfine\n\xff\xfe\n")
            jobs = {"long": site.run("long.csv", "long-out.csv"), "bad": site.run("bad.csv", "bad-out.csv"),
                    "skips": site.run("bad.csv", "skips-out.csv", "&onRowError=skip")}
            # Each start has printed a link; the last one holds.
            first_run = re.findall(r"http://\S+/first-run#\S+", (server.data / "server.log").read_text())[-1]
            page = f"/studio/{site.made['workspace']}/webservices/{site.made['serviceGroup']}"
            browser = subprocess.Popen(["node", HERE / "jobs.mjs", first_run, page, *jobs.values()], env=tools(),
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            try:
                self.assertEqual(browser.stdout.readline(), "they wait\n", browser.poll())
                self.run_for_a_while(server, site, jobs)
                said, errors = browser.communicate(timeout=600)
                self.assertEqual(browser.returncode, 0, said + errors)
            finally:
                browser.kill()
                browser.communicate()
            self.assertEqual(site.status(jobs["long"])["StatusCode"], "Cancelled")
            self.assertEqual({job["Id"] for job in site.show()}, {jobs["long"], jobs["skips"]})

    def run_for_a_while(self, server, site, jobs):
        """A worker ends the short jobs, and dies over the long one, which therefore stands still."""
        worker = Worker(server)
        try:
            until = time.monotonic() + 120
            while (site.show(jobs["long"])["RowsDone"] == 0 or site.show(jobs["bad"])["State"] != "Failed"
                   or site.show(jobs["skips"])["State"] != "Finished"):
                self.assertLess(time.monotonic(), until, site.show())
                time.sleep(0.05)
        finally:
            worker.end()
        self.assertEqual(site.show(jobs["long"])["State"], "Running")


if __name__ == "__main__":
    unittest.main()
