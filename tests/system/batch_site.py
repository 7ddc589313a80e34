"""What the tests of batch jobs share: a published service, files in the embedded blobs, jobs and worker processes."""

import base64
import contextlib
import datetime
import hashlib
import hmac
import http.client
import json
import os
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import harness

ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
STORAGE = "UseDevelopmentStorage=true"


class Site:
    """A server with the tutorial's service; `call` and `job` talk to its default endpoint."""

    def __init__(self, server):
        self.server = server
        made, _ = server.tutorial()
        self.made = made
        self.path = f"/workspaces/{made['workspace']}/services/{made['service']}"
        self.manage = f"/workspaces/{made['workspace']}/webservices/{made['serviceGroup']}/endpoints/default"
        self.put("/box", query="restype=container")

    @classmethod
    def of_blobs(cls, server):
        """The blobs alone of another server, or of what answers `call` as one."""
        site = cls.__new__(cls)
        site.server = server
        site.put("/box", query="restype=container")
        return site

    def connection_string(self):
        return (f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};"
                f"BlobEndpoint={self.server.url('blob')}/{ACCOUNT}")

    def blob(self, method, path, body=b"", query="", **headers):
        sent = {"x-ms-date": datetime.datetime.now(datetime.timezone.utc).strftime("%a, %d %b %Y %H:%M:%S GMT"),
                "x-ms-version": "2015-02-21", **headers}
        full = f"/{ACCOUNT}{path}"
        lines = "".join(f"{k.lower()}:{v}\n" for k, v in sorted(sent.items()) if k.startswith("x-ms-"))
        resource = f"/{ACCOUNT}{full}" + "".join(
            "\n" + pair.replace("=", ":", 1) for pair in sorted(query.split("&")) if pair)
        to_sign = f"{method}\n\n\n{len(body) or ''}\n\n\n\n\n\n\n\n\n{lines}{resource}"
        signature = hmac.new(base64.b64decode(KEY), to_sign.encode(), hashlib.sha256).digest()
        sent["Authorization"] = f"SharedKey {ACCOUNT}:{base64.b64encode(signature).decode()}"
        return self.server.call("blob", method, full + ("?" + query if query else ""), body or None, sent)

    def put(self, path, body=b"", query=""):
        more = {} if query else {"x-ms-blob-type": "BlockBlob"}
        answer = self.blob("PUT", path, body, query, **more)
        assert answer.status in (201, 409), answer
        return answer

    def get(self, name):
        answer = self.blob("GET", "/box/" + name)
        return answer.body if answer.status == 200 else None

    def uncommitted(self):
        """Blobs of which there are blocks and nothing else."""
        answer = self.blob("GET", "/box", query="restype=container&comp=list&include=uncommittedblobs")
        assert answer.status == 200, answer
        return [name.split("<")[0] for name in answer.text.split("<Name>")[1:] if self.get(name.split("<")[0]) is None]

    def orphans(self):
        """What nothing refers to: blocks that no list has named, files that the index of the blobs does not know."""
        answer = self.blob("GET", "/box", query="restype=container&comp=list&include=uncommittedblobs")
        assert answer.status == 200, answer
        found = []
        for name in [part.split("<")[0] for part in answer.text.split("<Name>")[1:]]:
            blocks = self.blob("GET", "/box/" + name, query="blocklisttype=uncommitted&comp=blocklist")
            if blocks.status == 404:
                continue  # Cleaned up meanwhile.
            assert blocks.status == 200, blocks
            found += [f"block of {name}" for _ in blocks.text.split("<Block>")[1:]]
        folder = self.server.data / "blobs"
        with contextlib.closing(sqlite3.connect(f"file:{folder}/index.db?mode=ro", uri=True)) as index:
            files = {path.name for path in (folder / "content").rglob("*") if path.is_file()}
            known = {row[0] for table in ("parts", "blocks", "garbage")
                     for row in index.execute(f"SELECT content FROM {table}")}
        return found + sorted(files - known)

    def orphans_after_restart(self, seconds=60):
        """The same once a new process of the server has cleaned up after all that have ended."""
        if self.server.process.poll() is None:
            self.server.stop()
        self.server.start()
        until = time.monotonic() + seconds
        while (found := self.orphans()) and time.monotonic() < until:
            time.sleep(0.1)
        return found

    def call(self, method, path, body=None):
        return self.server.call("services", method, f"{self.path}/jobs{path}", body,
                                {"Authorization": "Bearer " + self.made["apiKey"]})

    def submit(self, source, target, query="", storage=STORAGE):
        reference = lambda name: {"ConnectionString": storage, "RelativeLocation": "/box/" + name}
        answer = self.call("POST", "?api-version=2.0" + query, {
            "Input": reference(source), "Outputs": {"output1": reference(target)}, "GlobalParameters": {}})
        assert answer.status == 200, answer
        return answer.json

    def start(self, job):
        answer = self.call("POST", f"/{job}/start?api-version=2.0")
        assert answer.status == 200, answer
        return job

    def run(self, source, target, query="", storage=STORAGE):
        return self.start(self.submit(source, target, query, storage))

    def status(self, job):
        answer = self.call("GET", f"/{job}?api-version=2.0")
        assert answer.status == 200, answer
        return answer.json

    def show(self, job=""):
        answer = self.server.call("services", "GET", f"{self.manage}/jobs{'/' + job if job else '?limit=1000'}", None,
                                  {"Authorization": "Bearer " + self.server.credentials["workspaceToken"]})
        assert answer.status == 200, answer
        return answer.json

    def wait(self, job, seconds=60, patient=False):
        """The status at the end. `patient`: the server may be away for a while."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                status = self.status(job)
                if status["StatusCode"] not in ("NotStarted", "Running"):
                    return status
            except (OSError, http.client.HTTPException):
                if not patient:
                    raise
            time.sleep(0.02)
        raise AssertionError(f"job {job} did not end: {self.show(job)}")


def reviews(rows):
    """A CSV file whose rows do not end where a line does."""
    lines = ["id,Col2\r\n"]
    for i in range(rows):
        lines.append([f"{i},This is a good day\r\n", f'{i},"a ""quoted""\nreview, number {i}"\r\n',
                      f"{i},plain words of row {i}\n\n", f"{i},\r\n"][i % 4])
    return "".join(lines).encode()


class Worker:
    """A process that plays the role `worker` alone, on the data folder of a server."""

    def __init__(self, server, *flags, environment=None):
        flags_of_server = list(server.flags)
        if "--roles" in flags_of_server:
            at = flags_of_server.index("--roles")
            del flags_of_server[at:at + 2]
        reader, writer = os.pipe()
        self.log = open(server.data / "worker.log", "ab")
        self.process = subprocess.Popen(
            [harness.BINARY, "serve", *flags_of_server, "--roles", "worker", *flags, "--ready-fd", str(writer)],
            pass_fds=[writer], stdout=self.log, stderr=self.log,
            env={**harness.clean_environment(), **(environment or {})})
        os.close(writer)
        with os.fdopen(reader) as ready:
            self.ready = ready.readline() != ""

    def signal(self, which):
        self.process.send_signal(which)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.log.close()
