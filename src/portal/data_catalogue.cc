// The catalogue as the data API shows it: APIs, operations, products.
#include "apim/codec.h"
#include "apim/entities.h"
#include "apim/openapi.h"
#include "base/text.h"
#include "portal/console_api.h"
#include "portal/data_internal.h"

#include <algorithm>

namespace mlgate::portal {
namespace {

// The words of `contains(name,'…')`, the one filter that the developer portal makes.
Result<std::string> name_filter(const http::Request& request) {
  constexpr std::string_view kBegin = "contains(name,'", kEnd = "')";
  const auto sent = http::query_parameter(request.query, "$filter");
  std::string_view text = sent ? trim(*sent) : std::string_view();
  if (text.empty()) return std::string();
  while (text.starts_with('(') && text.ends_with(')')) text = text.substr(1, text.size() - 2);
  if (!text.starts_with(kBegin) || !text.ends_with(kEnd) ||
      text.size() < kBegin.size() + kEnd.size())
    return fail(Errc::invalid_argument, "'$filter' has to be contains(name,'…').", "$filter");
  text = text.substr(kBegin.size(), text.size() - kBegin.size() - kEnd.size());
  return to_lower(replace_all(text, "''", "'"));
}

// Where its service is, and what the publisher keeps of it otherwise, is nobody else's business.
Result<Json> api_json(DataCall& call, const apim::Api& api) {
  const Json all = apim::properties_of(api);
  Json out = Json::object({{"id", Json(api.name)}, {"name", Json(api.display_name)}});
  for (const char* name : {"description", "path", "protocols", "type", "subscriptionRequired",
                           "subscriptionKeyParameterNames", "apiVersion"})
    if (const Json* found = all.find(name)) out.set(name, *found);
  TRY(const ApiAddress address,
      address_of(call.api.repository(), call.api.gateway(), call.visit.service, api));
  out.set("gatewayUrl", address.url());
  if (!address.query.empty()) out.set("versionQuery", address.query);
  if (!address.header.empty())
    out.set("versionHeader",
            Json::object({{"name", Json(address.header)}, {"value", Json(address.header_value)}}));
  return out;
}

Json operation_json(const apim::Operation& operation) {
  const Json all = apim::properties_of(operation);
  Json out = Json::object({{"id", Json(operation.name)}, {"name", Json(operation.display_name)}});
  for (const char* name :
       {"method", "urlTemplate", "description", "templateParameters", "request", "responses"})
    if (const Json* found = all.find(name)) out.set(name, *found);
  return out;
}

Json product_json(const apim::Product& product) {
  Json out = apim::properties_of(product);
  out.erase("displayName");
  out.set("id", product.name);
  out.set("name", product.display_name);
  return out;
}

Answer api_list(DataCall& call, std::vector<apim::Api> apis) {
  TRY(const std::string words, name_filter(call.request));
  std::vector<Json> out;
  for (const apim::Api& api : apis) {
    if (to_lower(api.display_name).find(words) == std::string::npos) continue;
    TRY(Json item, api_json(call, api));
    out.push_back(std::move(item));
  }
  return list_answer(call, std::move(out));
}

Answer product_list(DataCall& call, const std::vector<apim::Product>& products) {
  TRY(const std::string words, name_filter(call.request));
  std::vector<Json> out;
  for (const apim::Product& product : products)
    if (to_lower(product.display_name).find(words) != std::string::npos)
      out.push_back(product_json(product));
  return list_answer(call, std::move(out));
}

// `?export=true`: the API as a document, in the one format there is.
Answer export_api(DataCall& call, const apim::Api& api) {
  const std::string_view accept = call.request.header("accept");
  const bool other =
      accept.starts_with("application/vnd.") || accept.starts_with("application/wsdl");
  if (other && accept != "application/vnd.oai.openapi+json")
    return console_failure(406, "NotAcceptable", "APIs are exported as OpenAPI 3 in JSON.");
  auto reader = call.api.repository().reader();
  TRY(const auto operations,
      apim::find_all<apim::Operation>(reader, call.visit.service.name, api.name));
  TRY(const ApiAddress address,
      address_of(call.api.repository(), call.api.gateway(), call.visit.service, api));
  http::Response out = json_answer(200, apim::to_openapi(api, operations,
                                                         {.url = address.url(),
                                                          .version_header = address.header,
                                                          .version_value = address.header_value,
                                                          .version_query = address.query}));
  out.headers.front().second = "application/vnd.oai.openapi+json; charset=utf-8";
  return out;
}

}  // namespace

// What the portal's frame needs to know.
Answer get_instance(DataCall& call) {
  const Visit& visit = call.visit;
  return json_answer(
      200, Json::object({{"id", Json(visit.service.name)},
                         {"organization", Json(visit.service.publisher_name)},
                         {"gatewayUrl", Json(gateway_url(call.api.gateway(), visit.service))},
                         {"administrator", Json(visit.viewer.administrator)},
                         {"user", visit.viewer.user ? user_json(*visit.viewer.user) : Json()}}));
}

Answer list_apis(DataCall& call) {
  TRY(const Catalogue catalogue, call.visit.catalogue(call.api.repository()));
  TRY(auto apis, catalogue.apis());
  return api_list(call, std::move(apis));
}

Answer get_api(DataCall& call) {
  TRY(const Catalogue catalogue, call.visit.catalogue(call.api.repository()));
  TRY(const apim::Api api, catalogue.api(call.args[0]));
  if (http::query_parameter(call.request.query, "export") == "true") return export_api(call, api);
  TRY(const Json out, api_json(call, api));
  return json_answer(200, out);
}

Answer list_operations(DataCall& call) {
  TRY(const Catalogue catalogue, call.visit.catalogue(call.api.repository()));
  TRY(const apim::Api api, catalogue.api(call.args[0]));
  auto reader = call.api.repository().reader();
  TRY(const auto all, apim::find_all<apim::Operation>(reader, call.visit.service.name, api.name));
  std::vector<Json> out;
  for (const apim::Operation& one : all) out.push_back(operation_json(one));
  return list_answer(call, std::move(out));
}

Answer get_operation(DataCall& call) {
  TRY(const Catalogue catalogue, call.visit.catalogue(call.api.repository()));
  TRY(const apim::Api api, catalogue.api(call.args[0]));
  auto reader = call.api.repository().reader();
  TRY(const auto found,
      apim::find<apim::Operation>(reader, {call.visit.service.name, api.name, call.args[1]}));
  if (!found) return fail(Errc::not_found, "Operation not found.");
  return json_answer(200, operation_json(*found));
}

Answer list_products_of_api(DataCall& call) {
  TRY(const Catalogue catalogue, call.visit.catalogue(call.api.repository()));
  TRY(const apim::Api api, catalogue.api(call.args[0]));
  return product_list(call, catalogue.products_of(api));
}

Answer list_products(DataCall& call) {
  TRY(const Catalogue catalogue, call.visit.catalogue(call.api.repository()));
  return product_list(call, catalogue.products());
}

Answer get_product(DataCall& call) {
  TRY(const Catalogue catalogue, call.visit.catalogue(call.api.repository()));
  TRY(const apim::Product product, catalogue.product(call.args[0]));
  return json_answer(200, product_json(product));
}

Answer list_apis_of_product(DataCall& call) {
  TRY(const Catalogue catalogue, call.visit.catalogue(call.api.repository()));
  TRY(const apim::Product product, catalogue.product(call.args[0]));
  TRY(auto apis, catalogue.apis_of(product));
  return api_list(call, std::move(apis));
}

}  // namespace mlgate::portal
