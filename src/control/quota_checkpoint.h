#pragma once
// Keeps quota counters through restarts: writes what changed at least every second and at the end,
// so that kill -9 loses at most the last second. Counters are written stripe by stripe, each stripe
// a document of its own, and only changed ones.
#include "base/result.h"
#include "base/time.h"
#include "policy/limits.h"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace mlgate::control {

struct CheckpointDocument {
  std::string key;   // "quota/00" … "quota/3f"
  std::string body;  // JSON.
};

class QuotaCheckpoint {
 public:
  using Write = std::function<Result<void>(std::vector<CheckpointDocument>)>;

  // All three outlive it. `write` returns when the documents are durable; it is called on one
  // thread at a time.
  QuotaCheckpoint(policy::Quotas& quotas, const Clock& clock, Write write);
  QuotaCheckpoint(const QuotaCheckpoint&) = delete;
  ~QuotaCheckpoint() { stop(); }

  // Reads one document back; before start(). invalid_argument when it is not one of ours.
  // With `merge`, what was counted here meanwhile is added to what was kept of the same window.
  Result<void> restore(std::string_view body, bool merge = false);
  // Starts the thread that writes before a second is over.
  void start();
  // Ends the thread and writes once more.
  void stop();
  // Writes what changed. What could not be written stays changed, and the next call tries again.
  Result<void> write_changes();

 private:
  void run();
  policy::Quotas& quotas_;
  const Clock& clock_;
  Write write_;
  std::mutex writing_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace mlgate::control
