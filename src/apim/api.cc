// APIs: 2.3 of the entity rules that concern one API alone.
#include "apim/entities.h"
#include "base/text.h"

#include <algorithm>

namespace mlgate::apim {
namespace {

bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return is_alpha(c) || is_digit(c) ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool has_blank_or_control(std::string_view text) noexcept {
  return std::ranges::any_of(
      text, [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7F; });
}

std::string read_path(PropertyReader& in) {
  std::string path = in.required_text("path", {0, 400});
  while (path.starts_with('/')) path.erase(0, 1);
  while (path.ends_with('/')) path.pop_back();
  if (has_blank_or_control(path) || path.find_first_of("?#*{}") != std::string::npos)
    in.reject("path", "'path' holds a character that no URL suffix has.");
  return path;
}

void check_service_url(const std::string& url, PropertyReader& in) {
  constexpr std::string_view kSchemes[] = {"http://", "https://", "ws://", "wss://"};
  for (const std::string_view scheme : kSchemes) {
    if (!starts_with_ignoring_case(url, scheme)) continue;
    const char next = url.size() > scheme.size() ? url[scheme.size()] : '/';
    if (next != '/' && next != '?' && next != '#' && next != ':' && !has_blank_or_control(url))
      return;
  }
  in.reject("serviceUrl", "'serviceUrl' has to be an absolute URL of http, https, ws or wss.");
}

std::vector<std::string> read_protocols(PropertyReader& in, ApiType type) {
  const bool websocket = type == ApiType::websocket;
  if (!in.has("protocols")) return {websocket ? "wss" : "https"};
  std::vector<std::string> out;
  for (const std::string& one : in.texts("protocols")) {
    if (one != "http" && one != "https" && one != "ws" && one != "wss")
      in.reject("protocols", "'" + one + "' is not one of: http, https, ws, wss.");
    else if (websocket && one != "ws" && one != "wss")
      in.reject("protocols", "A WebSocket API is called by ws and wss.");
    if (std::ranges::find(out, one) == out.end()) out.push_back(one);
  }
  if (out.empty()) in.reject("protocols", "'protocols' has to name at least one protocol.");
  return out;
}

void read_key_names(const Json& properties, PropertyReader& in, Api& api, Errors& errors) {
  api.key_header = kDefaultKeyHeader;
  api.key_query = kDefaultKeyQuery;
  if (in.object("subscriptionKeyParameterNames") == nullptr) return;
  PropertyReader names(properties["subscriptionKeyParameterNames"], errors,
                       "subscriptionKeyParameterNames.");
  api.key_header = names.text_or("header", {1, 256}, kDefaultKeyHeader);
  api.key_query = names.text_or("query", {1, 256}, kDefaultKeyQuery);
  if (!is_token(api.key_header)) names.reject("header", "'header' is not a name of a header.");
  if (has_blank_or_control(api.key_query))
    names.reject("query", "'query' is not a name of a query parameter.");
}

void read_revision(PropertyReader& in, const Api* before, Api& api) {
  api.revision = in.text_or("apiRevision", {1, 100}, before ? before->revision : "1");
  if (before != nullptr && api.revision != before->revision)
    in.reject("apiRevision", "The revision of an API cannot be changed.");
  if (api.revision.find_first_of("/;?#") != std::string::npos)
    in.reject("apiRevision", "'apiRevision' holds a character that no URL suffix has.");
  api.revision_description = in.text_or("apiRevisionDescription", {0, 256}, "");
  api.is_current = before == nullptr || before->is_current;
  if (in.flag("isCurrent", api.is_current) != api.is_current)
    in.reject("isCurrent", "A revision becomes the current one by a release.");
  api.is_online = in.flag("isOnline", before == nullptr || before->is_online) || api.is_current;
  api.family = before ? before->family : 0;
}

void read_version(PropertyReader& in, std::string_view service, Api& api) {
  api.api_version = in.text_or("apiVersion", {0, 100}, "");
  if (has_blank_or_control(api.api_version) ||
      api.api_version.find_first_of("/?#;{}*") != std::string::npos)
    in.reject("apiVersion", "'apiVersion' holds a character that no URL suffix has.");
  const auto id = in.optional_text("apiVersionSetId", {1, 2'000});
  if (id) {
    api.version_set = name_in_id(*id, "apiVersionSets", service);
    if (!api.version_set)
      in.reject("apiVersionSetId", "'apiVersionSetId' is not the id of a version set.");
  } else if (!api.api_version.empty()) {
    in.reject("apiVersionSetId", "An API with 'apiVersion' needs 'apiVersionSetId'.");
  }
}

Json authentication_settings(const Json& kept) {
  Json out = kept.is_object() ? kept : Json::object();
  if (out.find("oAuth2") == nullptr) out.set("oAuth2", nullptr);
  if (out.find("openid") == nullptr) out.set("openid", nullptr);
  return out;
}

}  // namespace

Api parse_api(const Json& properties, const Api* before, std::string_view service, Errors& errors) {
  PropertyReader in(properties, errors);
  Api api;
  if (before != nullptr) static_cast<Entity&>(api) = *before;
  api.display_name = in.required_text("displayName", {1, 300});
  api.description = in.optional_text("description", {});
  api.path = read_path(in);
  api.service_url = in.optional_text("serviceUrl", {0, 2'000});
  if (api.service_url && api.service_url->empty()) api.service_url.reset();
  if (api.service_url) check_service_url(*api.service_url, in);
  const auto type = in.choice(in.has("type") ? "type" : "apiType",
                              {"http", "soap", "websocket", "graphql", "odata", "grpc"});
  api.type = type ? ApiType(*type) : ApiType::http;
  api.protocols = read_protocols(in, api.type);
  api.subscription_required = in.flag("subscriptionRequired", true);
  read_key_names(properties, in, api, errors);
  read_revision(in, before, api);
  read_version(in, service, api);
  (void)in.optional_text("apiVersionDescription", {0, 256});
  (void)in.optional_text("termsOfServiceUrl", {0, 2'000});
  (void)in.object("contact");
  (void)in.object("license");
  (void)in.object("authenticationSettings");
  api.properties = copy_members(properties, {"authenticationSettings", "apiVersionDescription",
                                             "termsOfServiceUrl", "contact", "license"});
  return api;
}

Json properties_of(const Api& api) {
  Json out = Json::object();
  out.set("displayName", api.display_name);
  out.set("apiRevision", api.revision);
  out.set("description", json_or_null(api.description));
  out.set("subscriptionRequired", api.subscription_required);
  out.set("serviceUrl", json_or_null(api.service_url));
  out.set("path", api.path);
  Json protocols = Json::array();
  for (const std::string& one : api.protocols) protocols.push(one);
  out.set("protocols", std::move(protocols));
  out.set("authenticationSettings",
          authentication_settings(api.properties["authenticationSettings"]));
  out.set("subscriptionKeyParameterNames",
          Json::object({{"header", api.key_header}, {"query", api.key_query}}));
  out.set("isCurrent", api.is_current);
  out.set("isOnline", api.is_online);
  out.set("type", to_text(api.type));
  if (!api.revision_description.empty())
    out.set("apiRevisionDescription", api.revision_description);
  if (!api.api_version.empty()) out.set("apiVersion", api.api_version);
  if (api.version_set) out.set("apiVersionSetId", "/apiVersionSets/" + *api.version_set);
  for (const auto& [name, value] : api.properties.members())
    if (name != "authenticationSettings") out.set(name, value);
  return out;
}

}  // namespace mlgate::apim
