#include "management/management.h"

#include "base/crypto.h"
#include "base/text.h"
#include "management/call_internal.h"
#include "management/handlers_internal.h"
#include "management/routes_internal.h"

#include <algorithm>

namespace mlgate::management {
namespace {

constexpr std::size_t kPathBytesMax = 8'192;
constexpr std::size_t kBodyBytesMax = std::size_t{4} << 20;
// subscriptions/{s}/resourceGroups/{rg}/providers/Microsoft.ApiManagement/service/{name}
constexpr std::size_t kServiceSegments = 8;

using Segments = std::vector<std::string>;

// Decoded segments of the path; nullopt for a path that no resource can have.
std::optional<Segments> segments_of(std::string_view path) {
  if (path.size() > kPathBytesMax || !path.starts_with('/')) return std::nullopt;
  path.remove_prefix(1);
  if (path.ends_with('/')) path.remove_suffix(1);
  Segments out;
  for (const std::string_view part : split(path, '/')) {
    auto text = percent_decode(part);
    if (!text || !is_utf8(*text)) return std::nullopt;
    out.push_back(*std::move(text));
  }
  return out;
}

bool is_api_version(std::string_view text) {
  constexpr std::string_view kShape = "dddd-dd-dd", kPreview = "-preview";
  if (text.ends_with(kPreview)) text.remove_suffix(kPreview.size());
  return text.size() == kShape.size() && std::ranges::equal(text, kShape, [](char c, char shape) {
           return shape == 'd' ? is_digit(c) : c == shape;
         });
}

std::optional<http::Response> check_api_version(const Call& call) {
  const auto version = call.query("api-version");
  if (!version || version->empty())
    return error_answer(
        400, "MissingApiVersionParameter",
        "The api-version query parameter (?api-version=) is required for all requests.");
  if (!is_api_version(*version))
    return error_answer(400, "InvalidApiVersionParameter",
                        "The api-version '" + *version + "' is invalid.");
  return std::nullopt;
}

std::optional<http::Response> authenticate(Call& call) {
  if (call.known_caller) return std::nullopt;
  const std::string_view header = call.request.header("Authorization");
  std::string why;
  if (header.empty()) {
    why = "The 'Authorization' header is missing.";
  } else if (!starts_with_ignoring_case(header, "Bearer ")) {
    why = "The 'Authorization' header is provided in an invalid format.";
  } else {
    auto principal = call.env.identity.check_token(trim(header.substr(7)), call.env.audiences);
    if (principal) {
      call.principal = *std::move(principal);
      return std::nullopt;
    }
    if (principal.error().code() != Errc::denied) return error_answer(principal.error());
    why = "The access token is invalid: " + principal.error().message() + ".";
  }
  auto out = error_answer(401, "AuthenticationFailed", "Authentication failed. " + why);
  out.set("WWW-Authenticate", "Bearer authorization_uri=\"" + call.env.options.console_url + "/" +
                                  call.env.options.tenant_id + "\", error=\"invalid_token\"");
  return out;
}

http::Response forbidden(const Call& call) {
  return error_answer(403, "AuthorizationFailed",
                      "The client '" + call.principal.client_id + "' with object id '" +
                          call.principal.object_id +
                          "' does not have authorization to perform this action; its role is '" +
                          std::string(identity::to_text(call.principal.role)) + "'.");
}

http::Response unknown_path(const Call& call) {
  return error_answer(404, "InvalidResourceType",
                      "The resource type of '" + std::string(call.request.path) +
                          "' could not be found for the requested api-version.");
}

// Runs the route that fits; nullopt when no pattern fits the path.
std::optional<http::Response> run_route(Call& call, std::span<const Route> routes,
                                        std::span<const std::string> segments) {
  const Route* chosen = nullptr;
  const Route* fitting = nullptr;
  std::string allow;
  for (const Route& route : routes) {
    std::vector<std::string> captured;
    if (!match(route.pattern, segments, captured)) continue;
    fitting = &route;
    allow += (allow.empty() ? "" : ", ") + std::string(route.method);
    const bool head = call.request.method == "HEAD" && route.method == "GET";
    if (route.method != call.request.method && !head) continue;
    // A handler of HEAD itself goes before the one of GET without its body.
    if (chosen != nullptr && head) continue;
    chosen = &route;
    call.args = std::move(captured);
  }
  if (fitting == nullptr) return std::nullopt;
  if (chosen == nullptr) {
    auto out = error_answer(
        405, "MethodNotAllowed",
        "The method '" + std::string(call.request.method) + "' is not allowed for this resource.");
    out.set("Allow", allow);
    return out;
  }
  if (call.principal.role < chosen->role) return forbidden(call);
  call.pattern = chosen->pattern;
  return chosen->handler(call);
}

bool is_service_path(const Segments& path) {
  return path.size() >= kServiceSegments && equals_ignoring_case(path[2], "resourceGroups") &&
         equals_ignoring_case(path[4], "providers") &&
         equals_ignoring_case(path[5], "Microsoft.ApiManagement") &&
         equals_ignoring_case(path[6], "service");
}

// Finds the instance of the path; an answer when it is not there.
std::optional<http::Response> find_instance(Call& call, const Segments& path) {
  const auto group = resource_group_name(call.env, path[3]);
  if (!group && group.error().code() == Errc::not_found)
    return error_answer(404, "ResourceGroupNotFound", group.error().message());
  if (!group) return error_answer(group.error());
  auto reader = call.reader();
  auto service = apim::find_service(reader, path[7]);
  if (!service) return error_answer(service.error());
  if (!*service || (*service)->deleted_ms ||
      !equals_ignoring_case((*service)->resource_group, *group)) {
    if (call.request.method == "DELETE" && path.size() == kServiceSegments)
      return empty_answer(204);
    if (call.request.method == "PUT")
      return error_answer(
          404, "ParentResourceNotFound",
          "Can not perform requested operation on nested resource. Parent resource '" + path[7] +
              "' not found.");
    return error_answer(404, "ResourceNotFound",
                        "The Resource 'Microsoft.ApiManagement/service/" + path[7] +
                            "' under resource group '" + path[3] + "' was not found.");
  }
  call.service = **std::move(service);
  call.service_id = "/subscriptions/" + call.env.options.subscription_id + "/resourceGroups/" +
                    *group + "/providers/" + std::string(kServiceType) + "/" + call.service.name;
  return std::nullopt;
}

http::Response run_service(Call& call, const Segments& path) {
  if (auto missing = find_instance(call, path)) return *std::move(missing);
  const std::span rest = std::span(path).subspan(kServiceSegments);
  if (auto answer = run_route(call, service_routes(), rest)) return *std::move(answer);
  std::span<const std::string> known = rest;
  if (known.size() > 2 && equals_ignoring_case(known[0], "workspaces")) known = known.subspan(2);
  const bool workspace =
      known.size() != rest.size() || (!rest.empty() && equals_ignoring_case(rest[0], "workspaces"));
  std::vector<std::string> ignored;
  const auto fits = [&](std::string_view pattern) { return match(pattern, known, ignored); };
  const bool unbuilt = workspace || std::ranges::any_of(unbuilt_service_paths(), fits);
  if (!unbuilt) return unknown_path(call);
  return error_answer(
      501, "NotImplemented",
      "The resource '" + std::string(call.request.path) + "' is not implemented by this build.");
}

http::Response run_arm(Call& call, const Segments& path) {
  if (auto refused = authenticate(call)) return *std::move(refused);
  if (auto refused = check_api_version(call)) return *std::move(refused);
  if (auto answer = run_route(call, root_routes(), path)) return *std::move(answer);
  if (!equals_ignoring_case(path[0], "subscriptions")) return unknown_path(call);
  if (!equals_ignoring_case(path[1], call.env.options.subscription_id))
    return error_answer(404, "SubscriptionNotFound",
                        "The subscription '" + path[1] + "' could not be found.");
  // Creating an instance is the one request for an instance that need not be there.
  const bool creation = path.size() == kServiceSegments && call.request.method == "PUT";
  if (is_service_path(path) && !creation) return run_service(call, path);
  const std::span rest = std::span(path).subspan(2);
  if (auto answer = run_route(call, arm_routes(), rest)) return *std::move(answer);
  return unknown_path(call);
}

http::Response dispatch(Call& call) {
  const auto path = segments_of(call.request.path);
  if (!path) return unknown_path(call);
  if (call.request.body.size() > kBodyBytesMax)
    return error_answer(413, "RequestEntityTooLarge", "The request body has more than 4 MiB.");
  if (auto answer = run_route(call, discovery_routes(), *path)) return *std::move(answer);
  return run_arm(call, *path);
}

void add_common_headers(const http::Request& request, http::Response& answer) {
  const std::string id = new_guid();
  const std::string_view correlation = request.header("x-ms-correlation-request-id");
  const bool usable = !correlation.empty() && correlation.size() <= 128;
  answer.set("x-ms-request-id", id);
  answer.set("x-ms-correlation-request-id", usable ? correlation : std::string_view(id));
  const bool cached = std::ranges::any_of(answer.headers, [](const auto& header) {
    return equals_ignoring_case(header.first, "Cache-Control");
  });
  if (!cached) answer.set("Cache-Control", "no-cache");
  answer.set("X-Content-Type-Options", "nosniff");
  if (request.scheme == "https")
    answer.set("Strict-Transport-Security", "max-age=31536000; includeSubDomains");
}

// The console's own address under every name that clients use for this machine, and the cloud's,
// for clients that reach us under its name; each with and without a slash at its end.
std::vector<std::string> audiences_of(const Options& options) {
  std::vector<std::string> out = options.audiences;
  out.push_back(options.console_url);
  const std::size_t local = options.console_url.find("//localhost");
  if (local != std::string::npos)
    for (const char* name : {"//127.0.0.1", "//[::1]"})
      out.push_back(std::string(options.console_url).replace(local, 11, name));
  out.emplace_back("https://management.azure.com");
  out.emplace_back("https://management.core.windows.net");
  const std::size_t count = out.size();
  for (std::size_t i = 0; i < count; ++i)
    if (!out[i].ends_with('/')) out.push_back(out[i] + "/");
  return out;
}

}  // namespace

bool Call::option(std::string_view name) const {
  const auto value = query(name);
  return value && equals_ignoring_case(*value, "true");
}

std::string Call::base_url() const {
  if (request.authority.empty()) return env.options.console_url;
  return std::string(request.scheme.empty() ? "https" : request.scheme) + "://" +
         std::string(request.authority);
}

Result<Json> body_of(const http::Request& request) {
  std::string_view text = request.body;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (trim(text).empty()) return Json::object();
  auto body = Json::parse(text);
  const std::string_view why = "The request content was invalid and could not be deserialized: ";
  if (!body) return fail(Errc::invalid_argument, std::string(why) + body.error().message());
  if (!body->is_object()) return fail(Errc::invalid_argument, std::string(why) + "not an object");
  return body;
}

Json envelope(const Call& call, std::string_view path, std::string_view type, std::string_view name,
              Json properties) {
  return Json::object({{"id", call.service_id + std::string(path)},
                       {"type", std::string(kServiceType) + "/" + std::string(type)},
                       {"name", name},
                       {"properties", std::move(properties)}});
}

std::string issuer_of(const Options& options) {
  return options.console_url + "/" + options.tenant_id + "/v2.0";
}

Management::Management(store::Store& store, const store::Vault& vault, identity::Identity& identity,
                       const Clock& clock, Options options)
    : environment_(
          std::make_unique<Environment>(store, vault, identity, clock, std::move(options))) {
  environment_->audiences = audiences_of(environment_->options);
}

Management::~Management() = default;

apim::Repository& Management::repository() noexcept { return environment_->repository; }

Result<identity::Principal> Management::principal_of(const http::Request& request) const {
  const std::string_view header = request.header("Authorization");
  if (!starts_with_ignoring_case(header, "Bearer ")) return fail(Errc::denied, "a token is needed");
  return environment_->identity.check_token(trim(header.substr(7)), environment_->audiences);
}

bool Management::owns(std::string_view path) const {
  if (!path.starts_with('/')) return false;
  std::string_view first = path.substr(1);
  first = first.substr(0, first.find('/'));
  const auto is = [&](std::string_view name) { return equals_ignoring_case(first, name); };
  if (is("subscriptions") || is("tenants") || is("providers") || is("common") ||
      is("organizations") || is("adfs") || is(environment_->options.tenant_id))
    return true;
  return equals_ignoring_case(path, "/metadata/endpoints");
}

bool Management::needs_token(std::string_view path) {
  const auto decoded = segments_of(path);
  std::vector<std::string> ignored;
  return !decoded || std::ranges::none_of(discovery_routes(), [&](const Route& route) {
    return match(route.pattern, *decoded, ignored);
  });
}

std::optional<http::Response> Management::admit(const http::Request& head) {
  Call call(*environment_, head);
  auto refused = authenticate(call);
  if (refused) add_common_headers(head, *refused);
  return refused;
}

http::Response Management::handle(const http::Request& request) {
  return answer(request, std::nullopt);
}

http::Response Management::handle_as_administrator(const http::Request& request) {
  identity::Principal local;
  local.client_id = local.object_id = "00000000-0000-0000-0000-000000000000";
  local.name = "local administrator";
  local.role = identity::Role::administrator;
  return answer(request, std::move(local));
}

http::Response Management::answer(const http::Request& request,
                                  std::optional<identity::Principal> known) {
  Call call(*environment_, request);
  call.known_caller = known.has_value();
  if (known) call.principal = *std::move(known);
  http::Response out = dispatch(call);
  if (request.method == "HEAD") out.body.clear();
  add_common_headers(request, out);
  return out;
}

}  // namespace mlgate::management
