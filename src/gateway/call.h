#pragma once
// One call on its way through the gateway, and everything that is decided about it. Nothing here
// does I/O or waits: the connection's loop fills in the request head, calls begin(), sends the
// request where the plan says, fills in the response head, calls respond(), and passes the bytes
// on.
//
//   call.reset(); fill call.x.request, now_ms, now_ns; call.pin = handle.pin();
//   Step step = begin(call);
//   if (step == Step::forward) { … send plan …; on a head: fill call.x.response; respond(call);
//                                on a failure: fail_backend(call, …); }
//   write call.x.response (head, and `body` where answered_here); finish(call, sizes, record);
#include "analytics/usage.h"
#include "gateway/path.h"
#include "gateway/publisher.h"
#include "gateway/snapshot.h"
#include "gateway/watch.h"
#include "policy/exchange.h"

#include <cstdint>
#include <span>
#include <string_view>

namespace mlgate::gateway {

enum class Step : unsigned char {
  answer,  // `x.response` is complete, body included.
  forward  // Send the request as `plan` says.
};

struct ForwardPlan {
  const Backend* backend = nullptr;    // Kind http or local.
  std::string_view target;             // Path and query, as it goes on the request line.
  std::string_view path, query;        // The same in two parts, for a LocalService.
  std::uint32_t timeout_ms = 300'000;  // Until the response head.
  std::uint32_t continue_ms = 1'000;   // That Expect: 100-continue waits for the backend.
  bool buffer_request = false;         // The body is read whole before anything is sent.
};

// Ids of requests: random version 4 GUIDs without a system call each. Thread: one worker's.
class RequestIds {
 public:
  RequestIds();
  void next(std::uint64_t (&id)[2]) noexcept;

 private:
  std::uint64_t state_[4];
};

struct GatewayOptions {
  bool backend_failure_as_http = false;        // gateway.backend_failure_status: http.
  std::uint32_t backend_timeout_ms = 300'000;  // Where forward-request names none.
  const Watching* watching = nullptr;          // Null: calls are not watched.
};

struct Call {
  policy::Exchange x;
  SnapshotPin pin;
  GatewayOptions options;
  CallWatch watch;
  std::int64_t began_ns = 0;  // Steady clock.
  bool upgrade = false;       // The request asks for a protocol upgrade (WebSocket).

  const ServicePart* service = nullptr;
  const ApiBinding* binding = nullptr;
  const OperationPart* operation = nullptr;
  const policy::Pipeline* pipeline = nullptr;
  const SubscriptionEntry* subscription = nullptr;
  std::string_view key_query_name;  // Its value is left out of logs.
  RequestPath path;
  std::size_t api_segments = 0;  // Of `path`, taken by the API.
  ForwardPlan plan;
  const BackendPart* backend_part = nullptr;  // The backend entity that was chosen, if any.
  bool answered_here = false;                 // The body is `x.response.body`, not the backend's.
  int backend_status = 0;                     // 0: the backend did not answer.
  std::size_t backend_step = 0;               // Where the backend section goes on.

  // Forgets the last call, its pin included; keeps the memory.
  void reset() noexcept;
};

// Matches, checks the key, runs the inbound section and the backend section up to the forwarding.
Step begin(Call& call) noexcept;

// The backend's head is in `x.response` (hop-by-hop fields included; they are removed here): runs
// the rest of the backend section and outbound. Step::answer: the body is `x.response.body` and the
// backend's is thrown away; Step::forward: the backend's body follows.
Step respond(Call& call) noexcept;

enum class BackendFailure : unsigned char {
  connect,  // Refused, unreachable, unknown name, TLS; or broken off before the head.
  connect_timeout,
  timeout  // The head did not come in time.
};
// on-error, then the built-in answer in `x.response`. `message` is what on-error and the log read
// of a connection that could not be made.
void fail_backend(Call& call, BackendFailure failure, std::string_view message) noexcept;
// So many connections to the backend are in use that no further one is made: 429.
void fail_connection_limit(Call& call) noexcept;
// The request body is over its limit: 413.
void fail_too_large(Call& call) noexcept;
// Any failure of ours: 500.
void fail_internal(Call& call) noexcept;
// The caller went away: on-error for logging; nothing is to be sent.
void client_gone(Call& call) noexcept;

struct CallSizes {
  std::uint64_t request_bytes = 0;   // Head and body, as received.
  std::uint64_t response_bytes = 0;  // Head and body, as sent.
  std::int64_t total_ns = 0;
  std::int64_t backend_ns = 0;
  std::int64_t backend_start_ns = 0;  // From the start of the call.
  std::int64_t client_ns = 0;         // Waiting for the caller, both ways.
  std::string_view tls_version;
  std::string_view client_protocol = "HTTP/1.1";
  bool sent = true;  // False: the caller went away, response code 0.
};
// Counts bandwidth, and hands the usage record to the worker's writer. Call once, before reset().
void finish(Call& call, const CallSizes& sizes, analytics::UsageSink& sink) noexcept;

}  // namespace mlgate::gateway
