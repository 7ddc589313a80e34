#pragma once
// The handler of a listener that serves whole messages: it reads the body, finds who owns the path,
// and runs the owner, a service on the worker or a blocking handler on the control pool.
#include "http/message.h"
#include "http/server_call.h"
#include "net/compute_pool.h"

#include <cstddef>
#include <functional>
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
    ErrorWriter error;  // For 413 and full queues.
  };

  // `pool` runs blocking handlers. The first route that owns a path serves it; `error` answers the
  // rest (404) and what is no valid request.
  Dispatcher(net::ComputePool& pool, std::vector<Route> routes, ErrorWriter error);

  net::Awaitable<void> handle(ServerCall& call) override;
  Response protocol_error(int status, std::string_view what) override;

 private:
  net::Awaitable<Response> answer(ServerCall& call);
  net::ComputePool& pool_;
  std::vector<Route> routes_;
  ErrorWriter error_;
};

}  // namespace mlgate::http
