// Rules between APIs, operations, products, groups and users.
#include "apim/editor.h"

#include "apim/entities.h"
#include "apim/keys_internal.h"
#include "base/crypto.h"
#include "base/text.h"

#include <algorithm>

namespace mlgate::apim {

void Editor::reject(std::string field, std::string message) {
  apim::reject(tx_.errors, std::move(field), std::move(message));
}

Result<void> Editor::put(Api next, const Api* before) {
  if (!next.is_current && before != nullptr) check_shared_properties(next, *before);
  TRY_OK(check_version_set(next));
  TRY_OK(check_path(next, before));
  next.updated_ms = before ? before->updated_ms : tx_.now();
  const std::string key = key_of<Api>({service_, "", next.name});
  const bool changed =
      before && encode(next, key, tx_.secrets()) != encode(*before, key, tx_.secrets());
  if (changed) next.updated_ms = tx_.now();
  if (before == nullptr) next.family = 0;  // Its own number.
  if (before != nullptr &&
      (next.type == ApiType::websocket) != (before->type == ApiType::websocket))
    reject("type", "An API cannot become a WebSocket API, nor stop being one.");
  TRY_OK(write(next, before));
  if (next.type == ApiType::websocket) {
    TRY_OK(put_handshake(next));
  }
  if (changed && next.is_current) {
    TRY_OK(spread_to_revisions(next));
  }
  return {};
}

Result<void> Editor::erase(const Api& api) {
  TRY(const auto revisions, revisions_of(api.name));
  for (const Api& one : revisions) {
    if (one.is_current) continue;
    TRY_OK(erase_revision(one));
  }
  TRY_OK(tx_.erase_all(collection_prefix(service_, "release", api.name)));
  TRY_OK(erase_content(api.name));
  TRY_OK(release_path(api));
  TRY(const auto links, find_links(tx_, service_, Relation::product_api, ""));
  for (const Link& link : links) {
    if (!equals_ignoring_case(link.right, api.name)) continue;
    TRY_OK(unlink(Relation::product_api, link.left, link.right));
  }
  TRY(const auto subscriptions, find_all<Subscription>(tx_, service_));
  for (const Subscription& one : subscriptions) {
    if (one.scope.kind != ScopeKind::api || !equals_ignoring_case(one.scope.target, api.name))
      continue;
    TRY_OK(erase(one));
  }
  TRY_OK(tx_.erase(key_of<Api>({service_, "", api.name})));
  // A version set goes with the last of its APIs.
  if (!api.version_set) return {};
  TRY(const auto others, find_all<Api>(tx_, service_));
  const bool used = std::ranges::any_of(others, [&](const Api& one) {
    return one.version_set && equals_ignoring_case(*one.version_set, *api.version_set);
  });
  if (used) return {};
  return tx_.erase(key_of<VersionSet>({service_, "", *api.version_set}));
}

Result<void> Editor::put_handshake(const Api& api) {
  const std::string name(kOnHandshake);
  TRY(const auto there, find<Operation>(tx_, {service_, api.name, name}));
  if (there) return {};
  Operation handshake;
  handshake.name = name;
  handshake.api = api.name;
  handshake.display_name = "OnHandshake";
  handshake.method = "GET";
  handshake.url_template = "/*";
  handshake.properties.set("description", "A caller opens a WebSocket connection.");
  handshake.properties.set("request", Json::object());
  handshake.properties.set("responses", Json::array());
  return write(handshake, static_cast<const Operation*>(nullptr), api.name);
}

Result<bool> Editor::is_websocket(const std::string& api) const {
  TRY(const auto found, find<Api>(tx_, {service_, "", api}));
  return found && found->type == ApiType::websocket;
}

Result<void> Editor::put(Operation next, const Operation* before) {
  TRY(const bool websocket, is_websocket(next.api));
  if (websocket) {
    // Templates that were exported are applied again.
    const bool same = before != nullptr && next.method == before->method &&
                      next.url_template == before->url_template;
    if (!same)
      reject("name",
             "The operation of a WebSocket API is 'onHandshake', made with it; it takes "
             "policies and cannot be changed.");
    return {};
  }
  TRY(const auto others, find_all<Operation>(tx_, service_, next.api));
  for (const Operation& other : others)
    if (other.method == next.method &&
        equals_ignoring_case(other.url_template, next.url_template) &&
        !equals_ignoring_case(other.name, next.name))
      reject("urlTemplate", "The operation '" + other.name + "' of this API has the method " +
                                next.method + " and the template '" + next.url_template +
                                "' already.");
  return write(next, before, next.api);
}

Result<void> Editor::erase(const Operation& operation) {
  TRY(const bool websocket, is_websocket(operation.api));
  if (websocket)
    return fail(Errc::invalid_argument, "The operation of a WebSocket API cannot be deleted.");
  TRY_OK(
      tx_.erase(policy_key(service_, {PolicyScopeKind::operation, operation.api, operation.name})));
  return tx_.erase(key_of<Operation>({service_, operation.api, operation.name}));
}

// An API may be in one open product only: with two, a call without a key would have two contexts.
Result<void> Editor::check_open_product(const Product& product) {
  TRY(const auto mine, find_links(tx_, service_, Relation::product_api, product.name));
  TRY(const auto all, find_links(tx_, service_, Relation::product_api, ""));
  for (const Link& link : all) {
    const bool shared = std::ranges::any_of(
        mine, [&](const Link& one) { return equals_ignoring_case(one.right, link.right); });
    if (!shared || equals_ignoring_case(link.left, product.name)) continue;
    TRY(const auto other, find<Product>(tx_, {service_, "", link.left}));
    if (!other || other->subscription_required) continue;
    reject("subscriptionRequired",
           "The API '" + link.right + "' is in the open product '" + other->name + "' already.");
    return {};
  }
  return {};
}

Result<void> Editor::put(Product next, const Product* before) {
  TRY_OK(write(next, before));
  if (!next.subscription_required) {
    TRY_OK(check_open_product(next));
  }
  if (before == nullptr && next.subscription_required) {
    TRY_OK(start_product(next));
  }
  return {};
}

// A new product that needs subscriptions is visible to administrators, and the first of them holds
// one.
Result<void> Editor::start_product(const Product& product) {
  TRY(const auto group, find<Group>(tx_, {service_, "", "administrators"}));
  if (group) {
    TRY_OK(link(product, *group));
  }
  TRY(const auto user, find<User>(tx_, {service_, "", std::string(kAdministratorUser)}));
  if (!user) return {};
  Subscription subscription;
  subscription.name = new_hex_id().substr(0, 24);
  subscription.owner = user->name;
  subscription.scope = {ScopeKind::product, product.name};
  subscription.state = SubscriptionState::active;
  return put(std::move(subscription), nullptr);
}

Result<void> Editor::erase(const Product& product, Dependents subscriptions) {
  TRY(const auto all, find_all<Subscription>(tx_, service_));
  for (const Subscription& one : all) {
    if (one.scope.kind != ScopeKind::product ||
        !equals_ignoring_case(one.scope.target, product.name))
      continue;
    if (subscriptions == Dependents::keep)
      return fail(Errc::invalid_argument,
                  "Product has subscriptions. Delete them first or pass deleteSubscriptions=true.");
    TRY_OK(erase(one));
  }
  TRY_OK(tx_.erase_all(collection_prefix(service_, "product-api", product.name)));
  TRY_OK(tx_.erase_all(collection_prefix(service_, "product-group", product.name)));
  TRY_OK(tx_.erase(policy_key(service_, {PolicyScopeKind::product, product.name, ""})));
  return tx_.erase(key_of<Product>({service_, "", product.name}));
}

Result<void> Editor::put(Group next, const Group* before) { return write(next, before); }

Result<void> Editor::erase(const Group& group) {
  if (group.type == GroupType::system)
    return fail(Errc::invalid_argument, "The system group '" + group.name + "' cannot be deleted.");
  TRY(const auto links, find_links(tx_, service_, Relation::product_group, ""));
  for (const Link& link : links) {
    if (!equals_ignoring_case(link.right, group.name)) continue;
    TRY_OK(unlink(Relation::product_group, link.left, link.right));
  }
  TRY_OK(tx_.erase_all(collection_prefix(service_, "group-user", group.name)));
  return tx_.erase(key_of<Group>({service_, "", group.name}));
}

Result<void> Editor::put(User next, const User* before) {
  if (before && equals_ignoring_case(before->email, next.email)) return write(next, before);
  TRY(const auto others, find_all<User>(tx_, service_));
  for (const User& other : others)
    if (equals_ignoring_case(other.email, next.email) &&
        !equals_ignoring_case(other.name, next.name))
      reject("email", "A user with the e-mail address '" + next.email + "' exists already.");
  return write(next, before);
}

Result<void> Editor::erase(const User& user, Dependents subscriptions) {
  if (user.name == kAdministratorUser)
    return fail(Errc::invalid_argument, "The built-in administrator cannot be deleted.");
  TRY(const auto links, find_links(tx_, service_, Relation::group_user, ""));
  for (const Link& link : links) {
    if (!equals_ignoring_case(link.right, user.name)) continue;
    TRY_OK(unlink(Relation::group_user, link.left, link.right));
  }
  TRY(const auto all, find_all<Subscription>(tx_, service_));
  for (const Subscription& one : all) {
    if (!one.owner || !equals_ignoring_case(*one.owner, user.name)) continue;
    if (subscriptions == Dependents::remove) {
      TRY_OK(erase(one));
      continue;
    }
    Subscription orphan = one;
    orphan.owner.reset();
    orphan.state = SubscriptionState::suspended;
    TRY_OK(put(std::move(orphan), &one));
  }
  return tx_.erase(key_of<User>({service_, "", user.name}));
}

Result<void> Editor::put(Policy next, const Policy* before) {
  next.name = "policy";
  if (before == nullptr) {
    next.number = tx_.next_number();
    next.created_ms = tx_.now();
  }
  const std::string key = policy_key(service_, next.scope);
  return tx_.write(key, encode(next, key, tx_.secrets()));
}

Result<void> Editor::erase(const Policy& policy) {
  return tx_.erase(policy_key(service_, policy.scope));
}

Result<void> Editor::link(const Product& product, const Api& api, std::string_view id) {
  // A product holds an API with all its revisions.
  const std::string name(family_name(api.name));
  const std::string key = link_key(service_, Relation::product_api, product.name, name);
  TRY_OK(tx_.write(key, encode_link({product.name, name, std::string(id.empty() ? name : id)})));
  if (!product.subscription_required) {
    TRY_OK(check_open_product(product));
  }
  return {};
}

Result<void> Editor::link(const Product& product, const Group& group, std::string_view id) {
  return tx_.write(
      link_key(service_, Relation::product_group, product.name, group.name),
      encode_link({product.name, group.name, std::string(id.empty() ? group.name : id)}));
}

Result<void> Editor::link(const Group& group, const User& user) {
  if (group.type == GroupType::system)
    return fail(Errc::invalid_argument,
                "Membership of the system group '" + group.name + "' is computed.");
  return tx_.write(link_key(service_, Relation::group_user, group.name, user.name),
                   encode_link({group.name, user.name, user.name}));
}

Result<void> Editor::unlink(Relation relation, std::string_view left, std::string_view right) {
  return tx_.erase(link_key(service_, relation, left, right));
}

template Result<void> Editor::write<Subscription>(Subscription&, const Subscription*,
                                                  const std::string&);

}  // namespace mlgate::apim
