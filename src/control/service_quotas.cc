// The quotas behind a name of a counter.
#include "base/text.h"
#include "control/service_state.h"

namespace mlgate::control {

namespace {

// "{subscription}[/apis/{api}[/operations/{operation}]]".
struct CounterName {
  std::string_view subscription, api, operation;
};

std::optional<CounterName> parse_counter_name(std::string_view text) {
  const auto parts = split(text, '/');
  const auto word = [&](std::size_t index, std::string_view wanted) {
    return equals_ignoring_case(parts[index], wanted);
  };
  if (parts.size() == 1) return CounterName{parts[0], {}, {}};
  if (parts.size() == 3 && word(1, "apis")) return CounterName{parts[0], parts[2], {}};
  if (parts.size() == 5 && word(1, "apis") && word(3, "operations"))
    return CounterName{parts[0], parts[2], parts[4]};
  return std::nullopt;
}

}  // namespace

std::vector<NamedQuota> ServiceState::quotas_of(std::string_view counter_key) const {
  std::vector<NamedQuota> out;
  const auto name = parse_counter_name(counter_key);
  const auto subscription =
      name ? subscriptions_.find(to_lower(name->subscription)) : subscriptions_.end();
  for (const auto& [key, document] : documents_) {
    for (const auto& quota : document.quotas) {
      if (quota.by_key) {
        out.push_back({{.key = limits_.counter_of_key(counter_key, service_.number, quota.rule),
                        .period_s = quota.period_s,
                        .start_ms = quota.start_ms},
                       true});
        continue;
      }
      if (subscription == subscriptions_.end()) continue;
      const gateway::SubscriptionEntry& entry = *subscription->second.entry;
      const auto product = products_.find(key.parent);
      const bool its_own = entry.scope == gateway::SubscriptionScope::product &&
                           product != products_.end() && product->second.number == entry.target;
      if (its_own && selects(quota, name->api, name->operation))
        out.push_back({{.key = {entry.number, quota.rule},
                        .period_s = quota.period_s,
                        .start_ms = entry.start_ms},
                       false});
    }
  }
  return out;
}

// Documents name APIs and operations by resource name or by display name; counters by the former.
bool ServiceState::selects(const policy::QuotaPlace& quota, std::string_view api,
                           std::string_view operation) const {
  if (api.empty() || !quota.api) return api.empty() && !quota.api;
  const auto found = apis_.find(to_lower(api));
  if (found == apis_.end() || !quota.api->selects(found->second.name, found->second.display_name))
    return false;
  if (operation.empty() || !quota.operation) return operation.empty() && !quota.operation;
  const auto list = operations_.find(to_lower(api));
  if (list == operations_.end()) return false;
  const auto one = list->second->find(to_lower(operation));
  return one != list->second->end() &&
         quota.operation->selects(one->second.name, one->second.display_name);
}

}  // namespace mlgate::control
