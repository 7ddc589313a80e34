#include "batch/engine.h"

#include "base/crypto.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

namespace mlgate::batch {
namespace {

constexpr std::chrono::milliseconds kStorePause{300};  // Before a store that failed is asked again.
constexpr std::chrono::milliseconds kPassOver{50};
constexpr std::chrono::milliseconds kTendEvery{500};
constexpr std::chrono::minutes kSweepEvery{60};
constexpr std::chrono::minutes kTendNotesEvery{1};
// Without a sign of life; its note comes back when the worker does.
constexpr std::int64_t kNoteAgeNs = 600'000'000'000;
// How long after the end of a job its blocks are dropped: by then its workers have noticed.
constexpr std::int64_t kLitterAgeNs = 2'000'000'000;
// Calls are answered first; batches take what is left.
constexpr int kNice = 5;

std::int64_t in_ns(std::chrono::milliseconds time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time).count();
}

}  // namespace

Engine::Engine(Parts parts, EngineOptions options)
    : parts_(parts),
      options_(options),
      id_(new_hex_id()),
      note_(own_note(id_, options.threads)),
      liveness_(
          parts.clock, in_ns(options.lease), note_.host, process_runs,
          [&store = parts.store](std::string_view worker) -> Result<std::optional<WorkerNote>> {
            TRY(const auto document, store.get(kWorkers, worker));
            if (!document) return std::nullopt;
            TRY(WorkerNote note, WorkerNote::parse(*document));
            return note;
          }),
      board_(parts.store, liveness_),
      self_(std::make_shared<Engine*>(this)),
      self_mutex_(std::make_shared<std::mutex>()) {}

Engine::~Engine() { stop(); }

bool Engine::stopping() {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

void Engine::pause(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  idle_.wait_for(lock, time, [&] { return stopping_; });
}

// Says that we live, when the last time is that long ago.
Result<void> Engine::beat(std::chrono::milliseconds age) {
  const std::lock_guard lock(beat_mutex_);
  const std::int64_t now = parts_.clock.steady_ns();
  if (beaten_ns_ != 0 && now - beaten_ns_ < in_ns(age)) return {};
  ++note_.beat;
  note_.at_ms = parts_.clock.now_ms();
  std::vector<store::Write> writes;
  writes.push_back({.collection = std::string(kWorkers), .key = id_, .body = note_.document()});
  TRY_OK(parts_.store.commit(std::move(writes)));
  beaten_ns_ = now;
  return {};
}

Result<void> Engine::start() {
  TRY_OK(beat(std::chrono::milliseconds(0)));
  TRY_OK(board_.refresh());
  parts_.store.on_commit([self = self_, self_mutex = self_mutex_](std::uint64_t) {
    const std::lock_guard held(*self_mutex);
    if (!*self) return;
    {
      const std::lock_guard lock((*self)->commits_mutex_);
      ++(*self)->commits_;
    }
    (*self)->changed_.notify_one();
  });
  threads_.emplace_back([this] { watch_loop(); });
  threads_.emplace_back([this] { tend_loop(); });
  for (std::size_t i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { work_loop(); });
  return {};
}

void Engine::stop() {
  {
    const std::lock_guard held(*self_mutex_);
    *self_ = nullptr;
  }
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
  }
  {
    const std::lock_guard lock(commits_mutex_);
    watch_stopping_ = true;
  }
  changed_.notify_all();
  idle_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  std::vector<store::Write> writes;
  writes.push_back({.collection = std::string(kWorkers), .key = id_, .body = std::nullopt});
  // A note that stays is that of a process that has ended, which anybody can tell.
  (void)parts_.store.commit(std::move(writes));
}

// Follows the store: what this process commits at once, what others do within the poll time.
void Engine::watch_loop() {
  std::uint64_t commits = 0;
  for (;;) {
    {
      std::unique_lock lock(commits_mutex_);
      changed_.wait_for(lock, options_.poll,
                        [&] { return watch_stopping_ || commits_ != commits; });
      if (watch_stopping_) return;
      commits = commits_;
    }
    bool busy = false;
    {
      const std::lock_guard lock(mutex_);
      busy = !held_.empty();
    }
    const auto news = board_.refresh();
    (void)beat(busy ? busy_beat() : kBeatEvery);
    {
      const std::lock_guard lock(mutex_);
      if (news && *news) ++news_;
    }
    if (news && *news) idle_.notify_all();
  }
}

