#pragma once
// The event loop of one worker: readiness of sockets, work posted by other threads, deadlines.
// Every socket is registered once, edge-triggered. A Watch remembers what is known of its
// descriptor (readable, writable), so that a coroutine asks the kernel only when there is something
// to get, and waits without a buffer. That leaves four system calls for a proxied request, and one
// wait for each batch of events. Thread: the worker's, but for post() and stop().
#include "net/task.h"

#include <sys/epoll.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

namespace mlgate::net {

enum class Wake : unsigned char { ready, timeout, cancelled };

class Poller;
class Waiting;

// What waits for at most the same duration, in order of its end: arming is two pointer moves, and
// the poller sweeps all lists ten times a second, so a wait is up to 100 ms longer than said.
class Deadline {
 public:
  Deadline(Poller& poller, std::chrono::nanoseconds duration);
  Deadline(const Deadline&) = delete;
  ~Deadline();
  std::int64_t duration_ns() const noexcept { return duration_ns_; }

 private:
  friend class Poller;
  friend class Waiting;
  Poller& poller_;
  std::int64_t duration_ns_;
  Waiting* first_ = nullptr;
  Waiting* last_ = nullptr;
};

// A place on a Deadline's list.
class Waiting {
 public:
  // A coroutine that waits, in the place that its waker knows. To be awaited at once.
  class Wait {
   public:
    explicit Wait(Wake known) noexcept : why_(known) {}  // Goes on at once.
    explicit Wait(Wait*& place) noexcept : place_(&place) {}
    bool await_ready() const noexcept { return !place_; }
    void await_suspend(std::coroutine_handle<> waiting) noexcept {
      waiting_ = waiting;
      *place_ = this;
    }
    Wake await_resume() const noexcept { return why_; }

   private:
    friend class Waiting;
    Wait** place_ = nullptr;
    std::coroutine_handle<> waiting_;
    Wake why_ = Wake::cancelled;
  };
  Waiting() = default;
  Waiting(const Waiting&) = delete;
  bool armed() const noexcept { return deadline_ != nullptr; }

 protected:
  ~Waiting() { disarm(); }
  void arm(Deadline& deadline);
  void disarm() noexcept;
  virtual void timed_out() = 0;

  // Empties the place before the coroutine goes on.
  static void wake(Wait*& place, Wake why) {
    Wait* const wait = std::exchange(place, nullptr);
    if (!wait) return;
    wait->why_ = why;
    wait->waiting_.resume();
  }

 private:
  friend class Deadline;
  friend class Poller;
  Deadline* deadline_ = nullptr;
  Waiting* previous_ = nullptr;
  Waiting* next_ = nullptr;
  std::int64_t expires_ns_ = 0;
};

// Who wants to know that a peer has closed its side while nobody waits for its bytes.
class HangUpListener {
 public:
  virtual ~HangUpListener() = default;
  // May destroy the watch that it listens to.
  virtual void hung_up() = 0;
};

// The readiness of one descriptor.
class Watch final : public Waiting {
 public:
  Watch() = default;
  ~Watch() { close(); }

  // Registers `fd`, which the watch owns from here on.
  void open(Poller& poller, int fd);
  // The listener outlives the watch.
  void listen(HangUpListener& listener) noexcept { listener_ = &listener; }
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
  // Another thread moves bytes on the descriptor. From lending to taking back nothing is known but
  // what events tell meanwhile, so that no event is lost; `blocked`: it met EAGAIN at last.
  int lend_reading() noexcept {
    readable_ = false;
    return fd_;
  }
  void take_back_reading(bool blocked) noexcept { readable_ = readable_ || !blocked; }
  int lend_writing() noexcept {
    writable_ = false;
    return fd_;
  }
  void take_back_writing(bool blocked) noexcept { writable_ = writable_ || !blocked; }

  // One waiter per direction. Wakes with `timeout` when the deadline passes first. When the
  // direction has its waiter already (the reader of a TLS stream may have to write while its writer
  // waits), the second one wakes with the next event of either direction, and tries again.
  [[nodiscard]] Wait until_readable(Deadline& deadline);
  [[nodiscard]] Wait until_writable(Deadline& deadline);
  // Wakes with `cancelled` whoever waits for reading, and him alone; the watch goes on.
  void interrupt_reader() noexcept;
  // Wakes whoever waits, now and on the next wait.
  void cancel() noexcept;
  bool cancelled() const noexcept { return cancelled_; }

