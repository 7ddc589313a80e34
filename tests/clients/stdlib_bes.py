"""The tutorial's batch client: Python 3's standard library alone. Uploads a file, submits a job over it, starts it,
asks for its state each second, and downloads the result by the three fields joined.

Usage: stdlib_bes.py SERVICE_URL API_KEY CONNECTION_STRING CONTAINER IN_FILE OUT_BLOB [--subscription-key KEY]
       [--cancel] [--poll SECONDS]
SERVICE_URL is .../workspaces/{w}/services/{s}. Prints the state at the end; the result goes to standard output.
"""

import argparse
import base64
import datetime
import hashlib
import hmac
import json
import os
import sys
import time
import urllib.error
import urllib.request


def parse(connection_string):
    return dict(part.split("=", 1) for part in connection_string.split(";") if part)


def put(connection, path, query, body, headers):
    """One signed PUT to the blob endpoint."""
    account = connection["AccountName"]
    base = connection["BlobEndpoint"].rstrip("/")
    sent = {"x-ms-date": datetime.datetime.now(datetime.timezone.utc).strftime("%a, %d %b %Y %H:%M:%S GMT"),
            "x-ms-version": "2015-02-21", **headers}
    resource = "/" + account + base.split("/", 3)[3].join(["/", ""]) + path
    for pair in sorted(query.split("&")) if query else []:
        name, value = pair.split("=", 1)
        resource += f"\n{name}:{value}"
    lines = "".join(f"{k.lower()}:{v}\n" for k, v in sorted(sent.items()) if k.startswith("x-ms-"))
    length = str(len(body)) if body else ""
    to_sign = f"PUT\n\n\n{length}\n\napplication/octet-stream\n\n\n\n\n\n\n{lines}{resource}"
    signature = hmac.new(base64.b64decode(connection["AccountKey"]), to_sign.encode(), hashlib.sha256).digest()
    sent["Authorization"] = f"SharedKey {account}:{base64.b64encode(signature).decode()}"
    sent["Content-Type"] = "application/octet-stream"
    request = urllib.request.Request(base + path + ("?" + query if query else ""), body, sent, method="PUT")
    urllib.request.urlopen(request).close()


calls = 0  # To the service.


def call(method, url, headers, body=None):
    global calls
    calls += 1
    data = b"" if method == "POST" and body is None else None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, headers, method=method)
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def fail(what, status, text):
    print(f"{what}, call {calls}: {status} {text}", file=sys.stderr)
    sys.exit(1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("key")
    parser.add_argument("connection")
    parser.add_argument("container")
    parser.add_argument("input")
    parser.add_argument("output")
    parser.add_argument("--subscription-key")
    parser.add_argument("--cancel", action="store_true")
    parser.add_argument("--poll", type=float, default=1)
    given = parser.parse_args()
    connection = parse(given.connection)
    name = os.path.basename(given.input)
    try:
        put(connection, "/" + given.container, "restype=container", b"", {})
    except urllib.error.HTTPError as error:
        if error.code != 409:
            raise
    with open(given.input, "rb") as file:
        put(connection, f"/{given.container}/{name}", "", file.read(), {"x-ms-blob-type": "BlockBlob"})

    headers = {"Content-Type": "application/json", "Authorization": "Bearer " + given.key}
    if given.subscription_key:
        headers["Ocp-Apim-Subscription-Key"] = given.subscription_key
    payload = {
        "Input": {"ConnectionString": given.connection, "RelativeLocation": f"/{given.container}/{name}"},
        "Outputs": {"output1": {"ConnectionString": given.connection,
                                "RelativeLocation": f"/{given.container}/{given.output}"}},
        "GlobalParameters": {},
    }
    status, text = call("POST", given.url + "/jobs?api-version=2.0", headers, payload)
    if status != 200:
        fail("submit", status, text)
    job = text[1:-1]
    print("Job ID: " + job)
    status, text = call("POST", f"{given.url}/jobs/{job}/start?api-version=2.0", headers)
    if status != 200:
        fail("start", status, text)
    if given.cancel:
        status, text = call("DELETE", f"{given.url}/jobs/{job}?api-version=2.0", headers)
        if status != 200:
            fail("delete", status, text)
    while True:
        status, text = call("GET", f"{given.url}/jobs/{job}?api-version=2.0", headers)
        if status != 200:
            fail("status", status, text)
        result = json.loads(text)
        code = result["StatusCode"]
        if code in (0, "NotStarted", 1, "Running"):
            time.sleep(given.poll)
        elif code in (2, "Failed"):
            print("Failed")
            print("Error details: " + result["Details"])
            break
        elif code in (3, "Cancelled"):
            print("Cancelled")
            break
        elif code in (4, "Finished"):
            print("Finished")
            for output in result["Results"].values():
                link = output["BaseLocation"] + output["RelativeLocation"] + output["SasBlobToken"]
                with urllib.request.urlopen(link) as response:
                    sys.stdout.flush()
                    sys.stdout.buffer.write(response.read())
            break


main()
