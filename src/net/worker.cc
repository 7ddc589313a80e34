#include "net/worker.h"

#include <asio/use_awaitable.hpp>
#include <pthread.h>

#include <cstdio>
#include <future>

namespace mlgate::net {

Worker::Worker(std::size_t index)
    : index_(index), work_(context_.get_executor()), poller_(context_) {}

Worker::~Worker() {
  stop();
  join();
}

void Worker::start() {
  thread_ = std::thread([this] {
    char name[16];
    std::snprintf(name, sizeof name, "worker-%zu", index_);
    ::pthread_setname_np(::pthread_self(), name);
    context_.run();
  });
}

void Worker::stop() {
  asio::post(context_, [this] {
    poller_.stop();
    work_.reset();
  });
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

void Worker::run_and_wait(std::function<void()> f) {
  std::promise<void> done;
  asio::post(context_, [&] {
    f();
    done.set_value();
  });
  done.get_future().wait();
}

Awaitable<void> yield(Executor executor) {
  co_await asio::post(executor, asio::use_awaitable_t<Executor>());  // nothing to check
}

}  // namespace mlgate::net
