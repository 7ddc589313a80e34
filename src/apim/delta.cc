#include "apim/delta.h"

#include "apim/codec.h"
#include "apim/keys_internal.h"
#include "base/text.h"

namespace mlgate::apim {
namespace {

constexpr std::string_view kInstances = "in/";

template <class T>
Result<void> take(const ChangedDocument& changed, std::string_view name, const Secrets& secrets,
                  Changes<T>& out) {
  if (!changed.second) {
    out.gone.emplace_back(name);
    return {};
  }
  TRY(T entity, decode<T>(*changed.second, secrets));
  out.put.push_back(std::move(entity));
  return {};
}

// "global", "product/p", "api/a", "operation/a/o".
PolicyScope scope_in(std::string_view name) {
  const auto parts = split(name, '/');
  if (parts[0] == "product" && parts.size() == 2)
    return {PolicyScopeKind::product, std::string(parts[1]), ""};
  if (parts[0] == "api" && parts.size() == 2)
    return {PolicyScopeKind::api, std::string(parts[1]), ""};
  if (parts[0] == "operation" && parts.size() == 3)
    return {PolicyScopeKind::operation, std::string(parts[1]), std::string(parts[2])};
  return {};
}

Result<void> take_link(const ChangedDocument& changed, std::string_view name, ModelDelta& out) {
  const std::size_t slash = name.find('/');
  if (slash == name.npos) return {};
  out.links.push_back({std::string(name.substr(0, slash)), std::string(name.substr(slash + 1)),
                       changed.second.has_value()});
  return {};
}

Result<void> take_service(const ChangedDocument& changed, const Secrets& secrets, ModelDelta& out) {
  if (!changed.second) {
    out.service_gone = true;
    return {};
  }
  TRY(out.service, decode<Service>(*changed.second, secrets));
  out.service_gone = out.service->deleted_ms.has_value();
  return {};
}

Result<void> take_document(const ChangedDocument& changed, const Secrets& secrets,
                           ModelDelta& out) {
  const std::string_view key = changed.first;
  const auto service = instance_of(key);
  if (!service) return {};
  const std::string_view rest = key.substr(kInstances.size() + service->size() + 1);
  const std::size_t slash = rest.find('/');
  const std::string_view kind = rest.substr(0, slash);
  const std::string_view name = slash == rest.npos ? std::string_view() : rest.substr(slash + 1);
  if (kind == "service") return take_service(changed, secrets, out);
  if (kind == "api") return take(changed, name, secrets, out.apis);
  if (kind == "operation") return take(changed, name, secrets, out.operations);
  if (kind == "product") return take(changed, name, secrets, out.products);
  if (kind == "product-api") return take_link(changed, name, out);
  if (kind == "user") return take(changed, name, secrets, out.users);
  if (kind == "subscription") return take(changed, name, secrets, out.subscriptions);
  if (kind == "version-set") return take(changed, name, secrets, out.version_sets);
  if (kind == "backend") return take(changed, name, secrets, out.backends);
  if (kind == "named-value") return take(changed, name, secrets, out.named_values);
  if (kind == "certificate") return take(changed, name, secrets, out.certificates);
  if (kind != "policy") return {};
  if (changed.second) return take(changed, name, secrets, out.policies);
  out.policies_gone.push_back(scope_in(name));
  return {};
}

}  // namespace

std::optional<std::string_view> instance_of(std::string_view key) noexcept {
  if (!key.starts_with(kInstances)) return std::nullopt;
  key.remove_prefix(kInstances.size());
  const std::size_t slash = key.find('/');
  if (slash == key.npos) return std::nullopt;
  return key.substr(0, slash);
}

Result<ModelDelta> decode_changes(std::span<const ChangedDocument> documents,
                                  const Secrets& secrets) {
  ModelDelta out;
  for (const auto& one : documents) {
    TRY_OK(take_document(one, secrets, out));
  }
  return out;
}

ModelDelta delta_of(const ServiceModel& model) {
  ModelDelta out;
  out.service = model.service;
  out.apis.put = model.apis;
  out.operations.put = model.operations;
  out.products.put = model.products;
  for (const auto& product : model.products)
    for (const auto& api : product.apis)
      out.links.push_back({to_lower(product.name), to_lower(api), true});
  out.users.put = model.users;
  out.subscriptions.put = model.subscriptions;
  out.policies.put = model.policies;
  out.version_sets.put = model.version_sets;
  out.backends.put = model.backends;
  out.named_values.put = model.named_values;
  out.certificates.put = model.certificates;
  return out;
}

}  // namespace mlgate::apim
