#include "control/quota_desk.h"

#include "control/control.h"
#include "control/quota_checkpoint.h"

#include <algorithm>

namespace mlgate::control {

std::string QuotaCounter::period_key() const {
  if (rule.period_s == 0) return "infinite";
  return to_iso8601(state.window_ms).substr(0, std::string_view("yyyy-MM-ddTHH:mm:ss").size()) +
         "Z_" + std::to_string(rule.period_s);
}

std::vector<QuotaCounter> QuotaDesk::find(apim::EntityNumber service, std::string_view counter_key,
                                          std::string_view period_key) const {
  const TimeMs now_ms = clock_.now_ms();
  std::vector<QuotaCounter> out;
  for (const auto& place : control_.quotas_of(service, counter_key)) {
    const auto counted = quotas_.current(place.rule, now_ms);
    if (!counted && place.only_counted) continue;
    QuotaCounter counter{place.rule,
                         counted.value_or(policy::Quotas::empty_window(place.rule, now_ms))};
    if (!period_key.empty() && counter.period_key() != period_key) continue;
    const bool twice = std::ranges::any_of(
        out, [&](const QuotaCounter& other) { return other.rule.key == counter.rule.key; });
    if (!twice) out.push_back(counter);
  }
  return out;
}

Result<std::vector<QuotaCounter>> QuotaDesk::set(apim::EntityNumber service,
                                                 std::string_view counter_key,
                                                 std::string_view period_key,
                                                 const QuotaChange& change) {
  auto counters = find(service, counter_key, period_key);
  for (QuotaCounter& counter : counters) {
    const auto now = quotas_.set_counts(counter.rule, change.calls, change.bytes, clock_.now_ms());
    if (!now)
      return fail(Errc::unavailable, "There is no room for another counter; try again later.");
    counter.state = *now;
  }
  if (!counters.empty()) {
    TRY_OK(checkpoint_.write_changes());
  }
  return counters;
}

}  // namespace mlgate::control
