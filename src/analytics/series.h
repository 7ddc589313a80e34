#pragma once
// The gateway's calls by who answered what: the series behind /metrics, the OTLP metrics and
// `mlgate top`. Filled by the writer thread from the usage records, so the data path pays nothing
// for them. How many series there may be is bounded; calls that would make more are counted under
// the name
// "_other".
#include "analytics/counters.h"
#include "analytics/counts.h"
#include "analytics/usage.h"

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mlgate::analytics {

// "Successful", "Unauthorized", "Failed" or "Other".
std::string_view to_text(ResponseClass response_class) noexcept;

struct Series {
  std::string service, api;  // Names; empty where nothing matched, "_other" in the overflow.
  std::string error_reason;  // LastError.Reason, or empty.
  std::uint16_t response_code = 0;
  std::uint16_t backend_response_code = 0;  // 0: the backend was not called.
  ResponseClass status = ResponseClass::other;

  Histogram total, backend, client, gateway;
  std::uint64_t request_bytes = 0, response_bytes = 0;
};

inline constexpr std::string_view kOverflow = "_other";

// Threads: add() one; the rest any.
class CallSeries {
 public:
  explicit CallSeries(std::size_t series_max = 2'000) : series_max_(series_max) {}

  void add(UsageRecords records);
  void add(const UsageRecord& record) {
    const UsageRecord* const one = &record;
    add(UsageRecords(&one, 1));
  }
  std::vector<Series> copy() const;
  std::size_t size() const;
  // Calls that were counted under the overflow name.
  std::uint64_t overflowed_total() const;

 private:
  struct Hash {
    std::size_t operator()(std::uint64_t key) const noexcept { return key; }
  };
  void count(const UsageRecord& record);
  Series& series_of(const UsageRecord& record);
  Series& overflow_of(const UsageRecord& record);

  std::size_t series_max_;
  mutable std::mutex mutex_;
  std::unordered_map<std::uint64_t, Series, Hash> series_;  // By a hash of all labels.
  std::uint64_t overflowed_ = 0;
};

}  // namespace mlgate::analytics
