"""Experiments through the Studio API, as their editor makes them: drawn, run, published."""

import json
import time

SELECT_TEXT = {"begin": "none", "keepOrder": False,
               "rules": [{"action": "include", "kind": "names", "names": ["Col2"]}]}
SELECT, HASHING = "22222222-2222-4222-8222-222222222222-2", "22222222-2222-4222-8222-222222222222-3"


def studio(server, method, path, body=None):
    c = server.credentials
    answer = server.call("services", method, f"/api/workspaces/{c['workspaceId']}{path}", body,
                         {"Authorization": "Bearer " + c["workspaceToken"]})
    assert answer.status < 300, (method, path, answer)
    return answer.json if answer.body else None


def until(read, done):
    """What `read` gives once it is `done`."""
    for _ in range(1200):
        found = read()
        if done(found):
            return found
        time.sleep(0.05)
    raise AssertionError(f"still {found}")


def hashing_graph(server, bits, bits_parameter=None):
    """Book Reviews from Amazon -> Select Columns (Col2) -> Feature Hashing, whose bits callers may set by the name
    `bits_parameter`."""
    modules = {one["Name"]: one["Id"] for one in studio(server, "GET", "/modules")}
    reviews = next(one["Id"] for one in studio(server, "GET", "/datasources")
                   if one["Name"] == "Book Reviews from Amazon")
    data = "22222222-2222-4222-8222-222222222222-1"

    def module(node, name, parameter, value, linked=None):
        link = {"LinkedGlobalParameter": linked} if linked else {}
        return {"Id": node, "ModuleId": modules[name],
                "ModuleParameters": [{"Name": parameter, "Value": value, "ValueType": "Literal", **link}],
                "InputPortsInternal": [{"Name": "Dataset", "NodeId": node}],
                "OutputPortsInternal": [{"Name": "Results dataset", "NodeId": node}]}

    return {"DataSourceNodes": [{"Id": data, "DataSourceId": reviews}],
            "ModuleNodes": [module(SELECT, "Select Columns in Dataset", "Select columns", json.dumps(SELECT_TEXT)),
                            module(HASHING, "Feature Hashing", "Hashing bitsize", str(bits), bits_parameter)],
            "EdgesInternal": [{"SourceOutputPortId": f"{a}:0", "DestinationInputPortId": f"{b}:0"}
                              for a, b in ((data, SELECT), (SELECT, HASHING))]}


def publish(server, name, bits=3, inputs=(HASHING,), outputs=(HASHING,), bits_parameter=None):
    """A service of that graph with its inputs and outputs, from 1 on, at these modules: its path and its key."""
    def ports(word, nodes):
        return [{"Id": f"{word}{number}", "PortId": f"{node}:0"} for number, node in enumerate(nodes, 1)]

    made = studio(server, "POST", "/experiments", {"Description": name, "IsDraft": True})
    here = "/experiments/" + made["ExperimentId"]
    studio(server, "POST", here, {"Description": name, "IsDraft": True,
                                  "ExperimentGraph": hashing_graph(server, bits, bits_parameter),
                                  "WebService": {"Inputs": ports("input", inputs),
                                                 "Outputs": ports("output", outputs),
                                                 "Parameters": [{"Name": bits_parameter, "Value": str(bits)}]
                                                 if bits_parameter else []}})
    studio(server, "POST", here + "/run")
    state = until(lambda: studio(server, "GET", here)["Status"]["StatusCode"],
                  lambda code: code in ("Finished", "Failed"))
    assert state == "Finished", state
    studio(server, "POST", here + "/webservice?generateNewPortNames=false")
    published = until(lambda: studio(server, "GET", here + "/webservice"), lambda now: now["Status"] != "InProgress")
    assert published["Status"] == "Completed", published
    workspace = server.credentials["workspaceId"]
    endpoint = server.call("services", "GET", f"/workspaces/{workspace}/webservices/{published['WebServiceGroupId']}"
                           "/endpoints/default", headers={"Authorization": "Bearer " +
                                                          server.credentials["workspaceToken"]}).json
    return "/workspaces/" + endpoint["ApiLocation"].split("/workspaces/")[1], endpoint["PrimaryKey"]
