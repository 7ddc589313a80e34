#include "webservice/management.h"

#include "base/json.h"
#include "base/text.h"

namespace mlgate::webservice {
namespace {

http::Response from_error(const Error& error) {
  switch (error.code()) {
    case Errc::invalid_argument:
    case Errc::exhausted:
      return error_response(Fault::bad_parameter_value,
                            "'" + error.field() + "': it " + error.message() + ".");
    case Errc::not_found:
      return error_response(Fault::management_service_not_found);
    case Errc::precondition_failed:
    case Errc::conflict:
      return error_response(Fault::changed_meanwhile);
    default:
      return error_response(Fault::unknown_error);
  }
}

std::string time_text(TimeMs time) { return to_iso8601(time); }

// Members are optional, unknown ones are ignored; an empty body is an empty object.
Result<Json> parse_body(const http::Request& request) {
  if (trim(request.body).empty()) return Json::object();
  TRY(Json json, Json::parse(request.body));
  if (!json.is_object()) return fail(Errc::invalid_argument, "the body is not an object");
  return json;
}

std::optional<std::string> text_member(const Json& json, std::string_view name) {
  const Json* member = json.find(name);
  if (!member || !member->is_string()) return std::nullopt;
  return std::string(member->as_string());
}

// Booleans come as JSON and as text.
std::optional<bool> flag_of(const Json& value) {
  if (value.is_bool()) return value.as_bool();
  if (equals_ignoring_case(value.as_string(), "true")) return true;
  if (equals_ignoring_case(value.as_string(), "false")) return false;
  return std::nullopt;
}

Result<EndpointSettings> parse_settings(const Json& json) {
  EndpointSettings settings;
  settings.description = text_member(json, "Description");
  settings.trace_level = text_member(json, "DiagnosticsTraceLevel");
  if (const Json& value = json["ThrottleLevel"]; !value.is_null()) {
    if (equals_ignoring_case(value.as_string(), "Low")) {
      settings.throttle = ThrottleLevel::low;
    } else if (equals_ignoring_case(value.as_string(), "High")) {
      settings.throttle = ThrottleLevel::high;
    } else {
      return fail(Errc::invalid_argument, "has to be Low or High", "ThrottleLevel");
    }
  }
  if (const Json& value = json["MaxConcurrentCalls"]; !value.is_null()) {
    settings.concurrent_max = value.as_int();
    if (value.is_string()) settings.concurrent_max = parse_int(value.as_string());
    if (!settings.concurrent_max)
      return fail(Errc::invalid_argument, "has to be a whole number", "MaxConcurrentCalls");
  }
  if (const Json& value = json["PreventUpdate"]; !value.is_null()) {
    settings.prevent_update = flag_of(value);
    if (!settings.prevent_update)
      return fail(Errc::invalid_argument, "has to be true or false", "PreventUpdate");
  }
  return settings;
}

}  // namespace

// Where a request goes; the pointers live in `directory`.
struct ServiceManagement::Target {
  std::shared_ptr<const Directory> directory;
  PathParts parts;
  const Workspace* workspace = nullptr;
  const Service* service = nullptr;
  const Endpoint* endpoint = nullptr;
};

ServiceManagement::ServiceManagement(Registry& registry, ManagementOptions options)
    : registry_(registry), options_(std::move(options)) {}

bool ServiceManagement::owns(std::string_view path) {
  const PathParts parts(path);
  return parts.is(0, "workspaces") && parts.is(2, "webservices") && !parts.is(6, "apidocument");
}

bool ServiceManagement::authorized(const http::Request& request, const Workspace* workspace,
                                   const Endpoint* endpoint) const {
  std::string_view token = bearer_token(request);
  if (token.empty()) token = trim(request.header("x-ms-metaanalytics-authorizationtoken"));
  if (workspace && workspace->accepts(token)) return true;
  // An endpoint's key opens that endpoint for reading and changing, nothing else.
  const bool its_own = endpoint && endpoint->accepts(token);
  return its_own && (request.method == "GET" || request.method == "PATCH");
}

ServiceManagement::Target ServiceManagement::find(const http::Request& request) const {
  Target target{registry_.directory(), PathParts(request.path)};
  const PathParts& parts = target.parts;
  const auto workspace_id = Id::parse(parts[1]);
  if (workspace_id) target.workspace = target.directory->find_workspace(workspace_id->text());
  const auto service_id = Id::parse(parts[3]);
  if (target.workspace && service_id)
    target.service = target.directory->find_service(target.workspace->id, service_id->text());
  const auto name = percent_decode(parts[5]);
  if (target.service && name && !name->empty()) {
    target.endpoint = target.service->find_endpoint(*name);
  }
  return target;
}

bool ServiceManagement::admitted(const http::Request& request, const Target& target) const {
  const bool one_endpoint = target.parts.count == 6;
  return authorized(request, target.workspace, one_endpoint ? target.endpoint : nullptr);
}

std::optional<http::Response> ServiceManagement::admit(const http::Request& head) const {
  if (admitted(head, find(head))) return std::nullopt;
  return error_response(Fault::management_unauthorized);
}

http::Response ServiceManagement::handle(const http::Request& request) {
  const Target target = find(request);
  const PathParts& parts = target.parts;
  if (!admitted(request, target)) return error_response(Fault::management_unauthorized);
  const auto service_id = Id::parse(parts[3]);
  if (parts.count == 3) return handle_services(request, target);
  if (!service_id) return error_response(Fault::management_service_not_found);
  if (parts.count == 4) return handle_service(request, target);
  if (!target.service) return error_response(Fault::management_service_not_found);
  if (parts.is(4, "endpoints")) {
    if (parts.count == 5) return handle_endpoints(request, target);
    if (parts.count == 6) return handle_endpoint(request, target);
    if (parts.is(6, "jobs") && parts.count <= 8) return show_jobs(request, target);
    if (parts.count == 7) return endpoint_action(request, target);
  }
  return error_response(Fault::path_not_found, request.path.substr(0, 256));
}

std::string service_json(const Service& service) {
  JsonWriter out;
  out.object().field("Id", service.id).field("Name", service.name);
  out.field("Description", service.description);
  out.field("CreationTime", time_text(service.created_ms));
  out.field("WorkspaceId", service.workspace_id).field("DefaultEndpointName", "default");
  out.field("EndpointCount", std::uint64_t(service.endpoints.size()));
  out.field("UpdatedTime", time_text(service.updated_ms));
  out.field("ExperimentId", service.experiment_id).end();
  return std::move(out).text();
}

std::string ServiceManagement::endpoint_json(const http::Request& request, const Endpoint& endpoint,
                                             const Service& service) const {
  const std::string here = std::string(request.scheme) + "://" + std::string(request.authority);
  const std::string& api = options_.services_url.empty() ? here : options_.services_url;
  const std::string& help = options_.help_url.empty() ? here : options_.help_url;
  JsonWriter out;
  out.object().field("Id", endpoint.id).field("Name", endpoint.name);
  out.field("Description", endpoint.description);
  out.field("CreationTime", time_text(endpoint.created_ms));
  out.field("UpdatedTime", time_text(endpoint.updated_ms));
  out.field("WorkspaceId", endpoint.workspace_id).field("WebServiceId", service.id);
  out.field("HelpLocation", help + "/apihelp/workspaces/" + endpoint.workspace_id +
                                "/webservices/" + service.id + "/endpoints/" + endpoint.id);
  out.field("PrimaryKey", endpoint.primary_key).field("SecondaryKey", endpoint.secondary_key);
  out.field("ApiLocation",
            api + "/workspaces/" + endpoint.workspace_id + "/services/" + endpoint.id);
  out.field("Version", endpoint.model_version);
  out.field("UpdateAvailable", endpoint.model_version != service.model_version);
  out.field("PreventUpdate", endpoint.prevent_update);
  out.field("MaxConcurrentCalls", endpoint.concurrent_max);
  out.field("DiagnosticsTraceLevel", endpoint.trace_level);
  out.field("ThrottleLevel", name_of(endpoint.throttle)).field("SampleDataEnabled", false);
  out.field("ExperimentLocation", service.experiment_id).key("Resources").array().end().end();
  return std::move(out).text();
}

http::Response ServiceManagement::handle_services(const http::Request& request,
                                                  const Target& target) {
  if (request.method != "GET") return error_response(Fault::method_not_allowed, "GET");
  std::string out = "[";
  for (const auto& [id, service] : target.directory->services) {
    if (service->workspace_id != target.workspace->id) continue;
    if (out.size() > 1) out += ',';
    out += service_json(*service);
  }
  return json_response(200, out + "]");
}

http::Response ServiceManagement::handle_service(const http::Request& request,
                                                 const Target& target) {
  if (request.method == "PUT") return put_service(request, target);
  if (request.method != "GET" && request.method != "DELETE")
    return error_response(Fault::method_not_allowed, "GET, PUT, DELETE");
  if (!target.service) return error_response(Fault::management_service_not_found);
  if (request.method == "GET") return json_response(200, service_json(*target.service));
  const auto removed = registry_.remove_service(target.workspace->id, target.service->id);
  if (removed && options_.batch)
    for (const auto& endpoint : target.service->endpoints)
      options_.batch->endpoint_removed(endpoint->id);
  return removed ? empty_response(204) : from_error(removed.error());
}

// Clients publish code this way, for which there is no interpreter here; without code it changes
// the texts of a service that exists.
http::Response ServiceManagement::put_service(const http::Request& request, const Target& target) {
  const auto json = parse_body(request);
  if (!json) return error_response(Fault::request_body_invalid);
  if (const Json* bundle = json->find("CodeBundle"); bundle && !bundle->is_null()) {
    const std::string_view language = (*bundle)["Language"].as_string();
    const std::string_view needs = starts_with_ignoring_case(language, "R-")
                                       ? "an R interpreter (R 3.1 or newer)"
                                       : "a Python interpreter with pandas";
    return error_response(Fault::module_execution_error,
                          "Services made from code need " + std::string(needs) +
                              ", and this server has none configured. Build the service as an "
                              "experiment in Studio and publish that.");
  }
  if (!target.service) return error_response(Fault::management_service_not_found);
  const auto updated =
      registry_.update_service(target.workspace->id, target.service->id, text_member(*json, "Name"),
                               text_member(*json, "Description"));
  return updated ? json_response(200, service_json(**updated)) : from_error(updated.error());
}

http::Response ServiceManagement::handle_endpoints(const http::Request& request,
                                                   const Target& target) {
  if (request.method != "GET") return error_response(Fault::method_not_allowed, "GET");
  std::string out = "[";
  for (const auto& endpoint : target.service->endpoints) {
    if (out.size() > 1) out += ',';
    out += endpoint_json(request, *endpoint, *target.service);
  }
  return json_response(200, out + "]");
}

http::Response ServiceManagement::handle_endpoint(const http::Request& request,
                                                  const Target& target) {
  if (request.method == "PUT") return put_endpoint(request, target);
  if (request.method != "GET" && request.method != "PATCH" && request.method != "DELETE")
    return error_response(Fault::method_not_allowed, "GET, PUT, PATCH, DELETE");
  if (!target.endpoint)
    return error_response(Fault::endpoint_not_found, target.parts[5].substr(0, 64));
  if (request.method == "GET")
    return json_response(200, endpoint_json(request, *target.endpoint, *target.service));
  if (target.endpoint->is_default()) return error_response(Fault::default_endpoint);
  if (request.method == "PATCH") return patch_endpoint(request, target);
  const auto removed = registry_.remove_endpoint(*target.service, target.endpoint->id);
  if (removed && options_.batch) options_.batch->endpoint_removed(target.endpoint->id);
  return removed ? empty_response(204) : from_error(removed.error());
}

http::Response ServiceManagement::put_endpoint(const http::Request& request, const Target& target) {
  const auto json = parse_body(request);
  if (!json) return error_response(Fault::request_body_invalid);
  const auto settings = parse_settings(*json);
  if (!settings) return from_error(settings.error());
  const auto name = percent_decode(target.parts[5]);
  const auto made = registry_.put_endpoint(*target.service, name.value_or(""), *settings);
  if (!made) return from_error(made.error());
  return json_response(200, endpoint_json(request, **made, *target.service));
}

http::Response ServiceManagement::patch_endpoint(const http::Request& request,
                                                 const Target& target) {
  const auto json = parse_body(request);
  if (!json) return error_response(Fault::request_body_invalid);
  if (!(*json)["Resources"].items().empty()) {
    return error_response(Fault::bad_parameter_value,
                          "'Resources': the service has no trained model to replace.");
  }
  const auto settings = parse_settings(*json);
  if (!settings) return from_error(settings.error());
  const auto made = registry_.put_endpoint(*target.service, target.endpoint->id, *settings);
  if (!made) return from_error(made.error());
  return json_response(200, endpoint_json(request, **made, *target.service));
}

http::Response ServiceManagement::refresh_endpoint(const http::Request& request,
                                                   const Target& target) {
  const Endpoint& endpoint = *target.endpoint;
  const auto json = parse_body(request);
  if (!json) return error_response(Fault::request_body_invalid);
  if (endpoint.model_version == target.service->model_version) return empty_response(304);
  if (endpoint.prevent_update) return error_response(Fault::endpoint_pinned, endpoint.name);
  const auto made = registry_.refresh_endpoint(*target.service, endpoint.id);
  if (!made) return from_error(made.error());
  return json_response(200, endpoint_json(request, **made, *target.service));
}

http::Response ServiceManagement::show_jobs(const http::Request& request, const Target& target) {
  if (request.method != "GET") return error_response(Fault::method_not_allowed, "GET");
  if (!target.endpoint)
    return error_response(Fault::endpoint_not_found, target.parts[5].substr(0, 64));
  if (!options_.batch) return error_response(Fault::not_implemented, request.path.substr(0, 256));
  if (target.parts.count == 7) return options_.batch->monitor(*target.endpoint, {}, request);
  const auto job = Id::parse(target.parts[7]);
  if (!job) return error_response(Fault::job_not_found);
  return options_.batch->monitor(*target.endpoint, job->text(), request);
}

http::Response ServiceManagement::endpoint_action(const http::Request& request,
                                                  const Target& target) {
  const PathParts& parts = target.parts;
  const bool refresh = parts.is(6, "refresh");
  const bool primary = parts.is(6, "regenerateprimarykey");
  if (!refresh && !primary && !parts.is(6, "regeneratesecondarykey"))
    return error_response(Fault::path_not_found, request.path.substr(0, 256));
  if (request.method != "POST") return error_response(Fault::method_not_allowed, "POST");
  if (!target.endpoint) return error_response(Fault::endpoint_not_found, parts[5].substr(0, 64));
  if (refresh) return refresh_endpoint(request, target);
  const auto made = registry_.regenerate_key(*target.service, target.endpoint->id,
                                             primary ? KeyKind::primary : KeyKind::secondary);
  if (!made) return from_error(made.error());
  return json_response(200, endpoint_json(request, **made, *target.service));
}

}  // namespace mlgate::webservice
