#pragma once
// A connected byte stream, clear or TLS, on one worker. Reading and writing are tried at once; a
// coroutine waits only when they would block, and holds no buffer while it waits. TLS runs on the
// same readiness flags through a BIO of ours, so that it costs no system call that the clear stream
// would not make.
#include "net/poller.h"
#include "net/task.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct ssl_st;
struct ssl_ctx_st;

namespace mlgate::net {

class Worker;

struct Io {
  enum class State : unsigned char { done, want_read, want_write, end, error };
  State state = State::done;
  std::size_t bytes = 0;
};

class Stream {
 public:
  Stream() = default;
  Stream(const Stream&) = delete;
  ~Stream() { close(); }

  // Takes over a connected, non-blocking descriptor.
  void open(Poller& poller, int fd);
  // Makes this end the server or client side of TLS. `host` is the name to send (SNI) and verify;
  // client only.
  void start_tls_server(ssl_ctx_st* context);
  void start_tls_client(ssl_ctx_st* context, const std::string& host);
  // `within` is for all of it, `deadline` for each wait on the way.
  Task<void> handshake(Deadline& deadline, std::chrono::nanoseconds within);

  bool is_open() const noexcept { return watch_.is_open(); }
  bool is_tls() const noexcept { return tls_ != nullptr; }
  // Sends close_notify where TLS, then closes. What the peer has not yet read is still delivered by
  // the kernel.
  void close() noexcept;
  // Ends our direction; the peer sees the end after all bytes.
  void shutdown_send() noexcept;
  void cancel() noexcept { watch_.cancel(); }

  // Some bytes, or why not. `end` is a clean end (TLS: close_notify).
  Io try_read(std::span<char> into) noexcept;
  Io try_write(std::string_view bytes) noexcept;
  // Bytes that stand in two places, in one piece where the stream is clear; over TLS the first
  // alone.
  Io try_write(std::string_view first, std::string_view second) noexcept;
  // True when bytes (or the end) are known to wait; on an idle upstream connection that means it is
  // of no use.
  bool has_news() const noexcept;

  [[nodiscard]] Watch::Wait until(Io::State want, Deadline& deadline);
  [[nodiscard]] Watch::Wait until_readable(Deadline& deadline) {
    return watch_.until_readable(deadline);
  }
  // At least one byte. closed at the end of the stream, timeout, unavailable when it broke.
  Task<std::size_t> read_some(std::span<char> into, Deadline& deadline);
  Task<void> write_all(std::string_view bytes, Deadline& deadline);

  // What was written and the peer has not yet acknowledged (over TLS, with its framing).
  std::uint64_t unacknowledged() const noexcept;

  Watch& watch() noexcept { return watch_; }
  int fd() const noexcept { return watch_.fd(); }
  // "TLSv1.3", or empty.
  std::string_view tls_version() const noexcept;
  // What ALPN chose ("h2"), or empty.
  std::string_view protocol() const noexcept;

 private:
  Io tls_state(int result) noexcept;
  Watch watch_;
  ssl_st* tls_ = nullptr;
};

}  // namespace mlgate::net
