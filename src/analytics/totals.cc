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
  std::uint64_t hash = 0;
  for (const auto number :
       {key.service, key.api, key.operation, key.product, key.subscription, key.user}) {
    hash = (hash ^ number) * 0x9e3779b97f4a7c15;
    hash ^= hash >> 29;
  }
  return hash;
}

UsageTotals::Cells& UsageTotals::bucket(Buckets& buckets, TimeMs start) {
  // Nearly always the newest one; a call that ended late may belong to an older one.
  for (auto it = buckets.rbegin(); it != buckets.rend(); ++it) {
    if (it->first == start) return it->second;
    if (it->first < start) return buckets.insert(it.base(), {start, Cells()})->second;
  }
  buckets.emplace_front(start, Cells());
  return buckets.front().second;
}

UsageTotals::Cells& UsageTotals::cells_at(TimeMs time) {
  const TimeMs newest = minutes_.empty() ? time : std::max(time, minutes_.back().first);
  if (time < newest - limits_.minutes_ms) return bucket(quarters_, time - time % kQuarterMs);
  return bucket(minutes_, time - time % kMinuteMs);
}

void UsageTotals::fold_oldest_minute() {
  const auto [start, minute] = std::move(minutes_.front());
  minutes_.pop_front();
  Cells& quarter = bucket(quarters_, start - start % kQuarterMs);
  for (const auto& [key, counts] : minute) {
    const auto [at, made] = quarter.try_emplace(key);
    at->second.add(counts);
    if (!made) --cells_;
  }
}

void UsageTotals::forget_oldest_quarter() {
  cells_ -= quarters_.front().second.size();
  quarters_.pop_front();
}

// The newest minute always stays; it alone may be larger than all is to be.
void UsageTotals::make_room() {
  const TimeMs newest = minutes_.empty() ? 0 : minutes_.back().first;
  while (minutes_.size() > 1 && minutes_.front().first < newest - limits_.minutes_ms)
    fold_oldest_minute();
  while (!quarters_.empty() && quarters_.front().first < newest - limits_.quarters_ms)
    forget_oldest_quarter();
  while (cells_ > limits_.cells_max) {
    if (minutes_.size() > 1)
      fold_oldest_minute();
    else if (!quarters_.empty())
      forget_oldest_quarter();
    else
      return;
  }
}

void UsageTotals::remember_names(const UsageRecord& record) {
  const auto remember = [&](std::uint64_t number, std::string_view name, std::uint64_t parent) {
    if (number == 0 || (names_.size() >= limits_.names_max && !names_.contains(number))) return;
    names_[number] = {std::string(name), parent};
  };
  remember(record.api, record.api_name, 0);
  remember(record.operation, record.operation_name, record.api);
  remember(record.product, record.product_name, 0);
  remember(record.subscription, record.subscription_name, 0);
  remember(record.user, record.user_name, 0);
}

void UsageTotals::add(const UsageRecord& record) {
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
  const auto [at, made] = cells_at(record.start_ms)
                              .try_emplace({record.service, record.api, record.operation,
                                            record.product, record.subscription, record.user});
  at->second.add(one);
  if (!made) return;
  ++cells_;
  remember_names(record);
  make_room();
}

void UsageTotals::visit(std::uint64_t service, TimeMs from_ms, TimeMs to_ms,
                        const std::function<void(const UsageCell&)>& visitor) const {
  const auto visit_all = [&](const Buckets& buckets, TimeMs length) {
    for (const auto& [start, cells] : buckets) {
      if (start >= to_ms || start + length <= from_ms) continue;
      for (const auto& [key, counts] : cells)
        if (service == 0 || key.service == service) visitor({start, key, counts});
    }
  };
  const std::scoped_lock lock(mutex_);
  visit_all(quarters_, kQuarterMs);
  visit_all(minutes_, kMinuteMs);
}

std::vector<UsageCell> UsageTotals::cells(std::uint64_t service, TimeMs from_ms,
                                          TimeMs to_ms) const {
  std::vector<UsageCell> out;
  visit(service, from_ms, to_ms, [&](const UsageCell& cell) { out.push_back(cell); });
  return out;
}

UsageCounts UsageTotals::sum(std::uint64_t service, TimeMs from_ms, TimeMs to_ms) const {
  UsageCounts out;
  visit(service, from_ms, to_ms, [&](const UsageCell& cell) { out.add(cell.counts); });
  return out;
}

std::unordered_map<std::uint64_t, UsageName> UsageTotals::names() const {
  const std::scoped_lock lock(mutex_);
  return names_;
}

}  // namespace mlgate::analytics
