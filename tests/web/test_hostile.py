"""Pages over texts that would be scripts and elements if a page took them for its own: in every field that a publisher,
a developer, a data set or a caller fills."""

import json
import re
import subprocess
import unittest
import urllib.parse

from test_pages import HERE, ROOT, ensure_packages, first_run_address, tools
import experiments
from harness import Server

HOSTILE = """<img src=x onerror=alert(1) data-hostile>'"&lt;b>{{7*7}}${7*7}"""
HOSTILE_MAIL = "<img/src=x/onerror=alert(1)/data-hostile>@example.org"


def named(what):
    return f"{what} {HOSTILE}"


def fill_management(server):
    changed = server.arm("PATCH", "", {"properties": {"publisherName": named("organization")}})
    assert changed.status == 200, changed
    server.put("/apis/bad", {"displayName": named("api"), "description": named("api text"), "path": "bad",
                             "protocols": ["http", "https"], "serviceUrl": "https://example.org/%3Cimg%20onerror%3E"})
    body = {"contentType": "text/html", "sample": named("sample"), "examples": {"default": {"value": named("example")}}}
    server.put("/apis/bad/operations/op", {
        "displayName": named("operation"), "method": "POST", "urlTemplate": "/op/{a}", "description": named("text"),
        "templateParameters": [{"name": "a", "type": "string", "required": True, "description": named("parameter")}],
        "request": {"description": named("request"), "representations": [body],
                    "queryParameters": [{"name": "q", "type": "string", "description": named("query"),
                                         "defaultValue": named("value")}],
                    "headers": [{"name": "X-A", "type": "string", "description": named("header"),
                                 "defaultValue": named("value")}]},
        "responses": [{"statusCode": 200, "description": named("response"), "representations": [body]}]})
    server.put("/products/bad", {"displayName": named("product"), "description": named("product text"),
                                 "terms": named("terms"), "subscriptionRequired": True, "approvalRequired": True,
                                 "state": "published"})
    for path in ("/products/bad/apis/bad", "/products/bad/apis/echo-api", "/products/bad/groups/guests",
                 "/products/bad/groups/developers"):
        assert server.arm("PUT", path).status in (200, 201), path
    server.put("/groups/bad", {"displayName": named("group"), "description": named("group text")})
    server.put("/users/bad", {"firstName": named("first"), "lastName": named("last"), "note": named("note"),
                              "email": HOSTILE_MAIL})
    server.put("/subscriptions/wanted", {"scope": "/products/bad", "displayName": named("wanted"),
                                         "ownerId": "/users/bad", "state": "submitted"})
    server.put("/users/told", {"firstName": named("first"), "lastName": named("last"), "email": "told@example.org"})
    server.put("/subscriptions/told", {"scope": "/products/bad", "displayName": named("told"), "ownerId": "/users/told",
                                       "state": "submitted"})
    accepted = server.arm("PATCH", "/subscriptions/told", {"properties": {"state": "active"}}, query="&notify=true",
                          headers={"If-Match": "*"})
    assert accepted.status in (200, 204), accepted
    for scope in ("", "/apis/bad", "/products/bad"):
        server.put(scope + "/policies/policy", {"format": "rawxml", "value":
                   f"<policies><!-- {HOSTILE} --><inbound><base /></inbound></policies>"})
    server.put("/templates/accountClosedDeveloper",
               {"subject": named("subject"), "title": named("title"), "description": named("text"),
                "body": f"<p>$DevFirstName</p><script>alert(1)</script>{HOSTILE}"})


