#include "apim/repository.h"

#include "apim/entities.h"
#include "apim/keys_internal.h"
#include "base/text.h"

#include <algorithm>

namespace mlgate::apim {
namespace {

constexpr int kTriesMax = 20;  // Against changes that other processes make meanwhile.

// The kind of the documents below "in/{service}/".
std::string_view kind_in(std::string_view key, std::size_t prefix_bytes) {
  const std::string_view rest = key.substr(prefix_bytes);
  return rest.substr(0, rest.find('/'));
}

template <class T>
Result<void> append(const StoredDocument& document, const Secrets& secrets, std::vector<T>& out) {
  TRY(T entity, decode<T>(document, secrets));
  out.push_back(std::move(entity));
  return {};
}

struct Loader {
  ServiceModel model;
  std::vector<Json> product_apis, product_groups, group_users;

  Result<void> take(const StoredDocument& document, std::string_view kind, const Secrets& secrets) {
    if (kind == "api") return append(document, secrets, model.apis);
    if (kind == "operation") return append(document, secrets, model.operations);
    if (kind == "product") return append(document, secrets, model.products);
    if (kind == "group") return append(document, secrets, model.groups);
    if (kind == "user") return append(document, secrets, model.users);
    if (kind == "subscription") return append(document, secrets, model.subscriptions);
    if (kind == "policy") return append(document, secrets, model.policies);
    if (kind == "version-set") return append(document, secrets, model.version_sets);
    if (kind == "backend") return append(document, secrets, model.backends);
    if (kind == "named-value") return append(document, secrets, model.named_values);
    if (kind == "certificate") return append(document, secrets, model.certificates);
    if (kind == "product-api") return take_link(document, product_apis);
    if (kind == "product-group") return take_link(document, product_groups);
    if (kind == "group-user") return take_link(document, group_users);
    if (kind != "service") return {};
    TRY(model.service, decode<Service>(document, secrets));
    return {};
  }

  static Result<void> take_link(const StoredDocument& document, std::vector<Json>& out) {
    TRY(Json link, Json::parse(document.body));
    out.push_back(std::move(link));
    return {};
  }

  template <class T>
  static void distribute(const std::vector<Json>& links, std::vector<T>& entities,
                         std::vector<std::string> T::* names) {
    std::map<std::string_view, T*, LessIgnoringCase> owners;
    for (T& one : entities) owners.emplace(one.name, &one);
    for (const Json& link : links) {
      const auto owner = owners.find(link.string_or("left"));
      if (owner != owners.end()) (owner->second->*names).emplace_back(link.string_or("right"));
    }
  }

  void finish() {
    distribute(product_apis, model.products, &Product::apis);
    distribute(product_groups, model.products, &Product::groups);
    distribute(group_users, model.groups, &Group::users);
    std::ranges::sort(model.operations, {}, &Operation::order);
    std::map<std::string_view, UserState, LessIgnoringCase> states;
    for (const User& user : model.users) states.emplace(user.name, user.state);
    for (Subscription& one : model.subscriptions) {
      if (!one.owner) continue;
      const auto state = states.find(*one.owner);
      one.owner_blocked = state != states.end() && state->second != UserState::active;
    }
  }
};

}  // namespace

Result<std::vector<Service>> Repository::services() const {
  DocumentReader documents = reader();
  TRY(auto all, find_services(documents));
  std::erase_if(all, [](const Service& one) { return one.deleted_ms.has_value(); });
  return all;
}

Result<ServiceModel> Repository::load_service(std::string_view name) const {
  const std::string prefix = instance_prefix(name);
  TRY(const auto documents, documents_.list(prefix));
  Loader loader;
  for (const StoredDocument& document : documents) {
    TRY_OK(loader.take(document, kind_in(document.key, prefix.size()), secrets_));
  }
  if (loader.model.service.name.empty() || loader.model.service.deleted_ms)
    return fail(Errc::not_found, "there is no service '" + std::string(name) + "'");
  loader.finish();
  return std::move(loader.model);
}

Result<void> Repository::transact(const std::string& service,
                                  const std::function<Result<void>(Transaction&)>& change,
                                  Errors& errors) {
  TRY(const auto notices, run(service, change, errors));
  if (notify_ && !notices.empty()) notify_(service, notices);
  return {};
}

Result<std::vector<Notice>> Repository::run(const std::string& service, const Change& change,
                                            Errors& errors) {
  const std::lock_guard lock(mutex_);
  for (int tries = 1;; ++tries) {
    TRY(Transaction tx, Transaction::begin(documents_, secrets_, clock_.now_ms()));
    auto changed = change(tx);
    if (changed) changed = tx.check();
    errors = tx.errors;
    if (!changed) return std::unexpected(std::move(changed).error());
    if (!tx.changes_anything()) return {};
    auto committed = tx.commit();
    if (!committed) {
      if (committed.error().code() == Errc::precondition_failed && tries < kTriesMax) continue;
      return std::unexpected(std::move(committed).error());
    }
    auto published = publish_ ? publish_(service) : Result<void>();
    if (published) return tx.quiet ? std::vector<Notice>() : std::move(tx.notices);
    if (auto undone = tx.undo(); !undone)
      return std::unexpected(std::move(undone).error().within("taking a refused change back"));
    return std::unexpected(std::move(published).error());
  }
}

}  // namespace mlgate::apim
