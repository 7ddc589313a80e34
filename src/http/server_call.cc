#include "http/server_call.h"

#include "net/worker.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace mlgate::http {

net::Task<void> ServerCall::write_pipe(int pipe, std::size_t bytes) {
  const net::Block block = worker().blocks().take();
  while (bytes > 0) {
    const ssize_t got = ::read(pipe, block.data(), std::min(bytes, net::Block::size()));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) co_return fail(Errc::internal, "a pipe holds less than was said");
    CO_TRY_OK(co_await write({block.data(), std::size_t(got)}));
    bytes -= std::size_t(got);
  }
  co_return Result<void>();
}

net::Task<std::string> read_whole_body(ServerCall& call, std::size_t bytes_max) {
  const auto too_large = [&] {
    return fail(Errc::exhausted,
                "The body is larger than " + std::to_string(bytes_max) + " bytes.");
  };
  std::string body;
  if (const auto& length = call.head().content_length) {
    if (*length > bytes_max) co_return too_large();
    body.reserve(std::size_t(*length));
  }
  for (;;) {
    CO_TRY(const std::string_view piece, co_await call.read_body());
    if (piece.empty()) co_return body;
    if (body.size() + piece.size() > bytes_max) co_return too_large();
    body += piece;
  }
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
