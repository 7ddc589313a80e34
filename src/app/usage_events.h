#pragma once
// Tells pages that calls were counted, so that a dashboard need not ask again and again:
// server-sent events, one to an answer. The answer comes when there is something new, or after some
// seconds; the browser asks at once for the next one and says which it has seen. A page that waits
// costs a connection and a coroutine.
#include "http/message.h"

#include <cstdint>
#include <functional>
#include <optional>

namespace mlgate::app {

// Threads: every worker's.
class UsageEvents final : public http::LocalService {
 public:
  struct Parts {
    std::function<std::uint64_t()> counted;  // Grows with each call.
    // The answer to who may not look; may block.
    std::function<std::optional<http::Response>(const http::Request&)> refuse;
    // Runs work that may block; false when there is too much of it.
    std::function<bool(std::function<void()>)> post;
  };
  explicit UsageEvents(Parts parts) : parts_(std::move(parts)) {}

  http::Awaitable<http::Response> serve(const http::Request& request) override;

 private:
  http::Awaitable<std::optional<http::Response>> refuse(const http::Request& request);
  Parts parts_;
};

}  // namespace mlgate::app
