"""Batch jobs as their users meet them: the tutorial's client, directly and managed; the verbs; several processes."""

import contextlib
import os
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, os.path.dirname(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import harness
from batch_site import ACCOUNT, STORAGE, Site, Worker, reviews
from experiments import HASHING, SELECT, publish

CLIENT = str(harness.ROOT / "tests/clients/stdlib_bes.py")
HEADER = "Col2," + ",".join(f"Col2_HashingFeature_{i}" for i in range(1, 9)) + "\r\n"
RESULT = HEADER + "This is a good day,1,1,2,2,0,2,0,1\r\n"


class Tutorial(unittest.TestCase):
    """Step 10 with Python's standard library alone."""

    @classmethod
    def setUpClass(cls):
        cls.server = harness.Server()
        cls.server.__enter__()
        cls.site = Site(cls.server)
        cls.folder = tempfile.TemporaryDirectory()
        cls.input = cls.folder.name + "/in.csv"
        with open(cls.input, "w") as file:
            file.write("Col2\nThis is a good day\n")
        # Rows that cannot be read.
        cls.broken = cls.folder.name + "/broken.csv"
        with open(cls.broken, "wb") as file:
            file.write(b"Col2\nfine\n\xff\xfe\n")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()
        cls.server.__exit__()

    def client(self, url, source, *more):
        environment = {**harness.clean_environment(), "SSL_CERT_FILE": str(self.server.data / "tls/ca.pem")}
        return subprocess.run(
            [sys.executable, CLIENT, url + self.site.path, self.site.made["apiKey"], self.site.connection_string(),
             "clients", source, "out.csv", "--poll", "0.05", *more],
            capture_output=True, text=True, env=environment, timeout=60)

    def large(self):
        """A file that keeps a job busy for a while."""
        path = self.folder.name + "/large.csv"
        if not os.path.exists(path):
            with open(path, "wb") as file:
                file.write(reviews(200_000))
        return path

    def ways(self):
        key = self.server.subscribe("unlimited-batch", "unlimited")
        return [(self.server.url("services"), []),
                (self.server.url("services", "https"), []),
                (self.server.url("gateway", "https") + "/azureml-demo", ["--subscription-key", key])]

    def test_finished_failed_and_cancelled_directly_and_managed(self):
        for url, more in self.ways():
            with self.subTest(url):
                done = self.client(url, self.input, *more)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertTrue(done.stdout.replace("\r\n", "\n").endswith("Finished\n" + RESULT.replace("\r\n", "\n")),
                                done.stdout)
                failed = self.client(url, self.broken, *more)
                self.assertIn("Failed\nError details: ", failed.stdout)
                self.assertIn('Row 2, column "Col2"', failed.stdout)
                self.assertIn("requestId = ", failed.stdout)
                self.assertNotIn("AccountKey", failed.stdout)

    def test_cancelled_before_it_ends(self):
        # A job that is long enough to be met at work.
        for url, more in self.ways():
            with self.subTest(url):
                done = self.client(url, self.large(), "--cancel", *more)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn("Cancelled", done.stdout)

    def test_the_sixth_call_of_a_starter_key_is_too_many(self):
        gateway = self.server.url("gateway", "https") + "/azureml-demo"
        key = self.server.subscribe("starter-batch", "starter")
        # Submit, start, and three looks at a job that takes longer than that.
        done = self.client(gateway, self.large(), "--subscription-key", key, "--poll", "0")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertEqual(done.stdout.count("Job ID: "), 1)
        self.assertRegex(done.stderr, r'^status, call 6: 429 .*Rate limit is exceeded')

    def test_documented_errors(self):
        call = self.site.call
        self.assertEqual(call("GET", "?api-version=2.0").status, 405)
        self.assertEqual(call("GET", f"/{'0' * 32}?api-version=2.0").json["error"]["details"][0]["code"], "JobNotFound")
        self.assertEqual(call("POST", "/start?api-version=2.0").json["error"]["details"][0]["code"], "MissingJobId")
        self.assertEqual(call("POST", "?api-version=1.0", {}).json["error"]["details"][0]["code"], "BadVersionCall")
        self.site.put("/box/in.csv", b"Col2\nx\n")
        job = self.site.run("in.csv", "out.csv")
        self.site.wait(job)
        again = call("POST", f"/{job}/start?api-version=2.0")
        self.assertEqual(again.json["error"]["details"][0], {
            "code": "CannotStartJob", "message": "The job cannot be started because it is in Finished state."})
        self.assertEqual(call("DELETE", f"/{job}?api-version=2.0").status, 200)
        self.assertEqual(call("GET", f"/{job}?api-version=2.0").status, 404)
        unauthorized = self.server.call("services", "GET", f"{self.site.path}/jobs/{job}?api-version=2.0", None,
                                        {"Authorization": "Bearer wrong"})
        self.assertEqual(unauthorized.status, 401)

    def test_the_status_has_three_fields_and_the_monitor_the_rest(self):
        self.site.put("/box/in.csv", b"Col2\nx\ny\n")
        job = self.site.submit("in.csv", "out.csv")
        self.assertEqual(self.site.status(job), {"StatusCode": "NotStarted", "Results": None, "Details": None})
        self.site.start(job)
        done = self.site.wait(job)
        self.assertEqual(list(done), ["StatusCode", "Results", "Details"])
        self.assertEqual(list(done["Results"]["output1"]),
                         ["ConnectionString", "RelativeLocation", "BaseLocation", "SasBlobToken"])
        shown = self.site.show(job)
        self.assertEqual((shown["State"], shown["RowsDone"]), ("Finished", 2))
        self.assertEqual(shown["Outputs"], [{"Name": "output1", "Location": "box/out.csv"}])
        self.assertIn(job, [one["Id"] for one in self.site.show()])
        stranger = self.server.call("services", "GET", self.site.manage + "/jobs", None,
                                    {"Authorization": "Bearer wrong"})
        self.assertEqual(stranger.status, 401)

    def uploads(self):
        answer = self.site.blob("GET", "/" + self.server.credentials["workspaceId"],
                                query="restype=container&comp=list&prefix=uploads/")
        self.assertEqual(answer.status, 200, answer)
        return answer.text.split("<Name>")[1:]

    def test_verbs(self):
        name = "SimpleFeatureHashingExperiment"
        out = self.folder.name + "/result.csv"
        done = harness.run_mlgate("job", "submit", name, self.input, out, *self.server.flags)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(out, newline="") as file:
            self.assertEqual(file.read(), RESULT)
        failed = harness.run_mlgate("job", "submit", name, self.broken, *self.server.flags)
        self.assertEqual(failed.returncode, 2)
        self.assertIn('Row 2, column "Col2"', failed.stderr)
        skipped = harness.run_mlgate("job", "submit", name, self.broken, out, "--on-row-error", "skip",
                                     *self.server.flags)
        self.assertEqual(skipped.returncode, 0, skipped.stderr)
        report = "1 rows were skipped; see the report " + self.server.credentials["workspaceId"]
        self.assertIn(report, skipped.stderr)
        job = harness.run_mlgate("job", "submit", name, self.input, "--detach", *self.server.flags).stdout.strip()
        self.assertEqual(len(job), 32)
        watched = harness.run_mlgate("job", "watch", name, job, *self.server.flags)
        self.assertEqual(watched.returncode, 0, watched.stderr)
        self.assertIn(job, harness.run_mlgate("job", "list", name, *self.server.flags).stdout)
        self.assertIn("Finished", harness.run_mlgate("job", "show", name, job, *self.server.flags).stdout)
        # What was uploaded for a job goes with its end.
        until = time.monotonic() + 60
        while uploads := self.uploads():
            self.assertLess(time.monotonic(), until, uploads)
            time.sleep(0.1)
        self.assertEqual(harness.run_mlgate("job", "cancel", name, job, *self.server.flags).returncode, 0)
        gone = harness.run_mlgate("job", "show", name, job, *self.server.flags)
        self.assertEqual((gone.returncode, gone.stderr), (
            1, "mlgate: Job not found. Verify the job Id is correct and try again.\n"))

    def test_a_service_of_several_inputs_outputs_and_a_parameter_by_verb(self):
        publish(self.server, "Two", inputs=(SELECT, HASHING), outputs=(SELECT, HASHING), bits_parameter="Bits")
        first, second = self.folder.name + "/first.csv", self.folder.name + "/second.csv"
        Path(first).write_text("Col1,Col2\n1,This is a good day\n")
        Path(second).write_text("Col2\nThis is a good day\n")
        outs = [f"{self.folder.name}/two{i}.csv" for i in (1, 2)]

        def submit(*arguments):
            return harness.run_mlgate("job", "submit", "Two", *arguments, *self.server.flags)

        files = ["--input", "input1=" + first, "--input", "input2=" + second]
        done = submit(*files, "--output", "output1=" + outs[0], "--output", "output2=" + outs[1],
                      "--parameter", "Bits=2")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stderr, r"^job [0-9a-f]{32}\n(.*\n)*Finished  \[#+\] 100 %  1 rows")
        self.assertEqual(Path(outs[0]).read_bytes(), b"Col2\r\nThis is a good day\r\n")
        self.assertEqual(Path(outs[1]).read_bytes().split(b"\r\n")[1], b"This is a good day,1,3,2,3")
        # One of the results stays where blobs are, and the other gets a link.
        stored = submit(*files, "--store", "output2=box/stored.tsv")
        self.assertEqual(stored.returncode, 0, stored.stderr)
        self.assertRegex(stored.stdout, r"(?m)^output1: http://\S+\noutput2: http://\S+/box/stored\.tsv\?\S+$")
        self.assertEqual(self.site.get("stored.tsv").split(b"\r\n")[1], b"This is a good day\t1\t1\t2\t2\t0\t2\t0\t1")
        # What would show only after the job, or never, is said before, and leaves no job.
        show = lambda: harness.run_mlgate("job", "list", "Two", *self.server.flags).stdout.count("\n")
        before = show()
        for arguments, text in (
                ((self.input,), "input1, input2"),
                ((*files[:2], "--input", "input1=" + second), "--input names 'input1' twice"),
                (("--input", self.input), "--input takes NAME=VALUE"),
                ((*files, "--output", "output3=" + outs[0]), "no output 'output3'; there are: output1, output2"),
                ((*files, "--store", "output3=box/x.csv"), "output3"),
                ((*files, "--parameter", "Bits=99"), "Bits"),
                ((*files, "--parameter", "Bytes=9"), "parameter"),
                ((*files[:2], "--input", "input2=box/in.csv"), "either files or blobs"),
                ((self.input, *files), "either one input or all")):
            with self.subTest(text):
                refused = submit(*arguments)
                self.assertEqual(refused.returncode, 1, refused.stdout)
                self.assertIn(text, refused.stderr)
        self.assertEqual(show(), before)
        # Uploads of jobs that ended go with a delay, those of jobs that never were at once.
        until = time.monotonic() + 60
        while uploads := self.uploads():
            self.assertLess(time.monotonic(), until, uploads)
            time.sleep(0.1)

    def test_the_exit_status_says_how_a_job_ended(self):
        with harness.Server(flags=["--batch.part_bytes", "20000"]) as server:
            site = Site(server)
            site.put("/box/in.csv", reviews(300_000))
            submit = subprocess.Popen(
                [harness.BINARY, "job", "submit", "SimpleFeatureHashingExperiment", "box/in.csv", *server.flags],
                stderr=subprocess.PIPE, text=True, env=harness.clean_environment())
            with submit.stderr:
                job = submit.stderr.readline().split()[1]
                self.assertRegex(submit.stderr.readline(), "^(Queued|Running)")
                cancelled = harness.run_mlgate("job", "cancel", "SimpleFeatureHashingExperiment", job, *server.flags)
                self.assertEqual(cancelled.returncode, 0, cancelled.stderr)
                self.assertIn("Cancelled", submit.stderr.read())
            self.assertEqual(submit.wait(60), 3)

    def test_verbs_say_before_the_job_what_would_fail_after_it(self):
        name = "SimpleFeatureHashingExperiment"

        def refused(*arguments):
            done = harness.run_mlgate("job", "submit", *arguments, *self.server.flags)
            self.assertNotEqual(done.returncode, 0)
            return done.stderr

        before = len(self.site.show())
        self.assertIn("there is no file 'missing.csv'", refused(name, "missing.csv"))
        self.assertIn("is a folder", refused(name, self.folder.name))
        self.assertIn("cannot write to the folder /nowhere", refused(name, self.input, "/nowhere/out.csv"))
        self.assertIn("with --detach there is no result", refused(name, self.input, "out.csv", "--detach"))
        self.assertIn("maybe not in {fail,skip}", refused(name, self.input, "--on-row-error", "maybe"))
        self.assertRegex(refused("other", self.input), f"there is no service 'other'; there are: .*{name}")
        self.assertEqual(len(self.site.show()), before)
        everywhere = harness.run_mlgate("job", "list", *self.server.flags)
        self.assertIn("SERVICE", everywhere.stdout)

    def test_watching_outlives_the_server(self):
        with harness.Server() as server:
            site = Site(server)
            data = reviews(100_000)
            more = data[len("id,Col2\r\n"):] * (4 if harness.SANITIZED else 40)
            site.put("/box/in.csv", data + more)
            job = site.run("in.csv", "out.csv")
            watch = subprocess.Popen(
                [harness.BINARY, "job", "watch", "SimpleFeatureHashingExperiment", job, *server.flags],
                stderr=subprocess.PIPE, text=True, env=harness.clean_environment())
            self.assertRegex(watch.stderr.readline(), "^(Queued|Running)")
            server.stop(signal.SIGKILL)
            server.start()
            # Not by communicate(), which knows nothing of lines that came together with the first.
            said = watch.stderr.read()
            watch.stderr.close()
            self.assertEqual(watch.wait(60), 0, said)
            self.assertIn("Finished", said)

    def test_score_gives_the_same_bytes_without_a_server(self):
        data = reviews(3_000)
        self.site.put("/box/many.csv", data)
        self.assertEqual(self.site.wait(self.site.run("many.csv", "many-out.csv"))["StatusCode"], "Finished")
        scored = subprocess.run([harness.BINARY, "score", "SimpleFeatureHashingExperiment", *self.server.flags],
                                input=data, capture_output=True, env=harness.clean_environment(), timeout=60)
        self.assertEqual(scored.returncode, 0, scored.stderr)
        self.assertEqual(scored.stdout, self.site.get("many-out.csv"))


