// A service instance: what its request says, and what is kept of it.
#include "apim/entities.h"
#include "base/text.h"

#include <algorithm>

namespace mlgate::apim {
namespace {

constexpr std::int64_t kCapacityMax = 1'000;
constexpr std::size_t kHostNamesMax = 100;

bool is_host_name(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 253 && text.front() != '.' && text.front() != '-' &&
         std::ranges::all_of(
             text, [](char c) { return is_alpha(c) || is_digit(c) || c == '-' || c == '.'; });
}

void read_sku(const Json& body, Service& service, Errors& errors) {
  const Json& sku = body["sku"];
  if (sku.is_null()) return;
  PropertyReader in(sku, errors, "sku.");
  const std::string name = in.required_text("name", {1, 50});
  constexpr std::string_view kNames[] = {"Developer", "Standard",   "Premium",
                                         "Basic",     "Isolated",   "Consumption",
                                         "BasicV2",   "StandardV2", "PremiumV2"};
  const auto* known = std::ranges::find_if(
      kNames, [&](std::string_view one) { return equals_ignoring_case(one, name); });
  if (known == std::end(kNames))
    in.reject("name", "'" + name + "' is not the name of a tier.");
  else
    service.sku = *known;
  const std::int64_t otherwise = service.sku == "Consumption" ? 0 : 1;
  service.capacity = in.optional_integer("capacity", 0, kCapacityMax).value_or(otherwise);
}

HostName read_host(const Json& item, std::size_t index, Errors& errors) {
  PropertyReader in(item, errors, "hostnameConfigurations[" + std::to_string(index) + "].");
  HostName out;
  constexpr std::string_view kTypes[] = {"Proxy", "Portal",          "Management",
                                         "Scm",   "DeveloperPortal", "ConfigurationApi"};
  const auto type = in.choice(
      "type", {"Proxy", "Portal", "Management", "Scm", "DeveloperPortal", "ConfigurationApi"});
  if (!in.has("type")) in.reject("type", "'type' is required.");
  if (type) out.type = kTypes[*type];
  out.host = to_lower(in.required_text("hostName", {1, 253}));
  if (!out.host.empty() && !is_host_name(out.host))
    in.reject("hostName", "'hostName' is not a host name.");
  out.default_ssl_binding = in.flag("defaultSslBinding", false);
  out.negotiate_client_certificate = in.flag("negotiateClientCertificate", false);
  return out;
}

void read_hosts(const Json& properties, std::string_view built_in_host, Service& service,
                Errors& errors) {
  PropertyReader in(properties, errors);
  const Json* list = in.array("hostnameConfigurations");
  if (list == nullptr) return;
  if (list->items().size() > kHostNamesMax)
    return in.reject("hostnameConfigurations", "A service has at most 100 host names.");
  for (std::size_t i = 0; i < list->items().size(); ++i) {
    HostName host = read_host(list->items()[i], i, errors);
    // The built-in one is in every answer, so a caller sends it back; it is not kept.
    if (equals_ignoring_case(host.host, built_in_host)) continue;
    const bool twice = std::ranges::any_of(service.hostnames, [&](const HostName& other) {
      return other.host == host.host && other.type == host.type;
    });
    if (twice)
      in.reject("hostnameConfigurations", "The host name '" + host.host + "' is there twice.");
    service.hostnames.push_back(std::move(host));
  }
}

// What an answer shows when nothing else was set: a caller who writes back what it read changes
// nothing.
void drop_defaults(Json& kept) {
  const Json defaults = Json::object({{"customProperties", Json::object()},
                                      {"apiVersionConstraint", Json::object()},
                                      {"enableClientCertificate", false},
                                      {"virtualNetworkType", "None"},
                                      {"publicNetworkAccess", "Enabled"},
                                      {"developerPortalStatus", "Enabled"},
                                      {"legacyPortalStatus", "Enabled"},
                                      {"natGatewayState", "Disabled"}});
  if (Json* constraint = kept.find("apiVersionConstraint");
      constraint && (*constraint)["minApiVersion"].is_null())
    constraint->erase("minApiVersion");
  for (const auto& [name, value] : defaults.members())
    if (kept[name] == value) kept.erase(name);
}

void read_properties(const Json& properties, std::string_view default_sender, Service& service,
                     Errors& errors) {
  PropertyReader in(properties, errors);
  service.publisher_name = in.required_text("publisherName", {1, 100});
  service.publisher_email = in.required_text("publisherEmail", {1, 100});
  if (!service.publisher_email.empty() && service.publisher_email.find('@') == std::string::npos)
    in.reject("publisherEmail", "'publisherEmail' is not an e-mail address.");
  service.notification_sender_email = in.text_or("notificationSenderEmail", {0, 100}, "");
  if (service.notification_sender_email == default_sender)
    service.notification_sender_email.clear();
  service.enabled = !in.flag("disableGateway", false);
  (void)in.optional_flag("enableClientCertificate");
  (void)in.object("customProperties");
  (void)in.object("apiVersionConstraint");
  (void)in.choice("virtualNetworkType", {"None", "External", "Internal"});
  (void)in.choice("publicNetworkAccess", {"Enabled", "Disabled"});
  (void)in.choice("developerPortalStatus", {"Enabled", "Disabled"});
  (void)in.choice("legacyPortalStatus", {"Enabled", "Disabled"});
  service.properties = copy_members(
      properties,
      {"customProperties", "apiVersionConstraint", "enableClientCertificate", "virtualNetworkType",
       "publicNetworkAccess", "developerPortalStatus", "legacyPortalStatus", "natGatewayState"});
  drop_defaults(service.properties);
}

}  // namespace

std::string default_sender(std::string_view built_in_host) {
  return "noreply@" + std::string(built_in_host);
}

Service parse_service(const Json& body, const Service* before, std::string_view built_in_host,
                      Errors& errors) {
  Service service;
  if (before != nullptr) {
    static_cast<Entity&>(service) = *before;
    service.resource_group = before->resource_group;
    service.location = before->location;
    service.is_default = before->is_default;
  }
  PropertyReader in(body, errors);
  if (before == nullptr || in.has("location"))
    service.location = in.required_text("location", {1, 100});
  read_sku(body, service, errors);
  const Json* properties = in.object("properties");
  const Json none = Json::object();
  read_properties(properties ? *properties : none, default_sender(built_in_host), service, errors);
  read_hosts(properties ? *properties : none, built_in_host, service, errors);
  if (const Json* tags = in.object("tags")) service.tags = *tags;
  if (const Json* identity = in.object("identity")) service.identity = *identity;
  if (const Json* zones = in.array("zones")) service.zones = *zones;
  return service;
}

}  // namespace mlgate::apim
