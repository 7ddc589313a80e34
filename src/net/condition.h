#pragma once
// Lets one coroutine wait for another of the same worker: a condition, not a latch. Whoever waits
// looks at what it waits for before and after; a notification that nobody waits for is gone.
#include "net/poller.h"

#include <coroutine>
#include <utility>

namespace mlgate::net {

// Thread: the worker's. Nobody waits when it is destroyed.
class Condition {
 public:
  Condition() = default;
  Condition(const Condition&) = delete;

  bool waited_for() const noexcept { return waiting_ != nullptr; }
  // Runs the waiter on the spot, which may destroy the condition.
  void notify(Wake why) {
    if (!waiting_) return;
    why_ = why;
    std::exchange(waiting_, nullptr).resume();
  }
  auto wait() noexcept {
    struct Wait {
      Condition& condition;
      bool await_ready() noexcept { return false; }
      void await_suspend(std::coroutine_handle<> waiting) noexcept { condition.waiting_ = waiting; }
      Wake await_resume() noexcept { return condition.why_; }
    };
    return Wait{*this};
  }

 private:
  std::coroutine_handle<> waiting_;
  Wake why_ = Wake::ready;
};

}  // namespace mlgate::net
