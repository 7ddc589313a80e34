// What is the caller's own: name, subscriptions, keys.
#include "apim/codec.h"
#include "apim/editor.h"
#include "apim/entities.h"
#include "base/text.h"
#include "portal/console_api.h"
#include "portal/data_internal.h"

#include <algorithm>

namespace mlgate::portal {
namespace {

Json subscription_json(const apim::Subscription& subscription) {
  const Json all = apim::properties_of(subscription);
  Json out = Json::object({{"id", Json(subscription.name)}, {"name", all["displayName"]}});
  for (const char* name : {"scope", "ownerId", "state", "createdDate", "startDate",
                           "expirationDate", "endDate", "stateComment"})
    if (const Json* found = all.find(name)) out.set(name, *found);
  return out;
}

bool is_over(const apim::Subscription& subscription) {
  return subscription.state == apim::SubscriptionState::cancelled ||
         subscription.state == apim::SubscriptionState::rejected ||
         subscription.state == apim::SubscriptionState::expired;
}

Result<std::vector<apim::Subscription>> own_subscriptions(apim::Reader& reader,
                                                          const Visit& visit) {
  TRY_OK(visit.viewer.check_active());
  TRY(auto out, apim::find_all<apim::Subscription>(reader, visit.service.name));
  std::erase_if(out, [&](const apim::Subscription& one) {
    return !one.owner || !equals_ignoring_case(*one.owner, visit.viewer.user->name);
  });
  std::ranges::sort(out, {}, &apim::Subscription::number);
  return out;
}

// The first violation stands for all.
Result<void> transact(DataCall& call,
                      const std::function<Result<void>(apim::Transaction&)>& change) {
  apim::Errors errors;
  auto done = call.api.repository().transact(call.visit.service.name, change, errors);
  if (!done && !errors.empty()) return std::unexpected(errors.front());
  return done;
}

// Changes the caller's own subscription by what `change` does to it.
Answer change_own(DataCall& call,
                  const std::function<Result<void>(apim::Subscription&, apim::Errors&)>& change) {
  TRY_OK(transact(call, [&](apim::Transaction& tx) -> Result<void> {
    TRY(const auto before, own_subscription(tx, call.visit, call.args[0]));
    apim::Subscription next = before;
    TRY_OK(change(next, tx.errors));
    TRY_OK(tx.check());
    return apim::Editor(tx, call.visit.service.name).put(std::move(next), &before);
  }));
  return get_subscription(call);
}

Answer regenerate(DataCall& call, apim::Editor::WhichKey which) {
  TRY_OK(transact(call, [&](apim::Transaction& tx) -> Result<void> {
    TRY(const auto own, own_subscription(tx, call.visit, call.args[0]));
    return apim::Editor(tx, call.visit.service.name).regenerate_key(own, which);
  }));
  http::Response out;
  out.status = 204;
  return out;
}

Result<void> check_limit(apim::Reader& reader, const Visit& visit, const apim::Product& product) {
  if (!product.subscriptions_limit) return {};
  TRY(const auto own, own_subscriptions(reader, visit));
  const auto held = std::ranges::count_if(own, [&](const apim::Subscription& one) {
    return !is_over(one) && one.scope.kind == apim::ScopeKind::product &&
           equals_ignoring_case(one.scope.target, product.name);
  });
  if (held < *product.subscriptions_limit) return {};
  return fail(Errc::conflict, "You have as many subscriptions to this product as one may have (" +
                                  std::to_string(*product.subscriptions_limit) + ").");
}

}  // namespace

Json user_json(const apim::User& user) {
  const Json all = apim::properties_of(user);
  Json out = Json::object({{"id", Json(user.name)}});
  for (const char* name :
       {"firstName", "lastName", "email", "state", "registrationDate", "identities"})
    out.set(name, all[name]);
  return out;
}

Answer get_user(DataCall& call) {
  TRY_OK(call.visit.viewer.check_active());
  return json_answer(200, user_json(*call.visit.viewer.user));
}

Answer patch_user(DataCall& call) {
  TRY_OK(call.visit.viewer.check_active());
  apim::User& user = *call.visit.viewer.user;
  TRY_OK(transact(call, [&](apim::Transaction& tx) -> Result<void> {
    TRY(const auto before, apim::find<apim::User>(tx, {call.visit.service.name, "", user.name}));
    if (!before) return fail(Errc::not_found, "User not found.");
    apim::User next = *before;
    apim::PropertyReader in(call.body, tx.errors);
    if (in.has("firstName")) next.first_name = in.required_text("firstName", {1, 100});
    if (in.has("lastName")) next.last_name = in.required_text("lastName", {1, 100});
    TRY_OK(tx.check());
    user = next;
    return apim::Editor(tx, call.visit.service.name).put(std::move(next), &*before);
  }));
  return get_user(call);
}

Result<apim::Subscription> own_subscription(apim::Reader& reader, const Visit& visit,
                                            std::string_view name) {
  TRY_OK(visit.viewer.check_active());
  TRY(auto found,
      apim::find<apim::Subscription>(reader, {visit.service.name, "", std::string(name)}));
  if (!found || !found->owner || !equals_ignoring_case(*found->owner, visit.viewer.user->name))
    return fail(Errc::not_found, "Subscription not found.");
  return *std::move(found);
}

Answer list_subscriptions(DataCall& call) {
  auto reader = call.api.repository().reader();
  TRY(const auto own, own_subscriptions(reader, call.visit));
  std::vector<Json> out;
  for (const apim::Subscription& one : own) out.push_back(subscription_json(one));
  return list_answer(call, std::move(out));
}

Answer get_subscription(DataCall& call) {
  auto reader = call.api.repository().reader();
  TRY(const auto own, own_subscription(reader, call.visit, call.args[0]));
  return json_answer(200, subscription_json(own));
}

// {"scope":"/products/{p}","name"}. What the product asks for decides whether it waits for
// approval.
Answer post_subscription(DataCall& call) {
  TRY_OK(call.visit.viewer.check_active());
  const std::string& service = call.visit.service.name;
  const auto scope = apim::parse_scope(call.body.string_or("scope"), service);
  if (!scope || scope->kind != apim::ScopeKind::product)
    return fail(Errc::invalid_argument, "'scope' has to name a product.", "scope");
  TRY(const Catalogue catalogue, call.visit.catalogue(call.api.repository()));
  TRY(const apim::Product product, catalogue.product(scope->target));
  if (!product.subscription_required)
    return fail(Errc::invalid_argument, "This product is open: it needs no subscription.", "scope");
  TRY_OK(transact(call, [&](apim::Transaction& tx) -> Result<void> {
    if (auto wrong = apim::check_resource_name(call.args[0], apim::kLongName))
      return std::unexpected(*std::move(wrong));
    TRY(const auto taken, apim::find<apim::Subscription>(tx, {service, "", call.args[0]}));
    if (taken) return fail(Errc::conflict, "There is a subscription of this id already.");
    TRY_OK(check_limit(tx, call.visit, product));
    apim::PropertyReader in(call.body, tx.errors);
    apim::Subscription next;
    next.name = call.args[0];
    next.display_name = in.required_text("name", {1, 100});
    next.owner = call.visit.viewer.user->name;
    next.scope = *scope;
    next.state = product.approval_required.value_or(false) ? apim::SubscriptionState::submitted
                                                           : apim::SubscriptionState::active;
    TRY_OK(tx.check());
    return apim::Editor(tx, service).put(std::move(next), nullptr);
  }));
  TRY(http::Response out, get_subscription(call));
  out.status = 201;
  return out;
}

// {"name"} renames, {"state":"cancelled"} cancels; nothing else is the caller's to change.
Answer patch_subscription(DataCall& call) {
  return change_own(call, [&](apim::Subscription& next, apim::Errors& errors) -> Result<void> {
    apim::PropertyReader in(call.body, errors);
    if (in.has("name")) next.display_name = in.required_text("name", {1, 100});
    if (!in.has("state")) return {};
    if (call.body.string_or("state") != "cancelled")
      return fail(Errc::invalid_argument, "A subscription can only be cancelled here.", "state");
    if (is_over(next)) return fail(Errc::conflict, "The subscription has ended already.");
    next.state = apim::SubscriptionState::cancelled;
    return {};
  });
}

Answer list_secrets(DataCall& call) {
  auto reader = call.api.repository().reader();
  TRY(const auto own, own_subscription(reader, call.visit, call.args[0]));
  return json_answer(200, Json::object({{"primaryKey", Json(own.primary_key)},
                                        {"secondaryKey", Json(own.secondary_key)}}));
}

Answer regenerate_primary(DataCall& call) {
  return regenerate(call, apim::Editor::WhichKey::primary);
}

Answer regenerate_secondary(DataCall& call) {
  return regenerate(call, apim::Editor::WhichKey::secondary);
}

}  // namespace mlgate::portal
