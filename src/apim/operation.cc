// Operations: the template and its parameters have to agree, and requests and responses keep their
// shape.
#include "apim/entities.h"
#include "apim/url_template.h"
#include "base/text.h"

#include <algorithm>

namespace mlgate::apim {
namespace {

constexpr std::size_t kItemsMax = 1'000;

std::string at(std::string_view list, std::size_t index) {
  return std::string(list) + "[" + std::to_string(index) + "].";
}

Json list_or_empty(const Json& object, std::string_view name) {
  const Json& found = object[name];
  return found.is_array() ? found : Json::array();
}

// One ParameterContract.
Json read_parameter(const Json& item, const std::string& prefix, Errors& errors) {
  PropertyReader in(item, errors, prefix);
  (void)in.required_text("name", {1, 512});
  (void)in.required_text("type", {1, 256});
  (void)in.optional_text("description", {});
  (void)in.optional_text("defaultValue", {});
  (void)in.optional_flag("required");
  (void)in.texts("values");
  Json out = copy_members(item, {"name", "description", "type", "defaultValue", "required"});
  out.set("values", list_or_empty(item, "values"));
  for (const char* name : {"schemaId", "typeName", "examples"})
    if (const Json* found = item.find(name); found && !found->is_null()) out.set(name, *found);
  return out;
}

Json read_representation(const Json& item, const std::string& prefix, Errors& errors) {
  PropertyReader in(item, errors, prefix);
  (void)in.required_text("contentType", {1, 256});
  return copy_members(item, {"contentType", "schemaId", "typeName", "formParameters", "examples"});
}

using ReadItem = Json (*)(const Json&, const std::string&, Errors&);

Json read_list(const Json& from, const std::string& prefix, std::string_view name, ReadItem read,
               Errors& errors) {
  Json out = Json::array();
  PropertyReader in(from, errors, prefix);
  const Json* list = in.array(name);
  if (list == nullptr) return out;
  if (list->items().size() > kItemsMax) {
    in.reject(name, "'" + std::string(name) + "' has more than 1000 items.");
    return out;
  }
  for (std::size_t i = 0; i < list->items().size(); ++i) {
    const Json& item = list->items()[i];
    const std::string path = prefix + at(name, i);
    if (item.is_object())
      out.push(read(item, path, errors));
    else
      in.reject(name, "'" + std::string(name) + "' has to be a list of objects.");
  }
  return out;
}

Json read_request(const Json& from, Errors& errors) {
  const std::string prefix = "request.";
  PropertyReader in(from, errors, prefix);
  Json out = Json::object();
  if (auto text = in.optional_text("description", {})) out.set("description", *std::move(text));
  out.set("queryParameters", read_list(from, prefix, "queryParameters", read_parameter, errors));
  out.set("headers", read_list(from, prefix, "headers", read_parameter, errors));
  out.set("representations",
          read_list(from, prefix, "representations", read_representation, errors));
  return out;
}

Json read_response(const Json& item, const std::string& prefix, Errors& errors) {
  PropertyReader in(item, errors, prefix);
  if (!in.has("statusCode")) in.reject("statusCode", "'statusCode' is required.");
  (void)in.optional_integer("statusCode", 100, 599);
  (void)in.optional_text("description", {});
  Json out = copy_members(item, {"statusCode", "description"});
  out.set("representations",
          read_list(item, prefix, "representations", read_representation, errors));
  out.set("headers", read_list(item, prefix, "headers", read_parameter, errors));
  return out;
}

bool is_method(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) {
    return is_alpha(c) || is_digit(c) ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

// Every parameter of the template is declared, and every declared one is in the template.
void check_template(const Operation& operation, Errors& errors) {
  const auto parsed = parse_url_template(operation.url_template);
  if (!parsed) {
    errors.push_back(parsed.error());
    return;
  }
  const auto& declared = operation.template_parameters.items();
  const auto is_declared = [&](const TemplateParameter& used) {
    return std::ranges::any_of(declared, [&](const Json& one) {
      return equals_ignoring_case(one.string_or("name"), used.name);
    });
  };
  const auto is_used = [&](const Json& one) {
    return std::ranges::any_of(parsed->parameters, [&](const TemplateParameter& used) {
      return equals_ignoring_case(one.string_or("name"), used.name);
    });
  };
  if (!std::ranges::all_of(parsed->parameters, is_declared) ||
      !std::ranges::all_of(declared, is_used)) {
    reject(errors, "templateParameters",
           "All template parameters used in the UriTemplate must be defined in the Operation, and "
           "all defined template parameters must be used in the UriTemplate.");
    return;
  }
  for (std::size_t i = 0; i < declared.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (equals_ignoring_case(declared[i].string_or("name"), declared[j].string_or("name")))
        return reject(errors, "templateParameters",
                      "The template parameter '" + std::string(declared[i].string_or("name")) +
                          "' is defined more than once.");
}

}  // namespace

Operation parse_operation(const Json& properties, const Operation* before, Errors& errors) {
  PropertyReader in(properties, errors);
  Operation operation;
  if (before != nullptr) {
    static_cast<Entity&>(operation) = *before;
    operation.api = before->api;
    operation.order = before->order;
  }
  operation.display_name = in.required_text("displayName", {1, 300});
  operation.method = in.required_text("method", {1, 64});
  if (!is_method(operation.method))
    in.reject("method", "'method' is not a name of an HTTP method.");
  operation.url_template = in.required_text("urlTemplate", {1, 1'000});
  operation.template_parameters =
      read_list(properties, "", "templateParameters", read_parameter, errors);
  if (!operation.url_template.empty()) check_template(operation, errors);
  operation.properties = Json::object();
  if (auto text = in.optional_text("description", {0, 1'000}))
    operation.properties.set("description", *std::move(text));
  const Json* request = in.object("request");
  operation.properties.set("request", read_request(request ? *request : Json::object(), errors));
  operation.properties.set("responses",
                           read_list(properties, "", "responses", read_response, errors));
  return operation;
}

Json properties_of(const Operation& operation) {
  Json out = Json::object();
  out.set("displayName", operation.display_name);
  out.set("method", operation.method);
  out.set("urlTemplate", operation.url_template);
  out.set("templateParameters", operation.template_parameters);
  out.set("description", operation.properties["description"]);
  out.set("request", operation.properties["request"]);
  out.set("responses", operation.properties["responses"]);
  out.set("policies", nullptr);
  return out;
}

}  // namespace mlgate::apim
