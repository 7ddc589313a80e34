#pragma once
// Bodies that are collected whole cost memory for as long as their call lasts, and a limit per body
// does not limit their number. A budget is the total that the bodies of one listener may take; a
// share is what one body has of it. A share grows with what has arrived, not with what was
// announced: an announcement costs its sender nothing.
#include <atomic>
#include <cstddef>
#include <utility>

namespace mlgate::http {

// Used by all workers.
class BodyBudget {
 public:
  explicit BodyBudget(std::size_t bytes_max) : bytes_max_(bytes_max) {}
  BodyBudget(const BodyBudget&) = delete;

  std::size_t used() const noexcept { return used_.load(std::memory_order_relaxed); }

 private:
  friend class BodyShare;
  bool take(std::size_t bytes) noexcept {
    std::size_t before = used_.load(std::memory_order_relaxed);
    do {
      if (bytes > bytes_max_ - before) return false;
    } while (!used_.compare_exchange_weak(before, before + bytes, std::memory_order_relaxed));
    return true;
  }
  void give(std::size_t bytes) noexcept { used_.fetch_sub(bytes, std::memory_order_relaxed); }

  std::size_t bytes_max_;
  std::atomic<std::size_t> used_{0};
};

// What one body has taken; given back at the end of life. The budget outlives it.
class BodyShare {
 public:
  explicit BodyShare(BodyBudget& budget) : budget_(budget) {}
  BodyShare(const BodyShare&) = delete;
  ~BodyShare() {
    if (bytes_ != 0) budget_.give(bytes_);  // The budget is shared by all workers.
  }

  std::size_t bytes() const noexcept { return bytes_; }
  // False when the budget has no more; nothing is taken then.
  [[nodiscard]] bool grow(std::size_t bytes) noexcept {
    if (!budget_.take(bytes)) return false;
    bytes_ += bytes;
    return true;
  }

 private:
  BodyBudget& budget_;
  std::size_t bytes_ = 0;
};

}  // namespace mlgate::http
