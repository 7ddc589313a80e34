#include "net/task.h"

#include "base/check.h"

#include <asio/co_spawn.hpp>

#include <exception>
#include <string>
#include <utility>

namespace mlgate::net {

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
  asio::co_spawn(group.executor_, std::move(task), [&group](std::exception_ptr error) {
    if (error) {
      try {
        std::rethrow_exception(error);
      } catch (const std::exception& thrown) {
        BUG(std::string("a task ended by an exception: ") + thrown.what());
      } catch (...) {
        BUG("a task ended by an exception of unknown type");
      }
    }
    group.ended();
  });
}

}  // namespace mlgate::net
