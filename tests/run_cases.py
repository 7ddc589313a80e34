"""Runs tests/cases/**/*.case against the real binary: one server, one fresh service instance per case.

A case is a list of sections, each `[what …]` on a line of its own, then its text:

  [arm PUT /apis/a]           a management call below the instance; the text is its `properties`, or a whole body when
                              it begins with a key "properties"; it has to succeed
  [arm PUT /apis/a = 400]     … has to answer that status; a following [answer] compares the JSON body
  [key NAME product starter]  makes an active subscription, its primary key is {NAME} from here on; `api X` and
                              `all` are the other scopes
  [request]                   an HTTP/1.1 message to the gateway's clear-text listener, lines ended by CRLF here;
                              {host} is the instance's host, {echo} the URL of the echo service
  [response]                  what has to come back: status line exactly, each given header, the body exactly
                              (no body given: not compared)

In expectations <number>, <guid>, <date> and <any> match what they say. Lines that begin with "# " are comments.
"""

import json
import re
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import harness

PATTERNS = {"<number>": r"\d+", "<guid>": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<date>": r"[^\r\n]+ GMT",
            "<any>": r".*"}


def sections(text):
    current, found = None, []
    for line in text.splitlines():
        if re.fullmatch(r"\[[a-z].*\]", line):
            current = [line[1:-1], []]
            found.append(current)
        elif line.startswith("# "):
            continue
        elif current is not None:
            current[1].append(line)
    return [(head, "\n".join(lines).strip("\n")) for head, lines in found]


def matches(expected, actual):
    pattern = re.escape(expected)
    for name, regex in PATTERNS.items():
        pattern = pattern.replace(re.escape(name), regex)
    return re.fullmatch(pattern, actual, re.S) is not None


class Case:
    def __init__(self, server, file, number):
        self.server, self.file = server, file
        self.service = f"case{number}"
        host = f"{self.service}.localhost"
        self.names = {"host": f"{host}:{server.ports['gateway']['http']}", "service": self.service,
                      "gateway": str(server.ports["gateway"]["https"]),
                      "echo": f"http://127.0.0.1:{server.ports['services']['http']}/echo"}
        self.last = None

    def fill(self, text):
        return re.sub(r"\{(\w+)\}", lambda m: self.names.get(m.group(1), m.group(0)), text)

    def run(self):
        self.server.make_instance(self.service)
        for head, text in sections(self.file.read_text()):
            kind = head.split()[0]
            getattr(self, "do_" + kind)(head, text)

    def check(self, good, message):
        if not good:
            raise AssertionError(message)

    def do_arm(self, head, text):
        match = re.fullmatch(r"arm (\w+) (\S*)(?: = (\d+))?", head)
        body = json.loads(self.fill(text)) if text else None
        if isinstance(body, dict) and "properties" not in body:
            body = {"properties": body}
        self.last = self.server.arm(match.group(1), self.fill(match.group(2)), body, service=self.service)
        wanted = [int(match.group(3))] if match.group(3) else [200, 201, 204]
        self.check(self.last.status in wanted, f"[{head}] answered {self.last}")

    def do_answer(self, head, text):
        self.check(matches(self.fill(text), self.last.text), f"[{head}] is\n{self.last.text}\nand not\n{text}")

    def do_key(self, head, _):
        _, name, kind, *target = head.split()
        scope = {"product": f"/products/{target[0] if target else ''}", "api": f"/apis/{target[0] if target else ''}",
                 "all": "/apis"}[kind]
        self.do_arm(f"arm PUT /subscriptions/{name}",
                    json.dumps({"scope": scope, "displayName": name, "state": "active"}))
        self.do_arm(f"arm POST /subscriptions/{name}/listSecrets", "")
        self.names[name] = self.last.json["primaryKey"]

    def do_request(self, head, text):
        message = self.fill(text)
        message_head, _, body = message.partition("\n\n")
        if "connection:" not in message_head.lower():
            message_head += "\nConnection: close"
        data = message_head.replace("\n", "\r\n") + "\r\n\r\n" + body
        self.received = self.server.raw("gateway", data.encode()).decode()

    def do_response(self, head, text):
        expected_head, _, expected_body = self.fill(text).partition("\n\n")
        actual_head, _, actual_body = self.received.partition("\r\n\r\n")
        lines = actual_head.split("\r\n")
        said = f"\n--- came back:\n{self.received}"
        expected_lines = expected_head.split("\n")
        self.check(matches(expected_lines[0], lines[0]), f"expected {expected_lines[0]!r}{said}")
        for line in expected_lines[1:]:
            if line.startswith("!"):
                name = line[1:].strip().lower() + ":"
                self.check(not any(a.lower().startswith(name) for a in lines), f"has {line[1:]!r}{said}")
            else:
                self.check(any(matches(line, a) for a in lines[1:]), f"lacks {line!r}{said}")
        if expected_body:
            self.check(matches(expected_body, actual_body), f"expected body {expected_body!r}{said}")


def main():
    folder = Path(__file__).resolve().parent / "cases"
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    files = [f for f in sorted(folder.rglob("*.case")) if wanted in str(f)]
    failed = 0
    start = time.monotonic()
    with harness.Server() as server:
        for number, file in enumerate(files):
            try:
                Case(server, file, number).run()
            except Exception as error:
                failed += 1
                print(f"FAILED {file.relative_to(folder)}: {error}")
    print(f"cases: {time.monotonic() - start:.1f} s")
    print(f"{len(files) - failed} passed, {failed} failed")
    sys.exit(1 if failed or not files else 0)


if __name__ == "__main__":
    main()
