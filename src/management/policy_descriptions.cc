// Which policies this build has, as an editor wants to know them: where each may stand, its
// attributes and its children, from the declarations that documents are checked against.
#include "base/text.h"
#include "management/call_internal.h"
#include "management/handlers_internal.h"
#include "policy/catalog.h"

#include <algorithm>
#include <array>

namespace mlgate::management {
namespace {

struct NamedScope {
  std::string_view name;
  unsigned scopes;
};
constexpr std::array kScopeNames{NamedScope{"Tenant", policy::bit(policy::Scope::global)},
                                 NamedScope{"Product", policy::bit(policy::Scope::product)},
                                 NamedScope{"Api", policy::bit(policy::Scope::api)},
                                 NamedScope{"Operation", policy::bit(policy::Scope::operation)},
                                 NamedScope{"All", policy::kAllScopes}};

std::string_view to_text(policy::ParamType type) {
  switch (type) {
    case policy::ParamType::text:
      return "text";
    case policy::ParamType::integer:
      return "integer";
    case policy::ParamType::boolean:
      return "boolean";
    case policy::ParamType::choice:
      return "choice";
    case policy::ParamType::header_name:
      return "header";
  }
  return "text";
}

Json values_of(const policy::ParamSpec& spec) {
  Json out = Json::array();
  for (const std::string_view one : spec.choices) out.push(one);
  if (spec.type != policy::ParamType::boolean) return out;
  out.push("true");
  out.push("false");
  return out;
}

Json attribute_json(const policy::ParamSpec& spec) {
  Json out = Json::object({{"name", spec.name},
                           {"type", to_text(spec.type)},
                           {"required", spec.required},
                           {"expression", spec.expression || spec.own_expression},
                           {"description", spec.help},
                           {"values", values_of(spec)}});
  if (!spec.otherwise.empty()) out.set("default", spec.otherwise);
  if (spec.type == policy::ParamType::integer) {
    out.set("minimum", spec.min);
    out.set("maximum", spec.max);
  }
  return out;
}

// The declarations are constants of the program; they are four deep at most.
void add_element(const policy::ElementSpec& spec, Json& out) {
  Json attributes = Json::array();
  for (const policy::ParamSpec& one : spec.attributes) attributes.push(attribute_json(one));
  Json children = Json::array();
  for (const policy::ElementSpec& one : spec.children) {
    Json child = Json::object({{"name", one.name}});
    add_element(one, child);
    children.push(std::move(child));
  }
  out.set("attributes", std::move(attributes));
  out.set("children", std::move(children));
  out.set("text", spec.text);
}

Json properties_of(const policy::PolicyInfo& info) {
  Json sections = Json::array();
  for (std::size_t i = 0; i < policy::kSections; ++i) {
    const auto section = policy::Section(i);
    if (info.sections & policy::bit(section)) sections.push(policy::to_text(section));
  }
  Json out = Json::object({{"description", info.help},
                           {"scope", std::int64_t(info.scopes)},
                           {"sections", std::move(sections)},
                           {"once", info.once},
                           {"holdsPolicies", info.leave != nullptr}});
  add_element(*info.grammar, out);
  return out;
}

}  // namespace

http::Response list_policy_descriptions(Call& call) {
  const std::string wanted = call.query("scope").value_or("All");
  const auto scope = std::ranges::find_if(
      kScopeNames, [&](const NamedScope& one) { return equals_ignoring_case(one.name, wanted); });
  if (scope == kScopeNames.end()) {
    return error_answer(fail(Errc::invalid_argument,
                             "'scope' has to be one of: Tenant, Product, Api, Operation, All.",
                             "scope")
                            .error());
  }
  const policy::PolicyCatalog catalog = policy::builtin_policies();
  Json list = Json::array();
  std::int64_t count = 0;
  for (const policy::PolicyInfo& info : catalog.list()) {
    if (!info.grammar || !(info.scopes & scope->scopes)) continue;
    list.push(envelope(call, "/policyDescriptions/" + std::string(info.name), "policyDescriptions",
                       info.name, properties_of(info)));
    ++count;
  }
  return json_answer(200, Json::object({{"value", std::move(list)}, {"count", count}}));
}

}  // namespace mlgate::management
