#pragma once
// Coroutines of a worker: where they run, how they are started, and the group that proves all have
// ended.
#include "base/result.h"
#include "net/awaitable.h"

#include <cstddef>
#include <functional>
#include <utility>

namespace mlgate::net {

class Poller;

template <class T>
using Task = Awaitable<Result<T>>;

// Where the coroutines of one worker run. What is executed here is posted to its Poller, from any
// thread.
class Executor {
 public:
  explicit Executor(Poller& poller) noexcept : poller_(&poller) {}
  Poller& poller() const noexcept { return *poller_; }
  void execute(std::move_only_function<void()> f) const;
  friend bool operator==(const Executor&, const Executor&) noexcept = default;

 private:
  Poller* poller_;
};

// That of the worker on whose thread this is called.
Executor this_executor() noexcept;

// Lets other coroutines and events of the worker run first.
inline auto yield(Executor executor) {
  return suspend([executor](std::coroutine_handle<> waiting) {
    executor.execute([waiting] { waiting.resume(); });
    return true;
  });
}

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
  friend class Root;
  void ended();
  Executor executor_;
  std::size_t running_ = 0;
  std::function<void()> done_;
};

// Starts `task` on the group's worker, once what runs there now has ended or waits. An exception
// that leaves it is logged as a bug and ends that task alone.
void spawn(TaskGroup& group, Awaitable<void> task);

}  // namespace mlgate::net
