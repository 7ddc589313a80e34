#pragma once
// A call that this program makes to one of its own handlers, without a socket: the request is given
// as text, read by the parser that reads everybody's, and the answer collected. The handler cannot
// tell it from a caller's, and nothing in it can lead anywhere but to that handler.
#include "http/message.h"
#include "http/server_call.h"

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace mlgate::net {
class Worker;
}

namespace mlgate::http {

struct InnerRequest {
  std::string scheme = "https";
  std::string authority;  // For Host.
  std::string method = "GET";
  std::string target = "/";  // Path and query.
  // Names and values are checked; those that frame a message or name its host are refused.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::string peer;  // Whose address the handler is told.
};

struct InnerLimits {
  std::chrono::milliseconds time{30'000};
  std::size_t answer_bytes_max = 4 << 20;
};

// Whether the field is one that the program itself sets, because it frames the message or names
// where it goes.
bool is_framing_field(std::string_view name) noexcept;

// invalid_argument for a header that is none, or that is the program's to set.
Result<void> check_headers(const InnerRequest& request);

// Blocks until the handler has ended, which it does soon after the time is up; any thread but a
// worker's. invalid_argument for a request that is none, with its field; exhausted for an answer
// that is too large; timeout; unavailable when the handler breaks the call. `worker` serves.
Result<Response> call_inner(net::Worker& worker, Handler& handler, InnerRequest request,
                            InnerLimits limits);

}  // namespace mlgate::http
