#pragma once
// The life of an entity behind its REST resource, the same for every kind: GET, PUT, PATCH, DELETE
// with their status codes, ETags and preconditions. What differs is in EntityTraits.
#include "apim/codec.h"
#include "apim/entities.h"
#include "base/text.h"
#include "management/call_internal.h"
#include "management/list_internal.h"

#include <functional>
#include <optional>
#include <span>
#include <string>

namespace mlgate::management {

enum class View : unsigned char { single, item, created };  // `item`: of a list.

template <class T>
struct EntityTraits;

template <>
struct EntityTraits<apim::Api> {
  static constexpr std::string_view type = "apis";
  static constexpr apim::NameRule name_rule = apim::kLongName;
};
template <>
struct EntityTraits<apim::Operation> {
  static constexpr std::string_view type = "apis/operations";
  static constexpr apim::NameRule name_rule = apim::kShortName;
};
template <>
struct EntityTraits<apim::Product> {
  static constexpr std::string_view type = "products";
  static constexpr apim::NameRule name_rule = apim::kLongName;
};
template <>
struct EntityTraits<apim::Group> {
  static constexpr std::string_view type = "groups";
  static constexpr apim::NameRule name_rule = apim::kLongName;
};
template <>
struct EntityTraits<apim::User> {
  static constexpr std::string_view type = "users";
  static constexpr apim::NameRule name_rule = apim::kShortName;
};
template <>
struct EntityTraits<apim::Subscription> {
  static constexpr std::string_view type = "subscriptions";
  static constexpr apim::NameRule name_rule = apim::kLongName;
};
template <>
struct EntityTraits<apim::VersionSet> {
  static constexpr std::string_view type = "apiVersionSets";
  static constexpr apim::NameRule name_rule = apim::kShortName;
};
template <>
struct EntityTraits<apim::Release> {
  static constexpr std::string_view type = "apis/releases";
  static constexpr apim::NameRule name_rule = apim::kShortName;
};
template <>
struct EntityTraits<apim::Backend> {
  static constexpr std::string_view type = "backends";
  static constexpr apim::NameRule name_rule = apim::kShortName;
};
template <>
struct EntityTraits<apim::Certificate> {
  static constexpr std::string_view type = "certificates";
  static constexpr apim::NameRule name_rule = apim::kShortName;
};
template <>
struct EntityTraits<apim::NamedValue> {
  static constexpr std::string_view type = "namedValues";
  static constexpr apim::NameRule name_rule = apim::kLongName;
};

// Properties as an answer shows them.
Json shown(const Call& call, const apim::Api& api, View view);
Json shown(const Call& call, const apim::Operation& operation, View view);
Json shown(const Call& call, const apim::Product& product, View view);
Json shown(const Call& call, const apim::Group& group, View view);
Json shown(const Call& call, const apim::User& user, View view);
Json shown(const Call& call, const apim::Subscription& subscription, View view);
Json shown(const Call& call, const apim::VersionSet& set, View view);
Json shown(const Call& call, const apim::Release& release, View view);
Json shown(const Call& call, const apim::Backend& backend, View view);
Json shown(const Call& call, const apim::Certificate& certificate, View view);
Json shown(const Call& call, const apim::NamedValue& value, View view);

// "/apis/echo-api", "/apis/echo-api/operations/get".
template <class T>
std::string path_of(const T& entity) {
  if constexpr (std::is_same_v<T, apim::Operation>)
    return "/apis/" + entity.api + "/operations/" + entity.name;
  else if constexpr (std::is_same_v<T, apim::Release>)
    return "/apis/" + entity.api + "/releases/" + entity.name;
  else
    return "/" + std::string(EntityTraits<T>::type) + "/" + entity.name;
}

template <class T>
Json entity_json(const Call& call, const T& entity, View view) {
  return envelope(call, path_of(entity), EntityTraits<T>::type, entity.name,
                  shown(call, entity, view));
}

// The entity as a member of another collection: "/products/starter/apis/echo-api".
template <class T>
Json association_json(const Call& call, const T& entity, const std::string& left_path,
                      std::string_view left_type) {
  return envelope(call, left_path + path_of(entity),
                  std::string(left_type) + "/" + std::string(EntityTraits<T>::type), entity.name,
                  shown(call, entity, View::item));
}

template <class T>
std::unexpected<Error> not_found() {
  return fail(Errc::not_found, std::string(apim::KindOf<T>::title) + " not found.");
}

// not_found, with the text that names the kind, when it is not there.
template <class T>
Result<T> require(apim::Reader& reader, const apim::Place& place) {
  TRY(auto found, apim::find<T>(reader, place));
  if (!found) return not_found<T>();
  return *std::move(found);
}

inline http::Response with_etag(http::Response answer, std::uint64_t version) {
  answer.set("ETag", etag_of(version));
  return answer;
}

inline bool is_not_modified(const Call& call, std::uint64_t version) {
  return names_etag(call.request.header("If-None-Match"), etag_of(version));
}

template <class T>
http::Response get_entity(Call& call, const apim::Place& place) {
  auto reader = call.reader();
  const auto found = require<T>(reader, place);
  if (!found) return error_answer(found.error());
  if (is_not_modified(call, found->version)) return with_etag(empty_answer(304), found->version);
  return with_etag(json_answer(200, entity_json(call, *found, View::single)), found->version);
}

// Reads the properties over what is there.
template <class T>
T parse_entity(const Call& call, const Json& properties, const T* before, apim::Errors& errors) {
  if constexpr (std::is_same_v<T, apim::Api>)
    return apim::parse_api(properties, before, call.service.name, errors);
  else if constexpr (std::is_same_v<T, apim::Operation>)
    return apim::parse_operation(properties, before, errors);
  else if constexpr (std::is_same_v<T, apim::Product>)
    return apim::parse_product(properties, before, errors);
  else if constexpr (std::is_same_v<T, apim::Group>)
    return apim::parse_group(properties, before, errors);
  else if constexpr (std::is_same_v<T, apim::User>)
    return apim::parse_user(properties, before, errors);
  else if constexpr (std::is_same_v<T, apim::VersionSet>)
    return apim::parse_version_set(properties, errors);
  else if constexpr (std::is_same_v<T, apim::Release>)
    return apim::parse_release(properties, call.service.name, errors);
  else if constexpr (std::is_same_v<T, apim::Backend>)
    return apim::parse_backend(properties, before, call.service.name, errors);
  else if constexpr (std::is_same_v<T, apim::NamedValue>)
    return apim::parse_named_value(properties, before, errors);
  else if constexpr (std::is_same_v<T, apim::Certificate>)
    return apim::parse_certificate(properties, before, errors);
  else
    return apim::parse_subscription(properties, before, call.service.name, errors);
}

enum class WriteKind : unsigned char { put, patch };

// The body of the transaction of a PUT or PATCH; `created` tells which it was.
template <class T>
Result<void> write_entity(const Call& call, const apim::Place& place, const Json& body,
                          WriteKind kind, apim::Transaction& tx, bool& created) {
  TRY(const auto before, apim::find<T>(tx, place));
  created = !before.has_value();
  if (created && kind == WriteKind::patch) return not_found<T>();
  TRY_OK(check_preconditions(call.request, before ? before->version : 0));
  if (created) {
    if (auto wrong = apim::check_resource_name(place.name, EntityTraits<T>::name_rule))
      tx.errors.push_back(*std::move(wrong));
  }
  // Scripts make subscriptions without mails unless they ask for them; people hear of decisions.
  if constexpr (std::is_same_v<T, apim::Subscription>) {
    const auto notify = call.query("notify");
    tx.quiet = notify ? !equals_ignoring_case(*notify, "true") : created;
  }
  const Json& sent = body["properties"];
  Json properties = sent.is_object() ? sent : Json::object();
  if (kind == WriteKind::patch) {
    properties = apim::properties_of(*before);
    // Identities that the caller does not name follow the e-mail address.
    if constexpr (std::is_same_v<T, apim::User>) properties.erase("identities");
    if constexpr (std::is_same_v<T, apim::Backend>) {
      const Json credentials = apim::credentials_of(*before);
      if (!credentials.is_null()) properties.set("credentials", credentials);
    }
    if (sent.is_object()) properties.merge_patch(sent);
    // Credentials that are taken away must not count as left out.
    if constexpr (std::is_same_v<T, apim::Backend>)
      if (properties.find("credentials") == nullptr) properties.set("credentials", Json::object());
  }
  T next = parse_entity<T>(call, properties, before ? &*before : nullptr, tx.errors);
  next.name = before ? before->name : place.name;
  if (before) static_cast<apim::Entity&>(next) = *before;
  if constexpr (std::is_same_v<T, apim::Operation>) next.api = place.parent;
  if constexpr (std::is_same_v<T, apim::Release>) {
    if (!equals_ignoring_case(next.api, place.parent))
      apim::reject(tx.errors, "apiId", "The release of an API names a revision of it.");
    next.api = place.parent;
  }
  TRY_OK(tx.check());
  return apim::Editor(tx, call.service.name).put(std::move(next), before ? &*before : nullptr);
}

template <class T>
http::Response write_and_answer(Call& call, const apim::Place& place, WriteKind kind) {
  const auto body = body_of(call.request);
  if (!body) return error_answer(400, "InvalidRequestContent", body.error().message());
  apim::Errors errors;
  bool created = false;
  const auto written = call.transact(
      [&](apim::Transaction& tx) { return write_entity<T>(call, place, *body, kind, tx, created); },
      errors);
  if (!written) return error_answer(written.error(), errors);
  auto reader = call.reader();
  const auto now = require<T>(reader, place);
  if (!now) return error_answer(now.error());
  const View view = kind == WriteKind::put ? View::created : View::single;
  return with_etag(json_answer(created ? 201 : 200, entity_json(call, *now, view)), now->version);
}

// `erase` removes an entity that is there. 204 when nothing was.
template <class T>
http::Response delete_entity(Call& call, const apim::Place& place,
                             const std::function<Result<void>(apim::Editor&, const T&)>& erase) {
  apim::Errors errors;
  bool existed = false;
  const auto done = call.transact(
      [&](apim::Transaction& tx) -> Result<void> {
        TRY(const auto before, apim::find<T>(tx, place));
        existed = before.has_value();
        if (!before) return {};
        TRY_OK(check_preconditions(call.request, before->version));
        apim::Editor editor(tx, call.service.name);
        return erase(editor, *before);
      },
      errors);
  if (!done) return error_answer(done.error(), errors);
  return empty_answer(existed ? 200 : 204);
}

template <class T>
Result<std::vector<Json>> entity_items(const Call& call, std::string_view parent = {}) {
  auto reader = call.reader();
  TRY(const auto all, apim::find_all<T>(reader, call.service.name, parent));
  std::vector<Json> items;
  items.reserve(all.size());
  for (const T& one : all) items.push_back(entity_json(call, one, View::item));
  return items;
}

// The list of all entities of a kind.
template <class T>
http::Response list_entities(const Call& call, std::span<const FilterField> fields,
                             std::string_view parent = {}) {
  auto reader = call.reader();
  const auto all = apim::find_all<T>(reader, call.service.name, parent);
  if (!all) return error_answer(all.error());
  return list_answer(
      call, all->size(), [&](std::size_t i) { return entity_json(call, (*all)[i], View::item); },
      fields);
}

}  // namespace mlgate::management
