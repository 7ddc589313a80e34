#pragma once
// Lets one coroutine wait for another of the same worker: a condition, not a latch. Whoever waits
// looks at what it waits for before and after; a notification that nobody waits for is gone.
#include "net/poller.h"
#include "net/task.h"

#include <asio/async_result.hpp>
#include <asio/use_awaitable.hpp>

#include <optional>
#include <utility>

namespace mlgate::net {

// Thread: the worker's. Nobody waits when it is destroyed.
class Signal {
 public:
  Signal() = default;
  Signal(const Signal&) = delete;

  bool waited_for() const noexcept { return waiter_.has_value(); }
  // Runs the waiter on the spot, which may destroy the signal.
  void notify(Wake why) {
    if (!waiter_) return;
    Waiter ready = std::move(*waiter_);
    waiter_.reset();
    std::move(ready)(why);
  }
  Awaitable<Wake> wait() {
    Token token;
    co_return co_await asio::async_initiate<Token, void(Wake)>(
        [this](Waiter waiter) { waiter_.emplace(std::move(waiter)); }, token);
  }

 private:
  using Token = asio::use_awaitable_t<Executor>;
  using Waiter = asio::async_result<Token, void(Wake)>::handler_type;
  std::optional<Waiter> waiter_;
};

}  // namespace mlgate::net
