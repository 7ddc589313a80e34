#include "apim/openapi.h"

#include "base/text.h"

#include <algorithm>
#include <array>
#include <optional>

namespace mlgate::apim {
namespace {

constexpr std::array<std::string_view, 8> kMethods{"get",     "put",  "post",  "delete",
                                                   "options", "head", "patch", "trace"};
constexpr std::array<std::string_view, 4> kTypes{"string", "integer", "number", "boolean"};

const Json* find_declared(const Json& list, std::string_view name) {
  for (const Json& one : list.items())
    if (equals_ignoring_case(one.string_or("name"), name)) return &one;
  return nullptr;
}

Json schema_of(const Json* declared) {
  const std::string type = declared ? to_lower(declared->string_or("type")) : "string";
  const bool known = std::ranges::find(kTypes, type) != kTypes.end();
  Json out = Json::object({{"type", Json(known ? type : "string")}});
  if (!declared) return out;
  if (const Json& values = (*declared)["values"]; !values.items().empty()) out.set("enum", values);
  if (const auto text = declared->string_or("defaultValue"); !text.empty())
    out.set("default", text);
  return out;
}

// `declared` may be nullptr.
Json parameter(std::string_view name, std::string_view where, const Json* declared) {
  Json out = Json::object({{"name", Json(name)}, {"in", Json(where)}});
  if (declared && !declared->string_or("description").empty())
    out.set("description", declared->string_or("description"));
  const bool required = where == "path" || (declared && declared->bool_or("required", false));
  if (required) out.set("required", true);
  out.set("schema", schema_of(declared));
  return out;
}

Json fixed_parameter(std::string_view name, std::string_view where, std::string_view value) {
  return Json::object(
      {{"name", Json(name)},
       {"in", Json(where)},
       {"required", Json(true)},
       {"schema", Json::object({{"type", Json("string")}, {"enum", Json::array({Json(value)})}})}});
}

// Names between braces, without star; `text` gets its stars taken out.
std::vector<std::string> take_names(std::string& text) {
  std::vector<std::string> out;
  for (std::size_t open = text.find('{'); open != std::string::npos; open = text.find('{', open)) {
    if (text.substr(open + 1, 1) == "*") text.erase(open + 1, 1);
    const std::size_t close = std::min(text.find('}', open), text.size());
    out.push_back(text.substr(open + 1, close - open - 1));
    open = close;
  }
  return out;
}

// "api-version={v}&kind=x": a parameter, and one that has always the same value.
void add_query(Json& parameters, std::string_view query, const Json& declared) {
  for (const std::string_view pair : split(query, '&')) {
    if (pair.empty()) continue;
    const auto equals = std::min(pair.find('='), pair.size());
    const std::string name = percent_decode(pair.substr(0, equals)).value_or(std::string());
    std::string value(pair.substr(std::min(equals + 1, pair.size())));
    const auto names = take_names(value);
    if (names.empty())
      parameters.push(
          fixed_parameter(name, "query", percent_decode(value).value_or(std::string())));
    else
      parameters.push(parameter(name, "query", find_declared(declared, names.front())));
  }
}

// {"application/json": {…}} of representations.
Json content_of(const Json& representations) {
  Json out = Json::object();
  for (const Json& one : representations.items()) {
    Json media = Json::object();
    if (const Json& examples = one["examples"]; !examples.members().empty())
      media.set("examples", examples);
    out.set(one.string_or("contentType"), std::move(media));
  }
  return out;
}

Json responses_of(const Json& responses) {
  Json out = Json::object();
  for (const Json& one : responses.items()) {
    Json response = Json::object({{"description", Json(one.string_or("description"))}});
    Json headers = Json::object();
    for (const Json& header : one["headers"].items())
      headers.set(header.string_or("name"), Json::object({{"schema", schema_of(&header)}}));
    if (!headers.members().empty()) response.set("headers", std::move(headers));
    if (Json content = content_of(one["representations"]); !content.members().empty())
      response.set("content", std::move(content));
    out.set(std::to_string(one.int_or("statusCode", 0)), std::move(response));
  }
  if (out.members().empty())
    out.set("default", Json::object({{"description", Json("The answer of the service.")}}));
  return out;
}

Json operation_of(const Operation& operation, const std::vector<std::string>& path_names,
                  std::string_view query, const OpenApiServer& server) {
  const Json& request = operation.properties["request"];
  Json parameters = Json::array();
  for (const std::string& name : path_names)
    parameters.push(parameter(name, "path", find_declared(operation.template_parameters, name)));
  add_query(parameters, query, operation.template_parameters);
  for (const Json& one : request["queryParameters"].items())
    parameters.push(parameter(one.string_or("name"), "query", &one));
  add_query(parameters, server.version_query, Json::array());
  for (const Json& one : request["headers"].items()) {
    const std::string_view name = one.string_or("name");
    // The format says what has become of these elsewhere.
    if (equals_ignoring_case(name, "content-type") || equals_ignoring_case(name, "accept") ||
        equals_ignoring_case(name, "authorization"))
      continue;
    parameters.push(parameter(name, "header", &one));
  }
  if (!server.version_header.empty())
    parameters.push(fixed_parameter(server.version_header, "header", server.version_value));
  Json out = Json::object(
      {{"operationId", Json(operation.name)}, {"summary", Json(operation.display_name)}});
  if (const auto text = operation.properties.string_or("description"); !text.empty())
    out.set("description", text);
  if (!parameters.items().empty()) out.set("parameters", std::move(parameters));
  if (Json content = content_of(request["representations"]); !content.members().empty())
    out.set("requestBody", Json::object({{"content", std::move(content)}}));
  out.set("responses", responses_of(operation.properties["responses"]));
  return out;
}

void add_key(const Api& api, Json& document) {
  if (!api.subscription_required) return;
  const auto scheme = [](std::string_view where, std::string_view name) {
    return Json::object({{"type", Json("apiKey")}, {"name", Json(name)}, {"in", Json(where)}});
  };
  document.set("components",
               Json::object({{"securitySchemes",
                              Json::object({{"apiKeyHeader", scheme("header", api.key_header)},
                                            {"apiKeyQuery", scheme("query", api.key_query)}})}}));
  document.set("security", Json::array({Json::object({{"apiKeyHeader", Json::array()}}),
                                        Json::object({{"apiKeyQuery", Json::array()}})}));
}

}  // namespace

Json to_openapi(const Api& api, const std::vector<Operation>& operations,
                const OpenApiServer& server) {
  const std::string version = api.api_version.empty() ? "1.0" : api.api_version;
  Json info = Json::object({{"title", Json(api.display_name)}, {"version", Json(version)}});
  if (api.description && !api.description->empty()) info.set("description", *api.description);
  Json paths = Json::object();
  for (const Operation& operation : operations) {
    const std::string method = to_lower(operation.method);
    if (std::ranges::find(kMethods, method) == kMethods.end()) continue;
    const std::string_view whole = operation.url_template;
    const auto mark = std::min(whole.find('?'), whole.size());
    std::string path(whole.substr(0, mark));
    if (!path.starts_with('/')) path.insert(0, "/");
    const auto names = take_names(path);
    if (paths.find(path) == nullptr) paths.set(path, Json::object());
    // Of two that differ in their queries alone the format can have but one.
    Json& at = *paths.find(path);
    if (at.find(method) == nullptr)
      at.set(method, operation_of(operation, names, whole.substr(std::min(mark + 1, whole.size())),
                                  server));
  }
  Json out = Json::object({{"openapi", Json("3.0.1")},
                           {"info", std::move(info)},
                           {"servers", Json::array({Json::object({{"url", Json(server.url)}})})},
                           {"paths", std::move(paths)}});
  add_key(api, out);
  return out;
}

}  // namespace mlgate::apim
