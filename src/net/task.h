#pragma once
// Coroutines of a worker: their types, how they are started, and the group that proves all have
// ended.
#include "base/result.h"

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>

#include <cstddef>
#include <functional>

namespace mlgate::net {

// The one concrete executor: type-erased executors cost an allocation and an indirection per
// operation.
using Executor = asio::io_context::executor_type;

template <class T>
using Awaitable = asio::awaitable<T, Executor>;
template <class T>
using Task = Awaitable<Result<T>>;

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

// Starts `task` on the group's worker. An exception that leaves it is logged as a bug and ends that
// task alone.
void spawn(TaskGroup& group, Awaitable<void> task);

}  // namespace mlgate::net
