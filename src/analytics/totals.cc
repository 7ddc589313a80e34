#include "analytics/totals.h"

#include <algorithm>

namespace mlgate::analytics {

ResponseClass classify(int status) noexcept {
  if (status == 401 || status == 403 || status == 429) return ResponseClass::blocked;
  if (status == 400 || status >= 500) return ResponseClass::failed;
  if ((status >= 100 && status <= 301) || status == 304 || status == 307) {
    return ResponseClass::successful;
  }
  return ResponseClass::other;
}

void UsageCounts::add(const UsageCounts& from) noexcept {
  if (from.calls == 0) return;
  total_ns_min = calls == 0 ? from.total_ns_min : std::min(total_ns_min, from.total_ns_min);
  total_ns_max = std::max(total_ns_max, from.total_ns_max);
  if (from.backend_calls > 0) {
    backend_ns_min =
        backend_calls == 0 ? from.backend_ns_min : std::min(backend_ns_min, from.backend_ns_min);
    backend_ns_max = std::max(backend_ns_max, from.backend_ns_max);
  }
  calls += from.calls;
  successful += from.successful;
  blocked += from.blocked;
  failed += from.failed;
  other += from.other;
  request_bytes += from.request_bytes;
  response_bytes += from.response_bytes;
  total_ns += from.total_ns;
  backend_ns += from.backend_ns;
  backend_calls += from.backend_calls;
}

std::size_t UsageTotals::Hash::operator()(const UsageKey& key) const noexcept {
  std::uint64_t hash = std::uint64_t(key.quarter_ms);
  for (const auto number :
       {key.service, key.api, key.operation, key.product, key.subscription, key.user}) {
    hash = (hash ^ number) * 0x9e3779b97f4a7c15;
    hash ^= hash >> 29;
  }
  return hash;
}

UsageTotals::Quarter& UsageTotals::quarter(TimeMs start) {
  // Nearly always the newest one; a call that ended late may belong to an older one.
  for (auto it = quarters_.rbegin(); it != quarters_.rend(); ++it) {
    if (it->first == start) return it->second;
    if (it->first < start) return quarters_.insert(it.base(), {start, Quarter()})->second;
  }
  quarters_.emplace_front(start, Quarter());
  return quarters_.front().second;
}

void UsageTotals::add(const UsageRecord& record) {
  const TimeMs start = record.start_ms - record.start_ms % kQuarterMs;
  UsageCounts one;
  one.calls = 1;
  switch (classify(record.response_code)) {
    case ResponseClass::successful:
      one.successful = 1;
      break;
    case ResponseClass::blocked:
      one.blocked = 1;
      break;
    case ResponseClass::failed:
      one.failed = 1;
      break;
    case ResponseClass::other:
      one.other = 1;
      break;
  }
  one.request_bytes = record.request_bytes;
  one.response_bytes = record.response_bytes;
  one.total_ns = one.total_ns_min = one.total_ns_max = record.total_ns;
  if (record.backend_response_code != 0) {
    one.backend_calls = 1;
    one.backend_ns = one.backend_ns_min = one.backend_ns_max = record.backend_ns;
  }
  const std::scoped_lock lock(mutex_);
  Quarter& cells = quarter(start);
  const auto [at, made] = cells.try_emplace({start, record.service, record.api, record.operation,
                                             record.product, record.subscription, record.user});
  at->second.add(one);
  cells_ += made ? 1 : 0;
  while (cells_ > cells_max_ && quarters_.size() > 1) {
    cells_ -= quarters_.front().second.size();
    quarters_.pop_front();
  }
}

std::vector<UsageCell> UsageTotals::cells(std::uint64_t service, TimeMs from_ms,
                                          TimeMs to_ms) const {
  std::vector<UsageCell> out;
  const std::scoped_lock lock(mutex_);
  for (const auto& [start, quarter] : quarters_) {
    if (start < from_ms || start >= to_ms) continue;
    for (const auto& [key, counts] : quarter) {
      if (service == 0 || key.service == service) out.push_back({key, counts});
    }
  }
  return out;
}

UsageCounts UsageTotals::sum(std::uint64_t service, TimeMs from_ms, TimeMs to_ms) const {
  UsageCounts out;
  for (const auto& cell : cells(service, from_ms, to_ms)) out.add(cell.counts);
  return out;
}

}  // namespace mlgate::analytics
