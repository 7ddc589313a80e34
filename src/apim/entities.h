#pragma once
// One reader and one writer per entity: from the `properties` of a management request to the plain
// struct, and back. A reader collects every violation of the entity's own rules; rules between
// entities are the editor's. Readers take what is there already (`before`, nullptr at creation),
// because some members keep their value when the caller leaves them out: keys, passwords,
// identities.
#include "apim/model.h"
#include "apim/properties.h"
#include "base/json.h"

#include <optional>
#include <string>
#include <string_view>

namespace mlgate::apim {

// Resource names
// ---------------------------------------------------------------------------------------

struct NameRule {
  std::size_t max;
};
inline constexpr NameRule kLongName{256};  // APIs, products, groups, subscriptions.
inline constexpr NameRule kShortName{80};  // Operations, users.

// Error of the field "name" when the name is not allowed.
std::optional<Error> check_resource_name(std::string_view name, NameRule rule);
std::optional<Error> check_service_name(std::string_view name);

// Texts of enumerations, as on the wire
// -----------------------------------------------------------------

std::string_view to_text(ApiType type) noexcept;
std::string_view to_text(GroupType type) noexcept;
std::string_view to_text(UserState state) noexcept;
std::string_view to_text(SubscriptionState state) noexcept;
std::string_view to_text(PolicyFormat format) noexcept;

// Scopes of subscriptions
// -------------------------------------------------------------------------------

// "/", "/apis", "/apis/{a}", "/products/{p}".
std::string short_scope(const SubscriptionScope& scope);
// Cuts a full resource id down to what follows the service; a short form stays. nullopt when the id
// names another service.
std::optional<std::string> shorten_id(std::string_view id, std::string_view service);
std::optional<SubscriptionScope> parse_scope(std::string_view text, std::string_view service);
// The name behind "/users/" or "/groups/" and the like; nullopt when the id is of another shape.
std::optional<std::string> name_in_id(std::string_view id, std::string_view collection,
                                      std::string_view service);

// Entities
// ----------------------------------------------------------------------------------------------

inline constexpr std::string_view kDefaultKeyHeader = "Ocp-Apim-Subscription-Key";
inline constexpr std::string_view kDefaultKeyQuery = "subscription-key";
inline constexpr std::size_t kPolicyBytesMax = 256 * 1'024;

// `body` is the whole request: location, sku, tags and the like stand beside `properties`.
Service parse_service(const Json& body, const Service* before, std::string_view built_in_host,
                      Errors& errors);
// The address that mails come from unless the instance names another.
std::string default_sender(std::string_view built_in_host);
// `service` is the name of the instance, for full ids.
Api parse_api(const Json& properties, const Api* before, std::string_view service, Errors& errors);
VersionSet parse_version_set(const Json& properties, Errors& errors);
// The revision that it makes current is taken from `apiId`.
Release parse_release(const Json& properties, std::string_view service, Errors& errors);
Backend parse_backend(const Json& properties, const Backend* before, std::string_view service,
                      Errors& errors);
NamedValue parse_named_value(const Json& properties, const NamedValue* before, Errors& errors);
// `data` is a PKCS #12 archive in base64, opened with `password`.
Certificate parse_certificate(const Json& properties, const Certificate* before, Errors& errors);
Operation parse_operation(const Json& properties, const Operation* before, Errors& errors);
Product parse_product(const Json& properties, const Product* before, Errors& errors);
Group parse_group(const Json& properties, const Group* before, Errors& errors);
User parse_user(const Json& properties, const User* before, Errors& errors);
// `service` is the name of the instance, for full ids.
Subscription parse_subscription(const Json& properties, const Subscription* before,
                                std::string_view service, Errors& errors);
Policy parse_policy(const Json& properties, const Policy* before, Errors& errors);

// What a reader takes, with the read-only members and the nulls of the wire beside it. Scopes and
// owners are short ids; keys and passwords are never in it.
Json properties_of(const Api& api);
Json properties_of(const Operation& operation);
Json properties_of(const Product& product);
Json properties_of(const Group& group);
Json properties_of(const User& user);
Json properties_of(const Subscription& subscription);
Json properties_of(const Policy& policy);
Json properties_of(const VersionSet& set);
Json properties_of(const Release& release);
Json properties_of(const Backend& backend);
Json properties_of(const NamedValue& value);
Json properties_of(const Certificate& certificate);

// The secret part of a backend; null when it has none.
Json credentials_of(const Backend& backend);
void read_credentials(const Json& credentials, Backend& backend, Errors& errors);
Certificate read_kept_certificate(const Json& properties);
// ISO 8601 "PT1H30M", "P1D", or a .NET TimeSpan "01:30:00"; nullopt for anything else.
std::optional<std::int64_t> parse_duration_ms(std::string_view text) noexcept;
std::string to_duration(std::int64_t ms);

// JSON of a value that may be absent.
inline Json json_or_null(const std::optional<std::string>& text) {
  return text ? Json(*text) : Json();
}
inline Json time_or_null(const std::optional<TimeMs>& time) {
  return time ? Json(to_iso8601(*time)) : Json();
}

}  // namespace mlgate::apim