class Disk(unittest.TestCase):
    def test_a_full_disk_fails_the_job_with_a_clear_text_and_nothing_else(self):
        with harness.Server() as server:
            site = Site(server)
            site.put("/box/in.csv", reviews(300_000))
            site.put("/box/one.csv", b"Col2\nx\n")
            kept = site.run("one.csv", "kept.csv")
            self.assertEqual(site.wait(kept)["StatusCode"], "Finished")
            before = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
            job = site.submit("in.csv", "out.csv")
            # A block of the result is larger than a file may be; the index and the store are not.
            resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (3 << 20, before[1]))
            site.start(job)
            failed = site.wait(job)
            resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, before)
            self.assertEqual(failed["StatusCode"], "Failed")
            self.assertIn("Output output1 (box/out.csv): The disk of the blob endpoint is full", failed["Details"])
            self.assertIsNone(site.get("out.csv"))
            self.assertEqual(site.status(kept)["StatusCode"], "Finished")
            again = site.wait(site.run("in.csv", "out.csv"))
            self.assertEqual(again["StatusCode"], "Finished", again)
            self.assertEqual(site.get("out.csv").count(b"\r\n"), 300_001)


class OtherMachines(unittest.TestCase):
    def test_an_address_of_this_machine_means_the_embedded_blobs(self):
        with harness.Server(flags=["--bind", "0.0.0.0"]) as server:
            self.assertIn("set blob.public_url", (server.data / "server.log").read_text())
            keys = harness.run_mlgate("blob", "account", "keys", ACCOUNT, *server.flags)
            key = keys.stdout.split()[1]
            site = Site.__new__(Site)  # Without blobs, for which it would need the key.
            site.server = server
            site.made, _ = server.tutorial()
            site.path = f"/workspaces/{site.made['workspace']}/services/{site.made['service']}"
            for host in own_hosts():
                connection = (f"AccountName={ACCOUNT};AccountKey={key};"
                              f"BlobEndpoint=http://{host}:{server.ports['blob']['http']}/{ACCOUNT}")
                with self.subTest(host):
                    job = site.call("POST", "?api-version=2.0", {"Input": {
                        "ConnectionString": connection, "RelativeLocation": "nothing/in.csv"}})
                    self.assertEqual(job.status, 200, job)
                    details = site.wait(site.start(job.json))["Details"]
                    # Dialled, it would be refused as an address that callers may not name.
                    self.assertIn("(ContainerNotFound)", details)


