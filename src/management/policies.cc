// Policy documents at their four scopes. A document is checked before anything is written.
#include "apim/policy_text.h"
#include "base/text.h"
#include "management/entity_internal.h"
#include "management/handlers_internal.h"
#include "management/list_internal.h"

#include <algorithm>

namespace mlgate::management {
namespace {

struct Scope {
  apim::PolicyScope scope;
  std::string path;  // Of the owner: "", "/products/p", "/apis/a", "/apis/a/operations/o".
  std::string type;  // "policies", "products/policies", …
};

// The arguments of the path say whose document it is; the owner has to be there. `policy_id` is
// behind them.
Result<Scope> scope_of(const Call& call, apim::Reader& reader, std::size_t owners) {
  const std::string& service = call.service.name;
  if (owners == 0) return Scope{{}, "", "policies"};
  if (owners == 2) {
    TRY(const apim::Place at, api_place(call, call.arg(0)));
    TRY(const auto api, require<apim::Api>(reader, at));
    TRY(const auto operation, require<apim::Operation>(reader, {service, api.name, call.arg(1)}));
    return Scope{{apim::PolicyScopeKind::operation, api.name, operation.name},
                 path_of(operation),
                 "apis/operations/policies"};
  }
  if (call.pattern.starts_with("products/")) {
    TRY(const auto product, require<apim::Product>(reader, {service, "", call.arg(0)}));
    return Scope{
        {apim::PolicyScopeKind::product, product.name, ""}, path_of(product), "products/policies"};
  }
  TRY(const apim::Place at, api_place(call, call.arg(0)));
  TRY(const auto api, require<apim::Api>(reader, at));
  return Scope{{apim::PolicyScopeKind::api, api.name, ""}, path_of(api), "apis/policies"};
}

std::unexpected<Error> no_policy() { return fail(Errc::not_found, "Policy not found."); }

// The scope behind a path that ends in /policies/{policyId}.
Result<Scope> scope_of_document(const Call& call, apim::Reader& reader) {
  TRY(Scope scope, scope_of(call, reader, call.args.size() - 1));
  if (!equals_ignoring_case(call.args.back(), "policy")) return no_policy();
  return scope;
}

Result<apim::PolicyFormat> wanted_format(const Call& call, apim::PolicyFormat otherwise) {
  const auto format = call.query("format");
  if (!format) return otherwise;
  if (*format == "xml") return apim::PolicyFormat::xml;
  if (*format == "rawxml") return apim::PolicyFormat::rawxml;
  return fail(Errc::invalid_argument, "'format' has to be one of: xml, rawxml.", "format");
}

Json policy_json(const Call& call, const Scope& scope, apim::Policy policy,
                 apim::PolicyFormat format) {
  policy.text = apim::convert_policy(policy.text, policy.format, format);
  policy.format = format;
  return envelope(call, scope.path + "/policies/policy", scope.type, "policy",
                  apim::properties_of(policy));
}

Result<PolicyWorld> world_of(const Call& call, apim::Transaction& tx) {
  TRY(const auto values, apim::find_all<apim::NamedValue>(tx, call.service.name));
  TRY(const auto backends, apim::find_all<apim::Backend>(tx, call.service.name));
  PolicyWorld out;
  out.named_value = [values](std::string_view name) -> std::optional<std::string> {
    for (const auto& one : values)
      if (one.display_name == name) return one.value;
    return std::nullopt;
  };
  out.has_backend = [backends](std::string_view name) {
    return std::ranges::any_of(
        backends, [&](const apim::Backend& one) { return equals_ignoring_case(one.name, name); });
  };
  return out;
}

Result<void> write_policy(const Call& call, const Json& body, apim::Transaction& tx,
                          bool& created) {
  TRY(const Scope scope, scope_of_document(call, tx));
  TRY(const auto before, apim::find_policy(tx, call.service.name, scope.scope));
  created = !before.has_value();
  TRY_OK(check_preconditions(call.request, before ? before->version : 0));
  const Json& sent = body["properties"];
  const Json none = Json::object();
  apim::Policy next =
      apim::parse_policy(sent.is_object() ? sent : none, before ? &*before : nullptr, tx.errors);
  next.scope = scope.scope;
  TRY_OK(tx.check());
  if (call.env.options.check_policy) {
    TRY(const auto world, world_of(call, tx));
    tx.errors = call.env.options.check_policy(next.scope, next.text, next.format, world);
    TRY_OK(tx.check());
  }
  return apim::Editor(tx, call.service.name).put(std::move(next), before ? &*before : nullptr);
}

}  // namespace

http::Response list_policies(Call& call) {
  auto reader = call.reader();
  const auto items = [&]() -> Result<std::vector<Json>> {
    TRY(const Scope scope, scope_of(call, reader, call.args.size()));
    TRY(const auto policy, apim::find_policy(reader, call.service.name, scope.scope));
    std::vector<Json> out;
    if (policy) {
      TRY(const auto format, wanted_format(call, apim::PolicyFormat::xml));
      out.push_back(policy_json(call, scope, *policy, format));
    }
    return out;
  }();
  if (!items) return error_answer(items.error());
  return list_answer(call, *items, {});
}

http::Response get_policy(Call& call) {
  auto reader = call.reader();
  std::uint64_t version = 0;
  const auto found = [&]() -> Result<Json> {
    TRY(const Scope scope, scope_of_document(call, reader));
    TRY(const auto policy, apim::find_policy(reader, call.service.name, scope.scope));
    if (!policy) return no_policy();
    version = policy->version;
    TRY(const auto format, wanted_format(call, apim::PolicyFormat::xml));
    return policy_json(call, scope, *policy, format);
  }();
  if (!found) return error_answer(found.error());
  if (is_not_modified(call, version)) return with_etag(empty_answer(304), version);
  return with_etag(json_answer(200, *found), version);
}

http::Response put_policy(Call& call) {
  const auto body = body_of(call.request);
  if (!body) return error_answer(400, "InvalidRequestContent", body.error().message());
  if (!equals_ignoring_case(call.args.back(), "policy"))
    return validation_answer(
        {Error(Errc::invalid_argument, "The name of a policy document is 'policy'.", "policyId")});
  apim::Errors errors;
  bool created = false;
  const auto written = call.transact(
      [&](apim::Transaction& tx) { return write_policy(call, *body, tx, created); }, errors);
  if (!written) return error_answer(written.error(), errors);
  auto reader = call.reader();
  std::uint64_t version = 0;
  const auto now = [&]() -> Result<Json> {
    TRY(const Scope scope, scope_of_document(call, reader));
    TRY(const auto policy, apim::find_policy(reader, call.service.name, scope.scope));
    if (!policy) return no_policy();
    version = policy->version;
    return policy_json(call, scope, *policy, policy->format);
  }();
  if (!now) return error_answer(now.error());
  return with_etag(json_answer(created ? 201 : 200, *now), version);
}

http::Response delete_policy(Call& call) {
  apim::Errors errors;
  bool existed = false;
  const auto done = call.transact(
      [&](apim::Transaction& tx) -> Result<void> {
        TRY(const Scope scope, scope_of_document(call, tx));
        TRY(const auto policy, apim::find_policy(tx, call.service.name, scope.scope));
        existed = policy.has_value();
        if (!policy) return {};
        TRY_OK(check_preconditions(call.request, policy->version));
        return apim::Editor(tx, call.service.name).erase(*policy);
      },
      errors);
  if (!done) return error_answer(done.error(), errors);
  return empty_answer(existed ? 200 : 204);
}

}  // namespace mlgate::management