std::optional<Assignment> Engine::take() {
  std::string job;
  {
    const std::lock_guard lock(mutex_);
    auto next = board_.next(claiming_, options_.running_max);
    if (!next) return std::nullopt;
    job = *std::move(next);
    claiming_.insert(job);
    ++held_[job];
  }
  // Before the lease shows in the work: whoever sees it has to find us alive.
  Result<std::optional<Assignment>> given = std::nullopt;
  if (auto alive = beat(busy_beat()); alive) {
    given = parts_.ledger.claim(job, id_, [this](std::string_view worker) {
      return worker != id_ && liveness_.is_dead(worker);
    });
  } else {
    given = std::unexpected(std::move(alive).error());
  }
  (void)board_.refresh();
  const bool failed = !given.has_value();
  const bool none = failed || !given->has_value();
  if (none)
    board_.pass_over(job, parts_.clock.steady_ns() + in_ns(failed ? kStorePause : kPassOver));
  const std::lock_guard lock(mutex_);
  claiming_.erase(job);
  if (!none) return *std::move(given);
  if (--held_[job] == 0) held_.erase(job);
  return std::nullopt;
}

bool Engine::still_held(const Assignment& assignment) {
  if (stopping()) return false;
  const auto work = board_.find(assignment.spec.id);
  if (!work) return false;
  if (work->version < assignment.work.version) return true;  // The board lags behind.
  if (assignment.kind == Assignment::Kind::finish)
    return work->finishing && work->finisher.epoch == assignment.lease.epoch;
  return work->find(assignment.part.number, assignment.lease.epoch) != nullptr;
}

void Engine::run(const Assignment& assignment) {
  const std::string& job = assignment.spec.id;
  for (;;) {
    const auto done = parts_.runner.run(assignment, [&] { return still_held(assignment); });
    if (done || done.error().code() == Errc::closed) break;
    // The store is not to be had. What was acknowledged is in it, so waiting loses nothing.
    pause(kStorePause);
    if (!still_held(assignment)) break;
  }
  if (stopping()) (void)parts_.ledger.put_back(assignment);
  (void)board_.refresh();
  bool last = false;
  {
    const std::lock_guard lock(mutex_);
    if (--held_[job] == 0) held_.erase(job);
    last = !held_.contains(job);
    ++news_;
  }
  if (last && !board_.find(job)) parts_.runner.forget(job);
  idle_.notify_all();
}

void Engine::work_loop() {
  ::setpriority(PRIO_PROCESS, id_t(::syscall(SYS_gettid)), kNice);
  for (;;) {
    std::uint64_t news = 0;
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
      news = news_;
    }
    if (const auto assignment = take()) {
      run(*assignment);
      continue;
    }
    std::unique_lock lock(mutex_);
    // Leases run out without any change, hence the time.
    idle_.wait_for(lock, std::chrono::milliseconds(100),
                   [&] { return stopping_ || news_ != news; });
  }
}

void Engine::tend_litter() {
  if (!board_.has_litter()) return;
  const auto litter = parts_.ledger.litter();
  if (!litter) return;
  const std::int64_t now = parts_.clock.steady_ns();
  for (const JobRecord& record : *litter) {
    const std::int64_t seen = litter_seen_.try_emplace(record.spec.id, now).first->second;
    if (now - seen < kLitterAgeNs) continue;
    if (stopping()) return;
    // What cannot be dropped now cannot be later: the storage removes it by age.
    (void)parts_.runner.clean_up(record);
    if (parts_.ledger.remove_litter(record.spec.id)) litter_seen_.erase(record.spec.id);
  }
}

void Engine::tend_notes() {
  for (const std::string& worker : liveness_.abandoned(kNoteAgeNs)) {
    const auto document = parts_.store.get(kWorkers, worker);
    if (worker == id_ || !document || !*document) continue;
    std::vector<store::Write> writes;
    writes.push_back({.collection = std::string(kWorkers),
                      .key = worker,
                      .body = std::nullopt,
                      .expect = store::Expect::version,
                      .version = (*document)->version});
    // One that has come back meanwhile has written it anew, and the next round tries again.
    (void)parts_.store.commit(std::move(writes));
  }
}

void Engine::forget_ended() {
  for (const std::string& job : parts_.runner.kept()) {
    if (board_.find(job)) continue;
    const std::lock_guard lock(mutex_);
    if (!held_.contains(job)) parts_.runner.forget(job);
  }
}

void Engine::tend_loop() {
  ::setpriority(PRIO_PROCESS, id_t(::syscall(SYS_gettid)), kNice);
  auto swept = std::chrono::steady_clock::now() - kSweepEvery;
  auto noted = swept;
  while (!stopping()) {
    if (std::chrono::steady_clock::now() - noted >= kTendNotesEvery) {
      noted = std::chrono::steady_clock::now();
      tend_notes();
    }
    tend_litter();
    forget_ended();
    if (std::chrono::steady_clock::now() - swept >= kSweepEvery) {
      swept = std::chrono::steady_clock::now();
      const TimeMs kept =
          std::chrono::duration_cast<std::chrono::milliseconds>(options_.retention).count();
      // The next round tries again.
      (void)parts_.ledger.sweep(parts_.clock.now_ms() - kept);
    }
    pause(kTendEvery);
  }
}

}  // namespace mlgate::batch
