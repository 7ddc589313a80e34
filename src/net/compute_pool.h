#pragma once
// Threads for work that takes longer than a worker may stand still: large scoring calls, runs,
// password hashes, and the control plane, whose handlers may block on the store. The queue is
// bounded; a full one is an answer.
#include "base/check.h"
#include "base/result.h"
#include "net/task.h"

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

namespace mlgate::net {

class ComputePool {
 public:
  ComputePool(std::string name, std::size_t threads, std::size_t queue_max);
  ComputePool(const ComputePool&) = delete;
  ~ComputePool();  // Runs what is queued, then ends.

  // False when the queue is full: the work was not taken. From any thread.
  [[nodiscard]] bool post(std::move_only_function<void()> work);

  std::size_t queued() const;
  // Runs `f` on the pool while the coroutine waits; exhausted when the queue is full. `T` is f's
  // result.
  template <class F, class T = std::invoke_result_t<F>>
  Awaitable<Result<T>> run(Executor executor, F f) {
    Result<T> value = fail(Errc::exhausted, "too much work is waiting");
    // The coroutine keeps everything alive: nothing but the pool resumes it.
    co_await suspend([&](std::coroutine_handle<> waiting) {  // nothing to check
      return post([&value, &f, executor, waiting] {
        // An exception of a library must neither end the process nor leave the caller waiting.
        try {
          value = f();
        } catch (const std::exception& thrown) {
          value = fail(Errc::internal, "the work ended by an exception");
          BUG(std::string("work on a pool ended by an exception: ") + thrown.what());
        }
        executor.execute([waiting] { waiting.resume(); });
      });
    });
    co_return value;
  }

 private:
  // A thread's place to wait at. The one that began to wait last is woken first: its stack and what
  // it worked on are still in the caches.
  struct Seat {
    std::condition_variable wake;
    bool called = false;
  };
  void work_loop(Seat& seat);
  mutable std::mutex mutex_;  // Guards what follows, up to the threads.
  std::deque<std::move_only_function<void()>> queue_;
  std::size_t queue_max_;
  bool stopping_ = false;
  std::vector<Seat*> waiting_;
  std::deque<Seat> seats_;
  std::vector<std::thread> threads_;
};

}  // namespace mlgate::net
