#include "net/worker.h"

#include <pthread.h>

#include <chrono>
#include <cstdio>
#include <future>

namespace mlgate::net {
namespace {
constexpr std::size_t kResolvers = 2;
constexpr std::size_t kLookupsMax = 1024;
}  // namespace

Worker::Worker(std::size_t index)
    : index_(index), trim_timer_(poller_, kTrimEvery, [this] {
        blocks_.trim();
        trim_timer_.start();
      }) {}

Worker::~Worker() {
  stop();
  join();
}

void Worker::start() {
  thread_ = std::thread([this] {
    char name[16];
    std::snprintf(name, sizeof name, "worker-%zu", index_);
    ::pthread_setname_np(::pthread_self(), name);
    trim_timer_.start();
    poller_.run();
    trim_timer_.stop();
  });
}

void Worker::stop() { poller_.stop(); }

void Worker::join() {
  if (thread_.joinable()) thread_.join();
  resolvers_.reset();
}

void Worker::run_and_wait(std::function<void()> f) {
  std::promise<void> done;
  poller_.post([&] {
    f();
    done.set_value();
  });
  done.get_future().wait();
}

ComputePool& Worker::resolvers() {
  if (!resolvers_) resolvers_ = std::make_unique<ComputePool>("resolver", kResolvers, kLookupsMax);
  return *resolvers_;
}

}  // namespace mlgate::net
