#include "webservice/directory.h"

#include "base/crypto.h"
#include "base/text.h"
#include "webservice/ids.h"

namespace mlgate::webservice {

bool Workspace::accepts(std::string_view token) const noexcept {
  const bool primary = equal_secrets(token, primary_token);
  const bool secondary = equal_secrets(token, secondary_token);
  return !token.empty() && (primary || secondary);
}

std::string_view name_of(ThrottleLevel level) noexcept {
  return level == ThrottleLevel::low ? "Low" : "High";
}

bool Endpoint::accepts(std::string_view key) const noexcept {
  const bool primary = equal_secrets(key, primary_key);
  const bool secondary = equal_secrets(key, secondary_key);
  return !key.empty() && (primary || secondary);
}

const Endpoint* Service::find_endpoint(std::string_view name_or_id) const {
  const auto wanted = Id::parse(name_or_id);
  for (const auto& endpoint : endpoints) {
    if (equals_ignoring_case(endpoint->name, name_or_id)) return endpoint.get();
    if (wanted && endpoint->id == wanted->text()) return endpoint.get();
  }
  return nullptr;
}

void Directory::index() {
  endpoints.clear();
  key_digests.clear();
  for (const auto& [id, service] : services) {
    for (const auto& endpoint : service->endpoints) {
      endpoints.emplace(endpoint->id, endpoint);
      key_digests.insert(sha256(endpoint->primary_key));
      key_digests.insert(sha256(endpoint->secondary_key));
    }
  }
}

const Workspace* Directory::find_workspace(std::string_view id) const {
  const auto found = workspaces.find(id);
  return found == workspaces.end() ? nullptr : found->second.get();
}

const Service* Directory::find_service(std::string_view workspace_id, std::string_view id) const {
  const auto found = services.find(id);
  if (found == services.end() || found->second->workspace_id != workspace_id) return nullptr;
  return found->second.get();
}

std::shared_ptr<const Endpoint> Directory::find_endpoint(std::string_view id) const {
  const auto found = endpoints.find(id);
  return found == endpoints.end() ? nullptr : found->second;
}

bool Directory::knows_key(std::string_view key) const {
  return !key.empty() && key_digests.contains(sha256(key));
}

}  // namespace mlgate::webservice