def own_hosts():
    """The name of this machine, and its address if it has one beside those of the loopback."""
    hosts = [socket.gethostname()]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unused:
        with contextlib.suppress(OSError):
            unused.connect(("192.0.2.1", 9))
            hosts.append(unused.getsockname()[0])
    return hosts


class Store(unittest.TestCase):
    def test_a_store_that_cannot_be_written_is_a_clear_error_and_jobs_wait_for_it(self):
        with harness.Server() as server:
            site = Site(server)
            data = reviews(400_000)
            site.put("/box/in.csv", data)
            job = site.run("in.csv", "out.csv")
            while site.show(job)["RowsDone"] == 0:
                self.assertIn(site.status(job)["StatusCode"], ("NotStarted", "Running"))
            with contextlib.closing(sqlite3.connect(server.data / "store.db", isolation_level=None)) as holder:
                holder.execute("BEGIN IMMEDIATE")  # As a process does that writes and does not end.
                # Many at once, of whom none has to wait for the others' turn.
                with ThreadPoolExecutor(8) as callers:
                    answers = list(callers.map(lambda _: site.call("POST", "?api-version=2.0", {"Input": {
                        "ConnectionString": STORAGE, "RelativeLocation": "/box/in.csv"}}), range(8)))
                for refused in answers:
                    self.assertEqual(refused.status, 503)
                    self.assertIn("store", refused.text)
                self.assertEqual(site.status(job)["StatusCode"], "Running")
                holder.execute("ROLLBACK")
            self.assertEqual(site.wait(job)["StatusCode"], "Finished")
            self.assertEqual(site.get("out.csv").count(b"\r\n"), 400_001)
            self.assertEqual(len(site.show()), 1)


