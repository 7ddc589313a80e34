#pragma once
// One worker: one thread, one io_context, one set of watched sockets, one pool of buffers. What a
// worker touches it owns, or it is deeply const; other threads reach it by post() alone.
#include "net/blocks.h"
#include "net/poller.h"
#include "net/task.h"

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include <cstddef>
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
  Executor executor() noexcept { return context_.get_executor(); }
  asio::io_context& context() noexcept { return context_; }
  Poller& poller() noexcept { return poller_; }
  BlockPool& blocks() noexcept { return blocks_; }
  std::int64_t now_ns() const noexcept { return poller_.now_ns(); }

  // Runs `f` on the worker's thread. From any thread.
  template <class F>
  void post(F f) {
    asio::post(context_, std::move(f));
  }
  // Runs `f` there and waits for its end. From any thread but the worker's.
  void run_and_wait(std::function<void()> f);

 private:
  std::size_t index_;
  asio::io_context context_{1};
  asio::executor_work_guard<Executor> work_;
  BlockPool blocks_;
  Poller poller_;
  std::thread thread_;
};

// Lets other coroutines and events of the worker run first.
Awaitable<void> yield(Executor executor);

}  // namespace mlgate::net
