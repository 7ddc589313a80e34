#pragma once
// Steps of serving one call that the files of the handler share: what a step works on, the answer,
// and the two ways to a backend.
#include "base/time.h"
#include "gateway/handler.h"
#include "gateway/tunnel.h"
#include "http/body_budget.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mlgate::gateway::internal {

// A call that is being served.
struct Service {
  http::ServerCall& server;
  Call& call;
  http::Client& client;
  const HandlerOptions& options;
  http::BodyBudget& bodies;
  net::Deadline* response_deadline = nullptr;
  net::Deadline* continue_deadline = nullptr;
  net::Deadline* tunnel_deadline = nullptr;
  net::Deadline* closing_deadline = nullptr;
  std::int64_t backend_ns = 0, backend_start_ns = 0, client_ns = 0;
  TunnelBytes tunnelled;
  bool caller_gone = false;
};

// Adds the time until its end to what the call waited for its caller.
class ClientTime {
 public:
  explicit ClientTime(Service& s) : s_(s), since_ns_(system_clock().steady_ns()) {}
  ClientTime(const ClientTime&) = delete;
  ~ClientTime() { s_.client_ns += system_clock().steady_ns() - since_ns_; }

 private:
  Service& s_;
  std::int64_t since_ns_;
};

inline void trace_body(Service& s, policy::CallTrace::Body body, std::string_view bytes) {
  if (s.call.x.trace) [[unlikely]]
    s.call.x.trace->add_body(body, bytes);
}

// Sends x.response with its body.
net::Awaitable<void> write_answer(Service& s);
// Answers 413 and returns true when the body is known to be over the limit before any of it is
// passed on: by its stated length, or because all of it is here (`whole`). One of unknown length
// may turn out so while it is read. Only where there is a limit.
net::Awaitable<bool> refuse_too_large(Service& s, const std::optional<std::string_view>& whole);
// Reads the body into `kept`. False when that was not possible and the call has been answered.
net::Awaitable<bool> collect_body(Service& s, std::uint64_t bytes_max, http::BodyShare& share,
                                  std::string& kept);
// Makes x.response say why the caller's body cannot be had.
void fail_reading(Service& s, const Error& error);

// Both send the answer as well.
net::Awaitable<void> serve_local(Service& s);
net::Awaitable<void> serve_http(Service& s);

}  // namespace mlgate::gateway::internal
