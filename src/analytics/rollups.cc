#include "analytics/rollups.h"

#include "analytics/rollup_disk_internal.h"

#include <algorithm>

namespace mlgate::analytics {

Usage& UsageRollups::Minutes::at(TimeMs minute, const UsageKey& key) {
  const auto [at, made] = cells[minute].try_emplace(key);
  if (made) ++count;
  return at->second;
}

const Usage* UsageRollups::Minutes::find(TimeMs minute, const UsageKey& key) const {
  const auto in = cells.find(minute);
  if (in == cells.end()) return nullptr;
  const auto at = in->second.find(key);
  return at == in->second.end() ? nullptr : &at->second;
}

void UsageRollups::Minutes::take(Minutes&& from) {
  for (auto& [minute, added] : from.cells) {
    Cells& here = cells[minute];
    const std::size_t before = here.size();
    here.merge(added);
    count += here.size() - before;
    for (const auto& [key, usage] : added) here.at(key).add(usage);
  }
  from = {};
}

UsageRollups::UsageRollups(RollupOptions options) : options_(std::move(options)) {}
UsageRollups::~UsageRollups() = default;

Result<std::unique_ptr<UsageRollups>> UsageRollups::open(RollupOptions options) {
  auto out = std::make_unique<UsageRollups>(std::move(options));
  if (out->options_.folder.empty()) return out;
  out->disk_ = std::make_unique<Disk>(*out);
  TRY_OK(out->disk_->open());
  return out;
}

// Where the call is counted. When there are too many cells, whoever is new is counted with others;
// when even those are too many, because nothing can be saved, not at all.
Usage* UsageRollups::cell_of(const UsageRecord& record) {
  const TimeMs minute = floor_to(record.start_ms, kMinuteMs);
  UsageKey key{record.service, record.api,          record.operation,
               record.product, record.subscription, record.user};
  const std::size_t before = fresh_.count + saving_.count + open_.count;
  if (before >= options_.cells_max && !fresh_.find(minute, key) && !open_.find(minute, key)) {
    key = {};
    key.service = record.service;
    key.api = record.api;
    merged_.fetch_add(1, std::memory_order_relaxed);
    if (before >= 2 * options_.cells_max && !fresh_.find(minute, key)) {
      lost_.fetch_add(1, std::memory_order_relaxed);
      return nullptr;
    }
  }
  const std::size_t count = fresh_.count;
  Usage& out = fresh_.at(minute, key);
  if (fresh_.count != count) remember_names(record);
  return &out;
}

void UsageRollups::remember(std::uint64_t number, std::string_view name, std::uint64_t parent) {
  if (number == 0) return;
  const auto known = names_.find(number);
  if (known != names_.end() && known->second.name == name && known->second.parent == parent) return;
  names_[number] = {std::string(name), parent};
  new_names_[number] = names_[number];
}

void UsageRollups::remember_names(const UsageRecord& record) {
  // With so many entities, looking for each one's name would cost as much as counting its calls.
  if (names_.size() >= options_.names_max) return;
  remember(record.api, record.api_name, 0);
  remember(record.operation, record.operation_name, record.api);
  remember(record.product, record.product_name, 0);
  remember(record.subscription, record.subscription_name, 0);
  remember(record.user, record.user_name, 0);
}

void UsageRollups::add(UsageRecords records) {
  const std::scoped_lock lock(mutex_);
  for (const UsageRecord* record : records)
    if (Usage* cell = cell_of(*record)) cell->add(*record);
  added_.fetch_add(records.size(), std::memory_order_relaxed);
}

void UsageRollups::save(TimeMs now_ms) {
  if (disk_) disk_->save(now_ms);
}

void UsageRollups::visit_memory(const UsageQuestion& question, const UsageVisitor& visitor) const {
  const auto visit_all = [&](const Minutes& minutes) {
    for (auto at = minutes.cells.lower_bound(question.from_ms - kMinuteMs + 1);
         at != minutes.cells.end() && at->first < question.to_ms; ++at) {
      for (const auto& [key, usage] : at->second)
        if (question.service == 0 || key.service == question.service)
          visitor(at->first, key, usage);
    }
  };
  visit_all(fresh_);
  visit_all(saving_);
  visit_all(open_);
  if (sealing_) visit_all(*sealing_);
}

void UsageRollups::visit(const UsageQuestion& question, const UsageVisitor& visitor) const {
  if (disk_) return disk_->visit(question, visitor);
  const std::scoped_lock lock(mutex_);
  visit_memory(question, visitor);
}

UsageCounts UsageRollups::sum(std::uint64_t service, TimeMs from_ms, TimeMs to_ms) const {
  UsageCounts out;
  visit({.service = service, .from_ms = from_ms, .to_ms = to_ms, .by_key = false},
        [&](TimeMs, const UsageKey&, const Usage& usage) { out.add(usage.counts); });
  return out;
}

std::unordered_map<std::uint64_t, UsageName> UsageRollups::names() const {
  const std::scoped_lock lock(mutex_);
  return names_;
}

}  // namespace mlgate::analytics
