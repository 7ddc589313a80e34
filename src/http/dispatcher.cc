#include "http/dispatcher.h"

#include "net/worker.h"

#include <string>

namespace mlgate::http {

Dispatcher::Dispatcher(net::ComputePool& pool, std::vector<Route> routes, ErrorWriter error)
    : pool_(pool), routes_(std::move(routes)), error_(std::move(error)) {}

Response Dispatcher::protocol_error(int status, std::string_view what) {
  return error_(status, standard_reason(status), what);
}

net::Awaitable<void> Dispatcher::handle(ServerCall& call) {
  const Response response = co_await answer(call);
  const auto sent = co_await respond(call, response);
  if (!sent) call.abort();
}

net::Awaitable<Response> Dispatcher::answer(ServerCall& call) {
  const Route* route = nullptr;
  for (const Route& candidate : routes_) {
    if (candidate.owns(call.head().method, call.head().path)) {
      route = &candidate;
      break;
    }
  }
  if (!route) co_return error_(404, "NotFound", "There is nothing at this address.");

  std::string kept;
  std::string_view body;
  if (const auto buffered = call.buffered_body()) {
    body = *buffered;
  } else {
    auto whole = co_await read_whole_body(call, route->body_bytes_max);
    if (!whole) {
      switch (whole.error().code()) {
        case Errc::exhausted:
          co_return route->error(413, "RequestBodyTooLarge", whole.error().message());
        case Errc::timeout:
          co_return route->error(408, "RequestTimeout", whole.error().message());
        case Errc::closed:
          call.abort();
          [[fallthrough]];
        default:
          co_return route->error(400, "BadRequest", whole.error().message());
      }
    }
    kept = *std::move(whole);
    body = kept;
  }
  const Request request = whole_request(call, body);
  if (route->service) co_return co_await route->service->serve(request);
  auto response =
      co_await pool_.run(call.worker().executor(), [&] { return route->blocking(request); });
  if (!response && response.error().code() == Errc::internal)
    co_return route->error(500, "InternalServerError", "The request could not be served.");
  if (!response)
    co_return route->error(503, "ServiceUnavailable", "Too many requests are waiting; try again.");
  co_return *std::move(response);
}

}  // namespace mlgate::http
