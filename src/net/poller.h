#pragma once
// Readiness of sockets. Every socket is registered once, edge-triggered, in an epoll set of its own
// that the worker's io_context watches as a whole. A Watch remembers what is known of its
// descriptor (readable, writable), so that a coroutine asks the kernel only when there is something
// to get, and waits without a buffer. That leaves four system calls for a proxied request. Thread:
// the worker's.
#include "net/task.h"

#include <asio/posix/basic_stream_descriptor.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace mlgate::net {

enum class Wake : unsigned char { ready, timeout, cancelled };

class Poller;
class Watch;

// Watches that share one duration, in order of their deadline: arming is two pointer moves, and one
// timer per worker sweeps all lists.
class Deadline {
 public:
  Deadline(Poller& poller, std::chrono::nanoseconds duration);
  Deadline(const Deadline&) = delete;
  ~Deadline();
  std::int64_t duration_ns() const noexcept { return duration_ns_; }

 private:
  friend class Poller;
  friend class Watch;
  Poller& poller_;
  std::int64_t duration_ns_;
  Watch* first_ = nullptr;
  Watch* last_ = nullptr;
};

class Watch {
 public:
  Watch() = default;
  Watch(const Watch&) = delete;
  ~Watch() { close(); }

  // Registers `fd`, which the watch owns from here on.
  void open(Poller& poller, int fd);
  // Deregisters and closes. Waiters are woken as cancelled.
  void close() noexcept;
  bool is_open() const noexcept { return fd_ >= 0; }
  std::int64_t now_ns() const noexcept;  // The poller's.
  int fd() const noexcept { return fd_; }

  bool readable() const noexcept { return readable_; }
  bool writable() const noexcept { return writable_; }
  // The peer has closed its side (or the connection broke): reading will find the end without a new
  // event.
  bool hung_up() const noexcept { return hung_up_; }
  void drained() noexcept { readable_ = hung_up_; }
  void would_block_reading() noexcept { readable_ = false; }
  void filled() noexcept { writable_ = false; }

  // One waiter per direction. Wakes with `timeout` when the deadline passes first. When the
  // direction has its waiter already (the reader of a TLS stream may have to write while its writer
  // waits), the second one wakes with the next event of either direction, and tries again.
  Awaitable<Wake> until_readable(Deadline& deadline);
  Awaitable<Wake> until_writable(Deadline& deadline);
  // Wakes with `cancelled` whoever waits for reading, and him alone; the watch goes on.
  void interrupt_reader() noexcept;
  // Wakes whoever waits, now and on the next wait.
  void cancel() noexcept;
  bool cancelled() const noexcept { return cancelled_; }

 private:
  friend class Poller;
  friend class Deadline;
  using Token = asio::use_awaitable_t<Executor>;
  using Waiter = asio::async_result<Token, void(Wake)>::handler_type;

  void on_events(std::uint32_t events);
  void arm(Deadline& deadline);
  void disarm() noexcept;
  static void wake(std::optional<Waiter>& waiter, Wake why);
  void wake_all(Wake why);

  Poller* poller_ = nullptr;
  int fd_ = -1;
  bool readable_ = false, writable_ = false, hung_up_ = false, cancelled_ = false;
  Awaitable<Wake> until_either(Deadline& deadline);
  std::optional<Waiter> reader_, writer_, either_;
  Deadline* deadline_ = nullptr;
  Watch* previous_ = nullptr;
  Watch* next_ = nullptr;
  std::int64_t expires_ns_ = 0;
};

class Poller {
 public:
  explicit Poller(asio::io_context& context);
  Poller(const Poller&) = delete;
  ~Poller();

  // Steady time, read once per batch of events: good enough for limits and deadlines.
  std::int64_t now_ns() const noexcept { return now_ns_; }
  // Stops waiting, so that the io_context can run out of work.
  void stop();

 private:
  friend class Watch;
  friend class Deadline;
  void wait();
  void dispatch();
  void sweep();
  void forget(const Watch& watch) noexcept;

  asio::posix::basic_stream_descriptor<Executor> set_;
  asio::basic_waitable_timer<std::chrono::steady_clock,
                             asio::wait_traits<std::chrono::steady_clock>, Executor>
      timer_;
  std::array<epoll_event, 256> events_{};
  int event_count_ = 0, event_next_ = 0;
  std::int64_t now_ns_ = 0;
  std::vector<Deadline*> deadlines_;
  bool stopped_ = false;
};

}  // namespace mlgate::net
