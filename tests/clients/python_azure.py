"""A day's work with the management SDK of Azure for Python: arguments are endpoint, subscription and token; prints what
came back as JSON. Run by test_azure_clients.py under the interpreter that has the SDK."""

import json
import sys
import time

from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.apimanagement import ApiManagementClient, models

GROUP, SERVICE = "mlgate", "frompython"


def as_json(properties):
    """This version of the SDK takes some of its models for XML and cannot send them as the JSON that it announces."""
    return json.dumps({"properties": properties}).encode()


class Credential:
    def __init__(self, token):
        self.token = token

    def get_token(self, *_scopes, **_options):
        return AccessToken(self.token, int(time.time()) + 3600)


def main(endpoint, subscription, token):
    client = ApiManagementClient(Credential(token), subscription, base_url=endpoint,
                                 credential_scopes=[endpoint + "/.default"])
    out = {}
    service = client.api_management_service.begin_create_or_update(GROUP, SERVICE, models.ApiManagementServiceResource(
        location="local", sku=models.ApiManagementServiceSkuProperties(name="Developer", capacity=1),
        publisher_email="a@example.com", publisher_name="Python")).result()
    out["state"], out["gateway"] = service.provisioning_state, service.gateway_url
    api = client.api.begin_create_or_update(GROUP, SERVICE, "py", models.ApiCreateOrUpdateParameter(
        display_name="From Python", path="py", protocols=["https"], service_url="http://127.0.0.1:9")).result()
    out["api"] = api.path
    operation = client.api_operation.create_or_update(GROUP, SERVICE, "py", "get", as_json(
        {"displayName": "get", "method": "GET", "urlTemplate": "/x/{id}",
         "templateParameters": [{"name": "id", "type": "string", "required": True}]}), content_type="application/json")
    out["operation"] = operation.url_template
    product = client.product.create_or_update(GROUP, SERVICE, "pack", as_json(
        {"displayName": "Pack", "state": "published", "subscriptionRequired": True}), content_type="application/json")
    out["product"] = product.state
    client.product_api.create_or_update(GROUP, SERVICE, "pack", "py")
    client.subscription.create_or_update(GROUP, SERVICE, "mine", models.SubscriptionCreateParameters(
        scope="/products/pack", display_name="mine", state="active"))
    keys = client.subscription.list_secrets(GROUP, SERVICE, "mine")
    client.subscription.regenerate_primary_key(GROUP, SERVICE, "mine")
    again = client.subscription.list_secrets(GROUP, SERVICE, "mine")
    out["keys"] = [len(keys.primary_key), keys.primary_key != again.primary_key,
                   keys.secondary_key == again.secondary_key]
    client.api_policy.create_or_update(GROUP, SERVICE, "py", "policy", as_json(
        {"format": "rawxml", "value": '<policies><inbound><base /><set-header name="X-P"><value>p</value></set-header>'
                                      '</inbound></policies>'}), content_type="application/json")
    out["policy"] = client.api_policy.get(GROUP, SERVICE, "py", "policy", format="rawxml").value
    out["apis"] = [one.name for one in client.api.list_by_service(GROUP, SERVICE)]
    out["products"] = [one.name for one in client.product.list_by_service(GROUP, SERVICE, filter="name eq 'pack'")]
    out["reports"] = [one.api_id for one in client.reports.list_by_api(
        GROUP, SERVICE, filter="timestamp ge datetime'2020-01-01T00:00:00Z'")]
    try:
        client.product.create_or_update(GROUP, SERVICE, "bad", as_json({"displayName": ""}),
                                        content_type="application/json")
    except HttpResponseError as error:
        out["refused"] = error.error.code
    client.api.delete(GROUP, SERVICE, "py", if_match="*")
    try:
        client.api.get(GROUP, SERVICE, "py")
    except ResourceNotFoundError as error:
        out["gone"] = error.error.code
    client.api_management_service.begin_delete(GROUP, SERVICE).result()
    out["left"] = [one.name for one in client.api_management_service.list_by_resource_group(GROUP)]
    print(json.dumps(out))


if __name__ == "__main__":
    main(*sys.argv[1:])
