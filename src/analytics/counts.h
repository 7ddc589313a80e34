#pragma once
// What is counted of calls: how many of which class, bytes, times, and how the times are spread.
// The usage reports are sums of these, by who called what and when.
#include "analytics/usage.h"

#include <compare>
#include <cstdint>
#include <vector>

namespace mlgate::analytics {

inline constexpr TimeMs kMinuteMs = 60'000;
inline constexpr TimeMs kQuarterMs = 15 * kMinuteMs;
inline constexpr TimeMs kDayMs = 24 * 60 * kMinuteMs;

// The beginning of the piece of time that `time` lies in; also before 1970.
constexpr TimeMs floor_to(TimeMs time, TimeMs length) noexcept {
  const TimeMs rest = time % length;
  return time - (rest < 0 ? rest + length : rest);
}

enum class ResponseClass : unsigned char { successful, blocked, failed, other };
// Successful up to 301, 304, 307; blocked 401, 403, 429; failed 400 and from 500 on; else other.
ResponseClass classify(int status) noexcept;

// Entity numbers; 0 for what a call has not.
struct UsageKey {
  std::uint64_t service = 0, api = 0, operation = 0, product = 0, subscription = 0, user = 0;
  friend auto operator<=>(const UsageKey&, const UsageKey&) = default;
};
struct UsageKeyHash {
  std::size_t operator()(const UsageKey& key) const noexcept;
};

struct UsageCounts {
  std::uint64_t calls = 0, successful = 0, blocked = 0, failed = 0, other = 0;
  std::uint64_t request_bytes = 0, response_bytes = 0;
  std::uint64_t cache_hits = 0, cache_misses = 0;
  std::int64_t total_ns = 0, total_ns_min = 0, total_ns_max = 0;
  std::int64_t backend_ns = 0, backend_ns_min = 0, backend_ns_max = 0;
  std::uint64_t backend_calls = 0;

  void add(const UsageCounts& from) noexcept;
  friend bool operator==(const UsageCounts&, const UsageCounts&) = default;
};
// The counts of one call.
UsageCounts counts_of(const UsageRecord& record) noexcept;

// How durations are spread: buckets whose bounds grow by an eighth of a power of two, so that what
// is said of a duration between 1 us and 137 s is off by at most 1/16. Only buckets that hold
// something take memory.
class Latencies {
 public:
  static constexpr unsigned kBuckets = 218;
  static unsigned bucket_of(std::int64_t ns) noexcept;
  // The middle of a bucket.
  static std::int64_t middle_ns(unsigned bucket) noexcept;

  void add(std::int64_t ns) { add_bucket(bucket_of(ns), 1); }
  void add_bucket(unsigned bucket, std::uint64_t count);
  void add(const Latencies& from);
  std::uint64_t count() const noexcept;
  // The duration that `share` (0..1) of the calls did not exceed; 0 without calls.
  std::int64_t quantile_ns(double share) const noexcept;

  struct Bin {
    std::uint32_t bucket = 0;
    std::uint64_t count = 0;
    friend bool operator==(const Bin&, const Bin&) = default;
  };
  // In order; none is empty.
  std::vector<Bin> bins() const;
  void clear() noexcept {
    only_ = {};
    bins_.clear();
    all_.clear();
  }
  friend bool operator==(const Latencies& a, const Latencies& b) { return a.bins() == b.bins(); }

 private:
  static constexpr std::size_t kFewBins = 24;
  template <class Visit>
  void each_bin(Visit visit) const;
  Bin only_;                        // While there is but one: most keys have few calls at a time.
  std::vector<Bin> bins_;           // While there are few.
  std::vector<std::uint64_t> all_;  // Else the calls of each bucket: sums add to them at once.
};

// All that is known of the calls of one key in one piece of time.
struct Usage {
  UsageCounts counts;
  Latencies total, backend;  // `backend` of those calls that reached one.

  void add(const Usage& from) {
    counts.add(from.counts);
    total.add(from.total);
    backend.add(from.backend);
  }
  void add(const UsageRecord& record);
  friend bool operator==(const Usage&, const Usage&) = default;
};

}  // namespace mlgate::analytics
