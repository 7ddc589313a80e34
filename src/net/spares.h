#pragma once
// Objects of a worker that wait for their next use, last in, first out: the one that comes next is
// still in the cache. There are as many as a burst needed at once; what nobody needs any more goes
// back to the system within seconds, half of it each second. Thread: the worker's.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <utility>
#include <vector>

namespace mlgate::net {

inline constexpr std::chrono::seconds kTrimEvery{1};

template <class T>
class Spares {
 public:
  // Kept for good.
  static constexpr std::size_t kKept = 64;

  bool empty() const noexcept { return spares_.empty(); }
  std::size_t size() const noexcept { return spares_.size(); }
  T take() {
    T one = std::move(spares_.back());
    spares_.pop_back();
    unused_ = std::min(unused_, spares_.size());
    return one;
  }
  void give(T one) { spares_.push_back(std::move(one)); }

  // Every kTrimEvery.
  void trim() {
    if (unused_ > kKept) {
      // Those at the beginning have waited longest.
      const auto end = spares_.begin() + std::ptrdiff_t((unused_ - kKept + 1) / 2);
      spares_.erase(spares_.begin(), end);
    }
    unused_ = spares_.size();
  }

 private:
  std::vector<T> spares_;
  std::size_t unused_ = 0;  // The fewest that waited since the last trim.
};

}  // namespace mlgate::net
