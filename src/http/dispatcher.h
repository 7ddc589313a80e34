#pragma once
// The handler of a listener that serves whole messages: it finds who owns the path, lets the owner
// refuse a stranger before his body is read, reads the body within a budget for all, and runs the
// owner, a service on the worker or a blocking handler on the control pool.
#include "http/body_budget.h"
#include "http/message.h"
#include "http/server_call.h"
#include "net/compute_pool.h"

#include <cstddef>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

namespace mlgate::http {

// Writes an error in the dialect of a listener.
using ErrorWriter =
    std::function<Response(int status, std::string_view code, std::string_view message)>;

class Dispatcher final : public Handler {
 public:
  struct Route {
    std::function<bool(std::string_view method, std::string_view path)> owns;
    std::size_t body_bytes_max = 4 << 20;
    LocalService* service = nullptr;  // One of the two.
    BlockingHandler blocking;
    ErrorWriter error;  // For 413, full queues and a budget that is used up.
    // Looks at a head whose body has yet to come, where the owner itself would run; an answer
    // refuses the call. The owner checks again: a body that is there with its head is not asked
    // about. May be empty.
    std::function<std::optional<Response>(const Request& head)> admit;
  };

  static constexpr std::size_t kBodiesBytesMax = std::size_t{256} << 20;

  // `pool` runs blocking handlers. The first route that owns a path serves it; `error` answers the
  // rest (404) and what is no valid request. `bodies_bytes_max` is for all bodies together that do
  // not come with their heads.
  Dispatcher(net::ComputePool& pool, std::vector<Route> routes, ErrorWriter error,
             std::size_t bodies_bytes_max = kBodiesBytesMax);

  net::Awaitable<void> handle(ServerCall& call) override;
  Response protocol_error(int status, std::string_view what) override;

  // What the bodies that are being collected or served take.
  std::size_t bodies_bytes() const noexcept { return budget_.used(); }

 private:
  net::Awaitable<Response> answer(ServerCall& call);
  net::Awaitable<std::optional<Response>> admit(ServerCall& call, const Route& route);
  net::Awaitable<Response> run(ServerCall& call, const Route& route, std::string_view body);
  net::ComputePool& pool_;
  std::vector<Route> routes_;
  ErrorWriter error_;
  BodyBudget budget_;
};

}  // namespace mlgate::http
