// Version sets of APIs, and releases, which make a revision the current one.
#include "base/text.h"
#include "management/entity_internal.h"
#include "management/handlers_internal.h"
#include "management/list_internal.h"

#include <array>

namespace mlgate::management {
namespace {

constexpr std::array<FilterField, 2> kSetFields{{{"name"}, {"displayName"}}};
constexpr std::array<FilterField, 2> kReleaseFields{{{"name"}, {"notes"}}};

apim::Place set_place(const Call& call) { return {call.service.name, "", call.arg(0)}; }

// A release stands below the plain id of its API.
Result<apim::Place> release_place(const Call& call) {
  TRY(const apim::Place api, api_place(call, call.arg(0)));
  return apim::Place{call.service.name, std::string(apim::family_name(api.name)), call.arg(1)};
}

http::Response write_release(Call& call, WriteKind kind) {
  const auto place = release_place(call);
  if (!place) return error_answer(place.error());
  return write_and_answer<apim::Release>(call, *place, kind);
}

}  // namespace

Json shown(const Call&, const apim::VersionSet& set, View) { return apim::properties_of(set); }

Json shown(const Call& call, const apim::Release& release, View) {
  Json out = apim::properties_of(release);
  out.set("apiId", call.service_id + std::string(out.string_or("apiId")));
  return out;
}

http::Response list_version_sets(Call& call) {
  return list_entities<apim::VersionSet>(call, kSetFields);
}

http::Response get_version_set(Call& call) {
  return get_entity<apim::VersionSet>(call, set_place(call));
}

http::Response put_version_set(Call& call) {
  return write_and_answer<apim::VersionSet>(call, set_place(call), WriteKind::put);
}

http::Response patch_version_set(Call& call) {
  return write_and_answer<apim::VersionSet>(call, set_place(call), WriteKind::patch);
}

http::Response delete_version_set(Call& call) {
  return delete_entity<apim::VersionSet>(
      call, set_place(call),
      [](apim::Editor& editor, const apim::VersionSet& set) { return editor.erase(set); });
}

http::Response list_releases(Call& call) {
  const auto place = api_place(call, call.arg(0));
  if (!place) return error_answer(place.error());
  auto reader = call.reader();
  const auto api = require<apim::Api>(reader, *place);
  if (!api) return error_answer(api.error());
  return list_entities<apim::Release>(call, kReleaseFields, apim::family_name(api->name));
}

http::Response get_release(Call& call) {
  const auto place = release_place(call);
  if (!place) return error_answer(place.error());
  return get_entity<apim::Release>(call, *place);
}

http::Response put_release(Call& call) { return write_release(call, WriteKind::put); }
http::Response patch_release(Call& call) { return write_release(call, WriteKind::patch); }

http::Response delete_release(Call& call) {
  const auto place = release_place(call);
  if (!place && place.error().code() == Errc::not_found) return empty_answer(204);
  if (!place) return error_answer(place.error());
  return delete_entity<apim::Release>(
      call, *place,
      [](apim::Editor& editor, const apim::Release& release) { return editor.erase(release); });
}

}  // namespace mlgate::management
