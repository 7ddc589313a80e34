"""kill -9 at any moment: what was acknowledged is there afterwards, and the program starts. MLGATE_ROUNDS says how
often (3 in an ordinary run)."""

import http.client
import os
import random
import signal
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import harness

ROUNDS = int(os.environ.get("MLGATE_ROUNDS", "3"))


class Crash(unittest.TestCase):
    def test_acknowledged_writes_survive(self):
        seed = int.from_bytes(os.urandom(4), "big")
        print(f"seed {seed}")
        chance = random.Random(seed)
        kept = {}
        with harness.Server() as server:
            server.make_instance()
            for round_number in range(ROUNDS):
                enough, ended = threading.Event(), threading.Event()
                target = chance.randrange(5, 60)

                def write(writer, first):
                    number = first
                    while not ended.is_set():
                        name = f"r{round_number}w{writer}n{number}"
                        try:
                            answer = server.arm("PUT", f"/subscriptions/{name}", {"properties": {
                                "scope": "/apis", "displayName": name, "state": "active"}})
                        except (OSError, http.client.HTTPException):
                            return  # The server is gone; this write was not acknowledged.
                        if answer.status == 201:
                            kept[name] = answer.json["properties"]["primaryKey"]
                        number += 1
                        if number >= target:
                            enough.set()

                server.bearer()
                writers = [threading.Thread(target=write, args=(w, 0)) for w in range(4)]
                for writer in writers:
                    writer.start()
                self.assertTrue(enough.wait(60))
                server.stop(signal.SIGKILL)
                ended.set()
                for writer in writers:
                    writer.join()
                server.start()
                for name in chance.sample(sorted(kept), min(50, len(kept))):
                    answer = server.arm("POST", f"/subscriptions/{name}/listSecrets")
                    self.assertEqual((answer.status, answer.json.get("primaryKey")), (200, kept[name]), name)
            total = server.arm("GET", "/subscriptions", query="&$top=1").json["count"]
            self.assertGreaterEqual(total, len(kept))


if __name__ == "__main__":
    unittest.main()
