#include "batch/job_board.h"

#include <algorithm>
#include <tuple>

namespace mlgate::batch {
namespace {

constexpr std::size_t kChangesAtOnce = 10'000;
// Who is further behind begins anew, which costs about as much; the feed forgets deletions only
// after a million changes.
constexpr std::uint64_t kBehindMax = 50'000;

}  // namespace

JobBoard::JobBoard(store::Store& store, Liveness& liveness) : store_(store), liveness_(liveness) {}

void JobBoard::count(const Work& work, bool in) {
  std::size_t pieces = work.parts.size() + (work.finishing ? 1 : 0);
  std::size_t leases = work.finisher.worker.empty() ? 0 : 1;
  for (const Part& part : work.parts) leases += part.lease.worker.empty() ? 0 : 1;
  Endpoint& endpoint = endpoints_[work.endpoint];
  Lane& lane = endpoint.lanes[work.caller];
  std::size_t& of_caller = pieces_[work.caller];
  if (in) {
    of_caller += pieces;
    leases_ += leases;
    endpoint.running += work.running ? 1 : 0;
    lane.running += work.running ? 1 : 0;
    if (work.running) {
      running_.insert(work.job);
    } else {
      lane.waiting.emplace(work.queued_ms, work.job);
    }
    return;
  }
  of_caller -= pieces;
  leases_ -= leases;
  endpoint.running -= work.running ? 1 : 0;
  lane.running -= work.running ? 1 : 0;
  running_.erase(work.job);
  lane.waiting.erase({work.queued_ms, work.job});
  if (of_caller == 0) pieces_.erase(work.caller);
  if (lane.running == 0 && lane.waiting.empty()) endpoint.lanes.erase(work.caller);
  if (endpoint.lanes.empty()) endpoints_.erase(work.endpoint);
}

void JobBoard::erase(std::string_view job) {
  const auto found = work_.find(job);
  if (found == work_.end()) return;
  count(found->second, false);
  work_.erase(found);
}

void JobBoard::put(Work work) {
  erase(work.job);
  count(work, true);
  std::string job = work.job;
  work_.emplace(std::move(job), std::move(work));
}

Result<void> JobBoard::reload() {
  TRY(const std::uint64_t last, store_.last_change());
  work_.clear();
  running_.clear();
  endpoints_.clear();
  pieces_.clear();
  leases_ = 0;
  litter_.clear();
  TRY(const auto notes, store_.list(kWorkers, ""));
  for (const store::Document& document : notes) {
    if (const auto note = WorkerNote::parse(document)) liveness_.see(*note);
  }
  TRY(const auto works, store_.list(kWork, ""));
  for (const store::Document& document : works) {
    TRY(Work work, Work::parse(document));
    put(std::move(work));
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
      erase(change.key);
      passed_.erase(change.key);
    } else {
      liveness_.gone(change.key);
    }
  } else if (is_work) {
    TRY(Work work, Work::parse(*document));
    put(std::move(work));
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
  if (is_put_off(work, liveness_.now_ms())) return false;
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

bool JobBoard::is_passed_over(const Work& work, std::int64_t now_ns) const {
  const auto passed = passed_.find(work.job);
  return passed != passed_.end() && passed->second.first == work.version &&
         now_ns < passed->second.second;
}

std::size_t JobBoard::pieces_of(std::string_view caller) const {
  const auto found = pieces_.find(caller);
  return found == pieces_.end() ? 0 : found->second;
}

// The waiting job that a free slot of the endpoint goes to. `claimed`: pieces that are about to be
// under way, by caller.
std::optional<JobBoard::Turn> JobBoard::next_slot(
    const Endpoint& endpoint, const std::set<std::string>& busy,
    const std::map<std::string_view, std::size_t>& claimed) const {
  const std::int64_t now = liveness_.now_ns();
  const TimeMs now_ms = liveness_.now_ms();
  std::optional<Turn> best;
  for (const auto& [caller, lane] : endpoint.lanes) {
    std::size_t slots = lane.running;
    for (const auto& [queued_ms, job] : lane.waiting) {
      if (busy.contains(job)) {
        ++slots;
        continue;
      }
      const Work& work = work_.find(job)->second;
      if (is_passed_over(work, now) || is_put_off(work, now_ms)) continue;
      const auto more = claimed.find(caller);
      const Turn turn{.slots = slots,
                      .pieces = pieces_of(caller) + (more == claimed.end() ? 0 : more->second),
                      .queued_ms = queued_ms,
                      .job = job,
                      .caller = caller};
      if (!best || turn < *best) best = turn;
      break;
    }
  }
  return best;
}

std::optional<std::string> JobBoard::next(const std::set<std::string>& busy,
                                          std::size_t running_max) {
  const std::lock_guard lock(mutex_);
  const std::int64_t now = liveness_.now_ns();
  std::map<std::string_view, std::size_t> claimed, beginning;
  for (const std::string& job : busy) {
    const auto found = work_.find(job);
    if (found == work_.end()) continue;
    ++claimed[found->second.caller];
    if (!found->second.running) ++beginning[found->second.endpoint];
  }
  using Rank = std::tuple<std::size_t, std::size_t, TimeMs, std::string_view>;
  std::optional<Rank> best;
  for (const std::string& job : running_) {
    if (busy.contains(job)) continue;
    const Work& work = work_.find(job)->second;
    if (is_passed_over(work, now)) continue;
    const auto more = claimed.find(work.caller);
    const Rank rank{pieces_of(work.caller) + (more == claimed.end() ? 0 : more->second),
                    work.parts.size(), work.queued_ms, job};
    if (best && *best <= rank) continue;
    if (has_free_piece(work)) best = rank;
  }
  for (const auto& [id, endpoint] : endpoints_) {
    const auto more = beginning.find(id);
    if (endpoint.running + (more == beginning.end() ? 0 : more->second) >= running_max) continue;
    const auto turn = next_slot(endpoint, busy, claimed);
    if (!turn) continue;
    const Rank rank{turn->pieces, 0, turn->queued_ms, turn->job};
    if (!best || rank < *best) best = rank;
  }
  if (!best) return std::nullopt;
  return std::string(std::get<3>(*best));
}

JobBoard::Queue JobBoard::queue(std::string_view id) const {
  const std::lock_guard lock(mutex_);
  Queue queue;
  queue.pieces = leases_;
  const auto found = endpoints_.find(id);
  if (found == endpoints_.end()) return queue;
  queue.running = found->second.running;
  // Slots are given out one by one, each as if the ones before were taken.
  std::set<Turn> turns;
  std::map<std::string_view, Waiting::const_iterator> at;
  for (const auto& [caller, lane] : found->second.lanes) {
    if (lane.waiting.empty()) continue;
    const auto first = lane.waiting.begin();
    at[caller] = first;
    turns.insert({.slots = lane.running,
                  .pieces = pieces_of(caller),
                  .queued_ms = first->first,
                  .job = first->second,
                  .caller = caller});
  }
  while (!turns.empty()) {
    Turn turn = *turns.begin();
    turns.erase(turns.begin());
    queue.order.emplace_back(turn.job);
    auto& next = at[turn.caller];
    if (++next == found->second.lanes.find(turn.caller)->second.waiting.end()) continue;
    ++turn.slots;
    ++turn.pieces;
    turn.queued_ms = next->first;
    turn.job = next->second;
    turns.insert(turn);
  }
  return queue;
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
