"""The program at its limits and at its end: stops under load, service manager, full disk, no descriptors, no memory,
no store. What is cut short here is longer with MLGATE_LONG_S (seconds without the store; 3 in an ordinary run)."""

import http.client
import json
import os
import select
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
sys.path.append("/usr/lib/python3/dist-packages")
import harness
from test_proxy import Backend, QuietServer
from test_watching import samples, total, until

LONG_S = float(os.environ.get("MLGATE_LONG_S", "3"))


class Callers:
    """Threads that call over connections they keep, until told to end or told to close. Counts what failed."""

    def __init__(self, server, count=8, path="/echo/resource", key="", strict=True):
        # Without strict, a connection that breaks before its first answer is no failed call: it may have been made
        # in the very moment in which the port was closed, so that nobody ever took it.
        self.server, self.path, self.key, self.strict = server, path, key, strict
        self.good, self.failed, self.goodbyes = 0, [], 0
        self.lock, self.ended = threading.Lock(), threading.Event()
        self.threads = [threading.Thread(target=self.call) for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def call(self):
        connection = http.client.HTTPConnection("localhost", self.server.ports["gateway"]["http"], timeout=30)
        while not self.ended.is_set():
            try:
                connection.connect()
            except OSError:
                return  # Nobody listens any more: that was no call.
            fresh = True
            while not self.ended.is_set():
                try:
                    connection.request("POST", self.path, body=b"x", headers={"Ocp-Apim-Subscription-Key": self.key})
                    answer = connection.getresponse()
                    body = answer.read()
                except (OSError, http.client.HTTPException) as error:
                    if self.strict or not fresh:
                        with self.lock:
                            self.failed.append(repr(error))
                    return
                fresh = False
                with self.lock:
                    if answer.status == 200 and body == b"x":
                        self.good += 1
                    else:
                        self.failed.append(f"{answer.status} {body[:200]!r}")
                if answer.getheader("Connection") == "close":
                    with self.lock:
                        self.goodbyes += 1
                    break
            connection.close()

    def join(self):
        self.ended.set()
        for thread in self.threads:
            thread.join(60)


def open_api(server, backend=None):
    """An instance with the API "open", to the given backend or to the echo service; its key."""
    server.make_instance()
    target = f"http://127.0.0.1:{backend}" if backend else f"http://127.0.0.1:{server.ports['services']['http']}/echo"
    server.put("/apis/open", {"displayName": "open", "path": "open", "protocols": ["http"], "serviceUrl": target})
    server.put("/apis/open/operations/any", {"displayName": "any", "method": "POST", "urlTemplate": "/{*rest}",
                                             "templateParameters": [{"name": "rest", "type": "string"}]})
    return server.subscribe("all", "unlimited") if server.put("/products/unlimited/apis/open", {}) else None


class Stopping(unittest.TestCase):
    def test_a_stop_under_load_fails_no_call(self):
        with harness.Server() as server:
            key = open_api(server)
            callers = Callers(server, path="/open/resource", key=key, strict=False)
            self.assertTrue(until(lambda: callers.good > 200))
            self.assertEqual(server.stop(), 0)
            callers.join()
            self.assertEqual(callers.failed, [])
            self.assertGreater(callers.goodbyes, 0, "The last answers said that the connection closes.")

    def test_health_fails_before_the_stop_takes_effect(self):
        with harness.Server(flags=["--stop.delay", "4"]) as server:
            connection = http.client.HTTPConnection("localhost", server.ports["gateway"]["http"], timeout=30)

            def status():
                connection.request("GET", "/status-0123456789abcdef")
                answer = connection.getresponse()
                answer.read()
                return answer.status

            self.assertEqual(status(), 200)
            server.process.send_signal(signal.SIGTERM)
            self.assertTrue(until(lambda: status() == 503))
            self.assertEqual(server.process.wait(60), 0)


class ServiceManager(unittest.TestCase):
    """Plays systemd: holds the gateway's port, hands it down, and listens to what it is told."""

    def serve(self, server, listener, notify_path, watchdog_us):
        # LISTEN_PID has to be the number of the process itself, which a shell knows before it becomes it.
        script = "LISTEN_PID=$$ WATCHDOG_PID=$$ exec \"$@\""
        environment = {**harness.clean_environment(), "LISTEN_FDS": "1", "LISTEN_FDNAMES": "gateway.http",
                       "NOTIFY_SOCKET": notify_path, "WATCHDOG_USEC": str(watchdog_us)}

        def hand_down():
            if listener.fileno() == 3:
                os.set_inheritable(3, True)
            else:
                os.dup2(listener.fileno(), 3)

        with open(server.data / "server.log", "ab") as log:
            return subprocess.Popen(["/bin/sh", "-c", script, "sh", harness.BINARY, "serve", *server.flags],
                                    env=environment, close_fds=False, preexec_fn=hand_down, stdout=log, stderr=log)

    def test_sockets_notices_and_a_restart_that_nobody_sees(self):
        with tempfile.TemporaryDirectory() as folder, harness.Server() as server:
            key = open_api(server)
            server.stop()
            port = server.ports["gateway"]["http"]
            listener = socket.socket()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", port))
            listener.listen(512)
            notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            notices.bind(folder + "/notify")
            notices.settimeout(30)

            def hear(word):
                while True:
                    heard = notices.recv(4096).decode()
                    if word in heard:
                        return heard

            # A call waits in the socket before anyone is there to take it.
            early = threading.Thread(target=lambda: answers.append(server.call(
                "gateway", "POST", "/open/x", b"early", {"Ocp-Apim-Subscription-Key": key})))
            answers = []
            early.start()
            process = self.serve(server, listener, folder + "/notify", 600_000)
            hear("READY=1")
            early.join(30)
            self.assertEqual([(a.status, a.body) for a in answers], [(200, b"early")])
            hear("WATCHDOG=1")
            hear("WATCHDOG=1")
            # A restart under load: callers wait, and no call fails.
            callers = Callers(server, count=4, path="/open/resource", key=key)
            self.assertTrue(until(lambda: callers.good > 50))
            process.send_signal(signal.SIGTERM)
            self.assertTrue(hear("STOPPING=1"))
            self.assertEqual(process.wait(60), 0)
            before = callers.good
            process = self.serve(server, listener, folder + "/notify", 0)
            hear("READY=1")
            self.assertTrue(until(lambda: callers.good > before + 50))
            callers.join()
            self.assertEqual(callers.failed, [])
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(60), 0)
            listener.close()
            notices.close()

    def test_the_units_are_valid(self):
        if subprocess.run(["sh", "-c", "command -v systemd-analyze"], capture_output=True).returncode != 0:
            self.skipTest("systemd-analyze is not installed")
        with tempfile.TemporaryDirectory() as folder:
            for unit in (harness.ROOT / "packaging").glob("mlgate*.s*"):
                text = unit.read_text().replace("/usr/bin/mlgate", harness.BINARY)
                Path(folder, unit.name).write_text(text)
            units = [str(path) for path in sorted(Path(folder).iterdir())]
            self.assertEqual(len(units), 3)
            verified = subprocess.run(["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True)
            complaints = [line for line in verified.stderr.splitlines() if "mlgate" in line]
            self.assertEqual((verified.returncode, complaints), (0, []), verified.stderr)


class Disk(unittest.TestCase):
    def test_a_full_disk_under_the_log_stops_nobody(self):
        with harness.Server(flags=["--gateway.access_log", "logs/full.log"]) as server:
            key = open_api(server)
            log = server.data / "logs/full.log"
            call = lambda path: server.call("gateway", "POST", path, b"x", {"Ocp-Apim-Subscription-Key": key}).status
            lost = lambda: total(samples(server.call("console", "GET", "/metrics").text),
                                 "mlgate_access_log_lost_lines_total")
            log.unlink()
            log.symlink_to("/dev/full")
            server.process.send_signal(signal.SIGUSR1)
            self.assertTrue(until(lambda: call("/open/full") == 200 and lost() > 0))
            before = lost()
            for _ in range(200):
                self.assertEqual(call("/open/full"), 200)
            self.assertTrue(until(lambda: lost() >= before + 200))
            log.unlink()
            server.process.send_signal(signal.SIGUSR1)
            self.assertTrue(until(lambda: call("/open/room") == 200 and log.exists() and "/open/room" in
                                  log.read_text()))
            for line in log.read_text().splitlines():
                json.loads(line)

    def test_the_log_begins_anew_at_its_size(self):
        with harness.Server(flags=["--gateway.access_log_max", "2000", "--gateway.access_log_kept", "2"]) as server:
            key = open_api(server)
            logs = server.data / "logs"
            # The writer wakes every 50 ms: calls come one after another, so that they are several writes.
            def more():
                server.call("gateway", "POST", "/open/x", b"x", {"Ocp-Apim-Subscription-Key": key})
                return (logs / "access.log.2").exists()
            self.assertTrue(until(more))
            self.assertFalse((logs / "access.log.3").exists())
            for name in ("access.log.1", "access.log.2"):
                for line in (logs / name).read_text().splitlines():
                    json.loads(line)


class Bodies(unittest.TestCase):
    def test_bodies_of_calls_in_this_process_share_a_budget(self):
        with harness.Server(flags=["--bodies_memory", "2000000"]) as server:
            key = {"Ocp-Apim-Subscription-Key": open_api(server)}
            call = lambda size: server.call("gateway", "POST", "/open/x", b"x" * size, key)
            self.assertEqual(call(1_000_000).status, 200)
            refused = call(3_000_000)
            self.assertEqual((refused.status, refused.headers["Retry-After"]), (503, "1"), refused)
            self.assertTrue(until(lambda: call(1_000_000).status == 200), "What was taken is given back.")
            head = ("POST /open/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1500000\r\n"
                    f"Ocp-Apim-Subscription-Key: {key['Ocp-Apim-Subscription-Key']}\r\n\r\n").encode()

            def is_served_alone():
                # What the first holds is not there for the second. Should the second overtake it, it is the other
                # way round, and they try again.
                with socket.create_connection(("127.0.0.1", server.ports["gateway"]["http"]), 30) as first:
                    try:
                        first.sendall(head + b"x" * 1_499_999)
                        if call(1_000_000).status != 503:
                            return False
                        first.sendall(b"x")
                        return first.recv(100).startswith(b"HTTP/1.1 200 OK")
                    except OSError:  # It was refused before it had sent all.
                        return False

            self.assertTrue(until(is_served_alone))
            self.assertTrue(until(lambda: call(1_000_000).status == 200))


class Store(unittest.TestCase):
    def test_callers_do_not_notice_that_the_store_is_gone(self):
        with harness.Server() as server:
            key = open_api(server)
            server.put("/products/starter/policies/policy", {"format": "rawxml", "value":
                       '<policies><inbound><quota calls="1000000" renewal-period="604800" /><base /></inbound>'
                       '</policies>'})
            locker = sqlite3.connect(server.data / "store.db", isolation_level=None, timeout=10)
            locker.execute("BEGIN EXCLUSIVE")
            callers = Callers(server, count=4, path="/open/resource", key=key)
            refused = []

            def write():
                try:
                    refused.append(server.arm("PUT", "/subscriptions/during", {"properties": {
                        "scope": "/apis", "displayName": "d", "state": "active"}}).status)
                except OSError as error:
                    refused.append(repr(error))

            writer = threading.Thread(target=write)
            writer.start()
            time.sleep(LONG_S)  # The store is away for that long; nothing is awaited.
            before = callers.good
            self.assertTrue(until(lambda: callers.good > before + 100), "Calls go on.")
            locker.execute("ROLLBACK")
            locker.close()
            writer.join(60)
            callers.join()
            self.assertEqual(callers.failed, [])
            # Management is back at once.
            server.subscribe("after", "unlimited")


class Descriptors(unittest.TestCase):
    def test_without_descriptors_new_callers_are_refused_and_the_others_served(self):
        backend = QuietServer(("127.0.0.1", 0), Backend)
        backend.daemon_threads = True
        threading.Thread(target=backend.serve_forever, daemon=True).start()
        try:
            with harness.Server() as server:
                self.exhaust(server, backend.server_address[1])
        finally:
            backend.shutdown()
            backend.server_close()

    def exhaust(self, server, backend_port):
        key = open_api(server, backend_port)
        server.stop()
        # From here on 300 are all it has.
        few = server.data / "few.sh"
        few.write_text(f'#!/bin/sh\nulimit -n 300\nexec {harness.BINARY} "$@"\n')
        few.chmod(0o755)
        binary, harness.BINARY = harness.BINARY, str(few)
        try:
            server.start()
        finally:
            harness.BINARY = binary
        port = server.ports["gateway"]["http"]
        kept = http.client.HTTPConnection("localhost", port, timeout=30)

        def call():
            kept.request("POST", "/open/x", body=b"abc", headers={"Ocp-Apim-Subscription-Key": key})
            answer = kept.getresponse()
            return answer.status, answer.read()

        self.assertEqual(call(), (200, b"abc"))
        idle = []
        for _ in range(400):
            one = socket.create_connection(("127.0.0.1", port), 30)
            idle.append(one)
        def refused():
            for one in [one for one in idle if one not in turned_away]:
                if not select.select([one], [], [], 0)[0]:
                    continue
                try:
                    said = one.recv(4096)
                except OSError:
                    said = b""
                if said.startswith(b"HTTP/1.1 503") or said == b"":
                    turned_away.add(one)
            return len(turned_away) > 100

        turned_away = set()
        self.assertTrue(until(refused))
        self.assertLess(len(turned_away), 400)
        # Who was in is served, the backend is reached, and management works.
        for _ in range(20):
            self.assertEqual(call(), (200, b"abc"))
        self.assertEqual(server.arm("GET", "/apis").status, 200)
        server.subscribe("meanwhile", "unlimited")
        values = samples(server.call("console", "GET", "/metrics").text)
        self.assertGreater(total(values, "mlgate_connections_refused_total", listener="gateway.http"), 50)
        self.assertLess(total(values, "process_open_fds"), 300)
        for one in idle:
            one.close()

        def again():
            try:
                return server.call("gateway", "POST", "/open/y", b"d", {"Ocp-Apim-Subscription-Key": key}).status == 200
            except (OSError, http.client.HTTPException):
                return False

        self.assertTrue(until(again), "Once there are descriptors everybody comes in again.")
        kept.close()


class Memory(unittest.TestCase):
    def test_short_of_memory_calls_are_refused_and_management_is_not(self):
        with harness.Server(flags=["--limits.memory", "1"]) as server:
            key = open_api(server)
            call = lambda: server.call("gateway", "POST", "/open/x", b"x", {"Ocp-Apim-Subscription-Key": key})
            self.assertTrue(until(lambda: call().status == 503))
            answer = call()
            self.assertEqual(answer.headers["Retry-After"], "1")
            self.assertEqual(answer.json, {"statusCode": 503, "message": "The service is short of memory."})
            self.assertEqual(server.arm("GET", "/apis").status, 200)
            self.assertEqual(server.call("gateway", "GET", "/status-0123456789abcdef").status, 200)
            values = samples(server.call("console", "GET", "/metrics").text)
            self.assertEqual(total(values, "mlgate_short_of_memory"), 1)
            self.assertGreater(total(values, "mlgate_refused_calls_total"), 0)


if __name__ == "__main__":
    unittest.main()
