#include "base/text.h"
#include "management/entity_internal.h"
#include "management/handlers_internal.h"
#include "management/list_internal.h"

#include <array>

namespace mlgate::management {
namespace {

using apim::kRevisionMark;

using Allows = FilterField::Allows;
constexpr std::array<FilterField, 6> kApiFields{
    {{"name"},
     {"displayName"},
     {"description"},
     {"serviceUrl"},
     {"path"},
     {"isCurrent", Allows::equality, FilterField::Type::flag}}};
constexpr std::array<FilterField, 1> kRevisionFields{{{"apiRevision"}}};
constexpr std::array<FilterField, 5> kProductFields{
    {{"name"}, {"displayName"}, {"description"}, {"terms"}, {"state", Allows::eq}}};

// What needs a document to be read or written, which this build does not do.
std::optional<http::Response> refuse_documents(const Call& call, const Json* body) {
  if (call.option("export"))
    return error_answer(501, "NotImplemented", "Export of API descriptions is not available.");
  if (body == nullptr) return std::nullopt;
  const Json& properties = (*body)["properties"];
  if (properties["value"].is_null() && properties["format"].is_null()) return std::nullopt;
  return error_answer(501, "NotImplemented",
                      "Import of '" + std::string(properties.string_or("format")) +
                          "' documents is not available; send the properties of the API.");
}

// The API that `sourceApiId` names: a copy of it is wanted.
Result<std::optional<apim::Api>> source_of(const Call& call, const Json& properties,
                                           apim::Transaction& tx) {
  const std::string_view id = properties.string_or("sourceApiId");
  if (id.empty()) return std::nullopt;
  const auto name = apim::name_in_id(id, "apis", call.service.name);
  const auto wrong = [&] {
    apim::reject(tx.errors, "sourceApiId", "Api '" + std::string(id) + "' not found.");
    return std::optional<apim::Api>();
  };
  if (!name) return wrong();
  const auto place = api_place(call, *name);
  if (!place) return wrong();
  TRY(auto found, apim::find<apim::Api>(tx, *place));
  if (!found) return wrong();
  return found;
}

// PUT of an API that is not there: a revision of one that is, or a new one with the content of
// another.
Result<void> copy_api(const Call& call, const Json& body, const std::string& name,
                      apim::Transaction& tx) {
  const Json& sent = body["properties"];
  TRY(const auto source, source_of(call, sent, tx));
  TRY_OK(tx.check());
  const std::size_t mark = name.find(kRevisionMark);
  const bool revision = mark != std::string::npos;
  if (!source) {
    apim::reject(tx.errors, "sourceApiId", "'sourceApiId' is required to create a revision.");
    return tx.check();
  }
  Json properties = apim::properties_of(*source);
  properties.merge_patch(sent);
  properties.erase("isCurrent");
  const std::string number = revision ? name.substr(mark + kRevisionMark.size()) : "1";
  properties.set("apiRevision", number);
  apim::Api next = apim::parse_api(properties, nullptr, call.service.name, tx.errors);
  next.name = name;
  apim::Editor editor(tx, call.service.name);
  const auto family = std::string(apim::family_name(name));
  if (revision && !equals_ignoring_case(apim::family_name(source->name), family))
    apim::reject(tx.errors, "sourceApiId", "The source of a revision is one of the same API.");
  if (auto wrong = apim::check_resource_name(family, apim::kLongName))
    tx.errors.push_back(*std::move(wrong));
  TRY_OK(tx.check());
  if (!revision) return editor.create_copy(std::move(next), *source);
  TRY_OK(editor.create_revision(std::move(next), *source));
  if (sent.bool_or("isCurrent", false)) return editor.make_current(family, number);
  return {};
}

http::Response put_copy(Call& call, const Json& body) {
  apim::Errors errors;
  const std::string& name = call.arg(0);
  const auto written = call.transact(
      [&](apim::Transaction& tx) -> Result<void> {
        TRY_OK(check_preconditions(call.request, 0));
        return copy_api(call, body, name, tx);
      },
      errors);
  if (!written) return error_answer(written.error(), errors);
  auto reader = call.reader();
  const auto place = api_place(call, name);
  if (!place) return error_answer(place.error());
  const auto now = require<apim::Api>(reader, *place);
  if (!now) return error_answer(now.error());
  return with_etag(json_answer(201, entity_json(call, *now, View::created)), now->version);
}

// An item of the list of revisions. The filter looks below `properties`, which is taken out
// again: items of this list have no envelope.
Json revision_json(const apim::Api& api, const std::string& family) {
  Json item = Json::object();
  item.set("apiId", "/apis/" + family + std::string(kRevisionMark) + api.revision);
  item.set("apiRevision", api.revision);
  item.set("createdDateTime", to_iso8601(api.created_ms));
  item.set("updatedDateTime", to_iso8601(api.updated_ms));
  item.set("description",
           api.revision_description.empty() ? Json() : Json(api.revision_description));
  item.set("privateUrl", "/" + api.path + std::string(kRevisionMark) + api.revision);
  item.set("isOnline", api.is_online);
  item.set("isCurrent", api.is_current);
  Json wrapped = item;
  wrapped.set("properties", std::move(item));
  return wrapped;
}

http::Response write_api(Call& call, WriteKind kind) {
  const auto body = body_of(call.request);
  if (!body) return error_answer(400, "InvalidRequestContent", body.error().message());
  if (auto refused = refuse_documents(call, &*body)) return *std::move(refused);
  const bool copy = !(*body)["properties"].string_or("sourceApiId").empty();
  const auto place = api_place(call, call.arg(0));
  if (!place) {
    const bool revision = call.arg(0).find(kRevisionMark) != std::string::npos;
    if (kind == WriteKind::put && revision && place.error().code() == Errc::not_found)
      return put_copy(call, *body);
    return error_answer(place.error());
  }
  if (kind == WriteKind::put && copy) {
    auto reader = call.reader();
    const auto there = apim::find<apim::Api>(reader, *place);
    if (!there) return error_answer(there.error());
    if (!*there) return put_copy(call, *body);
  }
  return write_and_answer<apim::Api>(call, *place, kind);
}

}  // namespace

Result<apim::Place> api_place(const Call& call, std::string_view segment) {
  const std::size_t mark = segment.find(kRevisionMark);
  apim::Place place{call.service.name, "", std::string(segment.substr(0, mark))};
  if (mark == std::string_view::npos) return place;
  auto reader = call.reader();
  TRY(const auto api, apim::find<apim::Api>(reader, place));
  const std::string_view revision = segment.substr(mark + kRevisionMark.size());
  // The first revision of an API may be created under its full name.
  if (!api && revision == "1") return place;
  if (!api) return not_found<apim::Api>();
  if (api->revision == revision) return place;
  place.name = segment;
  TRY(const auto other, apim::find<apim::Api>(reader, place));
  if (!other) return not_found<apim::Api>();
  return place;
}

Json shown(const Call& call, const apim::Api& api, View) {
  Json out = apim::properties_of(api);
  if (api.version_set)
    out.set("apiVersionSetId", call.service_id + "/apiVersionSets/" + *api.version_set);
  return out;
}

http::Response list_apis(Call& call) { return list_entities<apim::Api>(call, kApiFields); }

http::Response get_api(Call& call) {
  if (auto refused = refuse_documents(call, nullptr)) return *std::move(refused);
  const auto place = api_place(call, call.arg(0));
  if (!place) return error_answer(place.error());
  return get_entity<apim::Api>(call, *place);
}

http::Response put_api(Call& call) { return write_api(call, WriteKind::put); }
http::Response patch_api(Call& call) { return write_api(call, WriteKind::patch); }

http::Response delete_api(Call& call) {
  const auto place = api_place(call, call.arg(0));
  if (!place && place.error().code() == Errc::not_found) return empty_answer(204);
  if (!place) return error_answer(place.error());
  const bool all = call.option("deleteRevisions");
  return delete_entity<apim::Api>(
      call, *place, [all](apim::Editor& editor, const apim::Api& api) -> Result<void> {
        if (!api.is_current) return editor.erase_revision(api);
        TRY(const auto revisions, editor.revisions_of(api.name));
        if (revisions.size() > 1 && !all)
          return fail(Errc::invalid_argument,
                      "The current revision cannot be deleted while there are others; pass "
                      "deleteRevisions=true to delete all.");
        return editor.erase(api);
      });
}

http::Response list_api_revisions(Call& call) {
  const auto place = api_place(call, call.arg(0));
  if (!place) return error_answer(place.error());
  auto reader = call.reader();
  const auto items_of = [&]() -> Result<std::vector<Json>> {
    TRY(const auto api, require<apim::Api>(reader, *place));
    const auto family = std::string(apim::family_name(api.name));
    TRY(const auto all, apim::find_all<apim::Api>(reader, call.service.name));
    std::vector<Json> out;
    for (const apim::Api& one : all)
      if (equals_ignoring_case(apim::family_name(one.name), family))
        out.push_back(revision_json(one, family));
    return out;
  };
  auto items = items_of();
  if (!items) return error_answer(items.error());
  http::Response answer = list_answer(call, *std::move(items), kRevisionFields);
  auto body = Json::parse(answer.body);
  if (!body || body->find("value") == nullptr) return answer;
  for (Json& one : body->find("value")->items()) one.erase("properties");
  answer.body = body->dump();
  return answer;
}

http::Response list_products_of_api(Call& call) {
  const auto place = api_place(call, call.arg(0));
  if (!place) return error_answer(place.error());
  auto reader = call.reader();
  const auto items = [&]() -> Result<std::vector<Json>> {
    TRY(const auto api, require<apim::Api>(reader, *place));
    TRY(const auto links,
        apim::find_links(reader, call.service.name, apim::Relation::product_api, ""));
    std::vector<Json> out;
    for (const apim::Link& link : links) {
      if (!equals_ignoring_case(link.right, api.name)) continue;
      TRY(const auto product,
          apim::find<apim::Product>(reader, {call.service.name, "", link.left}));
      if (product) out.push_back(association_json(call, *product, path_of(api), "apis"));
    }
    return out;
  }();
  if (!items) return error_answer(items.error());
  return list_answer(call, *items, kProductFields);
}

}  // namespace mlgate::management
