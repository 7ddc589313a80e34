// Rules of backends, certificates and named values: what refers to them keeps them.
#include "apim/editor.h"
#include "apim/entities.h"
#include "apim/keys_internal.h"
#include "base/text.h"

#include <algorithm>

namespace mlgate::apim {
namespace {

std::string place_of(const PolicyScope& scope) {
  switch (scope.kind) {
    case PolicyScopeKind::global:
      return "policies/policy";
    case PolicyScopeKind::product:
      return "products/" + scope.parent + "/policies/policy";
    case PolicyScopeKind::api:
      return "apis/" + scope.parent + "/policies/policy";
    case PolicyScopeKind::operation:
      break;
  }
  return "apis/" + scope.parent + "/operations/" + scope.operation + "/policies/policy";
}

// Places of the documents in which any of the texts stands, without regard to case.
Result<std::string> documents_with(Transaction& tx, const std::string& service,
                                   const std::vector<std::string>& texts) {
  TRY(const auto documents, tx.read_all(collection_prefix(service, "policy")));
  std::string out;
  for (const StoredDocument& one : documents) {
    TRY(const Policy policy, decode<Policy>(one, tx.secrets()));
    const std::string lower = to_lower(policy.text);
    const bool found = std::ranges::any_of(
        texts, [&](const std::string& text) { return lower.find(text) != std::string::npos; });
    if (found) out += (out.empty() ? "" : ", ") + place_of(policy.scope);
  }
  return out;
}

std::unexpected<Error> in_use(const std::string& what, const std::string& by) {
  return fail(Errc::invalid_argument, what + " is in use and cannot be deleted: " + by + ".");
}

}  // namespace

Result<void> Editor::put(NamedValue next, const NamedValue* before) {
  TRY(const auto others, find_all<NamedValue>(tx_, service_));
  for (const NamedValue& other : others)
    if (other.display_name == next.display_name && !equals_ignoring_case(other.name, next.name))
      reject("displayName",
             "A named value with the display name '" + next.display_name + "' exists already.");
  return write(next, before);
}

Result<void> Editor::erase(const NamedValue& value) {
  TRY(const auto users,
      documents_with(tx_, service_, {"{{" + to_lower(value.display_name) + "}}"}));
  if (!users.empty()) return in_use("The named value '" + value.display_name + "'", users);
  return tx_.erase(key_of<NamedValue>({service_, "", value.name}));
}

Result<void> Editor::put(Backend next, const Backend* before) {
  for (const PoolMember& member : next.members) {
    TRY(const auto found, find<Backend>(tx_, {service_, "", member.backend}));
    if (!found)
      reject("pool.services", "Backend '" + member.backend + "' not found.");
    else if (found->is_pool || equals_ignoring_case(member.backend, next.name))
      reject("pool.services", "A pool holds single backends only.");
  }
  return write(next, before);
}

Result<void> Editor::erase(const Backend& backend) {
  TRY(const auto all, find_all<Backend>(tx_, service_));
  std::string users;
  for (const Backend& one : all) {
    const bool member = std::ranges::any_of(one.members, [&](const PoolMember& m) {
      return equals_ignoring_case(m.backend, backend.name);
    });
    if (member) users += (users.empty() ? "" : ", ") + ("backends/" + one.name);
  }
  const std::string name = to_lower(backend.name);
  TRY(const auto documents,
      documents_with(tx_, service_, {"backend-id=\"" + name + "\"", "backend-id='" + name + "'"}));
  if (!documents.empty()) users += (users.empty() ? "" : ", ") + documents;
  if (!users.empty()) return in_use("The backend '" + backend.name + "'", users);
  return tx_.erase(key_of<Backend>({service_, "", backend.name}));
}

Result<void> Editor::put(Certificate next, const Certificate* before) {
  return write(next, before);
}

Result<void> Editor::erase(const Certificate& certificate) {
  TRY(const auto backends, find_all<Backend>(tx_, service_));
  for (const Backend& one : backends) {
    const auto names = [&](const std::vector<std::string>& list) {
      return std::ranges::any_of(list, [&](const std::string& id) {
        const auto slash = id.rfind('/');
        return equals_ignoring_case(slash == id.npos ? id : id.substr(slash + 1),
                                    certificate.name) ||
               equals_ignoring_case(id, certificate.thumbprint);
      });
    };
    if (names(one.certificate_ids) || names(one.thumbprints))
      return in_use("The certificate '" + certificate.name + "'", "backends/" + one.name);
  }
  return tx_.erase(key_of<Certificate>({service_, "", certificate.name}));
}

}  // namespace mlgate::apim
