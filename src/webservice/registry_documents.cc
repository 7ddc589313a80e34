// How workspaces and services are kept: one JSON document each, keys and tokens sealed in place.
#include "base/json.h"
#include "webservice/registry.h"

namespace mlgate::webservice {
namespace {

std::string sealed(const store::Vault& vault, std::string_view secret, std::string_view id,
                   std::string_view which) {
  return vault.seal(secret, std::string(id) + "/" + std::string(which));
}

Result<std::string> unsealed(const store::Vault& vault, const Json& json, std::string_view id,
                             std::string_view which) {
  return vault.unseal(json.string_or(which), std::string(id) + "/" + std::string(which));
}

void write_endpoint(JsonWriter& out, const Endpoint& endpoint, const store::Vault& vault) {
  out.object().field("id", endpoint.id).field("name", endpoint.name);
  out.field("description", endpoint.description);
  out.field("primary", sealed(vault, endpoint.primary_key, endpoint.id, "primary"));
  out.field("secondary", sealed(vault, endpoint.secondary_key, endpoint.id, "secondary"));
  out.field("throttle", name_of(endpoint.throttle)).field("concurrent", endpoint.concurrent_max);
  out.field("preventUpdate", endpoint.prevent_update).field("trace", endpoint.trace_level);
  out.field("created", endpoint.created_ms).field("updated", endpoint.updated_ms);
  out.field("version", endpoint.model_version).end();
}

Result<Endpoint> parse_endpoint(const Json& json, const store::Vault& vault) {
  Endpoint endpoint;
  endpoint.id = json.string_or("id");
  endpoint.name = json.string_or("name");
  endpoint.description = json.string_or("description");
  TRY(endpoint.primary_key, unsealed(vault, json, endpoint.id, "primary"));
  TRY(endpoint.secondary_key, unsealed(vault, json, endpoint.id, "secondary"));
  endpoint.throttle =
      json.string_or("throttle") == "Low" ? ThrottleLevel::low : ThrottleLevel::high;
  endpoint.concurrent_max = int(json.int_or("concurrent", 20));
  endpoint.prevent_update = json.bool_or("preventUpdate", false);
  endpoint.trace_level = json.string_or("trace", "None");
  endpoint.created_ms = json.int_or("created", 0);
  endpoint.updated_ms = json.int_or("updated", 0);
  endpoint.model_version = std::uint64_t(json.int_or("version", 1));
  return endpoint;
}

}  // namespace

std::string workspace_document(const Workspace& workspace, const store::Vault& vault) {
  JsonWriter out;
  out.object().field("id", workspace.id).field("name", workspace.name);
  out.field("description", workspace.description).field("owner", workspace.owner_email);
  out.field("region", workspace.region).field("created", workspace.created_ms);
  out.field("primary", sealed(vault, workspace.primary_token, workspace.id, "primary"));
  out.field("secondary", sealed(vault, workspace.secondary_token, workspace.id, "secondary"));
  out.end();
  return std::move(out).text();
}

Result<Workspace> parse_workspace(const store::Document& document, const store::Vault& vault) {
  TRY(const Json json, Json::parse(document.body));
  Workspace workspace;
  workspace.id = json.string_or("id");
  workspace.name = json.string_or("name");
  workspace.description = json.string_or("description");
  workspace.owner_email = json.string_or("owner");
  workspace.region = json.string_or("region");
  workspace.created_ms = json.int_or("created", 0);
  TRY(workspace.primary_token, unsealed(vault, json, workspace.id, "primary"));
  TRY(workspace.secondary_token, unsealed(vault, json, workspace.id, "secondary"));
  workspace.document_version = document.version;
  return workspace;
}

std::string service_document(const Service& service, const store::Vault& vault) {
  JsonWriter out;
  out.object().field("id", service.id).field("workspace", service.workspace_id);
  out.field("name", service.name).field("description", service.description);
  out.field("experiment", service.experiment_id);
  out.field("created", service.created_ms).field("updated", service.updated_ms);
  out.field("version", service.model_version).key("endpoints").array();
  for (const auto& endpoint : service.endpoints) write_endpoint(out, *endpoint, vault);
  out.end().end();
  return std::move(out).text();
}

Result<Service> parse_service(const store::Document& document, const store::Vault& vault,
                              std::vector<Endpoint>& endpoints) {
  TRY(const Json json, Json::parse(document.body));
  Service service;
  service.id = json.string_or("id");
  service.workspace_id = json.string_or("workspace");
  service.name = json.string_or("name");
  service.description = json.string_or("description");
  service.experiment_id = json.string_or("experiment");
  service.created_ms = json.int_or("created", 0);
  service.updated_ms = json.int_or("updated", 0);
  service.model_version = std::uint64_t(json.int_or("version", 1));
  service.document_version = document.version;
  for (const Json& item : json["endpoints"].items()) {
    TRY(Endpoint endpoint, parse_endpoint(item, vault));
    endpoint.workspace_id = service.workspace_id;
    endpoint.service_id = service.id;
    endpoint.service_name = service.name;
    endpoint.service_description = service.description;
    endpoints.push_back(std::move(endpoint));
  }
  return service;
}

}  // namespace mlgate::webservice
