#pragma once
// The gateway's listener handler: moves the bytes of a call between caller and backend, and waits.
// Everything that is decided about the call is decided by call.h. One object serves all workers;
// each has a station of its own.
#include "analytics/usage.h"
#include "gateway/call.h"
#include "http/client.h"
#include "http/server_call.h"
#include "net/worker.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

namespace mlgate::gateway {

struct HandlerOptions {
  GatewayOptions gateway;
  std::uint64_t request_body_max = 0;          // 0: unlimited.
  std::uint64_t buffered_body_max = 16 << 20;  // For backends that want the body in one piece.
  std::chrono::seconds tunnel_idle{900};  // Of a WebSocket, without a byte either way.
  http::ClientLimits client;
};

// What one worker needs to serve calls. Thread: that worker's, construction and destruction
// included.
class Station {
 public:
  Station(net::Worker& worker, const Publisher& publisher, analytics::UsageSink& sink,
          net::AddressCheck guard, ssl_ctx_st* tls, const HandlerOptions& options);
  Station(const Station&) = delete;

 private:
  friend class GatewayHandler;
  std::unique_ptr<Call> take();
  void give(std::unique_ptr<Call> call);
  // The list of waiters for a response head that share this time limit.
  net::Deadline& deadline(std::uint32_t timeout_ms);

  net::Worker& worker_;
  SnapshotHandle snapshots_;
  analytics::UsageSink& sink_;
  http::Client client_;
  std::vector<std::unique_ptr<Call>> calls_;
  std::map<std::uint32_t, std::unique_ptr<net::Deadline>> deadlines_;
  RequestIds ids_;
};

class GatewayHandler final : public http::Handler {
 public:
  explicit GatewayHandler(HandlerOptions options) : options_(options) {}

  // Before the worker's first call and after its last; on the worker's thread.
  void open_station(net::Worker& worker, const Publisher& publisher, analytics::UsageSink& sink,
                    net::AddressCheck guard, ssl_ctx_st* tls);
  void close_station(const net::Worker& worker);
  // Room for the stations of that many workers. Before any worker starts.
  void reserve(std::size_t workers) { stations_.resize(workers); }

  net::Awaitable<void> handle(http::ServerCall& call) override;
  http::Response protocol_error(int status, std::string_view what) override;

 private:
  HandlerOptions options_;
  std::vector<std::unique_ptr<Station>> stations_;
};

}  // namespace mlgate::gateway