 private:
  friend class Poller;
  void on_events(std::uint32_t events);
  void timed_out() override { wake_all(Wake::timeout); }  // The deadline was that of both.
  void wake_all(Wake why);
  Wait until_either(Deadline& deadline);

  Poller* poller_ = nullptr;
  HangUpListener* listener_ = nullptr;
  int fd_ = -1;
  bool readable_ = false, writable_ = false, hung_up_ = false, cancelled_ = false;
  Wait* reader_ = nullptr;
  Wait* writer_ = nullptr;
  Wait* either_ = nullptr;
};

// One coroutine waits for a word from elsewhere; other threads say it through Poller::post. A word
// said before the wait is not lost.
class Signal final : public Waiting {
 public:
  [[nodiscard]] Wait wait(Deadline& deadline);
  void notify();

 private:
  void timed_out() override { wake(waiter_, Wake::timeout); }
  Wait* waiter_ = nullptr;
  bool notified_ = false;
};

// Calls a function once its duration has passed; start() again, also from within the function.
class Timer final : public Waiting {
 public:
  Timer(Poller& poller, std::chrono::nanoseconds duration, std::function<void()> function)
      : deadline_(poller, duration), function_(std::move(function)) {}
  void start() { arm(deadline_); }
  void stop() noexcept { disarm(); }

 private:
  void timed_out() override {
    const auto function = function_;  // May destroy this timer.
    function();
  }
  Deadline deadline_;
  std::function<void()> function_;
};

// Frames of ended coroutines by size, for the next of that size.
class FramePool {
 public:
  FramePool() = default;
  FramePool(const FramePool&) = delete;
  ~FramePool();
  void* take(std::size_t size);
  void give(void* frame, std::size_t size) noexcept;

 private:
  static constexpr std::size_t kStep = 64;
  static constexpr std::size_t kClasses = 64;      // Up to 4 KiB; larger ones are not kept.
  static constexpr std::uint32_t kKeptMax = 1024;  // Of each size.
  struct Free {
    Free* next;
  };
  struct List {
    Free* first = nullptr;
    std::uint32_t count = 0;
  };
  std::array<List, kClasses> lists_;
};

class Poller {
 public:
  Poller();
  Poller(const Poller&) = delete;
  ~Poller();

  // Steady time, read once per batch of events: good enough for limits and deadlines.
  std::int64_t now_ns() const noexcept { return now_ns_; }
  Executor executor() noexcept { return Executor(*this); }

  // Runs `f` on the loop's thread, in order, never within this call. From any thread.
  void post(std::move_only_function<void()> f);
  // Serves until stop(), then runs what is posted and returns.
  void run();
  // Serves until `done()`, which is asked after each batch.
  void run_until(const std::function<bool()>& done);
  void stop();  // From any thread.

  // The one that this thread serves, or null.
  static Poller* serving() noexcept;
  FramePool& frames() noexcept { return frames_; }

 private:
  friend class Watch;
  friend class Waiting;
  friend class Deadline;
  void serve(const std::function<bool()>& done);
  void turn();
  void take_pulse() noexcept;
  void take_foreign();
  void run_posted();
  void sweep();
  void forget(const Watch& watch) noexcept;

  FramePool frames_;
  int set_ = -1;
  int bell_ = -1;   // eventfd; rung by other threads.
  int pulse_ = -1;  // timerfd; says when to sweep.
  std::array<epoll_event, 256> events_{};
  int event_count_ = 0, event_next_ = 0;
  std::int64_t now_ns_ = 0;
  bool sweep_due_ = false;
  std::vector<Deadline*> deadlines_;
  using Work = std::vector<std::move_only_function<void()>>;
  Work posted_, running_;  // By the loop's own thread.
  std::mutex mutex_;
  Work foreign_;  // Guarded by mutex_.
  std::atomic<bool> stopped_ = false;
};

}  // namespace mlgate::net
