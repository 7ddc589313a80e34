#include "batch/engine.h"

#include <algorithm>
#include <tuple>

namespace mlgate::batch {
namespace {

constexpr std::size_t kChangesAtOnce = 10'000;
// The feed forgets deletions after a million changes; a reader that far behind begins anew.
constexpr std::uint64_t kBehindMax = 500'000;

}  // namespace

JobBoard::JobBoard(store::Store& store, Liveness& liveness) : store_(store), liveness_(liveness) {}

Result<void> JobBoard::reload() {
  TRY(const std::uint64_t last, store_.last_change());
  work_.clear();
  litter_.clear();
  TRY(const auto notes, store_.list(kWorkers, ""));
  for (const store::Document& document : notes) {
    if (const auto note = WorkerNote::parse(document)) liveness_.see(*note);
  }
  TRY(const auto works, store_.list(kWork, ""));
  for (const store::Document& document : works) {
    TRY(Work work, Work::parse(document));
    work_.insert_or_assign(document.key, std::move(work));
  }
  TRY(const auto litter, store_.list(kLitter, ""));
  for (const store::Document& document : litter) litter_.insert(document.key);
  seen_ = last;
  loaded_ = true;
  return {};
}

Result<void> JobBoard::take(const store::Change& change) {
  if (change.collection == kLitter) {
    if (change.deleted) {
      litter_.erase(change.key);
    } else {
      litter_.insert(change.key);
    }
    return {};
  }
  if (change.collection != kWork && change.collection != kWorkers) return {};
  const bool is_work = change.collection == kWork;
  std::optional<store::Document> document;
  if (!change.deleted) {
    TRY(document, store_.get(change.collection, change.key));
  }
  if (!document) {
    if (is_work) {
      work_.erase(change.key);
      passed_.erase(change.key);
    } else {
      liveness_.gone(change.key);
    }
  } else if (is_work) {
    TRY(Work work, Work::parse(*document));
    work_.insert_or_assign(change.key, std::move(work));
  } else if (const auto note = WorkerNote::parse(*document)) {
    liveness_.see(*note);
  }
  return {};
}

Result<bool> JobBoard::refresh() {
  const std::lock_guard lock(mutex_);
  TRY(const std::uint64_t last, store_.last_change());
  if (loaded_ && last == seen_) return false;
  if (!loaded_ || last < seen_ || last - seen_ > kBehindMax) {
    TRY_OK(reload());
    return true;
  }
  bool any = false;
  for (;;) {
    TRY(const auto changes, store_.changes(seen_, kChangesAtOnce));
    if (changes.empty()) break;
    for (const store::Change& change : changes) {
      any |= change.collection == kWork || change.collection == kLitter;
      TRY_OK(take(change));
    }
    seen_ = changes.back().number;
    if (changes.size() < kChangesAtOnce) break;
  }
  return any;
}

std::optional<Work> JobBoard::find(std::string_view job) const {
  const std::lock_guard lock(mutex_);
  const auto found = work_.find(job);
  return found == work_.end() ? std::nullopt : std::optional(found->second);
}

bool JobBoard::has_free_piece(const Work& work) const {
  const auto is_free = [&](const Lease& lease) {
    return lease.worker.empty() || liveness_.is_dead(lease.worker);
  };
  if (work.finishing) return is_free(work.finisher);
  const auto matters = [&](const Part& part) {
    return !work.failure || part.number < work.failure->part;
  };
  if (!work.failure && !work.at_end && !work.cursor_busy) return true;
  bool waits = false;
  for (const Part& part : work.parts) {
    if (!matters(part)) continue;
    if (is_free(part.lease)) return true;
    waits = true;
  }
  return !waits && (work.failure || work.at_end);
}

std::optional<std::string> JobBoard::next(const std::set<std::string>& busy,
                                          std::size_t running_max) {
  const std::lock_guard lock(mutex_);
  const std::int64_t now = liveness_.now_ns();
  std::map<std::string_view, std::size_t> running, under_way;
  for (const auto& [job, work] : work_) {
    const std::size_t pieces = work.parts.size() + (work.finishing ? 1 : 0);
    under_way[work.caller] += pieces + busy.count(job);
    running[work.endpoint] += work.running ? 1 : 0;
  }
  using Rank = std::tuple<std::size_t, std::size_t, TimeMs, std::string_view>;
  std::optional<Rank> best;
  for (const auto& [job, work] : work_) {
    if (busy.contains(job)) continue;
    if (!work.running && running[work.endpoint] >= running_max) continue;
    const auto passed = passed_.find(job);
    if (passed != passed_.end() && passed->second.first == work.version &&
        now < passed->second.second)
      continue;
    const Rank rank{under_way[work.caller], work.parts.size(), work.queued_ms, job};
    if (best && *best <= rank) continue;
    if (has_free_piece(work)) best = rank;
  }
  if (!best) return std::nullopt;
  return std::string(std::get<3>(*best));
}

void JobBoard::pass_over(const std::string& job, std::int64_t until_ns) {
  const std::lock_guard lock(mutex_);
  const auto found = work_.find(job);
  if (found != work_.end()) passed_[job] = {found->second.version, until_ns};
}

bool JobBoard::has_litter() const {
  const std::lock_guard lock(mutex_);
  return !litter_.empty();
}

}  // namespace mlgate::batch
