// Products, groups, users: what each says about itself.
#include "apim/entities.h"
#include "base/crypto.h"
#include "base/text.h"

#include <algorithm>
#include <limits>

namespace mlgate::apim {
namespace {

bool looks_like_email(std::string_view text) noexcept {
  const std::size_t at = text.find('@');
  return at != std::string_view::npos && at > 0 && at + 1 < text.size() &&
         text.find('@', at + 1) == std::string_view::npos && std::ranges::none_of(text, [](char c) {
           return static_cast<unsigned char>(c) <= ' ' || c == 0x7F;
         });
}

std::vector<Identity> read_identities(const Json& properties, PropertyReader& in, Errors& errors) {
  std::vector<Identity> out;
  const Json* list = in.array("identities");
  if (list == nullptr) return out;
  for (std::size_t i = 0; i < list->items().size(); ++i) {
    PropertyReader item(properties["identities"].items()[i], errors,
                        "identities[" + std::to_string(i) + "].");
    Identity identity;
    identity.provider = item.required_text("provider", {1, 100});
    identity.id = item.required_text("id", {1, 512});
    out.push_back(std::move(identity));
  }
  return out;
}

// Identities the caller leaves out stay, with a Basic one that follows the e-mail address.
std::vector<Identity> default_identities(const User& user, const User* before) {
  if (before == nullptr) return {{"Basic", user.email}};
  std::vector<Identity> out = before->identities;
  for (Identity& identity : out)
    if (identity.provider == "Basic") identity.id = user.email;
  return out;
}

}  // namespace

Product parse_product(const Json& properties, const Product* before, Errors& errors) {
  PropertyReader in(properties, errors);
  Product product;
  if (before != nullptr) static_cast<Entity&>(product) = *before;
  product.display_name = in.required_text("displayName", {1, 300});
  product.description = in.optional_text("description", {0, 1'000});
  product.terms = in.optional_text("terms", {});
  product.subscription_required = in.flag("subscriptionRequired", true);
  product.approval_required = in.optional_flag("approvalRequired");
  product.subscriptions_limit =
      in.optional_integer("subscriptionsLimit", 0, std::numeric_limits<std::int32_t>::max());
  product.published = in.choice("state", {"notPublished", "published"}).value_or(0) == 1;
  return product;
}

Json properties_of(const Product& product) {
  Json out = Json::object();
  out.set("displayName", product.display_name);
  out.set("description", json_or_null(product.description));
  out.set("terms", json_or_null(product.terms));
  out.set("subscriptionRequired", product.subscription_required);
  out.set("approvalRequired",
          product.approval_required ? Json(*product.approval_required) : Json());
  out.set("subscriptionsLimit",
          product.subscriptions_limit ? Json(*product.subscriptions_limit) : Json());
  out.set("state", product.published ? "published" : "notPublished");
  return out;
}

Group parse_group(const Json& properties, const Group* before, Errors& errors) {
  PropertyReader in(properties, errors);
  Group group;
  if (before != nullptr) static_cast<Entity&>(group) = *before;
  group.display_name = in.required_text("displayName", {1, 300});
  group.description = in.optional_text("description", {0, 1'000});
  group.external_id = in.optional_text("externalId", {1, 2'000});
  const auto type = in.choice("type", {"custom", "system", "external"});
  group.type = type ? GroupType(*type) : before ? before->type : GroupType::custom;
  const GroupType was = before ? before->type : GroupType::custom;
  if ((group.type == GroupType::system) != (was == GroupType::system))
    in.reject("type", "A group cannot be made a system group, nor a system group another one.");
  if (group.type == GroupType::external && !group.external_id)
    in.reject("externalId", "'externalId' is required for a group of type external.");
  return group;
}

Json properties_of(const Group& group) {
  Json out = Json::object();
  out.set("displayName", group.display_name);
  out.set("description", json_or_null(group.description));
  out.set("builtIn", group.type == GroupType::system);
  out.set("type", to_text(group.type));
  out.set("externalId", json_or_null(group.external_id));
  return out;
}

User parse_user(const Json& properties, const User* before, Errors& errors) {
  PropertyReader in(properties, errors);
  User user;
  if (before != nullptr) {
    static_cast<Entity&>(user) = *before;
    user.password_hash = before->password_hash;
  }
  user.first_name = in.required_text("firstName", {1, 100});
  user.last_name = in.required_text("lastName", {1, 100});
  user.email = in.required_text("email", {1, 254});
  if (!user.email.empty() && !looks_like_email(user.email))
    in.reject("email", "'email' is not an e-mail address.");
  const auto state = in.choice("state", {"active", "blocked", "pending", "deleted"});
  user.state = state ? UserState(*state) : UserState::active;
  user.note = in.optional_text("note", {});
  (void)in.choice("appType", {"portal", "developerPortal"});
  // Whoever is invited has yet to accept.
  const bool invited = in.choice("confirmation", {"signup", "invite"}) == std::size_t{1};
  if (invited && before == nullptr && !state) user.state = UserState::pending;
  user.identities = in.has("identities") ? read_identities(properties, in, errors)
                                         : default_identities(user, before);
  const auto password = in.optional_text("password", {8, 256});
  if (password && errors.empty()) user.password_hash = hash_password(*password);
  return user;
}

Json properties_of(const User& user) {
  Json out = Json::object();
  out.set("firstName", user.first_name);
  out.set("lastName", user.last_name);
  out.set("email", user.email);
  out.set("state", to_text(user.state));
  out.set("registrationDate", to_iso8601(user.created_ms));
  out.set("note", json_or_null(user.note));
  Json identities = Json::array();
  for (const Identity& one : user.identities)
    identities.push(Json::object({{"provider", one.provider}, {"id", one.id}}));
  out.set("identities", std::move(identities));
  return out;
}

}  // namespace mlgate::apim
