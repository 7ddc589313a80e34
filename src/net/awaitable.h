#pragma once
// The coroutine type of the data path. An Awaitable starts when it is awaited, runs on the thread
// of its caller, and goes on there where it waited; the end of one resumes the other without the
// stack growing. A coroutine that waits is never destroyed: cancel what it waits for, and it ends.
#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <utility>

namespace mlgate::net {

// Memory of coroutine frames, recycled by the worker that runs on this thread (operator new where
// none does).
void* take_frame(std::size_t size);
void give_frame(void* frame, std::size_t size) noexcept;

template <class T>
class Awaitable;

namespace detail {

struct ResumeCaller {
  bool await_ready() noexcept { return false; }
  template <class Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> ended) noexcept {
    return ended.promise().caller;
  }
  void await_resume() noexcept {}
};

class PromiseBase {
 public:
  static void* operator new(std::size_t size) { return take_frame(size); }
  static void operator delete(void* frame, std::size_t size) noexcept { give_frame(frame, size); }

  std::suspend_always initial_suspend() noexcept { return {}; }
  ResumeCaller final_suspend() noexcept { return {}; }
  void unhandled_exception() noexcept { thrown = std::current_exception(); }

  std::coroutine_handle<> caller;
  std::exception_ptr thrown;
};

template <class T>
class Promise final : public PromiseBase {
 public:
  Awaitable<T> get_return_object() noexcept;
  template <class U>
    requires std::convertible_to<U&&, T>
  void return_value(U&& made) {
    value.emplace(std::forward<U>(made));
  }
  T take() {
    if (thrown) std::rethrow_exception(thrown);
    return *std::move(value);
  }
  std::optional<T> value;
};

template <>
class Promise<void> final : public PromiseBase {
 public:
  Awaitable<void> get_return_object() noexcept;
  void return_void() noexcept {}
  void take() {
    if (thrown) std::rethrow_exception(thrown);
  }
};

}  // namespace detail

template <class T>
class [[nodiscard]] Awaitable {
 public:
  using promise_type = detail::Promise<T>;

  Awaitable(Awaitable&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  Awaitable& operator=(Awaitable&&) = delete;
  ~Awaitable() {
    if (frame_) frame_.destroy();
  }

  auto operator co_await() && noexcept {
    struct Run {
      std::coroutine_handle<promise_type> frame;
      bool await_ready() noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<> caller) noexcept {
        frame.promise().caller = caller;
        return frame;
      }
      T await_resume() { return frame.promise().take(); }
    };
    return Run{frame_};
  }

 private:
  friend promise_type;
  explicit Awaitable(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}
  std::coroutine_handle<promise_type> frame_;
};

namespace detail {
template <class T>
Awaitable<T> Promise<T>::get_return_object() noexcept {
  return Awaitable<T>(std::coroutine_handle<Promise>::from_promise(*this));
}
inline Awaitable<void> Promise<void>::get_return_object() noexcept {
  return Awaitable<void>(std::coroutine_handle<Promise>::from_promise(*this));
}
}  // namespace detail

// Suspends and gives the handle to `start`, who sees to it that the coroutine is resumed, on its
// own thread; false from `start` goes on at once.
template <std::predicate<std::coroutine_handle<>> F>
auto suspend(F start) {
  struct Suspend {
    F start;
    bool await_ready() noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> waiting) { return start(waiting); }
    void await_resume() noexcept {}
  };
  return Suspend{std::move(start)};
}

}  // namespace mlgate::net
