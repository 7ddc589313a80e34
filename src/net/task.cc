#include "net/task.h"

#include "base/check.h"

#include <exception>
#include <string>
#include <utility>

namespace mlgate::net {

// The coroutine at the bottom of a task; owns itself once it is started.
class Root {
 public:
  class promise_type {
   public:
    static void* operator new(std::size_t size) { return take_frame(size); }
    static void operator delete(void* frame, std::size_t size) noexcept { give_frame(frame, size); }
    Root get_return_object() noexcept {
      return Root(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }  // run() catches all.
  };

  Root(Root&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  Root& operator=(Root&&) = delete;
  ~Root() {
    if (frame_) frame_.destroy();
  }
  void start() { std::exchange(frame_, nullptr).resume(); }

  static Root run(TaskGroup& group, Awaitable<void> task) {
    try {
      co_await std::move(task);  // nothing to check
    } catch (const std::exception& thrown) {
      BUG(std::string("a task ended by an exception: ") + thrown.what());
    } catch (...) {
      BUG("a task ended by an exception of unknown type");
    }
    group.ended();
  }

 private:
  explicit Root(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}
  std::coroutine_handle<promise_type> frame_;
};

TaskGroup::~TaskGroup() {
  if (running_ != 0) BUG("a task group is destroyed while tasks run");
}

void TaskGroup::when_empty(std::function<void()> done) {
  if (running_ == 0) {
    done();
    return;
  }
  done_ = std::move(done);
}

void TaskGroup::ended() {
  if (--running_ == 0 && done_) std::exchange(done_, nullptr)();
}

void spawn(TaskGroup& group, Awaitable<void> task) {
  ++group.running_;
  group.executor_.execute([root = Root::run(group, std::move(task))]() mutable { root.start(); });
}

}  // namespace mlgate::net
