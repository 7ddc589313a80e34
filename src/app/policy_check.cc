#include "app/policy_check.h"

#include "gateway/backend.h"
#include "policy/catalog.h"
#include "policy/pipeline.h"

#include <optional>
#include <utility>

namespace mlgate::app {
namespace {

policy::Scope policy_scope(apim::PolicyScopeKind kind) {
  switch (kind) {
    case apim::PolicyScopeKind::global:
      return policy::Scope::global;
    case apim::PolicyScopeKind::product:
      return policy::Scope::product;
    case apim::PolicyScopeKind::api:
      return policy::Scope::api;
    case apim::PolicyScopeKind::operation:
      return policy::Scope::operation;
  }
  return policy::Scope::global;
}

}  // namespace

std::vector<Error> check_policy(const apim::PolicyScope& scope, std::string_view text,
                                apim::PolicyFormat format, const management::PolicyWorld& world) {
  policy::Placement placement{.scope = policy_scope(scope.kind)};
  placement.has_backend = world.has_backend;
  placement.take_base_url = [](std::string_view url) -> Result<void> {
    TRY_OK(gateway::parse_backend(url));
    return {};
  };
  const policy::NamedValues named_value =
      [&world](std::string_view name) -> std::optional<policy::NamedValue> {
    auto value = world.named_value ? world.named_value(name) : std::nullopt;
    if (!value) return std::nullopt;
    return policy::NamedValue{.text = *std::move(value)};
  };
  return policy::compile_document(
             policy::builtin_policies(), text,
             format == apim::PolicyFormat::xml ? policy::Format::xml : policy::Format::rawxml,
             placement, named_value)
      .errors;
}

}  // namespace mlgate::app
