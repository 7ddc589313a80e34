// Versions and revisions of APIs: which paths they share, how a revision comes to be, becomes the
// current one and goes. The current revision is kept under the plain id of the API, the others
// under "{id};rev=N", each with operations and policy documents of its own.
#include "apim/editor.h"
#include "apim/entities.h"
#include "apim/keys_internal.h"
#include "base/text.h"

#include <algorithm>

namespace mlgate::apim {
namespace {

std::string revision_name(std::string_view family, std::string_view revision) {
  return std::string(family) + std::string(kRevisionMark) + std::string(revision);
}

EntityNumber family_of(const Api& api) noexcept { return api.family ? api.family : api.number; }

// Everything of one revision besides the API itself.
struct Content {
  std::vector<Operation> operations;
  std::vector<Policy> policies;
};

}  // namespace

Result<std::vector<Api>> Editor::revisions_of(std::string_view family) {
  std::vector<Api> out;
  TRY(auto current, find<Api>(tx_, {service_, "", std::string(family)}));
  if (current) out.push_back(*std::move(current));
  const std::string prefix =
      collection_prefix(service_, "api") + to_lower(family) + std::string(kRevisionMark);
  TRY(const auto documents, tx_.read_all(prefix));
  for (const StoredDocument& document : documents) {
    TRY(Api api, decode<Api>(document, tx_.secrets()));
    out.push_back(std::move(api));
  }
  return out;
}

// Two APIs have one path only as versions of one set, or as revisions of each other. An index of
// paths says who has one, so that the check does not read every API.
Result<void> Editor::check_path(const Api& next, const Api* before) {
  if (!next.is_current) return {};
  const std::string key = path_key(next);
  if (before != nullptr && path_key(*before) != key) {
    TRY_OK(release_path(*before));
  }
  TRY(const auto taken, tx_.read(key));
  if (taken) {
    const std::string& owner = taken->body;
    if (!equals_ignoring_case(owner, next.name)) {
      const bool versions = next.version_set.has_value();
      reject("path",
             versions ? "The version '" + next.api_version + "' of the path '" + next.path +
                            "' is the API '" + owner + "' already."
                      : "The path '" + next.path + "' is used by the API '" + owner + "' already.");
      return {};
    }
  }
  TRY_OK(check_neighbours(next));
  return tx_.write(key, next.name);
}

// APIs of the same path belong to the same version set.
Result<void> Editor::check_neighbours(const Api& next) {
  TRY(const auto others, tx_.read_all(path_prefix(next.path)));
  for (const StoredDocument& one : others) {
    if (equals_ignoring_case(one.body, next.name)) continue;
    TRY(const auto other, find<Api>(tx_, {service_, "", one.body}));
    if (!other || !equals_ignoring_case(other->path, next.path)) continue;
    const bool same_set = other->version_set && next.version_set &&
                          equals_ignoring_case(*other->version_set, *next.version_set);
    if (same_set) continue;
    reject("path",
           "The path '" + next.path + "' is used by the API '" + other->name + "' already.");
    return {};
  }
  return {};
}

Result<void> Editor::release_path(const Api& api) {
  TRY(const auto taken, tx_.read(path_key(api)));
  if (!taken || !equals_ignoring_case(taken->body, api.name)) return {};
  return tx_.erase(path_key(api));
}

std::string Editor::path_prefix(std::string_view path) const {
  return collection_prefix(service_, "path") + percent_encode(to_lower(path)) + "/";
}

std::string Editor::path_key(const Api& api) const {
  return path_prefix(api.path) + (api.version_set ? to_lower(*api.version_set) : "") + "/" +
         percent_encode(api.api_version);
}

Result<void> Editor::check_version_set(const Api& next) {
  if (!next.version_set) return {};
  TRY(const auto set, find<VersionSet>(tx_, {service_, "", *next.version_set}));
  if (!set) reject("apiVersionSetId", "ApiVersionSet '" + *next.version_set + "' not found.");
  return {};
}

// What all revisions of an API have in common follows the current one.
Result<void> Editor::spread_to_revisions(const Api& current) {
  TRY(const auto revisions, revisions_of(current.name));
  for (const Api& one : revisions) {
    if (one.is_current) continue;
    Api next = one;
    next.display_name = current.display_name;
    next.type = current.type;
    next.description = current.description;
    next.subscription_required = current.subscription_required;
    next.version_set = current.version_set;
    next.api_version = current.api_version;
    next.path = current.path;
    next.protocols = current.protocols;
    TRY_OK(write(next, &one));
  }
  return {};
}

// A revision that is not current keeps what it shares with the current one.
void Editor::check_shared_properties(const Api& next, const Api& before) {
  const auto keep = [&](bool same, const char* field) {
    if (!same) reject(field, "Can't change property for non-current revision");
  };
  keep(next.display_name == before.display_name, "displayName");
  keep(next.type == before.type, "type");
  keep(next.description == before.description, "description");
  keep(next.subscription_required == before.subscription_required, "subscriptionRequired");
  keep(next.version_set == before.version_set, "apiVersionSetId");
  keep(next.api_version == before.api_version, "apiVersion");
  keep(next.path == before.path, "path");
  keep(next.protocols == before.protocols, "protocols");
}

namespace {

Result<Content> content_of(Transaction& tx, const std::string& service, const std::string& api) {
  Content out;
  TRY(out.operations, find_all<Operation>(tx, service, api));
  TRY(auto own, find_policy(tx, service, {PolicyScopeKind::api, api, ""}));
  if (own) out.policies.push_back(*std::move(own));
  for (const Operation& one : out.operations) {
    TRY(auto policy, find_policy(tx, service, {PolicyScopeKind::operation, api, one.name}));
    if (policy) out.policies.push_back(*std::move(policy));
  }
  return out;
}

}  // namespace

Result<void> Editor::erase_content(const std::string& api) {
  TRY_OK(tx_.erase_all(collection_prefix(service_, "operation", api)));
  TRY_OK(tx_.erase_all(collection_prefix(service_, "policy", "operation") + to_lower(api) + "/"));
  return tx_.erase(policy_key(service_, {PolicyScopeKind::api, api, ""}));
}

Result<void> Editor::copy_content(const std::string& from, const std::string& to) {
  TRY(const Content content, content_of(tx_, service_, from));
  for (Operation operation : content.operations) {
    operation.api = to;
    TRY_OK(write(operation, static_cast<const Operation*>(nullptr), to));
  }
  for (Policy policy : content.policies) {
    policy.scope.parent = to;
    TRY_OK(put(std::move(policy), nullptr));
  }
  return {};
}

Result<void> Editor::create_revision(Api next, const Api& source) {
  const std::string name = next.name;
  next.number = tx_.next_number();
  next.created_ms = next.updated_ms = tx_.now();
  next.family = family_of(source);
  next.is_current = false;
  TRY_OK(write(next, &next));
  return copy_content(source.name, name);
}

Result<void> Editor::create_copy(Api next, const Api& source) {
  const std::string name = next.name;
  TRY_OK(put(std::move(next), nullptr));
  return copy_content(source.name, name);
}

Result<void> Editor::move_revision(Api api, const std::string& name) {
  const std::string old = api.name;
  TRY(const Content content, content_of(tx_, service_, old));
  TRY_OK(erase_content(old));
  TRY_OK(tx_.erase(key_of<Api>({service_, "", old})));
  api.name = name;
  TRY_OK(write(api, &api));
  for (Operation operation : content.operations) {
    operation.api = name;
    TRY_OK(write(operation, &operation, name));
  }
  for (Policy policy : content.policies) {
    policy.scope.parent = name;
    TRY_OK(put(policy, &policy));
  }
  return {};
}

Result<void> Editor::make_current(const std::string& family, std::string_view revision) {
  TRY(const auto current, find<Api>(tx_, {service_, "", family}));
  if (!current) return fail(Errc::not_found, "Api not found.");
  if (current->revision == revision) return {};
  TRY(const auto chosen, find<Api>(tx_, {service_, "", revision_name(family, revision)}));
  if (!chosen) {
    reject("apiId", "The API has no revision '" + std::string(revision) + "'.");
    return {};
  }
  Api before = *current, after = *chosen;
  before.is_current = false;
  after.is_current = after.is_online = true;
  before.updated_ms = after.updated_ms = tx_.now();
  // By way of a name that no request can have, because each stands where the other goes.
  const std::string aside = family + std::string(kRevisionMark) + "/";
  TRY_OK(move_revision(after, aside));
  TRY_OK(move_revision(before, revision_name(family, before.revision)));
  after.name = aside;
  return move_revision(after, family);
}

Result<void> Editor::put(Release next, const Release* before) {
  if (before != nullptr && before->revision != next.revision)
    reject("apiId", "The revision of a release cannot be changed.");
  next.updated_ms = tx_.now();
  if (before != nullptr && before->notes == next.notes) next.updated_ms = before->updated_ms;
  if (before == nullptr) {
    TRY_OK(make_current(next.api, next.revision));
  }
  return write(next, before, next.api);
}

Result<void> Editor::erase(const Release& release) {
  return tx_.erase(key_of<Release>({service_, release.api, release.name}));
}

Result<void> Editor::erase_revision(const Api& api) {
  TRY_OK(erase_content(api.name));
  return tx_.erase(key_of<Api>({service_, "", api.name}));
}

Result<void> Editor::put(VersionSet next, const VersionSet* before) { return write(next, before); }

Result<void> Editor::erase(const VersionSet& set) {
  TRY(const auto apis, find_all<Api>(tx_, service_));
  for (const Api& api : apis)
    if (api.version_set && equals_ignoring_case(*api.version_set, set.name))
      return fail(Errc::invalid_argument,
                  "The version set '" + set.name + "' is used by the API '" + api.name + "'.");
  return tx_.erase(key_of<VersionSet>({service_, "", set.name}));
}

}  // namespace mlgate::apim
