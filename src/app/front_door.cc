#include "app/front_door.h"

#include "net/worker.h"

namespace mlgate::app {

namespace {
constexpr int kStatusMin = 400;  // Of what protocol_error answers.
}

std::uint64_t FrontDoor::requests_total() const noexcept {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < options_.workers; ++i) out += requests_[i].total.read();
  return out;
}

std::vector<std::pair<int, std::uint64_t>> FrontDoor::malformed_total() const {
  std::vector<std::pair<int, std::uint64_t>> out;
  for (std::size_t i = 0; i < malformed_.size(); ++i) {
    const std::uint64_t count = malformed_[i].load(std::memory_order_relaxed);
    if (count != 0) out.emplace_back(kStatusMin + int(i), count);
  }
  return out;
}

http::Response FrontDoor::protocol_error(int status, std::string_view what) {
  const std::size_t at = std::size_t(status - kStatusMin);
  if (at < malformed_.size()) malformed_[at].fetch_add(1, std::memory_order_relaxed);
  return inner_.protocol_error(status, what);
}

net::Awaitable<void> FrontDoor::handle(http::ServerCall& call) {
  requests_[call.worker().index()].total.add();
  const std::string_view path = call.head().path;
  if (path.size() == kStatusPath.size() && path == kStatusPath) [[unlikely]]
    return tell(call, health_.serves());
  if (options_.own_paths) {
    if (path == kReadyPath) return tell(call, health_.serves());
    if (path == kLivePath) return tell(call, true);
  }
  if (options_.sheds && health_.short_of_memory.load(std::memory_order_relaxed)) [[unlikely]]
    return refuse(call);
  return inner_.handle(call);
}

net::Awaitable<void> FrontDoor::tell(http::ServerCall& call, bool good) {
  http::Response response;
  response.status = good ? 200 : 503;
  response.set("Content-Type", "text/plain; charset=utf-8");
  response.set("Cache-Control", "no-store");
  response.body = good ? "ok\n" : "not ready\n";
  const auto sent = co_await http::respond(call, response);
  if (!sent) call.abort();
}

net::Awaitable<void> FrontDoor::refuse(http::ServerCall& call) {
  health_.refused_calls.fetch_add(1, std::memory_order_relaxed);
  http::Response response = inner_.protocol_error(503, "The service is short of memory.");
  response.status = 503;
  response.set("Retry-After", "1");
  const auto sent = co_await http::respond(call, response);
  if (!sent) call.abort();
}

}  // namespace mlgate::app
