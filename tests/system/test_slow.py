"""Callers and backends that are slow, idle or gone: others are served meanwhile, and nothing is left behind.

MLGATE_FULL=1 runs the slow callers for as long and in such numbers as an attack would.
"""

import os
import resource
import shutil
import socket
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import harness
from http2_frames import END_HEADERS, HEADERS, SETTINGS, Peer, frame, request
from recorder import RecordingBackend

FULL = os.environ.get("MLGATE_FULL") == "1"
IDLE_WANTED = 10_000
IDLE_BYTES_MAX = 4096
# Pages that a sanitizer needs beside ours say nothing about the program.
SANITIZED = "asan" in harness.BINARY or "tsan" in harness.BINARY


def resident(pid):
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Rss:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no Rss")


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


class Slow(unittest.TestCase):
    def setUp(self):
        self.backend = RecordingBackend()
        self.addCleanup(self.backend.close)
        self.server = harness.Server()
        self.server.__enter__()
        self.server.make_instance()
        self.server.put("/apis/p", {"displayName": "P", "path": "p", "protocols": ["http", "https"],
                                    "serviceUrl": f"http://127.0.0.1:{self.backend.port}",
                                    "subscriptionRequired": False})
        for verb in ("GET", "POST"):
            self.server.put(f"/apis/p/operations/{verb.lower()}", {
                "displayName": verb, "method": verb, "urlTemplate": "/*", "templateParameters": []})
        self.port = self.server.ports["gateway"]["http"]

    def tearDown(self):
        self.assertEqual(self.server.stop(), 0)
        log = (self.server.data / "server.log").read_text()
        self.assertNotIn("bug:", log.lower())
        self.assertNotIn("ERROR: ", log)  # Of a sanitizer.
        self.server.__exit__()

    def served(self):
        self.assertEqual(self.server.call("gateway", "GET", "/p/echo").status, 200)

    def await_descriptors(self, most):
        deadline = time.monotonic() + 60
        while descriptors(self.server.process.pid) > most and time.monotonic() < deadline:
            self.served()
        self.assertLessEqual(descriptors(self.server.process.pid), most)

    def test_four_kinds_of_slow_callers_do_not_keep_others_waiting(self):
        if not shutil.which("slowhttptest"):
            self.fail("slowhttptest is needed (tools/install test)")
        seconds, connections = ("40", "1000") if FULL else ("3", "100")
        url = f"http://127.0.0.1:{self.port}/p/big"
        self.served()
        base = descriptors(self.server.process.pid) + 4
        for mode in (["-H"], ["-B"], ["-R"], ["-X", "-w", "10", "-y", "20", "-n", "1", "-z", "5"]):
            with self.subTest(mode[0]):
                attack = subprocess.Popen(["slowhttptest", *mode, "-c", connections, "-r", "200", "-l", seconds, "-i",
                                           "5", "-u", url], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                served = 0
                while attack.poll() is None:
                    self.served()
                    served += 1
                # Were others kept waiting, one call would last as long as the attack.
                self.assertGreater(served, 5)
                self.await_descriptors(base)

    def test_idle_connections_cost_little(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        count = min(IDLE_WANTED, hard - 1000)
        if count < IDLE_WANTED:
            print(f"only {count} descriptors are to be had")
        message = b"GET /p/echo HTTP/1.1\r\nHost: localhost\r\n\r\n"
        for _ in range(50):
            self.served()  # What is made once is there.
        before, connections = resident(self.server.process.pid), []
        descriptors_before = descriptors(self.server.process.pid)
        try:
            for _ in range(count):
                connection = socket.create_connection(("127.0.0.1", self.port), 30)
                connections.append(connection)
                connection.sendall(message)
                connection.recv(4096)
            each = (resident(self.server.process.pid) - before) / count
            print(f"{count} idle connections, {each:.0f} bytes each")
            self.served()
            if not SANITIZED:
                self.assertLess(each, IDLE_BYTES_MAX)
        finally:
            for connection in connections:
                connection.close()
        self.await_descriptors(descriptors_before + 4)

    def test_callers_that_vanish_inside_a_body_leave_nothing(self):
        self.served()
        base = descriptors(self.server.process.pid) + 4
        for _ in range(50):
            with socket.create_connection(("127.0.0.1", self.port), 30) as caller:
                caller.sendall(b"POST /p/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nsome")
            with socket.create_connection(("127.0.0.1", self.port), 30) as caller:
                caller.sendall(b"POST /p/echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nso")
            with Peer(self.port) as peer:
                peer.send(frame(HEADERS, END_HEADERS, 1, request("/p/echo", "POST")))
                peer.until(SETTINGS)
        self.await_descriptors(base)

    def test_callers_that_vanish_inside_an_answer_leave_nothing(self):
        self.served()
        base = descriptors(self.server.process.pid) + 4
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", self.port), 30) as caller:
                caller.sendall(b"GET /p/big HTTP/1.1\r\nHost: localhost\r\n\r\n")
                caller.recv(100)
        self.await_descriptors(base)

    def test_a_backend_that_dies_inside_a_body_breaks_its_own_calls_only(self):
        dying = socket.create_server(("127.0.0.1", 0), backlog=64)

        def serve():
            while True:
                try:
                    connection, _ = dying.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(1000)
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nonly this")
        threading.Thread(target=serve, daemon=True).start()
        self.addCleanup(dying.close)
        self.server.put("/apis/d", {"displayName": "D", "path": "d", "protocols": ["http"],
                                    "serviceUrl": f"http://127.0.0.1:{dying.getsockname()[1]}",
                                    "subscriptionRequired": False})
        self.server.put("/apis/d/operations/post", {"displayName": "post", "method": "POST", "urlTemplate": "/*",
                                                    "templateParameters": []})
        self.served()
        base = descriptors(self.server.process.pid) + 4
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", self.port), 30) as caller:
                caller.sendall(b"POST /d/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 500)
                received = b""
                while piece := caller.recv(65536):
                    received += piece
                self.assertTrue(received.endswith(b"only this"), received)
            with Peer(self.port) as peer:
                peer.send(frame(HEADERS, END_HEADERS, 1, request("/d/x", "POST")))
                self.assertEqual(peer.outcome(), "200")
                self.assertEqual(peer.outcome(), "RST INTERNAL_ERROR")
        self.await_descriptors(base)


if __name__ == "__main__":
    unittest.main()
