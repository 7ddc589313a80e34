#include "gateway/handler.h"

#include "base/json.h"
#include "base/text.h"
#include "base/time.h"
#include "gateway/serve_internal.h"

#include <utility>

namespace mlgate::gateway {
namespace {

using internal::Service;

constexpr std::size_t kDeadlinesMax = 64;
// A backend that does not react to an expectation gets the body after this time (RFC 9110, 10.1.1).
// Once one side of a tunnel has ended, the other may be silent for so long.
constexpr std::uint32_t kClosingMs = 10'000;

}  // namespace

Station::Station(net::Worker& worker, const Publisher& publisher, analytics::UsageSink& sink,
                 net::AddressCheck guard, ssl_ctx_st* tls, const HandlerOptions& options)
    : worker_(worker),
      snapshots_(publisher),
      sink_(sink),
      guard_(std::move(guard)),
      client_limits_(options.client),
      client_(worker, guard_, tls, options.client),
      trim_timer_(worker.poller(), net::kTrimEvery, [this] {
        calls_.trim();
        trim_timer_.start();
      }) {
  trim_timer_.start();
}

http::Client& Station::client_for(const Call& call) {
  const auto* part = call.backend_part;
  if (!part || !part->tls) return client_;
  auto& own = own_tls_[part->tls->context.get()];
  if (!own.client) {
    // Contexts that no snapshot has any more go with the connections that were made with them;
    // their calls have ended, because a call pins its snapshot.
    std::erase_if(own_tls_, [&](const auto& one) {
      return one.second.client && one.second.tls.use_count() == 1;
    });
    auto& made = own_tls_[part->tls->context.get()];
    made.tls = part->tls;
    made.client =
        std::make_unique<http::Client>(worker_, guard_, part->tls->context.get(), client_limits_);
    return *made.client;
  }
  return *own.client;
}

std::unique_ptr<Call> Station::take() {
  return calls_.empty() ? std::make_unique<Call>() : calls_.take();
}

void Station::give(std::unique_ptr<Call> call) {
  call->reset();  // Also lets go of the snapshot.
  calls_.give(std::move(call));
}

net::Deadline& Station::deadline(std::uint32_t timeout_ms) {
  auto found = deadlines_.find(timeout_ms);
  if (found == deadlines_.end()) {
    // Time limits come from policies, so they are few; a policy that makes many shares the next
    // longer one.
    if (deadlines_.size() >= kDeadlinesMax) {
      found = deadlines_.lower_bound(timeout_ms);
      return found == deadlines_.end() ? *deadlines_.rbegin()->second : *found->second;
    }
    found = deadlines_
                .emplace(timeout_ms, std::make_unique<net::Deadline>(
                                         worker_.poller(), std::chrono::milliseconds(timeout_ms)))
                .first;
  }
  return *found->second;
}

void GatewayHandler::open_station(net::Worker& worker, const Publisher& publisher,
                                  analytics::UsageSink& sink, net::AddressCheck guard,
                                  ssl_ctx_st* tls) {
  stations_[worker.index()] =
      std::make_unique<Station>(worker, publisher, sink, std::move(guard), tls, options_);
}

void GatewayHandler::close_station(const net::Worker& worker) { stations_[worker.index()].reset(); }

std::size_t GatewayHandler::idle_backends(const net::Worker& worker) const noexcept {
  const auto& station = stations_[worker.index()];
  return station ? station->client_.idle_connections() : 0;
}

net::Awaitable<void> GatewayHandler::handle(http::ServerCall& server) {
  Station& station = *stations_[server.worker().index()];
  const std::int64_t began_ns = system_clock().steady_ns();
  std::unique_ptr<Call> owned = station.take();
  Call& call = *owned;
  station.sink_.started();
  call.options = options_.gateway;
  call.pin = station.snapshots_.pin();
  const http::RequestHead& head = server.head();
  policy::RequestHead& request = call.x.request;
  request.method = head.method;
  request.path = head.path;
  request.query = head.query;
  Caller caller{server.peer(), server.scheme()};
  request.sender = caller.address;
  if (!options_.proxies.empty()) caller = options_.proxies.caller_of(caller, head.fields);
  request.scheme = caller.scheme;
  request.authority = head.authority;
  request.peer = caller.address;
  request.headers = head.fields;
  call.upgrade = equals_ignoring_case(head.upgrade, "websocket");
  call.x.now_ms = system_clock().now_ms();
  call.x.now_ns = call.began_ns = began_ns;
  station.ids_.next(call.x.request_id);
  begin_watching(call, station.ids_);

  const Step step = begin(call);
  Service service{.server = server,
                  .call = call,
                  .client = station.client_for(call),
                  .options = options_,
                  .bodies = bodies_};
  if (step == Step::answer) {
    co_await internal::write_answer(service);  // nothing to check
  } else {
    service.response_deadline = &station.deadline(call.plan.timeout_ms);
    if (head.expect_continue) service.continue_deadline = &station.deadline(call.plan.continue_ms);
    if (call.upgrade) {
      service.tunnel_deadline =
          &station.deadline(std::uint32_t(std::chrono::milliseconds(options_.tunnel_idle).count()));
      service.closing_deadline = &station.deadline(kClosingMs);
    }
    if (call.plan.backend->kind == Backend::Kind::local) {
      co_await internal::serve_local(service);  // nothing to check
    } else {
      co_await internal::serve_http(service);  // nothing to check
    }
  }
  if (service.caller_gone) server.abort();
  finish(call,
         {.request_bytes = server.bytes_in() + service.tunnelled.from_caller,
          .response_bytes = server.bytes_out() + service.tunnelled.from_backend,
          .total_ns = system_clock().steady_ns() - began_ns,
          .backend_ns = service.backend_ns,
          .backend_start_ns = service.backend_start_ns,
          .client_ns = service.client_ns,
          .tls_version = server.tls_version(),
          .client_protocol = server.protocol(),
          .sent = !service.caller_gone},
         station.sink_);
  station.give(std::move(owned));
}

http::Response GatewayHandler::protocol_error(int status, std::string_view what) {
  http::Response response;
  response.status = status;
  response.set("Content-Type", "application/json");
  std::string message;
  append_json_string(message, what);
  response.body =
      "{ \"statusCode\": " + std::to_string(status) + ", \"message\": " + message + " }";
  return response;
}

}  // namespace mlgate::gateway
