#pragma once
// What policies see of one call: the request head, the response once there is one, what the gateway
// matched, and room for what policies make. Plain data, reused from call to call by its worker, so
// that a call allocates nothing in steady state. All text is views: into the read buffer, into the
// pinned snapshot, or into the arena.
#include "base/time.h"
#include "http/message.h"
#include "policy/arena.h"
#include "policy/call_trace.h"
#include "policy/limits.h"

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace mlgate::policy {

struct Parameter {
  std::string_view name;
  std::string_view value;
};

// context.LastError (gateway.md 4).
struct LastError {
  std::string_view source;
  std::string_view reason;
  std::string_view message;
  std::string_view scope;
  std::string_view section;
  std::string_view path;
  std::string_view policy_id;
  bool raised = false;
  std::int64_t at_ns = 0;  // Steady clock, when it was raised.
};

struct RequestHead {
  std::string_view method;
  std::string_view path;       // As sent, still percent-encoded, without query.
  std::string_view query;      // As sent, without '?'.
  std::string_view scheme;     // "http" or "https", as the caller used it.
  std::string_view authority;  // Host header as sent, port included.
  std::string_view peer;       // Address of the caller, no port.
  std::string_view sender;     // Whom the connection comes from: the caller, or a trusted proxy.
  http::Fields headers;        // Host included; policies edit them.
  bool host_overridden =
      false;  // A policy set Host: the backend gets that instead of its own name.
};

struct ResponseHead {
  int status = 0;           // 0 until there is a response.
  std::string_view reason;  // Empty: the standard phrase of the status.
  http::Fields headers;     // Without Content-Length where `body` is the whole body.
  std::string_view body;    // Of an answer that the gateway makes itself.
};

// Names and stable numbers of what the call was matched to; numbers are 0 and names empty where
// there is none.
struct Matched {
  std::uint64_t service = 0, api = 0, operation = 0, product = 0, subscription = 0, user = 0;
  std::string_view service_name, api_name, api_display_name, api_path, api_revision;
  std::string_view operation_name, operation_display_name;
  std::string_view product_name, subscription_name, user_name;
  std::string_view subscription_key;  // As the caller sent it; never to be logged.
  TimeMs subscription_start_ms = 0;   // Quota windows are counted from here.
};

// What forward-request asks of the connection.
struct ForwardOptions {
  std::uint32_t timeout_ms = 0;       // Until the response head has arrived; 0: the gateway's own.
  std::uint32_t continue_ms = 1'000;  // That a caller's Expect: 100-continue waits for the backend.
  bool fail_on_error_status = false;
  bool buffer_request = false;  // The body is read whole before anything is sent.
  bool buffer_response = true;
};

// Where set-backend-service sends the call instead of the API's service URL.
struct BackendChoice {
  std::string_view id;        // Name of a backend; wins over `base_url`, whichever came last.
  std::string_view base_url;  // Empty, like `id`: not chosen.
};

struct Exchange;

// Bandwidth that is counted when the call has ended.
struct Charge {
  Quotas* quotas = nullptr;
  QuotaRule rule;
};

// Counts a call when its response is known.
class DeferredCounter {
 public:
  virtual ~DeferredCounter() = default;
  virtual void count(Exchange& x, const CounterKey& key) const noexcept = 0;
};
struct Deferred {
  const DeferredCounter* counter = nullptr;
  CounterKey key;
};

// A place among the calls that run at the same time under one key.
struct HeldSlot {
  ConcurrencyLimits* limits = nullptr;
  std::uint64_t key = 0;
};

struct Exchange {
  RequestHead request;
  ResponseHead response;
  Matched matched;
  std::vector<Parameter> parameters;  // MatchedParameters: those of the template, decoded.
  std::vector<Parameter> variables;
  std::vector<http::Field>
      response_additions;  // Headers that policies promised before there was a response.
  std::vector<Charge> charges;
  std::vector<Deferred> deferred;
  std::vector<HeldSlot> slots;  // Given back one by one, and all when the call ends in any way.
  LastError error;
  ForwardOptions forward;
  BackendChoice backend;
  TimeMs now_ms = 0;        // Wall clock at the start of the call.
  std::int64_t now_ns = 0;  // Steady clock, the worker's, as of the latest event of the call.
  std::uint64_t request_id[2] = {0, 0};  // context.RequestId: 128 random bits.
  Arena arena;
  // Null unless the call is traced. A policy that decides by numbers notes them there.
  CallTrace* trace = nullptr;

  // Forgets everything of the last call and keeps the memory.
  void reset() noexcept;

  // Gives slots back until `left` are held.
  void release_slots(std::size_t left = 0) noexcept;
  // The response is what it will be: counts what waits for it.
  void count_deferred() noexcept;
  const std::string_view* variable(std::string_view name) const noexcept;
  void set_variable(std::string_view name, std::string_view value);
  // context.RequestId as a GUID, in the arena.
  std::string_view request_id_text();
  // Number as decimal text, in the arena.
  std::string_view number_text(std::int64_t number);
};

// First header of that name, or nullptr. Names are compared without case.
const http::Field* find_header(const http::Fields& fields, std::string_view name) noexcept;
void remove_header(http::Fields& fields, std::string_view name) noexcept;

// Makes `x.response` the answer `{ "statusCode": N, "message": "..." }` of gateway.md 3; headers
// that policies promised are added. `reason` is the phrase of the status line and must outlive the
// call.
void answer_error(Exchange& x, int status, std::string_view reason, std::string_view message);
// The built-in answer with `"activityId"`: 500, or what gateway.backend_failure_status makes of it.
void answer_failure(Exchange& x, int status = 500,
                    std::string_view reason = "Internal Server Error",
                    std::string_view message = "Internal server error");

}  // namespace mlgate::policy
