#pragma once
// Something that is done again and again and may fail: a person reads on stderr when it begins to
// fail and when it works again, once each, and /metrics has how often it failed. Threads: any.
#include "base/result.h"

#include <cstdint>
#include <mutex>
#include <string>

namespace mlgate::control {

class FailureLog {
 public:
  // What is done: "write the counters of quotas".
  explicit FailureLog(std::string what) : what_(std::move(what)) {}
  FailureLog(const FailureLog&) = delete;

  void note(const Result<void>& outcome);
  bool failing() const;
  std::uint64_t failures() const;

 private:
  const std::string what_;
  mutable std::mutex mutex_;
  bool failing_ = false;
  std::uint64_t failures_ = 0;
};

}  // namespace mlgate::control
