// From the backend's head, or its failure, to the answer.
#include "base/text.h"
#include "gateway/call.h"
#include "gateway/compose.h"
#include "gateway/pipeline_run.h"

#include <algorithm>

namespace mlgate::gateway {

namespace {

void note_outcome(Call& call, const Outcome& outcome) noexcept {
  const auto* part = call.backend_part;
  if (part && !part->rules.empty()) part->state->note(part->rules, outcome, call.x.now_ns);
}

void note_response(Call& call) noexcept {
  if (!call.backend_part || call.backend_part->rules.empty()) return;
  Outcome outcome{.status = call.x.response.status, .reason = {}, .retry_after_s = {}};
  if (const auto* field = policy::find_header(call.x.response.headers, "Retry-After"))
    outcome.retry_after_s = parse_int(trim(field->value));
  note_outcome(call, outcome);
}

}  // namespace

Step respond(Call& call) noexcept {
  auto& x = call.x;
  call.backend_status = x.response.status;
  if (x.trace) [[unlikely]]
    trace_answer(call);
  note_response(call);
  remove_hop_by_hop(x.response.headers);
  for (const auto& field : x.response_additions) x.response.headers.add(field.name, field.value);
  x.response_additions.clear();
  if (x.forward.fail_on_error_status && x.response.status >= 400) {
    // The backend's response stays what the caller gets, unless on-error makes another one.
    (void)fail_forward(call, "BackendErrorStatusCode",
                       x.arena.join({"The backend answered with status code ",
                                     x.number_text(x.response.status), "."}));
    call.answered_here = !x.response.body.empty();
    return call.answered_here ? Step::answer : Step::forward;
  }
  return run_after_backend(call);
}

void fail_backend(Call& call, BackendFailure failure, std::string_view message) noexcept {
  auto& x = call.x;
  x.response.headers.clear();
  x.response.status = 0;
  const bool connect = failure == BackendFailure::connect;
  note_outcome(
      call, {.status = 0,
             .reason = failure == BackendFailure::timeout ? "Timeout" : "BackendConnectionFailure",
             .retry_after_s = {}});
  if (!call.options.backend_failure_as_http)
    policy::answer_failure(x);
  else if (connect)
    policy::answer_failure(x, 502, "Bad Gateway", "Bad gateway");
  else
    policy::answer_failure(x, 504, "Gateway Timeout", "Gateway timeout");
  switch (failure) {
    case BackendFailure::connect:
    case BackendFailure::connect_timeout:
      (void)fail_forward(call, "BackendConnectionFailure", x.arena.copy(message));
      break;
    case BackendFailure::timeout:
      (void)fail_forward(call, "Timeout", "The response of the backend was not received in time.");
      break;
  }
}

void fail_connection_limit(Call& call) noexcept {
  auto& x = call.x;
  constexpr std::string_view kMessage = "Too many connections to the backend are in use.";
  policy::answer_error(x, 429, "Too Many Requests", kMessage);
  (void)fail_forward(call, "BackendConnectionLimit", kMessage);
}

void fail_too_large(Call& call) noexcept {
  auto& x = call.x;
  policy::answer_error(x, 413, "Payload Too Large", "Request body is too large.");
  x.error.source = "forward-request";
  x.error.reason = "RequestBodyTooLarge";
  x.error.message = "Request body is too large.";
  (void)run_on_error(call);
}

void fail_internal(Call& call) noexcept {
  auto& x = call.x;
  policy::answer_failure(x);
  x.error.source = "gateway";
  x.error.reason = "InternalError";
  x.error.message = "Internal server error";
  (void)run_on_error(call);
}

void client_gone(Call& call) noexcept {
  auto& x = call.x;
  if (x.error.raised) return;  // on-error runs at most once.
  x.error.source = "forward-request";
  x.error.reason = "ClientConnectionFailure";
  x.error.message = "The client closed the connection.";
  (void)run_on_error(call);
}

void finish(Call& call, const CallSizes& sizes, analytics::UsageSink& sink) noexcept {
  auto& x = call.x;
  x.release_slots();
  x.count_deferred();
  for (const auto& charge : x.charges) {
    charge.quotas->add_bytes(charge.rule, std::int64_t(sizes.request_bytes + sizes.response_bytes),
                             x.now_ms + sizes.total_ns / 1'000'000);
  }
  analytics::UsageRecord record;
  record.start_ms = x.now_ms;
  record.correlation_id[0] = x.request_id[0];
  record.correlation_id[1] = x.request_id[1];
  const auto& matched = x.matched;
  record.service = matched.service;
  record.api = matched.api;
  record.operation = matched.operation;
  record.product = matched.product;
  record.subscription = matched.subscription;
  record.user = matched.user;
  record.service_name = matched.service_name;
  record.api_name = matched.api_name;
  record.api_revision = matched.api_revision;
  record.operation_name = matched.operation_name;
  record.product_name = matched.product_name;
  record.subscription_name = matched.subscription_name;
  record.user_name = matched.user_name;
  if (call.backend_part) record.backend_id = call.backend_part->name;
  record.total_ns = sizes.total_ns;
  record.backend_ns = sizes.backend_ns;
  record.backend_start_ns = sizes.backend_start_ns;
  record.client_ns = sizes.client_ns;
  record.request_bytes = sizes.request_bytes;
  record.response_bytes = sizes.response_bytes;
  record.response_code = sizes.sent ? std::uint16_t(x.response.status) : std::uint16_t(0);
  record.backend_response_code = std::uint16_t(call.backend_status);
  record.method = x.request.method;
  record.scheme = x.request.scheme;
  record.authority = x.request.authority;
  record.path = x.request.path;
  record.query = x.request.query;
  record.key_query_name = call.key_query_name;
  record.caller_address = x.request.peer;
  record.client_protocol = sizes.client_protocol;
  record.tls_version = sizes.tls_version;
  if (call.plan.backend) {
    record.backend_method = x.request.method;
    record.backend_url = call.plan.backend->origin;
    record.backend_target = call.plan.target;
    record.backend_protocol =
        call.plan.backend->kind == Backend::Kind::local ? std::string_view("local") : "HTTP/1.1";
  }
  const TraceContext& context = call.watch.context;
  if (context.joined()) {
    std::ranges::copy(context.trace, record.trace_id);
    record.span_id = context.span;
    record.parent_span_id = context.parent;
    record.backend_span_id = context.backend_span;
    record.sampled = context.sampled;
    record.trace_state = context.trace_state;
  }
  if (x.error.raised) {
    record.error_elapsed_ns = call.began_ns == 0 ? 0 : x.error.at_ns - call.began_ns;
    record.error_source = x.error.source;
    record.error_reason = x.error.reason;
    record.error_message = x.error.message;
    record.error_scope = x.error.scope;
    record.error_section = x.error.section;
  }
  (void)sink.record(record);
  if (x.trace) [[unlikely]]
    keep_trace(call, sizes);
}

}  // namespace mlgate::gateway
