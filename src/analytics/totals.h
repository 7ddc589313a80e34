#pragma once
// Usage counted by who called what and when: what the usage reports are made of. Minutes are kept
// for two days and then folded into quarters of an hour, which are kept for 400 days; memory is
// bounded, so that under very many different callers the minutes are folded, and then the quarters
// forgotten, sooner. Kept in memory: a restart begins again.
//
// Written by the writer thread, read by any control thread.
#include "analytics/usage.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace mlgate::analytics {

inline constexpr TimeMs kMinuteMs = 60'000;
inline constexpr TimeMs kQuarterMs = 15 * kMinuteMs;
inline constexpr TimeMs kDayMs = 24 * 60 * kMinuteMs;

enum class ResponseClass : unsigned char { successful, blocked, failed, other };
// Successful up to 301, 304, 307; blocked 401, 403, 429; failed 400 and from 500 on; else other.
ResponseClass classify(int status) noexcept;

// Entity numbers; 0 for what a call has not.
struct UsageKey {
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
  TimeMs start_ms = 0;  // Of the minute or the quarter.
  UsageKey key;
  UsageCounts counts;
};

// What an entity was called in its latest calls; for reports about entities that are gone.
struct UsageName {
  std::string name;          // Resource name.
  std::uint64_t parent = 0;  // An operation's API.
};

struct TotalsLimits {
  TimeMs minutes_ms = 2 * kDayMs;     // How long minutes are kept, back from the latest call.
  TimeMs quarters_ms = 400 * kDayMs;  // How long quarters are kept.
  std::size_t cells_max = 200'000;    // Of about 200 bytes.
  std::size_t names_max = 50'000;     // Further entities stay without a name once they are gone.
};

class UsageTotals {
 public:
  explicit UsageTotals(TotalsLimits limits = {}) : limits_(limits) {}

  void add(const UsageRecord& record);

  // Every cell of the service (0: all) whose minute or quarter has a part in `from <= time < to`.
  // Counting waits meanwhile: `visitor` adds up and does nothing else.
  void visit(std::uint64_t service, TimeMs from_ms, TimeMs to_ms,
             const std::function<void(const UsageCell&)>& visitor) const;
  std::vector<UsageCell> cells(std::uint64_t service, TimeMs from_ms, TimeMs to_ms) const;
  UsageCounts sum(std::uint64_t service, TimeMs from_ms, TimeMs to_ms) const;
  // By entity number.
  std::unordered_map<std::uint64_t, UsageName> names() const;

 private:
  struct Hash {
    std::size_t operator()(const UsageKey& key) const noexcept;
  };
  using Cells = std::unordered_map<UsageKey, UsageCounts, Hash>;
  using Buckets = std::deque<std::pair<TimeMs, Cells>>;  // In order of time.
  static Cells& bucket(Buckets& buckets, TimeMs start);
  Cells& cells_at(TimeMs time);
  void remember_names(const UsageRecord& record);
  void fold_oldest_minute();
  void forget_oldest_quarter();
  void make_room();

  mutable std::mutex mutex_;
  Buckets minutes_, quarters_;
  std::size_t cells_ = 0;
  std::unordered_map<std::uint64_t, UsageName> names_;
  TotalsLimits limits_;
};

}  // namespace mlgate::analytics
