#include "http/server_call.h"

#include "http/body_budget.h"
#include "net/worker.h"

#include <algorithm>

namespace mlgate::http {

net::Task<Loan> ServerCall::lend_input() { co_return Loan(); }
Result<void> ServerCall::return_input(const Moved& /*moved*/) { return {}; }
net::Task<Loan> ServerCall::lend_output() { co_return Loan(); }
Result<void> ServerCall::return_output(const Moved& /*moved*/) { return {}; }

namespace {

constexpr std::size_t kBodyStepBytes = 64 * 1024;

// Makes room for `size` bytes in all. A text that grows is copied, so it doubles; where the length
// is known it never has more room than that.
bool make_room(std::string& body, std::size_t size, std::size_t size_max, BodyShare* share) {
  if (size <= body.capacity()) return true;
  const std::size_t room =
      std::min(size_max, std::max({size, 2 * body.capacity(), kBodyStepBytes}));
  if (share && room > share->bytes() && !share->grow(room - share->bytes())) return false;
  // Not body.reserve(room), which doubles beyond what was taken from the budget.
  std::string larger;
  larger.reserve(room);
  larger += body;
  body = std::move(larger);
  return true;
}

net::Task<std::string> collect(ServerCall& call, std::size_t bytes_max, BodyShare* share) {
  const auto too_large = [&] {
    return fail(Errc::exhausted,
                "The body is larger than " + std::to_string(bytes_max) + " bytes.");
  };
  std::size_t size_max = bytes_max;
  if (const auto& length = call.head().content_length) {
    if (*length > bytes_max) co_return too_large();
    size_max = std::size_t(*length);
  }
  std::string body;
  for (;;) {
    CO_TRY(const std::string_view piece, co_await call.read_body());
    if (piece.empty()) co_return body;
    if (body.size() + piece.size() > bytes_max) co_return too_large();
    if (!make_room(body, body.size() + piece.size(), size_max, share))
      co_return fail(Errc::unavailable, "Too many large requests are being read; try again.");
    body += piece;
  }
}

}  // namespace

net::Task<std::string> read_whole_body(ServerCall& call, std::size_t bytes_max) {
  return collect(call, bytes_max, nullptr);
}

net::Task<std::string> read_whole_body(ServerCall& call, std::size_t bytes_max, BodyShare& share) {
  return collect(call, bytes_max, &share);
}

net::Task<void> respond(ServerCall& call, const Response& response) {
  Fields fields;
  fields.list().reserve(response.headers.size());
  for (const auto& [name, value] : response.headers) fields.add(name, value);
  CO_TRY_OK(call.start({.status = response.status,
                        .reason = response.reason,
                        .fields = &fields,
                        .body_bytes = response.body.size()}));
  if (!call.try_append(response.body)) {
    CO_TRY_OK(co_await call.write(response.body));
  }
  if (call.try_finish()) co_return Result<void>();
  co_return co_await call.finish();
}

Request whole_request(const ServerCall& call, std::string_view body) {
  const RequestHead& head = call.head();
  return {.method = head.method,
          .path = head.path,
          .query = head.query,
          .scheme = call.scheme(),
          .authority = head.authority,
          .peer = call.peer(),
          .headers = &head.fields,
          .body = body};
}

}  // namespace mlgate::http
