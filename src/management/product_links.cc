// APIs and groups of a product: the associations, and the link resources that are another view of
// them.
#include "base/text.h"
#include "management/entity_internal.h"
#include "management/handlers_internal.h"
#include "management/list_internal.h"

#include <algorithm>
#include <array>

namespace mlgate::management {
namespace {

constexpr std::array<FilterField, 5> kApiFields{
    {{"name"}, {"displayName"}, {"description"}, {"serviceUrl"}, {"path"}}};
constexpr std::array<FilterField, 4> kGroupFields{
    {{"name"}, {"displayName"}, {"description"}, {"externalId", FilterField::Allows::eq}}};
constexpr std::array<FilterField, 3> kLinkFields{
    {{"name"},
     {"apiId", FilterField::Allows::everything, FilterField::Type::id},
     {"groupId", FilterField::Allows::everything, FilterField::Type::id}}};

// What differs between linking APIs and groups.
template <class T>
struct Side;
template <>
struct Side<apim::Api> {
  static constexpr apim::Relation relation = apim::Relation::product_api;
  static constexpr std::string_view links = "apiLinks", id_member = "apiId", title = "Api";
};
template <>
struct Side<apim::Group> {
  static constexpr apim::Relation relation = apim::Relation::product_group;
  static constexpr std::string_view links = "groupLinks", id_member = "groupId", title = "Group";
};

Result<apim::Product> product_of(const Call& call, apim::Reader& reader) {
  return require<apim::Product>(reader, {call.service.name, "", call.arg(0)});
}

template <class T>
Result<std::vector<Json>> associated(const Call& call) {
  auto reader = call.reader();
  TRY(const auto product, product_of(call, reader));
  TRY(const auto links,
      apim::find_links(reader, call.service.name, Side<T>::relation, product.name));
  std::vector<Json> out;
  for (const apim::Link& link : links) {
    TRY(const auto one, apim::find<T>(reader, {call.service.name, "", link.right}));
    if (one) out.push_back(association_json(call, *one, path_of(product), "products"));
  }
  return out;
}

template <class T>
http::Response list_associated(Call& call, std::span<const FilterField> fields) {
  auto items = associated<T>(call);
  if (!items) return error_answer(items.error());
  return list_answer(call, *std::move(items), fields);
}

template <class T>
http::Response head_association(Call& call) {
  auto reader = call.reader();
  const auto link =
      apim::find_link(reader, call.service.name, Side<T>::relation, call.arg(0), call.arg(1));
  if (!link) return error_answer(link.error());
  return empty_answer(*link ? 204 : 404);
}

template <class T>
http::Response put_association(Call& call) {
  apim::Errors errors;
  bool created = false;
  std::optional<Json> shown_one;
  const auto done = call.transact(
      [&](apim::Transaction& tx) -> Result<void> {
        TRY(const auto product, product_of(call, tx));
        TRY(const auto one, require<T>(tx, {call.service.name, "", call.arg(1)}));
        shown_one = association_json(call, one, path_of(product), "products");
        TRY(const auto there,
            apim::find_link(tx, call.service.name, Side<T>::relation, product.name, one.name));
        created = !there.has_value();
        // A link under a name of its own stays as it is.
        if (there) return {};
        return apim::Editor(tx, call.service.name).link(product, one);
      },
      errors);
  if (!done) return error_answer(done.error(), errors);
  return json_answer(created ? 201 : 200, *shown_one);
}

template <class T>
http::Response delete_association(Call& call) {
  apim::Errors errors;
  bool existed = false;
  const auto done = call.transact(
      [&](apim::Transaction& tx) -> Result<void> {
        TRY(const auto product, product_of(call, tx));
        TRY(const auto there,
            apim::find_link(tx, call.service.name, Side<T>::relation, product.name, call.arg(1)));
        existed = there.has_value();
        if (!there) return {};
        return apim::Editor(tx, call.service.name)
            .unlink(Side<T>::relation, product.name, there->right);
      },
      errors);
  if (!done) return error_answer(done.error(), errors);
  return empty_answer(existed ? 200 : 204);
}

template <class T>
Json link_json(const Call& call, const apim::Link& link) {
  const std::string path = "/products/" + link.left + "/" + std::string(Side<T>::links) + "/";
  const std::string target =
      call.service_id + "/" + std::string(EntityTraits<T>::type) + "/" + link.right;
  return envelope(call, path + link.id, "products/" + std::string(Side<T>::links), link.id,
                  Json::object({{std::string(Side<T>::id_member), target}}));
}

Result<std::optional<apim::Link>> link_named(apim::Reader& reader, const Call& call,
                                             apim::Relation relation, std::string_view product,
                                             std::string_view id) {
  TRY(const auto links, apim::find_links(reader, call.service.name, relation, product));
  const auto found = std::ranges::find_if(
      links, [&](const apim::Link& one) { return equals_ignoring_case(one.id, id); });
  if (found == links.end()) return std::nullopt;
  return *found;
}

template <class T>
http::Response list_links(Call& call) {
  auto reader = call.reader();
  const auto items = [&]() -> Result<std::vector<Json>> {
    TRY(const auto product, product_of(call, reader));
    TRY(const auto links,
        apim::find_links(reader, call.service.name, Side<T>::relation, product.name));
    std::vector<Json> out;
    for (const apim::Link& link : links) out.push_back(link_json<T>(call, link));
    return out;
  }();
  if (!items) return error_answer(items.error());
  return list_answer(call, *items, kLinkFields);
}

template <class T>
http::Response get_link(Call& call) {
  auto reader = call.reader();
  const auto found = [&]() -> Result<Json> {
    TRY(const auto product, product_of(call, reader));
    TRY(const auto link, link_named(reader, call, Side<T>::relation, product.name, call.arg(1)));
    if (!link) return fail(Errc::not_found, std::string(Side<T>::title) + " link not found.");
    return link_json<T>(call, *link);
  }();
  return found ? json_answer(200, *found) : error_answer(found.error());
}

template <class T>
Result<apim::Link> make_link(const Call& call, const Json& body, apim::Transaction& tx,
                             bool& created) {
  TRY(const auto product, product_of(call, tx));
  const std::string member(Side<T>::id_member);
  const auto target = apim::name_in_id(body["properties"].string_or(member), EntityTraits<T>::type,
                                       call.service.name);
  if (!target)
    return fail(Errc::invalid_argument,
                "'" + member + "' is not the id of a resource of this service.", member);
  TRY(const auto one, apim::find<T>(tx, {call.service.name, "", *target}));
  if (!one)
    return fail(Errc::invalid_argument,
                std::string(Side<T>::title) + " '" + *target + "' not found.", member);
  if (auto wrong = apim::check_resource_name(call.arg(1), apim::kLongName))
    return std::unexpected(*std::move(wrong));
  TRY(const auto present,
      apim::find_link(tx, call.service.name, Side<T>::relation, product.name, one->name));
  TRY(const auto named, link_named(tx, call, Side<T>::relation, product.name, call.arg(1)));
  created = !present;
  if (present && named && named->right == present->right) return *present;
  if (present || named)
    return fail(Errc::conflict, "Link already exists between specified Product and " +
                                    std::string(Side<T>::title) + ".");
  TRY_OK(apim::Editor(tx, call.service.name).link(product, *one, call.arg(1)));
  return apim::Link{product.name, one->name, call.arg(1)};
}

template <class T>
http::Response put_link(Call& call) {
  const auto body = body_of(call.request);
  if (!body) return error_answer(400, "InvalidRequestContent", body.error().message());
  apim::Errors errors;
  bool created = false;
  apim::Link made;
  const auto done = call.transact(
      [&](apim::Transaction& tx) -> Result<void> {
        TRY(made, make_link<T>(call, *body, tx, created));
        return {};
      },
      errors);
  if (!done) return error_answer(done.error(), errors);
  return json_answer(created ? 201 : 200, link_json<T>(call, made));
}

template <class T>
http::Response delete_link(Call& call) {
  apim::Errors errors;
  bool existed = false;
  const auto done = call.transact(
      [&](apim::Transaction& tx) -> Result<void> {
        TRY(const auto product, product_of(call, tx));
        TRY(const auto link, link_named(tx, call, Side<T>::relation, product.name, call.arg(1)));
        existed = link.has_value();
        if (!link) return {};
        return apim::Editor(tx, call.service.name)
            .unlink(Side<T>::relation, product.name, link->right);
      },
      errors);
  if (!done) return error_answer(done.error(), errors);
  return empty_answer(existed ? 200 : 204);
}

}  // namespace

http::Response list_product_apis(Call& call) {
  return list_associated<apim::Api>(call, kApiFields);
}
http::Response head_product_api(Call& call) { return head_association<apim::Api>(call); }
http::Response put_product_api(Call& call) { return put_association<apim::Api>(call); }
http::Response delete_product_api(Call& call) { return delete_association<apim::Api>(call); }
http::Response list_product_groups(Call& call) {
  return list_associated<apim::Group>(call, kGroupFields);
}
http::Response head_product_group(Call& call) { return head_association<apim::Group>(call); }
http::Response put_product_group(Call& call) { return put_association<apim::Group>(call); }
http::Response delete_product_group(Call& call) { return delete_association<apim::Group>(call); }
http::Response list_api_links(Call& call) { return list_links<apim::Api>(call); }
http::Response get_api_link(Call& call) { return get_link<apim::Api>(call); }
http::Response put_api_link(Call& call) { return put_link<apim::Api>(call); }
http::Response delete_api_link(Call& call) { return delete_link<apim::Api>(call); }
http::Response list_group_links(Call& call) { return list_links<apim::Group>(call); }
http::Response get_group_link(Call& call) { return get_link<apim::Group>(call); }
http::Response put_group_link(Call& call) { return put_link<apim::Group>(call); }
http::Response delete_group_link(Call& call) { return delete_link<apim::Group>(call); }

}  // namespace mlgate::management
