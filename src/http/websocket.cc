#include "http/websocket.h"

#include "base/crypto.h"
#include "base/text.h"

namespace mlgate::http {
namespace {

constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
constexpr std::size_t kKeyBytes = 16;
constexpr std::size_t kKeyText = 24;

// A field that has to be there once.
const Field* single(const Fields& fields, std::string_view name) noexcept {
  const Field* found = nullptr;
  for (const Field& field : fields) {
    if (!equals_ignoring_case(field.name, name)) continue;
    if (found) return nullptr;
    found = &field;
  }
  return found;
}

}  // namespace

Result<void> check_websocket_request(const RequestHead& head) {
  const auto wrong = [](const char* what) { return fail(Errc::invalid_argument, what); };
  if (head.method != "GET") return wrong("A WebSocket begins with GET.");
  if (head.version_minor < 1) return wrong("A WebSocket needs HTTP/1.1.");
  if (head.chunked || head.content_length.value_or(0) != 0)
    return wrong("A WebSocket handshake has no body.");
  const Field* version = single(head.fields, "sec-websocket-version");
  if (!version) return wrong("Sec-WebSocket-Version is missing or repeated.");
  if (version->value != "13")
    return fail(Errc::unsupported, "Only version 13 of WebSocket is known.");
  const Field* key = single(head.fields, "sec-websocket-key");
  if (!key || key->value.size() != kKeyText) return wrong("Sec-WebSocket-Key is not valid.");
  const auto bytes = base64_decode(key->value);
  if (!bytes || bytes->size() != kKeyBytes) return wrong("Sec-WebSocket-Key is not valid.");
  return {};
}

std::string websocket_accept(std::string_view key) {
  return base64_encode(sha1(std::string(key).append(kGuid)));
}

Result<void> check_websocket_answer(const ResponseHead& head, std::string_view key,
                                    std::string_view protocols_offered) {
  const auto wrong = [](const char* what) { return fail(Errc::unavailable, what); };
  if (head.status != 101) return wrong("The backend did not switch protocols.");
  if (!equals_ignoring_case(head.upgrade, "websocket"))
    return wrong("The backend switched to another protocol.");
  const Field* accept = single(head.fields, "sec-websocket-accept");
  if (!accept || accept->value != websocket_accept(key))
    return wrong("The backend did not understand the handshake.");
  const Field* protocol = head.fields.find("sec-websocket-protocol");
  if (protocol && !list_has_token(protocols_offered, protocol->value))
    return wrong("The backend chose a subprotocol that was not offered.");
  return {};
}

}  // namespace mlgate::http
