#pragma once
// One listener of one worker: accepts, speaks HTTP/1.1 and HTTP/2, hands each request to the
// Handler, and stops gracefully.
#include "http/server_call.h"
#include "net/listener.h"
#include "net/worker.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

struct ssl_ctx_st;

namespace mlgate::http {

struct ServerLimits {
  std::chrono::seconds head_time{10};  // From the first byte of a request to the end of its head.
  std::chrono::seconds idle_time{60};  // Between requests.
  std::chrono::seconds body_gap{30};  // Without a byte of the body, or without the peer taking any.
  std::uint64_t body_rate_min = 256;  // Bytes per second, on average, after the first 10 s.
  std::size_t connections_max = 100'000;  // Per worker; above, new ones are closed at once.
};

struct ServerOptions {
  net::ListenAddress address;
  ssl_ctx_st* tls = nullptr;  // Null for clear text.
  ServerLimits limits;
};

class Http1Connection;
class Http2Call;
struct CallState;

// Thread: the worker's, but for port().
class Server {
 public:
  Server(net::Worker& worker, Handler& handler, ServerOptions options);
  Server(const Server&) = delete;
  ~Server();

  Result<void> open();
  std::uint16_t port() const noexcept { return listener_.port(); }
  // Takes no more connections, closes idle ones, lets calls end for at most `grace`, then cancels
  // them. `done` runs when no connection is left.
  void stop(std::chrono::nanoseconds grace, std::function<void()> done);

  std::size_t connections() const noexcept { return connections_.size(); }

 private:
  friend class Http1Connection;
  friend class Http2Connection;
  friend class Http2Call;
  struct Timeouts {
    Timeouts(net::Poller& poller, const ServerLimits& limits);
    net::Deadline head, idle, body, linger;
  };
  void accept(int fd, const net::Address& peer);
  std::unique_ptr<CallState> take_state();
  void give_state(std::unique_ptr<CallState> state);
  // "Date: …\r\n", renewed once a second.
  std::string_view date_field();

  net::Worker& worker_;
  Handler& handler_;
  ServerOptions options_;
  Timeouts timeouts_;
  net::TaskGroup tasks_;
  net::Listener listener_;
  std::vector<Http1Connection*> connections_;
  std::vector<std::unique_ptr<CallState>> states_;
  std::vector<std::unique_ptr<Http2Call>> http2_calls_;  // Free ones, of all connections.
  std::string date_;
  std::int64_t date_until_ns_ = 0;
  bool stopping_ = false;
  std::unique_ptr<asio::basic_waitable_timer<
      std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, net::Executor>>
      grace_timer_;
};

}  // namespace mlgate::http
