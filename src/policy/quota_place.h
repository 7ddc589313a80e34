#pragma once
// The quotas that a document sets, for whoever reads and sets their counters by the names that
// administrators know: a subscription, an API of it, a key. The counters themselves bear numbers.
#include "base/text.h"
#include "base/time.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace mlgate::policy {

// An API or operation by resource name or by display name. Compared without case.
struct Selector {
  bool by_id = false;
  std::string text;

  bool selects(std::string_view name, std::string_view display_name) const noexcept {
    return equals_ignoring_case(text, by_id ? name : display_name);
  }
};

struct QuotaPlace {
  bool by_key = false;     // quota-by-key; otherwise by subscription.
  std::uint64_t rule = 0;  // Of the counter. By key: to be mixed with the service's number.
  std::int64_t period_s = 0;
  TimeMs start_ms = 0;          // By key. Otherwise windows begin with the subscription.
  std::optional<Selector> api;  // Without one the quota is for all APIs of the product.
  std::optional<Selector> operation;
};
using TakeQuota = std::function<void(QuotaPlace)>;

}  // namespace mlgate::policy
