#pragma once
// Counters of quotas by the names that administrators know. The gateway counts under numbers that
// are made of entities, policies and keys; here a name is turned into these numbers with the help
// of the entities, so that a counter can be read, and set for the next call. Threads: any but a
// worker.
#include "apim/model.h"
#include "base/result.h"
#include "base/time.h"
#include "policy/limits.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::control {

class Control;
class QuotaCheckpoint;

// One counter in its window of now.
struct QuotaCounter {
  policy::QuotaRule rule;
  policy::QuotaState state;

  // "2026-01-31T00:00:00Z_604800", or "infinite".
  std::string period_key() const;
};

struct QuotaChange {
  std::optional<std::int64_t> calls, bytes;  // Those that are there are set.
};

class QuotaDesk {
 public:
  // All outlive it.
  QuotaDesk(Control& control, policy::Quotas& quotas, QuotaCheckpoint& checkpoint,
            const Clock& clock)
      : control_(control), quotas_(quotas), checkpoint_(checkpoint), clock_(clock) {}

  // "{subscription}", "{subscription}/apis/{api}", "{subscription}/apis/{api}/operations/{op}": the
  // quotas of its product, counted or not. Any text: those of quota-by-key that have counted under
  // it. With a period, those of that one.
  std::vector<QuotaCounter> find(apim::EntityNumber service, std::string_view counter_key,
                                 std::string_view period_key = {}) const;
  // Sets the same counters, durably; what they are then.
  Result<std::vector<QuotaCounter>> set(apim::EntityNumber service, std::string_view counter_key,
                                        std::string_view period_key, const QuotaChange& change);

 private:
  Control& control_;
  policy::Quotas& quotas_;
  QuotaCheckpoint& checkpoint_;
  const Clock& clock_;
};

}  // namespace mlgate::control