class BusyStorage(unittest.TestCase):
    def test_jobs_wait_for_a_storage_that_is_busy(self):
        flags = ["--dial.allow", "127.0.0.1", "--batch.part_bytes", "10000"]
        with harness.Server(flags=flags) as server, harness.Server() as other:
            site, elsewhere = Site(server), Site.of_blobs(other)
            data = reviews(400_000)
            indices, jobs = [], []
            with contextlib.ExitStack() as held:
                # Files of the same program, and the same endpoint over HTTP.
                for blobs, storage in ((site, STORAGE), (elsewhere, elsewhere.connection_string())):
                    blobs.put("/box/in.csv", data)
                    jobs.append(site.run("in.csv", "out.csv", storage=storage))
                    index = sqlite3.connect(blobs.server.data / "blobs/index.db", isolation_level=None)
                    indices.append(held.enter_context(contextlib.closing(index)))
                self.until(lambda: all(site.show(job)["RowsDone"] > 0 for job in jobs))
                for index in indices:
                    index.execute("BEGIN IMMEDIATE")  # As a process does that writes and does not end.
                self.assertEqual([site.status(job)["StatusCode"] for job in jobs], ["Running", "Running"])
                refused = elsewhere.blob("PUT", "/box/x.csv", b"x", **{"x-ms-blob-type": "BlockBlob"})
                self.assertEqual((refused.status, refused.headers["Retry-After"]), (503, "1"))
                self.assertIn("<Code>ServerBusy</Code>", refused.text)
                self.until(lambda: site.show(jobs[0])["WaitingFor"])
                self.assertRegex(site.show(jobs[0])["WaitingFor"], r"^The storage fails, .*\(ServerBusy\)")
                for index in indices:
                    index.execute("ROLLBACK")
                for job in jobs:
                    self.assertEqual(site.wait(job, 120)["StatusCode"], "Finished", site.show(job))
            result = site.get("out.csv")
            self.assertEqual(result.count(b"\r\n"), 400_001)
            self.assertTrue(result == elsewhere.get("out.csv"))

    def until(self, done, seconds=120):
        until = time.monotonic() + seconds
        while not done():
            self.assertLess(time.monotonic(), until)
            time.sleep(0.05)


