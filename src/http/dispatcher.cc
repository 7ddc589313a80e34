#include "http/dispatcher.h"

#include "net/worker.h"

#include <string>

namespace mlgate::http {

namespace {

constexpr std::string_view kRetrySeconds = "1";

Response busy(const Dispatcher::Route& route, std::string_view what) {
  Response response = route.error(503, "ServiceUnavailable", what);
  response.set("Retry-After", kRetrySeconds);
  return response;
}

// The answer to a call whose handler did not run to its end on the pool.
Response not_run(const Dispatcher::Route& route, const Error& error) {
  if (error.code() == Errc::internal)
    return route.error(500, "InternalServerError", "The request could not be served.");
  return busy(route, "Too many requests are waiting; try again.");
}

Response unreadable(const Dispatcher::Route& route, const Error& error) {
  switch (error.code()) {
    case Errc::exhausted:
      return route.error(413, "RequestBodyTooLarge", error.message());
    case Errc::timeout:
      return route.error(408, "RequestTimeout", error.message());
    case Errc::unavailable:
      return busy(route, error.message());
    default:
      return route.error(400, "BadRequest", error.message());
  }
}

}  // namespace

Dispatcher::Dispatcher(net::ComputePool& pool, std::vector<Route> routes, ErrorWriter error,
                       std::size_t bodies_bytes_max)
    : pool_(pool),
      routes_(std::move(routes)),
      error_(std::move(error)),
      budget_(bodies_bytes_max) {}

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

  if (const auto body = call.buffered_body()) co_return co_await run(call, *route, *body);
  if (auto refused = co_await admit(call, *route)) co_return *std::move(refused);
  BodyShare share(budget_);
  const auto body = co_await read_whole_body(call, route->body_bytes_max, share);
  if (!body) {
    if (body.error().code() == Errc::closed) call.abort();
    co_return unreadable(*route, body.error());
  }
  co_return co_await run(call, *route, *body);
}

net::Awaitable<std::optional<Response>> Dispatcher::admit(ServerCall& call, const Route& route) {
  if (!route.admit) co_return std::nullopt;
  const Request head = whole_request(call, {});
  if (route.service) co_return route.admit(head);
  auto refused = co_await pool_.run(call.worker().executor(), [&] { return route.admit(head); });
  if (!refused) co_return not_run(route, refused.error());
  co_return *std::move(refused);
}

net::Awaitable<Response> Dispatcher::run(ServerCall& call, const Route& route,
                                         std::string_view body) {
  const Request request = whole_request(call, body);
  if (route.service) co_return co_await route.service->serve(request);
  auto response =
      co_await pool_.run(call.worker().executor(), [&] { return route.blocking(request); });
  if (!response) co_return not_run(route, response.error());
  co_return *std::move(response);
}

}  // namespace mlgate::http
