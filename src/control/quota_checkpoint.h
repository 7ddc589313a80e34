#pragma once
// Keeps quota counters through restarts: writes what changed at least every second and at the end,
// so that kill -9 loses at most the last second. However many counters there are, a turn writes
// those that changed and a small share of the others:
//   - a delta holds the counters that changed since it was begun; each turn writes it anew, until
//     it is as large as a base;
//   - a base holds all counters of one of 64 groups; whenever a delta is begun, the group whose
//     base is the oldest gets a new one.
// Once all bases are younger than a delta it says nothing more, and its place is used again. All
// documents in the order in which they were written, the later ones winning, are the counters.
#include "base/result.h"
#include "base/time.h"
#include "control/failure_log.h"
#include "policy/counter_table.h"
#include "policy/limits.h"

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace mlgate::control {

// What the keys of its documents begin with.
inline constexpr std::string_view kQuotaBases = "quota/", kQuotaDeltas = "delta/";

struct CheckpointDocument {
  std::string key;            // "quota/00" … "quota/3f": bases; "delta/00" … "delta/7f".
  std::string body;           // Bytes; bases of earlier programs are JSON.
  std::uint64_t version = 0;  // When read back: a later one was written later.
};

class QuotaCheckpoint {
 public:
  using Write = std::function<Result<void>(std::vector<CheckpointDocument>)>;

  // All three outlive it. `write` returns when the documents are durable, all or none; it is called
  // on one thread at a time.
  QuotaCheckpoint(policy::Quotas& quotas, const Clock& clock, Write write);
  QuotaCheckpoint(const QuotaCheckpoint&) = delete;
  ~QuotaCheckpoint() { stop(); }

  // Reads everything back that was written; before start(). What was counted here meanwhile is
  // added to what was kept of the same window. invalid_argument when one is none of ours.
  Result<void> restore(std::vector<CheckpointDocument> documents);
  // Starts the thread that writes before a second is over.
  void start();
  // Ends the thread and writes once more.
  void stop();
  // Writes what changed. What could not be written is written by the next call.
  Result<void> write_changes();

  struct Counts {
    std::uint64_t writes = 0, bytes = 0, failures = 0;
    double seconds = 0;  // Spent in writes that succeeded.
  };
  Counts counts() const;

 private:
  static constexpr std::size_t kDeltas = 128;  // Places; at most 65 deltas say something.
  static constexpr std::size_t kDeltaCountersMin = 1'024;
  static constexpr std::size_t kDeltaCountersMax = 1'000'000;

  void run();
  void collect();
  void clear_delta();
  Result<void> keep(std::vector<CheckpointDocument> documents);
  Result<void> write_delta();
  Result<void> write_all();
  CheckpointDocument base(std::size_t group);
  std::size_t oldest_base() const;

  policy::Quotas& quotas_;
  const Clock& clock_;
  Write write_;
  std::mutex writing_;  // Guards what follows.
  std::vector<policy::QuotaState> states_;
  policy::CounterTable<policy::QuotaState> delta_;
  std::size_t delta_counters_ = 0;
  std::size_t place_ = 0;  // Of the delta.
  bool begun_ = false;     // It has been written once.
  bool unwritten_ = false;
  std::uint64_t order_ = 0;  // Of the newest base.
  std::array<std::uint64_t, policy::Quotas::kGroups> bases_{};

  FailureLog log_{"write the counters of quotas"};
  std::atomic<std::uint64_t> writes_{0}, bytes_{0}, ns_{0};
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace mlgate::control