class Processes(unittest.TestCase):
    def test_three_workers_of_which_one_is_paused_and_one_killed(self):
        jobs_count = 200
        flags = ["--batch.lease_ms", "1500", "--batch.part_bytes", "4000", "--batch.threads", "2",
                 "--roles", "gateway,console,services,blob"]
        with harness.Server(flags=[*flags[:-2]]) as server:
            site = Site(server)  # The tutorial needs a worker in the process.
            server.stop()
            server.flags += flags[-2:]
            server.start()
            data = reviews(600)
            site.put("/box/in.csv", data)
            jobs = [site.run("in.csv", f"out{i}.csv") for i in range(jobs_count)]
            waiting = site.show(jobs[-1])
            self.assertEqual(waiting["State"], "Queued")
            self.assertIn("No worker is running", waiting["WaitingFor"])
            workers = [Worker(server) for _ in range(3)]
            try:
                self.finished(site, jobs, 10)
                self.stop_outside_a_transaction(site, workers[0])
                self.finished(site, jobs, 40)
                workers[1].signal(signal.SIGKILL)
                self.finished(site, jobs, 80)
                workers[0].signal(signal.SIGCONT)
                self.finished(site, jobs, jobs_count)
            finally:
                for worker in workers:
                    worker.end()
            expected = site.get("out0.csv")
            self.assertEqual(expected.count(b"\r\n"), 601)
            for i in range(jobs_count):
                self.assertEqual(site.get(f"out{i}.csv"), expected, i)
            self.assertEqual(site.orphans_after_restart(), [])

    def stop_outside_a_transaction(self, site, worker):
        """A process that is stopped while it commits keeps the lock of the SQLite files, which nothing can take from
        it; then nobody gets on until it does. That is not what is looked at here."""
        data = site.server.data
        for _ in range(100):
            worker.signal(signal.SIGSTOP)
            while not self.stands_still(worker.process.pid):
                time.sleep(0.001)
            if all(self.can_be_written(path) for path in (data / "store.db", data / "blobs/index.db")):
                return
            worker.signal(signal.SIGCONT)
        self.fail("the worker is always in a transaction")

    def stands_still(self, pid):
        states = [Path(f"/proc/{pid}/task/{task}/stat").read_text() for task in os.listdir(f"/proc/{pid}/task")]
        return all(state.rpartition(")")[2].split()[0] == "T" for state in states)

    def can_be_written(self, path):
        """Within a second, since others write, too."""
        with contextlib.closing(sqlite3.connect(path, timeout=1, isolation_level=None)) as probe:
            try:
                probe.execute("BEGIN IMMEDIATE")
                probe.execute("ROLLBACK")
                return True
            except sqlite3.OperationalError:
                return False

    def finished(self, site, jobs, count):
        """Waits until so many have finished, and none did anything else."""
        until = time.monotonic() + 120
        while time.monotonic() < until:
            shown = [one for one in site.show() if one["Id"] in set(jobs)]
            states = [one["State"] for one in shown]
            ended_otherwise = [one for one in shown if one["State"] in ("Failed", "Cancelled")]
            self.assertEqual(ended_otherwise, [], ended_otherwise)
            if states.count("Finished") >= count:
                return
            time.sleep(0.05)
        self.fail(f"{count} jobs did not finish")


if __name__ == "__main__":
    unittest.main()
