#pragma once
// What a worker counts of its calls, for /metrics and `mlgate top`. Each worker has a set of its
// own and is the only one that writes to it, so counting is a plain load and store: no lock, no
// read-modify-write on the bus, no line shared with another worker. Anyone may read.
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace mlgate::analytics {

// One writer, any readers.
class Counter {
 public:
  void add(std::uint64_t by = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }
  std::uint64_t read() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// Calls through the gateway. They are exact even when the ring is full and records are dropped.
struct alignas(64) WorkerCounters {
  Counter started;                 // Calls that reached the gateway.
  Counter ended;                   // Those of them that are over; the rest are under way.
  std::array<Counter, 4> classes;  // By ResponseClass.
  Counter request_bytes, response_bytes;
  Counter dropped_records;  // Records that found the ring full.
};

// Upper bounds of the buckets of durations, in nanoseconds: those of the original's exporter, and
// finer ones below, because a call of ours seldom takes 5 ms.
inline constexpr std::array<std::int64_t, 15> kDurationBoundsNs = {
    250'000,     500'000,       1'000'000,     2'500'000,     5'000'000,
    10'000'000,  25'000'000,    50'000'000,    100'000'000,   250'000'000,
    500'000'000, 1'000'000'000, 2'500'000'000, 5'000'000'000, 10'000'000'000};

struct Histogram {
  std::array<std::uint64_t, kDurationBoundsNs.size() + 1> buckets{};  // The last: above all bounds.
  std::uint64_t count = 0;
  std::int64_t sum_ns = 0;

  void add(std::int64_t ns) noexcept {
    std::size_t bucket = 0;
    for (const auto bound : kDurationBoundsNs) bucket += std::size_t(ns > bound);
    ++buckets[bucket];
    ++count;
    sum_ns += ns;
  }
  void add(const Histogram& other) noexcept {
    for (std::size_t i = 0; i < buckets.size(); ++i) buckets[i] += other.buckets[i];
    count += other.count;
    sum_ns += other.sum_ns;
  }
  // The duration that `share` (0..1) of the calls did not exceed, interpolated within its bucket.
  std::int64_t quantile_ns(double share) const noexcept;
};

}  // namespace mlgate::analytics
