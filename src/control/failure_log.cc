#include "control/failure_log.h"

#include <cstdio>

namespace mlgate::control {

void FailureLog::note(const Result<void>& outcome) {
  const std::scoped_lock lock(mutex_);
  if (!outcome) ++failures_;
  if (failing_ == !outcome) return;
  failing_ = !outcome;
  if (failing_)
    std::fprintf(stderr, "mlgate: cannot %s, and keeps trying: %s\n", what_.c_str(),
                 outcome.error().message().c_str());
  else
    std::fprintf(stderr, "mlgate: can %s again\n", what_.c_str());
}

bool FailureLog::failing() const {
  const std::scoped_lock lock(mutex_);
  return failing_;
}

std::uint64_t FailureLog::failures() const {
  const std::scoped_lock lock(mutex_);
  return failures_;
}

}  // namespace mlgate::control
