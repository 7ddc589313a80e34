#pragma once
// Which workers are to be given up. A worker that holds leases counts a number up in its document,
// for the first time before it takes the first of them; one whose number has stood still for the
// lease time, by the clock of whoever watches, is taken for dead. Wall clocks are never compared,
// so neither a jump nor a difference between hosts matters. A process of the same host that has
// ended is known to be dead at once.
#include "batch/job.h"

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::batch {

struct WorkerNote {
  std::string id, host;  // `host` names the machine and the space its process ids are of.
  std::int64_t pid = 0;
  std::uint64_t begun = 0;  // When the process began, in the host's ticks: pids come again.
  std::uint64_t beat = 0;
  std::uint64_t threads = 0;
  TimeMs at_ms = 0;  // When it was written, for people; nothing is decided by it.

  std::string document() const;
  static Result<WorkerNote> parse(const store::Document& document);
};

// A note of this process.
WorkerNote own_note(std::string id, std::uint64_t threads);
// For a note of this host: whether its process still runs.
bool process_runs(const WorkerNote& note);

// Notes are written at least this often, and one that is six times as old is not counted.
inline constexpr std::chrono::seconds kBeatEvery{20};
// Whether the worker may be counted on, as people are told; `here` is this host.
bool seems_alive(const WorkerNote& note, std::string_view here, TimeMs now);

// Threads: any.
class Liveness {
 public:
  using ProcessRuns = std::function<bool(const WorkerNote&)>;
  // Reads a note anew, before its worker is given up; nullopt when it has none.
  using Reload = std::function<Result<std::optional<WorkerNote>>(std::string_view worker)>;
  Liveness(const Clock& clock, std::int64_t lease_ns, std::string host, ProcessRuns runs,
           Reload reload);

  void see(const WorkerNote& note);
  void gone(std::string_view worker);
  // A worker that has no note has left.
  bool is_dead(std::string_view worker);
  // Workers whose notes may go: their process has ended, or they stood still for `age_ns`.
  std::vector<std::string> abandoned(std::int64_t age_ns);
  std::int64_t now_ns() const noexcept { return clock_.steady_ns(); }
  TimeMs now_ms() const noexcept { return clock_.now_ms(); }

 private:
  struct Seen {
    WorkerNote note;
    std::int64_t changed_ns = 0;
  };
  bool is_dead_locked(std::string_view worker) const;
  const Clock& clock_;
  std::int64_t lease_ns_;
  std::string host_;
  ProcessRuns runs_;
  Reload reload_;
  std::mutex mutex_;
  std::map<std::string, Seen, std::less<>> workers_;  // Guarded by mutex_.
};

}  // namespace mlgate::batch
