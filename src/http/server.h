#pragma once
// One listener of one worker: accepts, speaks HTTP/1.1 and HTTP/2, hands each request to the
// Handler, and stops gracefully.
#include "http/pace.h"
#include "http/server_call.h"
#include "net/listener.h"
#include "net/worker.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

struct ssl_ctx_st;

namespace mlgate::http {

struct ServerLimits {
  std::chrono::milliseconds head_time{
      10'000};  // From the first byte of a request to the end of its head.
  std::chrono::milliseconds idle_time{60'000};  // Between requests.
  std::chrono::milliseconds body_gap{
      30'000};                        // Without a byte of the body, or without the peer taking any.
  std::uint64_t body_rate_min = 256;  // Bytes per second of waiting for a body, on average,
  std::uint64_t answer_rate_min = 256;           // the same for the peer to take its answer,
  std::chrono::milliseconds rate_after{10'000};  // once we have waited so long.
  std::chrono::milliseconds stream_gap{
      300'000};                           // Without a byte either way while both sides talk.
  std::size_t connections_max = 100'000;  // Per worker; above, new ones are closed at once.
  std::uint32_t streams_max = 128;        // Of one HTTP/2 connection.
  HeadLimits head;
  std::chrono::milliseconds look_time{1000};  // How often a wait is judged while it lasts.

  PaceLimits body_pace() const noexcept { return {body_gap, body_rate_min, rate_after}; }
  // Of a body while both sides talk in turns: its pauses say nothing.
  PaceLimits turns_pace() const noexcept { return {stream_gap, 0, {}}; }
  PaceLimits answer_pace() const noexcept { return {body_gap, answer_rate_min, rate_after}; }
};

struct ServerOptions {
  net::ListenAddress address;
  ssl_ctx_st* tls = nullptr;  // Null for clear text.
  ServerLimits limits;
  // A connection whose descriptor is above is refused: what is left is for calls under way,
  // backends and files. Descriptors are dealt out lowest first, so the number says how many are in
  // use.
  int descriptor_max = std::numeric_limits<int>::max();
};

struct ServerCounts {
  std::size_t connections = 0;
  std::uint64_t accepted_total = 0;
  std::uint64_t refused_total = 0;  // For want of descriptors, or above connections_max.
  std::uint64_t failed_handshakes_total = 0;
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
  // Takes no more connections, and has every answer from here on end its connection. Before stop(),
  // so that callers who keep their connections are not cut off in the middle of a request.
  void drain();
  // Takes no more connections, closes idle ones, lets calls end for at most `grace`, then cancels
  // them. `done` runs when no connection is left.
  void stop(std::chrono::nanoseconds grace, std::function<void()> done);

  std::size_t connections() const noexcept { return connections_.size(); }
  ServerCounts counts() const noexcept {
    return {connections_.size(), accepted_total_, refused_total_, failed_handshakes_total_};
  }

 private:
  friend class Http1Connection;
  friend class Http2Connection;
  friend class Http2Call;
  struct Timeouts {
    Timeouts(net::Poller& poller, const ServerLimits& limits);
    // `look`: a wait that is judged again and again while it lasts.
    net::Deadline idle, body, look, linger;
  };
  void accept(int fd, const net::Address& peer);
  void refuse(int fd) noexcept;
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
  net::Spares<std::unique_ptr<CallState>> states_;
  net::Spares<std::unique_ptr<Http2Call>> http2_calls_;  // Of all connections.
  net::Timer trim_timer_;
  std::string date_;
  std::int64_t date_until_ns_ = 0;
  std::uint64_t accepted_total_ = 0, refused_total_ = 0, failed_handshakes_total_ = 0;
  bool stopping_ = false, draining_ = false;
  std::unique_ptr<net::Timer> grace_timer_;
};

}  // namespace mlgate::http
