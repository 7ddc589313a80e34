#pragma once
// One worker: one thread, one event loop, one pool of buffers. What a worker touches it owns, or it
// is deeply const; other threads reach it by post() alone.
#include "net/blocks.h"
#include "net/compute_pool.h"
#include "net/poller.h"
#include "net/task.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <thread>
#include <utility>

namespace mlgate::net {

class Worker {
 public:
  explicit Worker(std::size_t index);
  Worker(const Worker&) = delete;
  ~Worker();

  void start();
  // Asks the thread to end once what is posted has run. Call after the owners of sockets have
  // stopped.
  void stop();
  void join();

  std::size_t index() const noexcept { return index_; }
  Executor executor() noexcept { return poller_.executor(); }
  Poller& poller() noexcept { return poller_; }
  BlockPool& blocks() noexcept { return blocks_; }
  std::int64_t now_ns() const noexcept { return poller_.now_ns(); }

  // Runs `f` on the worker's thread. From any thread.
  void post(std::move_only_function<void()> f) { poller_.post(std::move(f)); }
  // Runs `f` there and waits for its end. From any thread but the worker's.
  void run_and_wait(std::function<void()> f);
  // Threads for look-ups of names, which block; started with the first.
  ComputePool& resolvers();

 private:
  std::size_t index_;
  BlockPool blocks_;
  Poller poller_;
  Timer trim_timer_;
  std::unique_ptr<ComputePool> resolvers_;
  std::thread thread_;
};

}  // namespace mlgate::net
