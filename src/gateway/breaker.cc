#include "gateway/breaker.h"

#include "base/text.h"

#include <algorithm>
#include <new>

namespace mlgate::gateway {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;
constexpr std::int64_t kRetryAfterMaxS = 86'400;

}  // namespace

bool TripRule::is_failure(int status, std::string_view reason) const noexcept {
  for (const auto& range : statuses)
    if (status >= range.min && status <= range.max) return true;
  for (const auto& one : reasons) {
    if (equals_ignoring_case(one, "Server errors") && status >= 500 && status <= 599) return true;
    if (!reason.empty() && equals_ignoring_case(one, reason)) return true;
  }
  return false;
}

void BackendState::Window::clear() noexcept {
  std::fill(failures.begin(), failures.end(), 0);
  std::fill(slots.begin(), slots.end(), Slot());
  next = 0;
}

bool BackendState::trips_by_share(const TripRule& rule, Window& window, bool failed,
                                  std::int64_t now_ns) {
  window.slots.resize(kSlots);
  const std::int64_t width = std::max<std::int64_t>(1, rule.interval_ns / std::int64_t(kSlots));
  const std::int64_t index = now_ns / width;
  auto& slot = window.slots[std::size_t(index) % kSlots];
  if (slot.index != index) slot = {index, 0, 0};
  ++slot.calls;
  slot.failed += failed ? 1 : 0;
  std::uint64_t calls = 0, bad = 0;
  for (const auto& one : window.slots) {
    if (one.index <= index - std::int64_t(kSlots)) continue;
    calls += one.calls;
    bad += one.failed;
  }
  return failed && calls >= kCallsMin && bad * 100 >= calls * rule.percentage;
}

bool BackendState::trips(const TripRule& rule, Window& window, bool failed, std::int64_t now_ns) {
  if (rule.failures == 0) return trips_by_share(rule, window, failed, now_ns);
  if (!failed) return false;
  window.failures.resize(rule.failures);
  window.next %= rule.failures;
  window.failures[window.next] = now_ns;
  window.next = (window.next + 1) % rule.failures;
  // The slot that comes next holds the oldest of the last `failures` failures.
  const std::int64_t oldest = window.failures[window.next];
  return oldest != 0 && now_ns - oldest < rule.interval_ns;
}

void BackendState::note(std::span<const TripRule> rules, const Outcome& outcome,
                        std::int64_t now_ns) noexcept {
  if (rules.empty()) return;
  const std::scoped_lock lock(mutex_);
  // What began before the breaker opened says nothing about what comes after.
  if (open_for_ns(now_ns) > 0) return;
  try {
    windows_.resize(std::max(windows_.size(), rules.size()));
    std::int64_t open_ns = 0;
    for (std::size_t i = 0; i < rules.size(); ++i) {
      const bool failed = rules[i].is_failure(outcome.status, outcome.reason);
      if (!trips(rules[i], windows_[i], failed, now_ns)) continue;
      const bool theirs = rules[i].accept_retry_after && outcome.retry_after_s;
      const std::int64_t wait =
          theirs ? std::clamp<std::int64_t>(*outcome.retry_after_s, 1, kRetryAfterMaxS) * kSecondNs
                 : rules[i].trip_ns;
      open_ns = std::max(open_ns, wait);
    }
    if (open_ns == 0) return;
    for (auto& window : windows_) window.clear();
    open_until_ns_.store(now_ns + open_ns, std::memory_order_release);
  } catch (const std::bad_alloc&) {
    return;  // Without memory for its window a rule does not trip.
  }
}

void BackendState::note_check(bool good, std::uint32_t unhealthy_after,
                              std::uint32_t healthy_after) noexcept {
  const std::scoped_lock lock(mutex_);
  good_ = good ? good_ + 1 : 0;
  bad_ = good ? 0 : bad_ + 1;
  if (good && good_ >= healthy_after) healthy_.store(true, std::memory_order_relaxed);
  if (!good && bad_ >= unhealthy_after) healthy_.store(false, std::memory_order_relaxed);
}

void BackendState::forget_checks() noexcept {
  const std::scoped_lock lock(mutex_);
  good_ = bad_ = 0;
  healthy_.store(true, std::memory_order_relaxed);
}

bool BackendState::take_connection(std::uint32_t max) noexcept {
  if (connections_.fetch_add(1, std::memory_order_relaxed) < max) return true;
  connections_.fetch_sub(1, std::memory_order_relaxed);
  return false;
}

std::uint32_t PoolState::next(std::span<const Candidate> candidates) noexcept {
  if (candidates.size() == 1) return candidates[0].member;
  const std::scoped_lock lock(mutex_);
  std::int64_t total = 0;
  const Candidate* best = nullptr;
  for (const auto& one : candidates) {
    if (one.member >= current_.size()) {
      try {
        current_.resize(one.member + 1);
      } catch (const std::bad_alloc&) {
        return candidates[0].member;
      }
    }
    total += one.weight;
    current_[one.member] += one.weight;
    if (!best || current_[one.member] > current_[best->member]) best = &one;
  }
  current_[best->member] -= total;
  return best->member;
}

template <class T, class K>
std::shared_ptr<T> BackendStates::find_or_make(std::map<K, std::weak_ptr<T>, std::less<>>& map,
                                               K key) {
  const std::scoped_lock lock(mutex_);
  auto& known = map[key];
  auto state = known.lock();
  if (!state) {
    std::erase_if(map, [&](const auto& one) { return one.second.expired() && one.first != key; });
    state = std::make_shared<T>();
    map[key] = state;
  }
  return state;
}

BackendStatePtr BackendStates::backend(std::uint64_t number) {
  return find_or_make(backends_, number);
}

PoolStatePtr BackendStates::pool(std::uint64_t number) { return find_or_make(pools_, number); }

BackendStatePtr BackendStates::authority(std::string_view origin) {
  return find_or_make(authorities_, std::string(origin));
}

}  // namespace mlgate::gateway
