#pragma once
// Coroutines of a worker: their executor and types, how they are started, and the group that proves
// all have ended.
#include "base/result.h"

#include <asio/awaitable.hpp>
#include <asio/execution.hpp>
#include <asio/execution_context.hpp>

#include <cstddef>
#include <functional>
#include <utility>

namespace mlgate::net {

class Poller;

// Where the coroutines of one worker run: what is executed here is posted to its Poller, from any
// thread. Models Asio's executor. Concrete, because type-erased executors cost an allocation and an
// indirection per operation.
class Executor {
 public:
  explicit Executor(Poller& poller) noexcept : poller_(&poller) {}
  Poller& poller() const noexcept { return *poller_; }

  template <class F>
  void execute(F f) const {
    post(std::move_only_function<void()>(std::move(f)));
  }
  asio::execution_context& query(asio::execution::context_t) const noexcept;
  static constexpr asio::execution::blocking_t query(asio::execution::blocking_t) noexcept {
    return asio::execution::blocking.never;
  }
  Executor require(asio::execution::blocking_t::never_t) const noexcept { return *this; }
  friend bool operator==(const Executor&, const Executor&) noexcept = default;

 private:
  void post(std::move_only_function<void()> f) const;
  Poller* poller_;
};

template <class T>
using Awaitable = asio::awaitable<T, Executor>;
template <class T>
using Task = Awaitable<Result<T>>;

// Lets other coroutines and events of the worker run first.
Awaitable<void> yield(Executor executor);

// Counts the running tasks of one owner on one worker, so that a stop can wait and show that none
// is left. Thread: the worker's.
class TaskGroup {
 public:
  explicit TaskGroup(Executor executor) : executor_(executor) {}
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;
  ~TaskGroup();

  Executor executor() const noexcept { return executor_; }
  std::size_t running() const noexcept { return running_; }
  // Called once, as soon as no task runs (at once when none does).
  void when_empty(std::function<void()> done);

 private:
  friend void spawn(TaskGroup& group, Awaitable<void> task);
  void ended();
  Executor executor_;
  std::size_t running_ = 0;
  std::function<void()> done_;
};

// Starts `task` on the group's worker, once what runs there now has ended or waits. An exception
// that leaves it is logged as a bug and ends that task alone.
void spawn(TaskGroup& group, Awaitable<void> task);

}  // namespace mlgate::net
