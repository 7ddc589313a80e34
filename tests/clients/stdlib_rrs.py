"""The tutorial's client: Python 3's standard library alone, as the web service's help page prints it.

Usage: stdlib_rrs.py URL API_KEY [SUBSCRIPTION_KEY]
Prints the result; for an error the status, the headers and the JSON error.
"""

import json
import sys
import urllib.error
import urllib.request

data = {
    "Inputs": {"input1": {"ColumnNames": ["Col2"], "Values": [["This is a good day"]]}},
    "GlobalParameters": {},
}
headers = {"Content-Type": "application/json", "Authorization": "Bearer " + sys.argv[2]}
if len(sys.argv) > 3:
    headers["Ocp-Apim-Subscription-Key"] = sys.argv[3]
request = urllib.request.Request(sys.argv[1], json.dumps(data).encode(), headers)

try:
    with urllib.request.urlopen(request) as response:
        print(response.read().decode())
except urllib.error.HTTPError as error:
    print("The request failed with status code: " + str(error.code))
    print(error.info())
    print(json.loads(error.read()))
    sys.exit(1)
