#pragma once
// Entities as stored documents: how each is written down and read back, and where it lives. Keys of
// subscriptions are sealed on the way in and opened on the way out.
#include "apim/model.h"
#include "apim/transaction.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::apim {

// Where an entity stands: `parent` is the API of an operation or a release, else empty.
struct Place {
  std::string service;
  std::string parent;
  std::string name;
};

// The kind is the segment of the key, the title what people are told ("Api not found.").
template <class T>
struct KindOf;
template <>
struct KindOf<Api> {
  static constexpr std::string_view key = "api", title = "Api";
};
template <>
struct KindOf<Operation> {
  static constexpr std::string_view key = "operation", title = "Operation";
};
template <>
struct KindOf<Product> {
  static constexpr std::string_view key = "product", title = "Product";
};
template <>
struct KindOf<Group> {
  static constexpr std::string_view key = "group", title = "Group";
};
template <>
struct KindOf<User> {
  static constexpr std::string_view key = "user", title = "User";
};
template <>
struct KindOf<Subscription> {
  static constexpr std::string_view key = "subscription", title = "Subscription";
};

template <>
struct KindOf<VersionSet> {
  static constexpr std::string_view key = "version-set", title = "ApiVersionSet";
};
template <>
struct KindOf<Release> {
  static constexpr std::string_view key = "release", title = "ApiRelease";
};
template <>
struct KindOf<Backend> {
  static constexpr std::string_view key = "backend", title = "Backend";
};
template <>
struct KindOf<NamedValue> {
  static constexpr std::string_view key = "named-value", title = "NamedValue";
};
template <>
struct KindOf<Certificate> {
  static constexpr std::string_view key = "certificate", title = "Certificate";
};

template <class T>
std::string key_of(const Place& place);

template <class T>
std::string encode(const T& entity, const std::string& key, const Secrets& secrets);
template <class T>
Result<T> decode(const StoredDocument& document, const Secrets& secrets);

template <>
std::string encode<Service>(const Service& entity, const std::string& key, const Secrets& secrets);
template <>
Result<Service> decode<Service>(const StoredDocument& document, const Secrets& secrets);
template <>
std::string encode<Policy>(const Policy& entity, const std::string& key, const Secrets& secrets);
template <>
Result<Policy> decode<Policy>(const StoredDocument& document, const Secrets& secrets);

// nullopt when there is none.
template <class T>
Result<std::optional<T>> find(Reader& reader, const Place& place);
// Ordered by name without regard to case; operations by creation.
template <class T>
Result<std::vector<T>> find_all(Reader& reader, std::string_view service,
                                std::string_view parent = {});

Result<std::optional<Service>> find_service(Reader& reader, std::string_view name);
// Soft-deleted ones included.
Result<std::vector<Service>> find_services(Reader& reader);
Result<std::optional<Policy>> find_policy(Reader& reader, std::string_view service,
                                          const PolicyScope& scope);

// A relation between two entities, kept as a document of its own.
struct Link {
  std::string left, right;  // Names, as the entities are cased.
  std::string id;  // Name of the link resource; the right name unless the caller chose one.
};
enum class Relation : unsigned char { product_api, product_group, group_user };
std::string link_key(std::string_view service, Relation relation, std::string_view left,
                     std::string_view right);
std::string encode_link(const Link& link);
Result<std::optional<Link>> find_link(Reader& reader, std::string_view service, Relation relation,
                                      std::string_view left, std::string_view right);
// All of one left side, or, with an empty `left`, all of the relation.
Result<std::vector<Link>> find_links(Reader& reader, std::string_view service, Relation relation,
                                     std::string_view left);

}  // namespace mlgate::apim
