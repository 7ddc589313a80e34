#include "net/compute_pool.h"

#include "base/check.h"

#include <pthread.h>

#include <exception>
#include <string>
#include <utility>

namespace mlgate::net {

ComputePool::ComputePool(std::string name, std::size_t threads, std::size_t queue_max)
    : queue_max_(queue_max) {
  name.resize(std::min<std::size_t>(name.size(), 15));
  for (std::size_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this, name, &seat = seats_.emplace_back()] {
      ::pthread_setname_np(::pthread_self(), name.c_str());
      work_loop(seat);
    });
  }
}

ComputePool::~ComputePool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  for (Seat& seat : seats_) seat.wake.notify_one();
  for (std::thread& thread : threads_) thread.join();
}

bool ComputePool::post(std::move_only_function<void()> work) {
  Seat* next = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || queue_.size() >= queue_max_) return false;
    queue_.push_back(std::move(work));
    if (!waiting_.empty()) {
      next = waiting_.back();
      waiting_.pop_back();
      next->called = true;
    }
  }
  if (next) next->wake.notify_one();
  return true;
}

std::size_t ComputePool::queued() const {
  const std::scoped_lock lock(mutex_);
  return queue_.size();
}

void ComputePool::work_loop(Seat& seat) {
  for (;;) {
    std::move_only_function<void()> work;
    {
      std::unique_lock lock(mutex_);
      // Whoever was called may find that another one has taken the work already.
      while (queue_.empty() && !stopping_) {
        seat.called = false;
        waiting_.push_back(&seat);
        seat.wake.wait(lock, [&] { return seat.called || stopping_; });
      }
      if (queue_.empty()) return;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    try {
      work();
    } catch (const std::exception& thrown) {
      BUG(std::string("work on a pool ended by an exception: ") + thrown.what());
    }
  }
}

}  // namespace mlgate::net
