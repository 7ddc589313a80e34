// What clients ask before they manage anything: where the endpoints are, who issues tokens, and a
// token.
#include "base/crypto.h"
#include "base/text.h"
#include "management/handlers_internal.h"

#include <algorithm>

namespace mlgate::management {
namespace {

// The tenant in a path is its id, "common" and its like, or "adfs": the name under which clients
// ask a sign-in service that stands by itself, without asking the cloud's whether it may be
// trusted.
bool is_tenant(const Call& call, std::string_view segment) {
  const auto is = [&](std::string_view name) { return equals_ignoring_case(segment, name); };
  return is(call.env.options.tenant_id) || is("common") || is("organizations") || is("adfs");
}

http::Response oauth_error(int status, std::string_view error, std::string_view description) {
  auto out =
      json_answer(status, Json::object({{"error", error}, {"error_description", description}}));
  out.set("Cache-Control", "no-store");
  return out;
}

http::Response unknown_tenant(std::string_view tenant) {
  return oauth_error(400, "invalid_tenant", "Tenant '" + std::string(tenant) + "' not found.");
}

std::string form_value(std::string_view form, std::string_view name) {
  return http::query_parameter(form, name).value_or(std::string());
}

struct Credentials {
  std::string id, secret;
};

Credentials credentials_of(const Call& call) {
  const std::string_view header = call.request.header("Authorization");
  if (starts_with_ignoring_case(header, "Basic ")) {
    const auto text = base64_decode(trim(header.substr(6)));
    const std::size_t colon = text ? text->find(':') : std::string::npos;
    if (colon != std::string::npos)
      return {percent_decode(text->substr(0, colon)).value_or(std::string()),
              percent_decode(text->substr(colon + 1)).value_or(std::string())};
  }
  return {form_value(call.request.body, "client_id"),
          form_value(call.request.body, "client_secret")};
}

// The resource behind the first scope ("https://host//.default" keeps one slash), or the older
// `resource`.
std::string audience_of(const Call& call) {
  std::string resource = form_value(call.request.body, "resource");
  if (!resource.empty()) return resource;
  std::string scope = form_value(call.request.body, "scope");
  scope.resize(std::min(scope.find(' '), scope.size()));
  constexpr std::string_view kDefault = "/.default";
  if (scope.ends_with(kDefault)) scope.resize(scope.size() - kDefault.size());
  return scope;
}

}  // namespace

http::Response get_metadata_endpoints(Call& call) {
  const std::string base = call.base_url();
  const std::string host = base.substr(base.find("://") + 3);
  Json authentication = Json::object({{"loginEndpoint", base + "/"},
                                      {"audiences", Json::array({Json(base), Json(base + "/")})},
                                      {"tenant", "common"},
                                      {"identityProvider", "AAD"}});
  return json_answer(200, Json::object({{"portal", base},
                                        {"authentication", std::move(authentication)},
                                        {"resourceManager", base + "/"},
                                        {"microsoftGraphResourceId", base + "/"},
                                        {"graph", base + "/"},
                                        {"graphEndpoint", base + "/"},
                                        {"gallery", base + "/"},
                                        {"galleryEndpoint", base + "/"},
                                        {"portalEndpoint", base},
                                        {"media", base},
                                        {"name", "mlgate"},
                                        {"suffixes", Json::object()}}));
}

http::Response get_instance_discovery(Call& call) {
  const std::string base = call.base_url();
  const std::string host = base.substr(base.find("://") + 3);
  return json_answer(
      200,
      Json::object(
          {{"tenant_discovery_endpoint",
            base + "/" + call.env.options.tenant_id + "/v2.0/.well-known/openid-configuration"},
           {"api-version", "1.1"},
           {"metadata", Json::array({Json::object({{"preferred_network", host},
                                                   {"preferred_cache", host},
                                                   {"aliases", Json::array({Json(host)})}})})}}));
}

http::Response get_openid_configuration(Call& call) {
  if (!is_tenant(call, call.arg(0))) return unknown_tenant(call.arg(0));
  const std::string tenant = call.base_url() + "/" + call.env.options.tenant_id;
  return json_answer(
      200, Json::object({{"issuer", issuer_of(call.env.options)},
                         {"token_endpoint", tenant + "/oauth2/v2.0/token"},
                         {"authorization_endpoint", tenant + "/oauth2/v2.0/authorize"},
                         {"jwks_uri", tenant + "/discovery/v2.0/keys"},
                         {"token_endpoint_auth_methods_supported",
                          Json::array({Json("client_secret_post"), Json("client_secret_basic")})},
                         {"response_types_supported", Json::array({Json("token")})},
                         {"subject_types_supported", Json::array({Json("pairwise")})},
                         {"id_token_signing_alg_values_supported", Json::array({Json("RS256")})},
                         {"scopes_supported", Json::array({Json("openid")})},
                         {"claims_supported",
                          Json::array({Json("aud"), Json("iss"), Json("iat"), Json("exp"),
                                       Json("sub"), Json("oid"), Json("tid")})},
                         {"tenant_region_scope", nullptr}}));
}

http::Response get_token_keys(Call& call) {
  if (!is_tenant(call, call.arg(0))) return unknown_tenant(call.arg(0));
  return json_answer(200, call.env.identity.jwks());
}

http::Response post_token(Call& call) {
  if (!is_tenant(call, call.arg(0))) return unknown_tenant(call.arg(0));
  if (form_value(call.request.body, "grant_type") != "client_credentials")
    return oauth_error(400, "unsupported_grant_type",
                       "The grant type has to be client_credentials.");
  std::string audience = audience_of(call);
  if (audience.empty()) audience = call.env.options.console_url;
  const Credentials given = credentials_of(call);
  const auto principal = call.env.identity.check_secret(given.id, given.secret);
  if (!principal && principal.error().code() == Errc::denied)
    return oauth_error(401, "invalid_client", "The client id or its secret is wrong.");
  if (!principal) return oauth_error(503, "temporarily_unavailable", principal.error().message());
  const auto token = call.env.identity.issue_token(*principal, audience);
  if (!token) return oauth_error(500, "server_error", token.error().message());
  constexpr std::int64_t kSeconds = identity::Identity::kTokenSeconds;
  auto out =
      json_answer(200, Json::object({{"token_type", "Bearer"},
                                     {"expires_in", kSeconds},
                                     {"ext_expires_in", kSeconds},
                                     {"expires_on", call.env.clock.now_ms() / 1'000 + kSeconds},
                                     {"resource", audience},
                                     {"access_token", *token}}));
  out.set("Cache-Control", "no-store");
  return out;
}

}  // namespace mlgate::management
