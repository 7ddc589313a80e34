#include "gateway/compose.h"
#include "gateway/serve_internal.h"
#include "http/trailers.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace mlgate::gateway::internal {
namespace {

// What the caller's path has in front of the one that is served; nothing when that was rewritten.
std::string_view prefix_of(std::string_view called, std::string_view served) noexcept {
  if (!called.ends_with(served)) return {};
  called.remove_suffix(served.size());
  return called;
}

}  // namespace

net::Awaitable<void> write_answer(Service& s) {
  const policy::ResponseHead& response = s.call.x.response;
  add_trace_header(s.call);
  trace_body(s, policy::CallTrace::Body::response, response.body);
  const auto started = s.server.start({.status = response.status,
                                       .reason = response.reason,
                                       .fields = &response.headers,
                                       .body_bytes = response.body.size()});
  if (!started) {
    s.server.abort();
    co_return;
  }
  if (!s.server.try_append(response.body)) {
    const ClientTime waiting(s);
    const auto written = co_await s.server.write(response.body);
    if (!written) s.caller_gone = true;
  }
  if (s.caller_gone || s.server.try_finish()) co_return;
  const ClientTime waiting(s);
  const auto finished = co_await s.server.finish();
  if (!finished) s.caller_gone = true;
}

net::Awaitable<bool> refuse_too_large(Service& s, const std::optional<std::string_view>& whole) {
  const std::uint64_t most = s.options.request_body_max;
  const std::uint64_t stated = s.server.head().content_length.value_or(0);
  if (stated <= most && (!whole || whole->size() <= most)) co_return false;
  fail_too_large(s.call);
  co_await write_answer(s);  // nothing to check
  co_return true;
}

void fail_reading(Service& s, const Error& error) {
  if (error.code() == Errc::closed) {
    s.caller_gone = true;
    client_gone(s.call);
  } else if (error.code() == Errc::exhausted) {
    fail_too_large(s.call);
  } else if (error.code() == Errc::unavailable) {
    s.call.x.response_additions.push_back({"Retry-After", "1"});
    policy::answer_error(s.call.x, 503, "Service Unavailable", error.message());
  } else if (error.code() == Errc::timeout) {
    policy::answer_error(s.call.x, 408, "Request Timeout", "The request body came too slowly.");
  } else {
    policy::answer_error(s.call.x, 400, "Bad Request", "The request body is malformed.");
  }
}

net::Awaitable<bool> collect_body(Service& s, std::uint64_t bytes_max, http::BodyShare& share,
                                  std::string& kept) {
  if (s.options.request_body_max != 0) bytes_max = std::min(bytes_max, s.options.request_body_max);
  Result<std::string> whole;
  {
    const ClientTime waiting(s);
    whole = co_await http::read_whole_body(s.server, std::size_t(bytes_max), share);
  }
  if (whole) {
    kept = *std::move(whole);
    co_return true;
  }
  fail_reading(s, whole.error());
  if (!s.caller_gone) co_await write_answer(s);  // nothing to check
  co_return false;
}

net::Awaitable<void> serve_local(Service& s) {
  http::BodyShare share(s.bodies);
  std::string kept;
  std::string_view body;
  const auto buffered = s.server.buffered_body();
  if (s.options.request_body_max != 0 && co_await refuse_too_large(s, buffered)) co_return;
  if (buffered) {
    body = *buffered;
  } else {
    if (!co_await collect_body(s, s.options.local_body_max, share, kept)) co_return;
    body = kept;
  }
  Call& call = s.call;
  trace_body(s, policy::CallTrace::Body::request, body);
  const policy::RequestHead& head = call.x.request;
  const http::Request request{.method = head.method,
                              .path = call.plan.path,
                              .query = call.plan.query,
                              .scheme = head.scheme,
                              .authority = head.authority,
                              .peer = head.peer,
                              .caller = call.x.matched.subscription_name,
                              .prefix = prefix_of(head.path, call.plan.path),
                              .headers = &head.headers,
                              .body = body};
  const std::int64_t sent_ns = system_clock().steady_ns();
  s.backend_start_ns = sent_ns - call.began_ns;
  const http::Response response = co_await call.plan.backend->local->serve(request);
  s.backend_ns = system_clock().steady_ns() - sent_ns;
  call.x.now_ns = s.server.worker().now_ns();
  call.x.response.status = response.status;
  call.x.response.reason = response.reason;
  call.x.response.headers.clear();
  for (const auto& [name, value] : response.headers) call.x.response.headers.add(name, value);
  call.backend_status = response.status;
  if (respond(call) == Step::forward) call.x.response.body = response.body;
  co_await write_answer(s);  // nothing to check
}

}  // namespace mlgate::gateway::internal