def fill_studio(server):
    """A data set with such columns and cells, and a web service that is made of it; their ids."""
    c = server.credentials
    token = {"Authorization": "Bearer " + c["workspaceToken"]}

    def studio(method, path, body=None):
        answer = server.call("services", method, "/api" + path, body, token)
        assert answer.status < 300, (method, path, answer)
        return answer.json

    column = "column <img src=x onerror=alert(1) data-hostile>"
    cells = [HOSTILE.replace('"', ""), "<script>alert(1)</script>"]
    text = "".join(f"{line}\n" for line in [column + ",n", *[f"{cell},{i}" for i, cell in enumerate(cells)]])
    here, kind = c["workspaceId"], "dataTypeId=GenericCSV"
    upload = studio("POST", f"/resourceuploads/workspaces/{here}?userStorage=true&{kind}")["Id"]
    studio("POST", f"/blobuploads/workspaces/{here}?numberOfBlocks=1&blockId=0&uploadId={upload}&{kind}", text.encode())
    studio("POST", f"/workspaces/{here}/datasources", {
        "DataSource": {"Name": named("data"), "DataTypeId": "GenericCSV", "Description": named("data text"),
                       "SourceOrigin": "FromResourceUpload"},
        "UploadId": upload, "UploadedFromFileName": named("file")})
    path, key = experiments.publish(server, named("experiment"))
    experiment = studio("GET", f"/workspaces/{here}/experiments")[0]["ExperimentId"]
    [service] = server.call("services", "GET", f"/workspaces/{here}/webservices", headers=token).json
    scored = server.call("services", "POST", path + "/execute?api-version=2.0", {
        "Inputs": {"input1": {"ColumnNames": ["Col2"], "Values": [[HOSTILE]]}}, "GlobalParameters": {}},
        {"Authorization": "Bearer " + key})
    assert scored.status == 200, scored
    return here, experiment, service["Id"]


class TestHostile(unittest.TestCase):
    def test_no_text_of_others_becomes_part_of_a_page(self):
        ensure_packages()
        with Server() as server:
            server.make_instance()
            fill_management(server)
            workspace, experiment, web_service = fill_studio(server)
            key = server.subscribe("mine", "unlimited")
            server.call("gateway", "GET", "/echo/resource?param1=" + urllib.parse.quote(HOSTILE),
                        headers={"Ocp-Apim-Subscription-Key": key, "User-Agent": "<img src=x onerror=alert(1)>"})
            publisher, developer, studio = "/publisher/demoazureml", "/developer/demoazureml", f"/studio/{workspace}"
            shown = [publisher + "/apis", publisher + "/apis/bad", publisher + "/products", publisher + "/products/bad",
                     publisher + "/policies", publisher + "/subscriptions", publisher + "/users", publisher + "/groups",
                     publisher + "/groups/bad", publisher + "/notifications/templates",
                     publisher + "/notifications/templates/accountClosedDeveloper",
                     publisher + "/notifications/outbox", publisher + "/settings",
                     developer, developer + "/apis", developer + "/apis/bad", developer + "/apis/bad/operations/op",
                     developer + "/products", developer + "/products/bad", developer + "/signup",
                     studio + "/experiments", f"{studio}/experiments/{experiment}", studio + "/datasets",
                     studio + "/webservices", f"{studio}/webservices/{web_service}",
                     f"{studio}/webservices/{web_service}/score", f"{studio}/webservices/{web_service}/jobs"]
            plain = ["/", "/studio", "/developer", "/account", "/first-run", "/sign-in", publisher,
                     publisher + "/dashboard", publisher + "/notifications", developer + "/profile",
                     developer + "/usage", developer + "/confirm#" + urllib.parse.quote(HOSTILE),
                     developer + "/reset-password#" + urllib.parse.quote(HOSTILE),
                     developer + "/invitation#" + urllib.parse.quote(HOSTILE), developer + "/sign-in",
                     "/publisher/" + urllib.parse.quote(HOSTILE, safe="") + "/apis",
                     "/developer/" + urllib.parse.quote(HOSTILE, safe="")]
            self.check_every_page_is_there(shown + plain)
            pages = json.dumps({"shown": shown, "plain": plain})
            done = subprocess.run(["node", HERE / "hostile.mjs", first_run_address(server), HOSTILE, pages],
                                  capture_output=True, text=True, env=tools(), timeout=900)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def check_every_page_is_there(self, paths):
        for route in re.findall(r'\bpath: "([^"]+)"', (ROOT / "web/src/router.tsx").read_text()):
            pattern = re.sub(r"\$\w+", "[^/]+", route.rstrip("/")) + "([/#]|$)"
            self.assertTrue(any(re.search(pattern, path.rstrip("/")) for path in paths), f"{route} is not looked at")


if __name__ == "__main__":
    unittest.main()
