#pragma once
// Whether a peer that we wait for moves bytes fast enough. Only the time in which we wait for it
// counts: whoever is kept waiting by us, or by a backend, is not slow.
#include <chrono>
#include <cstdint>

namespace mlgate::http {

struct PaceLimits {
  std::chrono::nanoseconds gap{};    // Of waiting without a byte.
  std::uint64_t rate_min = 0;        // Bytes per second of waiting, on average; 0: any,
  std::chrono::nanoseconds after{};  // once we have waited so long.
};

class Pace {
 public:
  void reset() noexcept { *this = Pace(); }
  // A wait begins.
  void begin(std::int64_t now_ns) noexcept { since_ns_ = now_ns; }
  // It has come to this, and goes on or ends; `bytes` have moved in all. False: too slow.
  bool keeps(std::int64_t now_ns, std::uint64_t bytes, const PaceLimits& limits) noexcept {
    if (bytes != bytes_) {
      bytes_ = bytes;
      moved_ns_ = waited_ns_;
    }
    waited_ns_ += now_ns - since_ns_;
    since_ns_ = now_ns;
    if (waited_ns_ - moved_ns_ > limits.gap.count()) return false;
    if (limits.rate_min == 0 || waited_ns_ < limits.after.count()) return true;
    return double(bytes) * 1e9 >= double(limits.rate_min) * double(waited_ns_);
  }

 private:
  std::int64_t since_ns_ = 0, waited_ns_ = 0;
  std::int64_t moved_ns_ = 0;  // Of waited_ns_, when bytes had moved last.
  std::uint64_t bytes_ = 0;
};

}  // namespace mlgate::http
