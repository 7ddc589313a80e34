#include "management/entity_internal.h"
#include "management/handlers_internal.h"
#include "management/list_internal.h"

#include <array>

namespace mlgate::management {
namespace {

constexpr std::array<FilterField, 5> kFields{
    {{"name"}, {"displayName"}, {"method"}, {"description"}, {"urlTemplate"}}};

// The place of the operation below its API, which has to be there.
Result<apim::Place> place_of(const Call& call) {
  TRY(const apim::Place api_at, api_place(call, call.arg(0)));
  auto reader = call.reader();
  TRY(const auto api, require<apim::Api>(reader, api_at));
  return apim::Place{call.service.name, api.name, call.args.size() > 1 ? call.arg(1) : ""};
}

http::Response write(Call& call, WriteKind kind) {
  const auto place = place_of(call);
  if (!place) return error_answer(place.error());
  return write_and_answer<apim::Operation>(call, *place, kind);
}

}  // namespace

Json shown(const Call&, const apim::Operation& operation, View view) {
  Json out = apim::properties_of(operation);
  if (view == View::item) out.erase("request");
  return out;
}

http::Response list_operations(Call& call) {
  const auto place = place_of(call);
  if (!place) return error_answer(place.error());
  return list_entities<apim::Operation>(call, kFields, place->parent);
}

http::Response get_operation(Call& call) {
  const auto place = place_of(call);
  if (!place) return error_answer(place.error());
  return get_entity<apim::Operation>(call, *place);
}

http::Response put_operation(Call& call) { return write(call, WriteKind::put); }
http::Response patch_operation(Call& call) { return write(call, WriteKind::patch); }

http::Response delete_operation(Call& call) {
  const auto place = place_of(call);
  if (!place) return error_answer(place.error());
  return delete_entity<apim::Operation>(
      call, *place,
      [](apim::Editor& editor, const apim::Operation& one) { return editor.erase(one); });
}

}  // namespace mlgate::management
