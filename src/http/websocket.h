#pragma once
// The opening handshake of WebSocket (RFC 6455, 4): what has to be right on both sides before a
// connection is handed over to bytes that nobody looks at any more.
#include "base/result.h"
#include "http/head_parser.h"

#include <string>
#include <string_view>

namespace mlgate::http {

// The request asks for a WebSocket: GET, HTTP/1.1, no body, version 13, a key of 16 bytes. Errors:
// invalid_argument (400), unsupported (another version: 426).
Result<void> check_websocket_request(const RequestHead& head);
// What Sec-WebSocket-Accept has to be for that key.
std::string websocket_accept(std::string_view key);
// The answer to a request with that key, and those protocols offered, opens a WebSocket.
Result<void> check_websocket_answer(const ResponseHead& head, std::string_view key,
                                    std::string_view protocols_offered);

}  // namespace mlgate::http
