// Feeds arbitrary heads to the checks of the WebSocket handshake. What has to hold: a request that
// passes has one key of 16 bytes and no body, and only the answer that belongs to it passes.
#include "base/crypto.h"
#include "http/websocket.h"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace mlgate::http;

void require(bool condition) {
  if (!condition) std::abort();
}

void check_pair(std::string_view key, std::string_view offered) {
  const std::string accept = websocket_accept(key);
  ResponseHead answer;
  answer.status = 101;
  answer.upgrade = "WebSocket";
  answer.fields.add("Sec-WebSocket-Accept", accept);
  require(check_websocket_answer(answer, key, offered).has_value());
  const std::string other = websocket_accept(std::string(key) + "x");
  answer.fields.list()[0].value = other;
  require(!check_websocket_answer(answer, key, offered).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  RequestHead request;
  const HeadResult asked = parse_request_head(bytes, request);
  if (asked.state == HeadState::complete && check_websocket_request(request)) {
    const std::string_view key = request.fields.get("sec-websocket-key");
    const auto raw = mlgate::base64_decode(key);
    require(request.method == "GET" && !request.chunked && raw && raw->size() == 16);
    check_pair(key, request.fields.get("sec-websocket-protocol"));
  }
  ResponseHead answer;
  if (parse_response_head(bytes, answer).state == HeadState::complete) {
    const std::string_view key = "dGhlIHNhbXBsZSBub25jZQ==";
    const bool joined = check_websocket_answer(answer, key, "chat, superchat").has_value();
    require(!joined || answer.fields.get("sec-websocket-accept") == websocket_accept(key));
  }
  return 0;
}
