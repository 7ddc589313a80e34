#pragma once
// Usage counted by who called what, in quarters of an hour: what the usage reports are made of.
// Written by the writer thread, read by any control thread.
#include "analytics/usage.h"

#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

namespace mlgate::analytics {

inline constexpr TimeMs kQuarterMs = 15 * 60 * 1000;

enum class ResponseClass : unsigned char { successful, blocked, failed, other };
// Successful up to 301, 304, 307; blocked 401, 403, 429; failed 400 and from 500 on; else other.
ResponseClass classify(int status) noexcept;

struct UsageKey {
  TimeMs quarter_ms = 0;  // Start of the quarter.
  std::uint64_t service = 0, api = 0, operation = 0, product = 0, subscription = 0, user = 0;
  friend bool operator==(const UsageKey&, const UsageKey&) = default;
};

struct UsageCounts {
  std::uint64_t calls = 0, successful = 0, blocked = 0, failed = 0, other = 0;
  std::uint64_t request_bytes = 0, response_bytes = 0;
  std::int64_t total_ns = 0, total_ns_min = 0, total_ns_max = 0;
  std::int64_t backend_ns = 0, backend_ns_min = 0, backend_ns_max = 0;
  std::uint64_t backend_calls = 0;

  void add(const UsageCounts& other_counts) noexcept;
};

struct UsageCell {
  UsageKey key;
  UsageCounts counts;
};

class UsageTotals {
 public:
  // When there are more cells than these the oldest quarter is forgotten.
  explicit UsageTotals(std::size_t cells_max = 200'000) : cells_max_(cells_max) {}

  void add(const UsageRecord& record);
  // Cells of one service (0: all) with `from <= quarter < to`.
  std::vector<UsageCell> cells(std::uint64_t service, TimeMs from_ms, TimeMs to_ms) const;
  UsageCounts sum(std::uint64_t service, TimeMs from_ms, TimeMs to_ms) const;

 private:
  struct Hash {
    std::size_t operator()(const UsageKey& key) const noexcept;
  };
  using Quarter = std::unordered_map<UsageKey, UsageCounts, Hash>;
  Quarter& quarter(TimeMs start);

  mutable std::mutex mutex_;
  std::deque<std::pair<TimeMs, Quarter>> quarters_;  // In order of time.
  std::size_t cells_ = 0;
  std::size_t cells_max_;
};

}  // namespace mlgate::analytics
