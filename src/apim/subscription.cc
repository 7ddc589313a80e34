// Subscriptions and policy documents: what each says about itself.
#include "apim/entities.h"
#include "base/text.h"

#include <algorithm>

namespace mlgate::apim {
namespace {

std::string read_key(PropertyReader& in, std::string_view name, std::string_view kept) {
  auto key = in.optional_text(name, {1, 256});
  if (!key) return std::string(kept);
  const bool odd = std::ranges::any_of(
      *key, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7F; });
  if (odd || trim(*key).size() != key->size())
    in.reject(name, "'" + std::string(name) + "' holds a character that no header has.");
  return *std::move(key);
}

}  // namespace

Subscription parse_subscription(const Json& properties, const Subscription* before,
                                std::string_view service, Errors& errors) {
  PropertyReader in(properties, errors);
  Subscription subscription;
  if (before != nullptr) subscription = *before;
  if (before == nullptr || in.has("displayName"))
    subscription.display_name = in.required_text("displayName", {1, 100});
  else
    subscription.display_name.reset();
  if (const std::string text = in.required_text("scope", {1, 2'000}); !text.empty()) {
    if (auto scope = parse_scope(text, service))
      subscription.scope = *std::move(scope);
    else
      in.reject("scope", "'scope' names neither all APIs nor an API or product of this service.");
  }
  subscription.owner.reset();
  if (const auto owner = in.optional_text("ownerId", {1, 2'000})) {
    subscription.owner = name_in_id(*owner, "users", service);
    if (!subscription.owner) in.reject("ownerId", "'ownerId' is not the id of a user.");
  }
  const auto state =
      in.choice("state", {"submitted", "active", "rejected", "suspended", "cancelled", "expired"});
  if (state) subscription.state = SubscriptionState(*state);
  subscription.state_comment = in.optional_text("stateComment", {});
  subscription.expiration_ms = in.optional_time("expirationDate");
  subscription.allow_tracing = in.flag("allowTracing", false);
  subscription.primary_key = read_key(in, "primaryKey", subscription.primary_key);
  subscription.secondary_key = read_key(in, "secondaryKey", subscription.secondary_key);
  return subscription;
}

Json properties_of(const Subscription& subscription) {
  Json out = Json::object();
  out.set("ownerId", subscription.owner ? Json("/users/" + *subscription.owner) : Json());
  out.set("scope", short_scope(subscription.scope));
  out.set("displayName", json_or_null(subscription.display_name));
  out.set("state", to_text(subscription.state));
  out.set("createdDate", to_iso8601(subscription.created_ms));
  out.set("startDate", time_or_null(subscription.start_ms));
  out.set("expirationDate", time_or_null(subscription.expiration_ms));
  out.set("endDate", time_or_null(subscription.end_ms));
  out.set("notificationDate", time_or_null(subscription.notification_ms));
  out.set("stateComment", json_or_null(subscription.state_comment));
  out.set("allowTracing", subscription.allow_tracing);
  return out;
}

Policy parse_policy(const Json& properties, const Policy* before, Errors& errors) {
  PropertyReader in(properties, errors);
  Policy policy;
  if (before != nullptr) {
    static_cast<Entity&>(policy) = *before;
    policy.scope = before->scope;
  }
  policy.text = in.required_text("value", {1, kPolicyBytesMax});
  const auto format = in.choice("format", {"xml", "rawxml", "xml-link", "rawxml-link"});
  if (format && *format > 1)
    in.reject("format", "Policy documents are not downloaded by this build; send the text itself.");
  policy.format = format.value_or(0) == 1 ? PolicyFormat::rawxml : PolicyFormat::xml;
  return policy;
}

Json properties_of(const Policy& policy) {
  return Json::object({{"format", to_text(policy.format)}, {"value", policy.text}});
}

}  // namespace mlgate::apim
