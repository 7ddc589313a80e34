#include "apim/codec.h"

#include "apim/entities.h"
#include "apim/keys_internal.h"

#include <algorithm>

namespace mlgate::apim {
namespace {

Json encode_common(const Entity& entity) {
  Json out = Json::object();
  out.set("number", static_cast<std::int64_t>(entity.number));
  out.set("name", entity.name);
  out.set("created", entity.created_ms);
  return out;
}

void decode_common(const Json& from, std::uint64_t version, Entity& entity) {
  entity.number = static_cast<EntityNumber>(from.int_or("number", 0));
  entity.name = from.string_or("name");
  entity.created_ms = from.int_or("created", 0);
  entity.version = version;
}

void set_time(Json& out, std::string_view name, const std::optional<TimeMs>& time) {
  if (time) out.set(name, *time);
}

std::optional<TimeMs> time_of(const Json& from, std::string_view name) {
  return from[name].as_int();
}

// What an entity has besides its properties.
template <class T>
void encode_rest(const T& entity, const std::string& key, const Secrets& secrets, Json& out) {
  if constexpr (std::is_same_v<T, Api>) {
    out.set("updated", entity.updated_ms);
    out.set("family", static_cast<std::int64_t>(entity.family));
    out.set("current", entity.is_current);
    out.set("online", entity.is_online);
  } else if constexpr (std::is_same_v<T, Release>) {
    out.set("updated", entity.updated_ms);
    out.set("api", entity.api);
  } else if constexpr (std::is_same_v<T, NamedValue>) {
    out.set("value", secrets.seal(entity.value, key + "/value"));
  } else if constexpr (std::is_same_v<T, Certificate>) {
    out.set("certificate", entity.certificate_pem);
    out.set("key", secrets.seal(entity.key_pem, key + "/key"));
  } else if constexpr (std::is_same_v<T, Backend>) {
    const Json credentials = credentials_of(entity);
    if (!credentials.is_null())
      out.set("credentials", secrets.seal(credentials.dump(), key + "/credentials"));
  } else if constexpr (std::is_same_v<T, Operation>) {
    out.set("api", entity.api);
  } else if constexpr (std::is_same_v<T, User>) {
    out.set("password", entity.password_hash);
  } else if constexpr (std::is_same_v<T, Subscription>) {
    set_time(out, "start", entity.start_ms);
    set_time(out, "end", entity.end_ms);
    set_time(out, "notification", entity.notification_ms);
    out.set("primary", secrets.seal(entity.primary_key, key + "/primary"));
    out.set("secondary", secrets.seal(entity.secondary_key, key + "/secondary"));
  }
}

template <class T>
Result<void> decode_rest(const Json& from, const StoredDocument& document, const Secrets& secrets,
                         T& entity) {
  if constexpr (std::is_same_v<T, Api>) {
    entity.updated_ms = from.int_or("updated", 0);
    entity.family = EntityNumber(from.int_or("family", std::int64_t(entity.number)));
    entity.is_current = from.bool_or("current", true);
    entity.is_online = from.bool_or("online", true);
  } else if constexpr (std::is_same_v<T, Release>) {
    entity.updated_ms = from.int_or("updated", 0);
    entity.api = from.string_or("api");
  } else if constexpr (std::is_same_v<T, NamedValue>) {
    TRY(entity.value, secrets.unseal(from.string_or("value"), document.key + "/value"));
  } else if constexpr (std::is_same_v<T, Certificate>) {
    entity.certificate_pem = from.string_or("certificate");
    TRY(entity.key_pem, secrets.unseal(from.string_or("key"), document.key + "/key"));
  } else if constexpr (std::is_same_v<T, Backend>) {
    if (from.find("credentials") != nullptr) {
      TRY(const std::string text,
          secrets.unseal(from.string_or("credentials"), document.key + "/credentials"));
      TRY(const Json credentials, Json::parse(text));
      Errors ignored;
      read_credentials(credentials, entity, ignored);
    }
  } else if constexpr (std::is_same_v<T, Operation>) {
    entity.api = from.string_or("api");
    entity.order = entity.number;
  } else if constexpr (std::is_same_v<T, User>) {
    entity.password_hash = from.string_or("password");
  } else if constexpr (std::is_same_v<T, Subscription>) {
    entity.start_ms = time_of(from, "start");
    entity.end_ms = time_of(from, "end");
    entity.notification_ms = time_of(from, "notification");
    TRY(entity.primary_key, secrets.unseal(from.string_or("primary"), document.key + "/primary"));
    TRY(entity.secondary_key,
        secrets.unseal(from.string_or("secondary"), document.key + "/secondary"));
  }
  return {};
}

// What was valid when it was written is read whatever later rules say, so the errors are left
// alone.
template <class T>
T parse_kept(const Json& properties) {
  Errors ignored;
  const T empty;
  if constexpr (std::is_same_v<T, Api>) return parse_api(properties, nullptr, "", ignored);
  if constexpr (std::is_same_v<T, Operation>) return parse_operation(properties, &empty, ignored);
  if constexpr (std::is_same_v<T, Product>) return parse_product(properties, &empty, ignored);
  if constexpr (std::is_same_v<T, Group>) return parse_group(properties, &empty, ignored);
  if constexpr (std::is_same_v<T, User>) return parse_user(properties, &empty, ignored);
  if constexpr (std::is_same_v<T, Subscription>)
    return parse_subscription(properties, &empty, "", ignored);
  if constexpr (std::is_same_v<T, VersionSet>) return parse_version_set(properties, ignored);
  if constexpr (std::is_same_v<T, Release>) return parse_release(properties, "", ignored);
  if constexpr (std::is_same_v<T, Backend>) return parse_backend(properties, &empty, "", ignored);
  if constexpr (std::is_same_v<T, NamedValue>)
    return parse_named_value(properties, &empty, ignored);
  if constexpr (std::is_same_v<T, Certificate>) return read_kept_certificate(properties);
}

Result<Json> parse_document(const StoredDocument& document) {
  auto json = Json::parse(document.body);
  if (!json)
    return fail(Errc::internal,
                "the document '" + document.key + "' cannot be read: " + json.error().message());
  return json;
}

Json encode_hosts(const Service& service) {
  Json hosts = Json::array();
  for (const HostName& one : service.hostnames)
    hosts.push(Json::object({{"hostName", one.host},
                             {"type", one.type},
                             {"defaultSslBinding", one.default_ssl_binding},
                             {"negotiateClientCertificate", one.negotiate_client_certificate}}));
  return hosts;
}

std::vector<HostName> decode_hosts(const Json& list) {
  std::vector<HostName> out;
  for (const Json& one : list.items())
    out.push_back({std::string(one.string_or("hostName")), std::string(one.string_or("type")),
                   one.bool_or("defaultSslBinding", false),
                   one.bool_or("negotiateClientCertificate", false)});
  return out;
}

std::string_view kind_of(Relation relation) {
  switch (relation) {
    case Relation::product_api:
      return "product-api";
    case Relation::product_group:
      return "product-group";
    case Relation::group_user:
      break;
  }
  return "group-user";
}

Result<Link> decode_link(const StoredDocument& document) {
  TRY(const Json json, parse_document(document));
  return Link{std::string(json.string_or("left")), std::string(json.string_or("right")),
              std::string(json.string_or("id"))};
}

}  // namespace

template <class T>
std::string key_of(const Place& place) {
  return entity_key(place.service, KindOf<T>::key, place.parent, place.name);
}

template <class T>
std::string encode(const T& entity, const std::string& key, const Secrets& secrets) {
  Json out = encode_common(entity);
  out.set("properties", properties_of(entity));
  encode_rest(entity, key, secrets, out);
  return out.dump();
}

template <class T>
Result<T> decode(const StoredDocument& document, const Secrets& secrets) {
  TRY(const Json json, parse_document(document));
  T entity = parse_kept<T>(json["properties"]);
  decode_common(json, document.version, entity);
  TRY_OK(decode_rest(json, document, secrets, entity));
  return entity;
}

template <class T>
Result<std::optional<T>> find(Reader& reader, const Place& place) {
  TRY(const auto document, reader.read(key_of<T>(place)));
  if (!document) return std::nullopt;
  TRY(T entity, decode<T>(*document, reader.secrets()));
  return entity;
}

template <class T>
Result<std::vector<T>> find_all(Reader& reader, std::string_view service, std::string_view parent) {
  TRY(const auto documents, reader.read_all(collection_prefix(service, KindOf<T>::key, parent)));
  std::vector<T> out;
  out.reserve(documents.size());
  for (const StoredDocument& document : documents) {
    TRY(T entity, decode<T>(document, reader.secrets()));
    out.push_back(std::move(entity));
  }
  if constexpr (std::is_same_v<T, Operation>) std::ranges::sort(out, {}, &Operation::order);
  return out;
}

#define MLGATE_CODEC(T)                                                         \
  template std::string key_of<T>(const Place&);                                 \
  template std::string encode<T>(const T&, const std::string&, const Secrets&); \
  template Result<T> decode<T>(const StoredDocument&, const Secrets&);          \
  template Result<std::optional<T>> find<T>(Reader&, const Place&);             \
  template Result<std::vector<T>> find_all<T>(Reader&, std::string_view, std::string_view)
MLGATE_CODEC(Api);
MLGATE_CODEC(Operation);
MLGATE_CODEC(Product);
MLGATE_CODEC(Group);
MLGATE_CODEC(User);
MLGATE_CODEC(Subscription);
MLGATE_CODEC(VersionSet);
MLGATE_CODEC(Release);
MLGATE_CODEC(Backend);
MLGATE_CODEC(NamedValue);
MLGATE_CODEC(Certificate);
#undef MLGATE_CODEC

template <>
std::string encode<Service>(const Service& service, const std::string&, const Secrets&) {
  Json out = encode_common(service);
  out.set("resourceGroup", service.resource_group);
  out.set("location", service.location);
  out.set("sku", service.sku);
  out.set("capacity", service.capacity);
  out.set("publisherName", service.publisher_name);
  out.set("publisherEmail", service.publisher_email);
  out.set("senderEmail", service.notification_sender_email);
  out.set("hosts", encode_hosts(service));
  out.set("enabled", service.enabled);
  out.set("default", service.is_default);
  set_time(out, "deleted", service.deleted_ms);
  out.set("tags", service.tags);
  out.set("identity", service.identity);
  out.set("zones", service.zones);
  out.set("properties", service.properties);
  return out.dump();
}

template <>
Result<Service> decode<Service>(const StoredDocument& document, const Secrets&) {
  TRY(const Json json, parse_document(document));
  Service service;
  decode_common(json, document.version, service);
  service.resource_group = json.string_or("resourceGroup");
  service.location = json.string_or("location");
  service.sku = json.string_or("sku", "Developer");
  service.capacity = json.int_or("capacity", 1);
  service.publisher_name = json.string_or("publisherName");
  service.publisher_email = json.string_or("publisherEmail");
  service.notification_sender_email = json.string_or("senderEmail");
  service.hostnames = decode_hosts(json["hosts"]);
  service.enabled = json.bool_or("enabled", true);
  service.is_default = json.bool_or("default", false);
  service.deleted_ms = time_of(json, "deleted");
  service.tags = json["tags"];
  service.identity = json["identity"];
  service.zones = json["zones"];
  service.properties = json["properties"];
  return service;
}

template <>
std::string encode<Policy>(const Policy& policy, const std::string&, const Secrets&) {
  Json out = encode_common(policy);
  out.set("kind", static_cast<int>(policy.scope.kind));
  out.set("parent", policy.scope.parent);
  out.set("operation", policy.scope.operation);
  out.set("properties", properties_of(policy));
  return out.dump();
}

template <>
Result<Policy> decode<Policy>(const StoredDocument& document, const Secrets&) {
  TRY(const Json json, parse_document(document));
  Errors ignored;
  Policy policy = parse_policy(json["properties"], nullptr, ignored);
  decode_common(json, document.version, policy);
  const std::int64_t kind = json.int_or("kind", 0);
  if (kind < 0 || kind > 3)
    return fail(Errc::internal, "the document '" + document.key + "' cannot be read");
  policy.scope = {PolicyScopeKind(kind), std::string(json.string_or("parent")),
                  std::string(json.string_or("operation"))};
  return policy;
}

Result<std::optional<Service>> find_service(Reader& reader, std::string_view name) {
  // A name from outside that would reach below another instance.
  if (name.find('/') != std::string_view::npos) return std::nullopt;
  TRY(const auto document, reader.read(service_key(name)));
  if (!document) return std::nullopt;
  TRY(Service service, decode<Service>(*document, reader.secrets()));
  return service;
}

Result<std::vector<Service>> find_services(Reader& reader) {
  TRY(const auto marks, reader.read_all(kServiceMarks));
  std::vector<Service> out;
  for (const StoredDocument& mark : marks) {
    TRY(auto service, find_service(reader, mark.key.substr(kServiceMarks.size())));
    if (service) out.push_back(*std::move(service));
  }
  return out;
}

Result<std::optional<Policy>> find_policy(Reader& reader, std::string_view service,
                                          const PolicyScope& scope) {
  TRY(const auto document, reader.read(policy_key(service, scope)));
  if (!document) return std::nullopt;
  TRY(Policy policy, decode<Policy>(*document, reader.secrets()));
  return policy;
}

std::string link_key(std::string_view service, Relation relation, std::string_view left,
                     std::string_view right) {
  return entity_key(service, kind_of(relation), left, right);
}

std::string encode_link(const Link& link) {
  return Json::object({{"left", link.left}, {"right", link.right}, {"id", link.id}}).dump();
}

Result<std::optional<Link>> find_link(Reader& reader, std::string_view service, Relation relation,
                                      std::string_view left, std::string_view right) {
  TRY(const auto document, reader.read(link_key(service, relation, left, right)));
  if (!document) return std::nullopt;
  TRY(Link link, decode_link(*document));
  return link;
}

Result<std::vector<Link>> find_links(Reader& reader, std::string_view service, Relation relation,
                                     std::string_view left) {
  TRY(const auto documents, reader.read_all(collection_prefix(service, kind_of(relation), left)));
  std::vector<Link> out;
  for (const StoredDocument& document : documents) {
    TRY(Link link, decode_link(document));
    out.push_back(std::move(link));
  }
  return out;
}

}  // namespace mlgate::apim
