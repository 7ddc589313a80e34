// Backends, their client certificates, and named values.
#include "base/text.h"
#include "management/entity_internal.h"
#include "management/handlers_internal.h"
#include "management/list_internal.h"

#include <array>

namespace mlgate::management {
namespace {

constexpr std::array<FilterField, 3> kBackendFields{{{"name"}, {"title"}, {"url"}}};
constexpr std::array<FilterField, 3> kCertificateFields{{{"name"}, {"subject"}, {"thumbprint"}}};
constexpr std::array<FilterField, 2> kValueFields{{{"name"}, {"displayName"}}};

apim::Place place_of(const Call& call) { return {call.service.name, "", call.arg(0)}; }

}  // namespace

// Credentials are shown to who asks for the one backend, and are in no list.
Json shown(const Call& call, const apim::Backend& backend, View view) {
  Json out = apim::properties_of(backend);
  if (backend.is_pool) {
    for (Json& member : out.find("pool")->find("services")->items())
      member.set("id", call.service_id + std::string(member.string_or("id")));
    return out;
  }
  const Json credentials = apim::credentials_of(backend);
  if (view != View::item && !credentials.is_null()) out.set("credentials", credentials);
  return out;
}

Json shown(const Call&, const apim::Certificate& certificate, View) {
  return apim::properties_of(certificate);
}

Json shown(const Call&, const apim::NamedValue& value, View) {
  Json out = apim::properties_of(value);
  if (!value.secret) out.set("value", value.value);
  return out;
}

http::Response list_backends(Call& call) {
  return list_entities<apim::Backend>(call, kBackendFields);
}
http::Response get_backend(Call& call) { return get_entity<apim::Backend>(call, place_of(call)); }
http::Response put_backend(Call& call) {
  return write_and_answer<apim::Backend>(call, place_of(call), WriteKind::put);
}
http::Response patch_backend(Call& call) {
  return write_and_answer<apim::Backend>(call, place_of(call), WriteKind::patch);
}
http::Response delete_backend(Call& call) {
  return delete_entity<apim::Backend>(
      call, place_of(call),
      [](apim::Editor& editor, const apim::Backend& one) { return editor.erase(one); });
}
// Connections are made anew by themselves; the backend only has to be there.
http::Response reconnect_backend(Call& call) {
  auto reader = call.reader();
  const auto found = require<apim::Backend>(reader, place_of(call));
  return found ? empty_answer(202) : error_answer(found.error());
}

http::Response list_certificates(Call& call) {
  return list_entities<apim::Certificate>(call, kCertificateFields);
}
http::Response get_certificate(Call& call) {
  return get_entity<apim::Certificate>(call, place_of(call));
}
http::Response put_certificate(Call& call) {
  return write_and_answer<apim::Certificate>(call, place_of(call), WriteKind::put);
}
http::Response delete_certificate(Call& call) {
  return delete_entity<apim::Certificate>(
      call, place_of(call),
      [](apim::Editor& editor, const apim::Certificate& one) { return editor.erase(one); });
}

http::Response list_named_values(Call& call) {
  return list_entities<apim::NamedValue>(call, kValueFields);
}
http::Response get_named_value(Call& call) {
  return get_entity<apim::NamedValue>(call, place_of(call));
}
http::Response put_named_value(Call& call) {
  return write_and_answer<apim::NamedValue>(call, place_of(call), WriteKind::put);
}
http::Response patch_named_value(Call& call) {
  return write_and_answer<apim::NamedValue>(call, place_of(call), WriteKind::patch);
}
http::Response delete_named_value(Call& call) {
  return delete_entity<apim::NamedValue>(
      call, place_of(call),
      [](apim::Editor& editor, const apim::NamedValue& one) { return editor.erase(one); });
}
http::Response list_named_value_value(Call& call) {
  auto reader = call.reader();
  const auto found = require<apim::NamedValue>(reader, place_of(call));
  if (!found) return error_answer(found.error());
  return with_etag(json_answer(200, Json::object({{"value", found->value}})), found->version);
}

}  // namespace mlgate::management
