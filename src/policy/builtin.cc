// Every policy of the catalogue, in its order. Those without a registration of their own are known
// by name and place, so that a document gets the right refusal; none is ever skipped silently.
#include "policy/builtin/builtin.h"

#include "policy/catalog.h"

namespace mlgate::policy {

namespace {

constexpr unsigned kI = bit(Section::inbound), kB = bit(Section::backend),
                   kO = bit(Section::outbound), kE = bit(Section::on_error);
constexpr unsigned kAll = kI | kB | kO | kE;
constexpr unsigned kGpa = bit(Scope::global) | bit(Scope::product) | bit(Scope::api);

struct Known {
  std::string_view name;
  unsigned sections;
  unsigned scopes = kAllScopes;
};

constexpr Known kKnown[] = {
    {"llm-token-limit", kI},
    {"azure-openai-token-limit", kI},
    {"check-header", kI},
    {"ip-filter", kI},
    {"validate-jwt", kI},
    {"validate-azure-ad-token", kI},
    {"validate-client-certificate", kI},
    {"get-authorization-context", kI},
    {"authentication-basic", kI},
    {"authentication-certificate", kI},
    {"authentication-managed-identity", kI},
    {"validate-content", kI | kO | kE},
    {"validate-parameters", kI},
    {"validate-headers", kO | kE},
    {"validate-status-code", kO | kE},
    {"validate-odata-request", kI, kGpa},
    {"validate-graphql-request", kI, kGpa},
    {"proxy", kI},
    {"cors", kI},
    {"jsonp", kO},
    {"cross-domain", kI, bit(Scope::global)},
    {"set-query-parameter", kI | kB},
    {"set-body", kI | kO | kB},
    {"set-method", kI | kE},
    {"set-status", kAll},
    {"rewrite-uri", kI},
    {"find-and-replace", kAll},
    {"redirect-content-urls", kI | kO},
    {"json-to-xml", kI | kO | kE},
    {"xml-to-json", kI | kO | kE},
    {"xsl-transform", kI | kO},
    {"cache-lookup", kI},
    {"cache-store", kO},
    {"cache-lookup-value", kAll},
    {"cache-store-value", kAll},
    {"cache-remove-value", kAll},
    {"llm-semantic-cache-lookup", kI},
    {"azure-openai-semantic-cache-lookup", kI},
    {"llm-semantic-cache-store", kO},
    {"azure-openai-semantic-cache-store", kO},
    {"choose", kAll},
    {"retry", kAll},
    {"wait", kI | kO | kB},
    {"mock-response", kI | kO | kE},
    {"include-fragment", kAll},
    {"trace", kAll},
    {"send-request", kAll},
    {"send-one-way-request", kAll},
    {"log-to-eventhub", kAll},
    {"send-service-bus-message", kI | kO | kE},
    {"publish-to-dapr", kAll},
    {"publish-to-darp", kAll},
    {"invoke-dapr-binding", kAll},
    {"invoke-darp-binding", kAll},
    {"emit-metric", kAll},
    {"llm-emit-token-metric", kI},
    {"azure-openai-emit-token-metric", kI},
    {"llm-content-safety", kI | kO, kGpa},
    {"http-data-source", kAll},
    {"sql-data-source", kAll},
    {"cosmosdb-data-source", kAll},
    {"publish-event", kAll},
};

}  // namespace

PolicyCatalog builtin_policies() {
  PolicyCatalog catalog;
  register_rate_limit(catalog);
  register_rate_limit_by_key(catalog);
  register_quota(catalog);
  register_quota_by_key(catalog);
  register_limit_concurrency(catalog);
  register_forward_request(catalog);
  register_set_header(catalog);
  register_set_backend_service(catalog);
  register_set_variable(catalog);
  register_return_response(catalog);
  for (const auto& known : kKnown) {
    catalog.add({.name = known.name, .sections = known.sections, .scopes = known.scopes});
  }
  return catalog;
}

}  // namespace mlgate::policy
