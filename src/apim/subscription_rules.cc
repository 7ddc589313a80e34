// Rules of subscriptions: what they may name, who holds them, unique keys, dates that follow the
// state.
#include "apim/editor.h"
#include "apim/entities.h"
#include "apim/keys_internal.h"
#include "base/crypto.h"
#include "base/text.h"

namespace mlgate::apim {

std::string Editor::fingerprint_key(std::string_view secret) const {
  return collection_prefix(service_, "key") + tx_.secrets().fingerprint(secret);
}

// The names in scope and owner are kept as the entities are cased.
Result<void> Editor::resolve_scope(Subscription& next) {
  if (next.scope.kind == ScopeKind::api) {
    TRY(const auto api, find<Api>(tx_, {service_, "", next.scope.target}));
    if (!api)
      reject("scope", "Api '" + next.scope.target + "' not found.");
    else
      next.scope.target = api->name;
  } else if (next.scope.kind == ScopeKind::product) {
    TRY(const auto product, find<Product>(tx_, {service_, "", next.scope.target}));
    if (!product)
      reject("scope", "Product '" + next.scope.target + "' not found.");
    else
      next.scope.target = product->name;
  }
  return {};
}

Result<void> Editor::resolve_owner(Subscription& next) {
  if (!next.owner) return {};
  TRY(const auto user, find<User>(tx_, {service_, "", *next.owner}));
  if (!user)
    reject("ownerId", "User '" + *next.owner + "' not found.");
  else
    next.owner = user->name;
  return {};
}

void Editor::check_master(const Subscription& next, const Subscription* before) {
  const bool master = equals_ignoring_case(next.name, kMasterSubscription);
  if (!master) {
    if (next.scope.kind == ScopeKind::service)
      reject("scope", "Only the built-in subscription has the whole service as its scope.");
    return;
  }
  if (before == nullptr) return;
  if (next.scope.kind != before->scope.kind)
    reject("scope", "The scope of the built-in subscription cannot be changed.");
  if (next.state != SubscriptionState::active)
    reject("state", "The built-in subscription is always active.");
  if (next.expiration_ms) reject("expirationDate", "The built-in subscription does not expire.");
}

void Editor::set_dates(Subscription& next, const Subscription* before) {
  next.start_ms = before ? before->start_ms : std::nullopt;
  next.end_ms = before ? before->end_ms : std::nullopt;
  if (next.state == SubscriptionState::active && !next.start_ms) next.start_ms = tx_.now();
  const bool ended =
      next.state == SubscriptionState::cancelled || next.state == SubscriptionState::expired;
  if (!ended)
    next.end_ms.reset();
  else if (!next.end_ms)
    next.end_ms = tx_.now();
}

Result<void> Editor::check_key(std::string_view key, std::string_view field,
                               const Subscription& subscription) {
  TRY(const auto taken, tx_.read(fingerprint_key(key)));
  if (taken && !equals_ignoring_case(taken->body, subscription.name))
    reject(std::string(field),
           "'" + std::string(field) + "' is the key of another subscription already.");
  return {};
}

Result<void> Editor::index_keys(const Subscription& next, const Subscription* before) {
  if (before != nullptr) {
    TRY_OK(tx_.erase(fingerprint_key(before->primary_key)));
    TRY_OK(tx_.erase(fingerprint_key(before->secondary_key)));
  }
  TRY_OK(tx_.write(fingerprint_key(next.primary_key), next.name));
  return tx_.write(fingerprint_key(next.secondary_key), next.name);
}

Result<void> Editor::put(Subscription next, const Subscription* before) {
  TRY_OK(resolve_scope(next));
  TRY_OK(resolve_owner(next));
  check_master(next, before);
  set_dates(next, before);
  if (next.primary_key.empty()) next.primary_key = new_hex_id();
  if (next.secondary_key.empty()) next.secondary_key = new_hex_id();
  TRY_OK(check_key(next.primary_key, "primaryKey", next));
  TRY_OK(check_key(next.secondary_key, "secondaryKey", next));
  if (next.primary_key == next.secondary_key)
    reject("secondaryKey", "'secondaryKey' has to differ from 'primaryKey'.");
  TRY_OK(tx_.check());
  TRY_OK(index_keys(next, before));
  // Sealing the same key again gives another text, so an unchanged subscription is not written at
  // all: it keeps its ETag.
  if (before != nullptr && properties_of(next) == properties_of(*before) &&
      next.primary_key == before->primary_key && next.secondary_key == before->secondary_key)
    return {};
  note(next, before);
  return write(next, before);
}

// What the owner and the publishers are told. The administrator holds subscriptions by being there.
void Editor::note(const Subscription& next, const Subscription* before) {
  using enum SubscriptionState;
  if (!next.owner || *next.owner == kAdministratorUser) return;
  const bool waited = before != nullptr && before->state == submitted;
  if (next.state == submitted && before == nullptr)
    tx_.notices.push_back({Notice::Kind::requested, next});
  else if (next.state == active && (before == nullptr || waited))
    tx_.notices.push_back({Notice::Kind::activated, next});
  else if (next.state == rejected && waited)
    tx_.notices.push_back({Notice::Kind::rejected, next});
}

Result<void> Editor::erase(const Subscription& subscription) {
  if (equals_ignoring_case(subscription.name, kMasterSubscription))
    return fail(Errc::invalid_argument, "The built-in subscription cannot be deleted.");
  TRY_OK(tx_.erase(fingerprint_key(subscription.primary_key)));
  TRY_OK(tx_.erase(fingerprint_key(subscription.secondary_key)));
  return tx_.erase(key_of<Subscription>({service_, "", subscription.name}));
}

Result<void> Editor::regenerate_key(Subscription subscription, WhichKey which) {
  const Subscription before = subscription;
  (which == WhichKey::primary ? subscription.primary_key : subscription.secondary_key).clear();
  return put(std::move(subscription), &before);
}

}  // namespace mlgate::apim
