#include "base/text.h"
#include "management/entity_internal.h"
#include "management/handlers_internal.h"
#include "management/list_internal.h"

#include <array>

namespace mlgate::management {
namespace {

using Allows = FilterField::Allows;
using Type = FilterField::Type;
// `userId` and `productId` are names or ids; both fields hold ids, which compare in their short
// form.
constexpr std::array<FilterField, 9> kFields{{{"name"},
                                              {"displayName"},
                                              {"stateComment"},
                                              {"ownerId", Allows::everything, Type::id},
                                              {"scope", Allows::everything, Type::id},
                                              {"userId", Allows::everything, Type::id, "ownerId"},
                                              {"productId", Allows::everything, Type::id, "scope"},
                                              {"state", Allows::eq},
                                              {"user", Allows::eq, Type::id, "ownerId"}}};

apim::Place place_of(const Call& call) { return {call.service.name, "", call.arg(0)}; }

http::Response regenerate(Call& call, apim::Editor::WhichKey which) {
  apim::Errors errors;
  const auto done = call.transact(
      [&](apim::Transaction& tx) -> Result<void> {
        TRY(const auto subscription, require<apim::Subscription>(tx, place_of(call)));
        return apim::Editor(tx, call.service.name).regenerate_key(subscription, which);
      },
      errors);
  return done ? empty_answer(204) : error_answer(done.error(), errors);
}

using Wanted = std::function<bool(const apim::Subscription&)>;

Result<std::vector<Json>> subscriptions_below(const Call& call, const std::string& path,
                                              std::string_view type, const Wanted& wanted) {
  auto reader = call.reader();
  TRY(const auto all, apim::find_all<apim::Subscription>(reader, call.service.name));
  std::vector<Json> out;
  for (const apim::Subscription& one : all)
    if (wanted(one)) out.push_back(association_json(call, one, path, type));
  return out;
}

}  // namespace

Json shown(const Call& call, const apim::Subscription& subscription, View view) {
  Json out = apim::properties_of(subscription);
  if (subscription.owner) out.set("ownerId", call.service_id + "/users/" + *subscription.owner);
  out.set("scope", call.service_id + apim::short_scope(subscription.scope));
  if (view == View::created) {
    out.set("primaryKey", subscription.primary_key);
    out.set("secondaryKey", subscription.secondary_key);
  }
  return out;
}

http::Response list_subscriptions(Call& call) {
  return list_entities<apim::Subscription>(call, kFields);
}

http::Response get_subscription(Call& call) {
  return get_entity<apim::Subscription>(call, place_of(call));
}

http::Response put_subscription(Call& call) {
  return write_and_answer<apim::Subscription>(call, place_of(call), WriteKind::put);
}

http::Response patch_subscription(Call& call) {
  return write_and_answer<apim::Subscription>(call, place_of(call), WriteKind::patch);
}

http::Response delete_subscription(Call& call) {
  return delete_entity<apim::Subscription>(
      call, place_of(call),
      [](apim::Editor& editor, const apim::Subscription& one) { return editor.erase(one); });
}

http::Response list_subscription_secrets(Call& call) {
  auto reader = call.reader();
  const auto found = require<apim::Subscription>(reader, place_of(call));
  if (!found) return error_answer(found.error());
  return with_etag(json_answer(200, Json::object({{"primaryKey", found->primary_key},
                                                  {"secondaryKey", found->secondary_key}})),
                   found->version);
}

http::Response regenerate_primary_key(Call& call) {
  return regenerate(call, apim::Editor::WhichKey::primary);
}

http::Response regenerate_secondary_key(Call& call) {
  return regenerate(call, apim::Editor::WhichKey::secondary);
}

http::Response list_product_subscriptions(Call& call) {
  auto reader = call.reader();
  const auto product = require<apim::Product>(reader, {call.service.name, "", call.arg(0)});
  if (!product) return error_answer(product.error());
  auto items =
      subscriptions_below(call, path_of(*product), "products", [&](const apim::Subscription& one) {
        return one.scope.kind == apim::ScopeKind::product &&
               equals_ignoring_case(one.scope.target, product->name);
      });
  if (!items) return error_answer(items.error());
  return list_answer(call, *std::move(items), kFields);
}

http::Response list_user_subscriptions(Call& call) {
  auto reader = call.reader();
  const auto user = require<apim::User>(reader, {call.service.name, "", call.arg(0)});
  if (!user) return error_answer(user.error());
  auto items =
      subscriptions_below(call, path_of(*user), "users", [&](const apim::Subscription& one) {
        return one.owner && equals_ignoring_case(*one.owner, user->name);
      });
  if (!items) return error_answer(items.error());
  return list_answer(call, *std::move(items), kFields);
}

http::Response get_user_subscription(Call& call) {
  auto reader = call.reader();
  const auto user = require<apim::User>(reader, {call.service.name, "", call.arg(0)});
  if (!user) return error_answer(user.error());
  const auto one = require<apim::Subscription>(reader, {call.service.name, "", call.arg(1)});
  if (!one) return error_answer(one.error());
  if (!one->owner || !equals_ignoring_case(*one->owner, user->name))
    return error_answer(not_found<apim::Subscription>().error());
  return with_etag(json_answer(200, association_json(call, *one, path_of(*user), "users")),
                   one->version);
}

}  // namespace mlgate::management
