"""Try It where the gateway is another process: the call goes over the wire to the address that callers use."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import harness
from test_reload import Backend
from test_sessions import EMAIL, PASSWORD, Browser, administrator


class TryItElsewhere(unittest.TestCase):
    def test_a_gateway_in_another_process_is_called_over_the_wire(self):
        backend = Backend("hello")
        with harness.Server() as server:
            server.make_instance()
            there = server.arm("PATCH", "/apis/echo-api", {"properties": {
                "serviceUrl": f"http://127.0.0.1:{backend.port}"}}, headers={"If-Match": "*"})
            self.assertEqual(there.status, 200, there)
            administrator(server)
            server.subscribe("mine", "unlimited", ownerId="/users/1")
            server.stop()
            with harness.Server(data=server.data, flags=["--roles", "gateway"]) as gateway:
                at = str(gateway.ports["gateway"]["https"])
                with harness.Server(data=server.data, flags=["--roles", "console"]) as console:
                    console.stop()
                    console.flags[console.flags.index("--gateway.https_port") + 1] = at
                    console.start()
                    browser = Browser(console)
                    self.assertEqual(browser.enter("sign-in", email=EMAIL, password=PASSWORD).status, 200)

                    def send(**more):
                        named = {"service": "demoazureml", "api": "echo-api", "operation": "retrieve-resource",
                                 "parameters": {"param1": "a"}}
                        return browser.call("POST", "/console/api/send", {**named, **more})

                    answer = send(subscription="mine", body="x")
                    self.assertEqual(answer.status, 200, answer)
                    self.assertEqual((answer.json["status"], answer.json["content"]), (200, "hello"), answer)
                    self.assertIn(f":{at}/echo/resource", answer.json["requestedUrl"])
                    self.assertEqual(send().json["status"], 401, "without a key")
                    refused = send(headers=[{"name": "Host", "value": "evil.example"}])
                    self.assertEqual(refused.status, 400, refused)
                    gateway.stop()
                    self.assertEqual(send(subscription="mine").status, 502, "nobody is there")
                    gateway.process = None
            server.process = None
        backend.stop()


if __name__ == "__main__":
    unittest.main()
