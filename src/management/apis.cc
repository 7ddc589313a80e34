#include "base/text.h"
#include "management/entity_internal.h"
#include "management/handlers_internal.h"
#include "management/list_internal.h"

#include <array>

namespace mlgate::management {
namespace {

constexpr std::string_view kRevisionMark = ";rev=";

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

// A revision besides the current one; `sourceApiId` is checked first, as a creation has to name it.
http::Response refuse_revision(const Json& body) {
  if (body["properties"].string_or("sourceApiId").empty())
    return validation_answer({Error(
        Errc::invalid_argument, "'sourceApiId' is required to create a revision.", "sourceApiId")});
  return error_answer(501, "NotImplemented", "An API has one revision, its current one.");
}

http::Response write_api(Call& call, WriteKind kind) {
  const auto body = body_of(call.request);
  if (!body) return error_answer(400, "InvalidRequestContent", body.error().message());
  if (auto refused = refuse_documents(call, &*body)) return *std::move(refused);
  const auto place = api_place(call, call.arg(0));
  if (!place) {
    const bool revision = call.arg(0).find(kRevisionMark) != std::string::npos;
    if (kind == WriteKind::put && revision && place.error().code() == Errc::not_found)
      return refuse_revision(*body);
    return error_answer(place.error());
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
  if (!api || api->revision != revision) return not_found<apim::Api>();
  return place;
}

Json shown(const Call&, const apim::Api& api, View) { return apim::properties_of(api); }

http::Response list_apis(Call& call) {
  auto items = entity_items<apim::Api>(call);
  if (!items) return error_answer(items.error());
  return list_answer(call, *std::move(items), kApiFields);
}

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
  return delete_entity<apim::Api>(
      call, *place, [](apim::Editor& editor, const apim::Api& api) { return editor.erase(api); });
}

http::Response list_api_revisions(Call& call) {
  const auto place = api_place(call, call.arg(0));
  if (!place) return error_answer(place.error());
  auto reader = call.reader();
  const auto api = require<apim::Api>(reader, *place);
  if (!api) return error_answer(api.error());
  Json item = Json::object();
  item.set("apiId", "/apis/" + api->name + std::string(kRevisionMark) + api->revision);
  item.set("apiRevision", api->revision);
  item.set("createdDateTime", to_iso8601(api->created_ms));
  item.set("updatedDateTime", to_iso8601(api->updated_ms));
  item.set("description",
           api->revision_description.empty() ? Json() : Json(api->revision_description));
  item.set("privateUrl", "/" + api->path + std::string(kRevisionMark) + api->revision);
  item.set("isOnline", api->is_online);
  item.set("isCurrent", api->is_current);
  // The filter looks below `properties`; the items of this list have no envelope.
  Json wrapped = item;
  wrapped.set("properties", std::move(item));
  std::vector<Json> items;
  items.push_back(std::move(wrapped));
  http::Response answer = list_answer(call, std::move(items), kRevisionFields);
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
