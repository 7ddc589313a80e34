#pragma once
// The gateway's listener handler: moves the bytes of a call between caller and backend, and waits.
// Everything that is decided about the call is decided by call.h. One object serves all workers;
// each has a station of its own.
#include "analytics/usage.h"
#include "gateway/call.h"
#include "gateway/forwarded.h"
#include "http/body_budget.h"
#include "http/client.h"
#include "http/server_call.h"
#include "net/backend_tls.h"
#include "net/spares.h"
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
  std::uint64_t buffered_body_max = 16 << 20;  // Where a policy wants the body in one piece.
  std::uint64_t local_body_max = 32 << 20;     // Of calls that are served in process.
  std::size_t bodies_bytes_max = std::size_t{256} << 20;  // Of all such bodies together.
  std::uint32_t connections_max = 2048;                   // To one authority, over all workers.
  std::chrono::seconds tunnel_idle{900};  // Of a WebSocket, without a byte either way.
  http::ClientLimits client;
  TrustedProxies proxies;  // Who may say on whose behalf a call comes.
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
  // The client for the call's backend: one of its own where the backend has TLS of its own.
  http::Client& client_for(const Call& call);
  // The list of waiters for a response head that share this time limit.
  net::Deadline& deadline(std::uint32_t timeout_ms);

  net::Worker& worker_;
  SnapshotHandle snapshots_;
  analytics::UsageSink& sink_;
  net::AddressCheck guard_;
  http::ClientLimits client_limits_;
  http::Client client_;
  struct OwnTls {
    std::shared_ptr<const net::BackendTls> tls;  // Keeps the context while a pool uses it.
    std::unique_ptr<http::Client> client;
  };
  std::map<const ssl_ctx_st*, OwnTls> own_tls_;
  net::Spares<std::unique_ptr<Call>> calls_;
  net::Timer trim_timer_;
  std::map<std::uint32_t, std::unique_ptr<net::Deadline>> deadlines_;
  RequestIds ids_;
};

class GatewayHandler final : public http::Handler {
 public:
  explicit GatewayHandler(HandlerOptions options)
      : options_(std::move(options)), bodies_(options_.bodies_bytes_max) {}

  // Before the worker's first call and after its last; on the worker's thread.
  void open_station(net::Worker& worker, const Publisher& publisher, analytics::UsageSink& sink,
                    net::AddressCheck guard, ssl_ctx_st* tls);
  void close_station(const net::Worker& worker);
  // Idle connections to backends of one worker. On that worker's thread.
  std::size_t idle_backends(const net::Worker& worker) const noexcept;
  // Room for the stations of that many workers. Before any worker starts.
  void reserve(std::size_t workers) { stations_.resize(workers); }

  net::Awaitable<void> handle(http::ServerCall& call) override;
  http::Response protocol_error(int status, std::string_view what) override;

 private:
  HandlerOptions options_;
  http::BodyBudget bodies_;
  std::vector<std::unique_ptr<Station>> stations_;
};

}  // namespace mlgate::gateway
