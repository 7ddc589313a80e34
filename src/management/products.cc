#include "base/text.h"
#include "management/entity_internal.h"
#include "management/handlers_internal.h"
#include "management/list_internal.h"

#include <array>

namespace mlgate::management {
namespace {

constexpr std::array<FilterField, 5> kFields{
    {{"name"}, {"displayName"}, {"description"}, {"terms"}, {"state", FilterField::Allows::eq}}};

apim::Place place_of(const Call& call) { return {call.service.name, "", call.arg(0)}; }

Result<Json> groups_of(const Call& call, apim::DocumentReader& reader, std::string_view product) {
  TRY(const auto links,
      apim::find_links(reader, call.service.name, apim::Relation::product_group, product));
  Json out = Json::array();
  for (const apim::Link& link : links) {
    TRY(const auto group, apim::find<apim::Group>(reader, {call.service.name, "", link.right}));
    if (!group) continue;
    Json one = apim::properties_of(*group);
    one.set("id", call.service_id + path_of(*group));
    one.set("name", group->name);
    out.push(std::move(one));
  }
  return out;
}

}  // namespace

Json shown(const Call&, const apim::Product& product, View) { return apim::properties_of(product); }

http::Response list_products(Call& call) {
  if (!call.option("expandGroups")) return list_entities<apim::Product>(call, kFields);
  auto items = entity_items<apim::Product>(call);
  if (!items) return error_answer(items.error());
  auto reader = call.reader();
  for (Json& item : *items) {
    auto groups = groups_of(call, reader, item.string_or("name"));
    if (!groups) return error_answer(groups.error());
    item.find("properties")->set("groups", *std::move(groups));
  }
  return list_answer(call, *std::move(items), kFields);
}

http::Response get_product(Call& call) { return get_entity<apim::Product>(call, place_of(call)); }

http::Response put_product(Call& call) {
  return write_and_answer<apim::Product>(call, place_of(call), WriteKind::put);
}

http::Response patch_product(Call& call) {
  return write_and_answer<apim::Product>(call, place_of(call), WriteKind::patch);
}

http::Response delete_product(Call& call) {
  const auto dependents =
      call.option("deleteSubscriptions") ? apim::Dependents::remove : apim::Dependents::keep;
  return delete_entity<apim::Product>(call, place_of(call),
                                      [&](apim::Editor& editor, const apim::Product& product) {
                                        return editor.erase(product, dependents);
                                      });
}

}  // namespace mlgate::management
