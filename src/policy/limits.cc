#include "policy/limits.h"

#include "base/crypto.h"

#include <algorithm>
#include <array>
#include <bit>
#include <new>

namespace mlgate::policy {

namespace {

constexpr std::uint64_t scramble(std::uint64_t x) noexcept {
  x ^= x >> 32;
  x *= 0xe9846af9b1a615d;
  x ^= x >> 32;
  x *= 0xe9846af9b1a615d;
  x ^= x >> 28;
  return x;
}

constexpr std::int64_t kPlacesPerInsert = 2;  // Idle counters leave while new ones come.
constexpr std::int64_t kPlacesWhenFull = 512;
constexpr std::int64_t kSecondNs = 1'000'000'000;
// Until its first rule says how long calls are kept.
constexpr std::int64_t kNewPeriodNs = 1;

std::uint32_t left(const RateRule& rule, std::int64_t live) noexcept {
  return std::uint32_t(std::max<std::int64_t>(0, std::int64_t(rule.calls) - live));
}

std::int64_t seconds_up(std::int64_t ms) noexcept {
  return std::max<std::int64_t>(1, (ms + 999) / 1000);
}

// Of a window that ends then; 0: never.
bool is_over(TimeMs end_ms, TimeMs now_ms) noexcept { return end_ms != 0 && end_ms <= now_ms; }

}  // namespace

std::uint64_t mix_numbers(std::uint64_t a, std::uint64_t b) noexcept {
  return scramble(scramble(a + 0x9e3779b97f4a7c15) ^ (b + 0x517cc1b727220a95));
}

std::uint64_t hash_text(std::string_view text) noexcept {
  std::uint64_t hash = text.size();
  for (const char c : text) hash = (hash ^ std::uint8_t(c)) * 0x100000001b3;
  return scramble(hash);
}

std::size_t CounterKeyHash::operator()(const CounterKey& key) const noexcept {
  return mix_numbers(key.subscriber, key.rule);
}

// ---- RateLimits

RateLimits::RateLimits(std::size_t counters_max)
    : stripes_(std::make_unique<Stripe[]>(kStripes)), counters_max_(counters_max) {}

RateLimits::Stripe& RateLimits::stripe_of(std::uint64_t subscriber) noexcept {
  return stripes_[mix_numbers(subscriber, 0) % kStripes];
}

std::int64_t RateLimits::slot_ns(const RateRule& rule) noexcept {
  return rule.calls <= kRingMax ? 1 : std::max<std::int64_t>(1, rule.period_ns / kRingMax);
}

void RateLimits::Counter::expire(std::int64_t now_ns) noexcept {
  while (count > 0 && now_ns - at(0).newest_ns >= period_ns) {
    live_calls -= at(0).calls;
    head = (head + 1) & (capacity - 1);
    --count;
  }
}

std::uint32_t RateLimits::Counter::window(std::int64_t now_ns, std::int64_t period,
                                          std::int64_t& live) noexcept {
  live = live_calls;
  if (period == period_ns) return 0;
  // Another rule with a longer period shares the counter.
  std::uint32_t first = 0, last = count;
  while (first < last) {
    const std::uint32_t middle = (first + last) / 2;
    if (now_ns - at(middle).newest_ns >= period)
      first = middle + 1;
    else
      last = middle;
  }
  live = 0;
  for (std::uint32_t i = first; i < count; ++i) live += at(i).calls;
  return first;
}

std::int64_t RateLimits::Counter::wait(std::uint32_t first, std::int64_t live, const RateRule& rule,
                                       std::int64_t now_ns) noexcept {
  for (std::uint32_t i = first; i < count; ++i) {
    live -= at(i).calls;
    if (live < std::int64_t(rule.calls)) return at(i).newest_ns + rule.period_ns - now_ns;
  }
  return rule.period_ns;
}

void RateLimits::Counter::join_oldest() noexcept {
  at(1).calls += at(0).calls;
  head = (head + 1) & (capacity - 1);
  --count;
}

void RateLimits::Counter::grow() {
  const std::uint32_t larger = capacity == 0 ? 8 : capacity * 2;
  auto fresh = std::make_unique_for_overwrite<Slot[]>(larger);
  for (std::uint32_t i = 0; i < count; ++i) fresh[i] = at(i);
  slots = std::move(fresh);
  capacity = larger;
  head = 0;
}

void RateLimits::Counter::add(std::int64_t now_ns, std::int64_t slot_ns, std::int64_t calls) {
  if (count > 0 && at(count - 1).newest_ns / slot_ns == now_ns / slot_ns) {
    at(count - 1).newest_ns = now_ns;
    at(count - 1).calls += calls;
  } else {
    if (count == kSlotsMax) join_oldest();
    if (count == capacity) grow();
    at(count) = {now_ns, calls};
    ++count;
  }
  live_calls += calls;
}

void RateLimits::drop_idle(Stripe& stripe, std::int64_t now_ns, std::size_t places) noexcept {
  const std::size_t dropped = stripe.table.sweep(places, [now_ns](const Counter& counter) {
    return now_ns - counter.last_ns >= counter.period_ns;
  });
  if (dropped > 0) counters_.fetch_sub(dropped, std::memory_order_relaxed);
}

RateLimits::Counter* RateLimits::find_or_make(Stripe& stripe, const CounterKey& key,
                                              std::int64_t now_ns) {
  if (Counter* const found = stripe.table.find(key)) return found;
  drop_idle(stripe, now_ns, std::size_t(is_full() ? kPlacesWhenFull : kPlacesPerInsert));
  if (counters_.fetch_add(1, std::memory_order_relaxed) >= counters_max_) {
    counters_.fetch_sub(1, std::memory_order_relaxed);
    full_.fetch_add(1, std::memory_order_relaxed);
    return nullptr;
  }
  Counter& made = stripe.table.make(key);
  made.last_ns = now_ns;
  made.period_ns = kNewPeriodNs;
  return &made;
}

RateVerdict RateLimits::admit(std::span<const RateRule> rules, std::int64_t now_ns) noexcept {
  RateVerdict verdict;
  if (rules.empty()) return verdict;
  if (rules.size() > kRulesMax) rules = rules.first(kRulesMax);
  std::array<Counter*, kRulesMax> found;
  Stripe& stripe = stripe_of(rules[0].key.subscriber);
  const std::scoped_lock lock(stripe.mutex);
  try {
    for (std::size_t i = 0; i < rules.size(); ++i) {
      found[i] = find_or_make(stripe, rules[i].key, now_ns);
      if (!found[i])
        return {.admitted = false, .table_full = true, .exceeded = i, .retry_after_ns = kSecondNs};
      // Workers read the clock at different moments; within one counter time never goes back.
      now_ns = std::max(now_ns, found[i]->last_ns);
      // Touched, so that making room for the next rule's counter does not throw this one out.
      found[i]->last_ns = now_ns;
      found[i]->period_ns = std::max(found[i]->period_ns, rules[i].period_ns);
    }
    if (rules.size() > 1)  // Making one may have moved the others.
      for (std::size_t i = 0; i < rules.size(); ++i) found[i] = stripe.table.find(rules[i].key);
    for (std::size_t i = 0; i < rules.size(); ++i) {
      found[i]->expire(now_ns);
      std::int64_t live = 0;
      const std::uint32_t first = found[i]->window(now_ns, rules[i].period_ns, live);
      if (i == 0) verdict.remaining = left(rules[0], live + std::int64_t(rules[0].increment));
      if (live < rules[i].calls) continue;
      if (verdict.admitted) verdict.exceeded = i;
      verdict.admitted = false;
      verdict.retry_after_ns =
          std::max(verdict.retry_after_ns, found[i]->wait(first, live, rules[i], now_ns));
    }
    if (!verdict.admitted) return verdict;
    for (std::size_t i = 0; i < rules.size(); ++i) {
      found[i]->last_ns = now_ns;
      found[i]->add(now_ns, slot_ns(rules[i]), rules[i].increment);
    }
  } catch (const std::bad_alloc&) {
    full_.fetch_add(1, std::memory_order_relaxed);
    return {.admitted = false, .table_full = true, .retry_after_ns = kSecondNs};
  }
  return verdict;
}

RateVerdict RateLimits::check(const RateRule& rule, std::int64_t now_ns) noexcept {
  RateVerdict verdict;
  Stripe& stripe = stripe_of(rule.key.subscriber);
  const std::scoped_lock lock(stripe.mutex);
  Counter* const found = stripe.table.find(rule.key);
  if (!found) {
    if (is_full()) drop_idle(stripe, now_ns, std::size_t(kPlacesWhenFull));
    if (is_full()) {
      full_.fetch_add(1, std::memory_order_relaxed);
      return {.admitted = false, .table_full = true, .retry_after_ns = kSecondNs};
    }
    verdict.remaining = rule.calls;
    return verdict;
  }
  Counter& counter = *found;
  now_ns = std::max(now_ns, counter.last_ns);
  counter.period_ns = std::max(counter.period_ns, rule.period_ns);
  counter.expire(now_ns);
  std::int64_t live = 0;
  const std::uint32_t first = counter.window(now_ns, rule.period_ns, live);
  verdict.remaining = left(rule, live);
  if (live < rule.calls) return verdict;
  verdict.admitted = false;
  verdict.retry_after_ns = counter.wait(first, live, rule, now_ns);
  return verdict;
}

void RateLimits::count(const RateRule& rule, std::uint32_t calls, std::int64_t now_ns) noexcept {
  if (calls == 0) return;
  Stripe& stripe = stripe_of(rule.key.subscriber);
  const std::scoped_lock lock(stripe.mutex);
  try {
    Counter* counter = find_or_make(stripe, rule.key, now_ns);
    if (!counter) return;
    now_ns = std::max(now_ns, counter->last_ns);
    counter->period_ns = std::max(counter->period_ns, rule.period_ns);
    counter->expire(now_ns);
    counter->last_ns = now_ns;
    counter->add(now_ns, slot_ns(rule), calls);
  } catch (const std::bad_alloc&) {
    full_.fetch_add(1, std::memory_order_relaxed);
  }
}

// ---- Concurrency

bool ConcurrencyLimits::enter(std::uint64_t key, std::uint32_t max) noexcept {
  Stripe& stripe = stripes_[mix_numbers(key, 0) % kStripes];
  const std::scoped_lock lock(stripe.mutex);
  try {
    std::uint32_t& running = stripe.map[key];
    if (running >= max) return false;
    ++running;
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

void ConcurrencyLimits::leave(std::uint64_t key) noexcept {
  Stripe& stripe = stripes_[mix_numbers(key, 0) % kStripes];
  const std::scoped_lock lock(stripe.mutex);
  const auto found = stripe.map.find(key);
  if (found != stripe.map.end() && --found->second == 0) stripe.map.erase(found);
}

std::uint32_t ConcurrencyLimits::running(std::uint64_t key) const noexcept {
  const Stripe& stripe = stripes_[mix_numbers(key, 0) % kStripes];
  const std::scoped_lock lock(stripe.mutex);
  const auto found = stripe.map.find(key);
  return found == stripe.map.end() ? 0 : found->second;
}

std::size_t ConcurrencyLimits::running() const noexcept {
  std::size_t out = 0;
  for (const auto& stripe : stripes_) {
    const std::scoped_lock lock(stripe.mutex);
    for (const auto& [key, count] : stripe.map) out += count;
  }
  return out;
}

std::uint64_t Limits::number_of(std::string_view key) const noexcept {
  return keyed_hash(hash_key, key);
}

// ---- Quotas

Quotas::Quotas(std::size_t counters_max)
    : stripes_(std::make_unique<Stripe[]>(kStripes)), counters_max_(counters_max) {}

Quotas::Stripe& Quotas::stripe_of(std::uint64_t subscriber) const noexcept {
  return stripes_[mix_numbers(subscriber, 0) % kStripes];
}

void Quotas::renew(Counter& counter, const QuotaRule& rule, TimeMs now_ms) noexcept {
  TimeMs window = rule.start_ms;
  TimeMs end = 0;
  if (rule.period_s > 0) {
    const std::int64_t period_ms = rule.period_s * 1000;
    std::int64_t index = (now_ms - rule.start_ms) / period_ms;
    if (now_ms < rule.start_ms && (now_ms - rule.start_ms) % period_ms != 0) --index;
    window = rule.start_ms + index * period_ms;
    end = window + period_ms;
  }
  if (counter.window_ms == window && counter.end_ms == end) return;
  // A wall clock that steps back over the edge of a window does not give the calls of the later one
  // back.
  if (counter.end_ms != 0 && end != 0 && window < counter.window_ms &&
      counter.end_ms - counter.window_ms == end - window) {
    return;
  }
  counter = {
      .window_ms = window, .end_ms = end, .calls = 0, .bytes = 0, .changed = counter.changed};
}

void Quotas::note_change(Stripe& stripe, const CounterKey& key, Counter& counter) noexcept {
  if (counter.changed) return;
  try {
    stripe.changed.push_back(key);
    counter.changed = true;
  } catch (const std::bad_alloc&) {
    // The next change of it is noted.
  }
}

Quotas::Counter* Quotas::find_or_make(Stripe& stripe, const CounterKey& key, TimeMs now_ms) {
  if (Counter* const found = stripe.table.find(key)) return found;
  if (is_full()) drop_over(stripe, now_ms);
  if (counters_.fetch_add(1, std::memory_order_relaxed) >= counters_max_) {
    counters_.fetch_sub(1, std::memory_order_relaxed);
    full_.fetch_add(1, std::memory_order_relaxed);
    return nullptr;
  }
  return &stripe.table.make(key);
}

// Counters whose window is over hold nothing any more.
void Quotas::drop_over(Stripe& stripe, TimeMs now_ms) noexcept {
  const std::size_t dropped = stripe.table.sweep(
      std::size_t(kPlacesWhenFull),
      [now_ms](const Counter& counter) { return is_over(counter.end_ms, now_ms); });
  counters_.fetch_sub(dropped, std::memory_order_relaxed);
}

QuotaVerdict Quotas::admit(std::span<const QuotaRule> rules, TimeMs now_ms) noexcept {
  QuotaVerdict verdict;
  if (rules.empty()) return verdict;
  if (rules.size() > RateLimits::kRulesMax) rules = rules.first(RateLimits::kRulesMax);
  std::array<Counter*, RateLimits::kRulesMax> found;
  Stripe& stripe = stripe_of(rules[0].key.subscriber);
  const std::scoped_lock lock(stripe.mutex);
  try {
    for (std::size_t i = 0; i < rules.size(); ++i) {
      found[i] = find_or_make(stripe, rules[i].key, now_ms);
      if (!found[i])
        return {.exceeded = QuotaVerdict::Exceeded::calls,
                .rule = i,
                .table_full = true,
                .retry_after_s = 1};
      // Renewed at once, so that making room for the next rule's counter does not throw this one
      // out.
      renew(*found[i], rules[i], now_ms);
    }
    if (rules.size() > 1)  // Making one may have moved the others.
      for (std::size_t i = 0; i < rules.size(); ++i) found[i] = stripe.table.find(rules[i].key);
  } catch (const std::bad_alloc&) {
    full_.fetch_add(1, std::memory_order_relaxed);
    return {.exceeded = QuotaVerdict::Exceeded::calls, .table_full = true, .retry_after_s = 1};
  }
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const Counter& counter = *found[i];
    const bool calls = rules[i].calls > 0 && counter.calls >= rules[i].calls;
    const bool bytes = rules[i].bytes > 0 && counter.bytes >= rules[i].bytes;
    if (!calls && !bytes) continue;
    if (verdict.exceeded == QuotaVerdict::Exceeded::none) {
      verdict.exceeded = calls ? QuotaVerdict::Exceeded::calls : QuotaVerdict::Exceeded::bandwidth;
      verdict.rule = i;
    }
    if (counter.end_ms == 0)
      verdict.renews = false;
    else
      verdict.retry_after_s = std::max(verdict.retry_after_s, seconds_up(counter.end_ms - now_ms));
  }
  if (verdict.exceeded != QuotaVerdict::Exceeded::none) return verdict;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    found[i]->calls += rules[i].increment;
    note_change(stripe, rules[i].key, *found[i]);
  }
  return verdict;
}

QuotaVerdict Quotas::check(const QuotaRule& rule, TimeMs now_ms) noexcept {
  QuotaVerdict verdict;
  Stripe& stripe = stripe_of(rule.key.subscriber);
  const std::scoped_lock lock(stripe.mutex);
  Counter* const found = stripe.table.find(rule.key);
  if (!found) {
    if (is_full()) drop_over(stripe, now_ms);
    if (!is_full()) return verdict;
    full_.fetch_add(1, std::memory_order_relaxed);
    return {.exceeded = QuotaVerdict::Exceeded::calls, .table_full = true, .retry_after_s = 1};
  }
  renew(*found, rule, now_ms);
  const Counter& counter = *found;
  const bool calls = rule.calls > 0 && counter.calls >= rule.calls;
  const bool bytes = rule.bytes > 0 && counter.bytes >= rule.bytes;
  if (!calls && !bytes) return verdict;
  verdict.exceeded = calls ? QuotaVerdict::Exceeded::calls : QuotaVerdict::Exceeded::bandwidth;
  verdict.renews = counter.end_ms != 0;
  if (verdict.renews) verdict.retry_after_s = seconds_up(counter.end_ms - now_ms);
  return verdict;
}

void Quotas::add_calls(const QuotaRule& rule, std::int64_t calls, TimeMs now_ms) noexcept {
  Stripe& stripe = stripe_of(rule.key.subscriber);
  const std::scoped_lock lock(stripe.mutex);
  try {
    Counter* counter = find_or_make(stripe, rule.key, now_ms);
    if (!counter) return;
    renew(*counter, rule, now_ms);
    counter->calls += calls;
    note_change(stripe, rule.key, *counter);
  } catch (const std::bad_alloc&) {
    full_.fetch_add(1, std::memory_order_relaxed);
  }
}

void Quotas::add_bytes(const QuotaRule& rule, std::int64_t bytes, TimeMs now_ms) noexcept {
  Stripe& stripe = stripe_of(rule.key.subscriber);
  const std::scoped_lock lock(stripe.mutex);
  Counter* const found = stripe.table.find(rule.key);
  if (!found) return;
  renew(*found, rule, now_ms);
  found->bytes += bytes;
  note_change(stripe, rule.key, *found);
}

void Quotas::take_changes(TimeMs now_ms, std::vector<QuotaState>& out) {
  for (std::size_t i = 0; i < kStripes; ++i) {
    Stripe& stripe = stripes_[i];
    const std::scoped_lock lock(stripe.mutex);
    for (const CounterKey& key : stripe.changed) {
      Counter* const counter = stripe.table.find(key);
      if (!counter || !counter->changed) continue;  // It has made room, or stands here twice.
      counter->changed = false;
      if (!is_over(counter->end_ms, now_ms))
        out.push_back({key, counter->window_ms, counter->end_ms, counter->calls, counter->bytes});
    }
    stripe.changed.clear();  // Keeps its memory, so that calls need not ask for any.
  }
}

void Quotas::states_of(std::size_t group, TimeMs now_ms, std::vector<QuotaState>& out) const {
  for (std::size_t i = group; i < kStripes; i += kGroups) {
    const Stripe& stripe = stripes_[i];
    const std::scoped_lock lock(stripe.mutex);
    stripe.table.for_each([&](const CounterKey& key, const Counter& counter) {
      if (!is_over(counter.end_ms, now_ms))
        out.push_back({key, counter.window_ms, counter.end_ms, counter.calls, counter.bytes});
    });
  }
}

void Quotas::restore(const QuotaState& state) {
  Stripe& stripe = stripe_of(state.key.subscriber);
  const std::scoped_lock lock(stripe.mutex);
  const Counter* const found = stripe.table.find(state.key);
  if (found && found->window_ms > state.window_ms) return;
  Counter meanwhile;
  if (found && found->window_ms == state.window_ms && found->end_ms == state.end_ms)
    meanwhile = *found;
  Counter* const counter = find_or_make(stripe, state.key, state.window_ms);
  if (!counter) return;
  *counter = {.window_ms = state.window_ms,
              .end_ms = state.end_ms,
              .calls = state.calls + meanwhile.calls,
              .bytes = state.bytes + meanwhile.bytes,
              .changed = counter->changed};
}

QuotaState Quotas::empty_window(const QuotaRule& rule, TimeMs now_ms) noexcept {
  Counter counter;
  renew(counter, rule, now_ms);
  return {rule.key, counter.window_ms, counter.end_ms, 0, 0};
}

std::optional<QuotaState> Quotas::current(const QuotaRule& rule, TimeMs now_ms) const {
  const Stripe& stripe = stripe_of(rule.key.subscriber);
  const std::scoped_lock lock(stripe.mutex);
  const Counter* const found = stripe.table.find(rule.key);
  if (!found) return std::nullopt;
  Counter counter = *found;
  renew(counter, rule, now_ms);
  return QuotaState{rule.key, counter.window_ms, counter.end_ms, counter.calls, counter.bytes};
}

std::optional<QuotaState> Quotas::set_counts(const QuotaRule& rule,
                                             std::optional<std::int64_t> calls,
                                             std::optional<std::int64_t> bytes, TimeMs now_ms) {
  Stripe& stripe = stripe_of(rule.key.subscriber);
  const std::scoped_lock lock(stripe.mutex);
  Counter* counter = find_or_make(stripe, rule.key, now_ms);
  if (!counter) return std::nullopt;
  renew(*counter, rule, now_ms);
  counter->calls = calls.value_or(counter->calls);
  counter->bytes = bytes.value_or(counter->bytes);
  note_change(stripe, rule.key, *counter);
  return QuotaState{rule.key, counter->window_ms, counter->end_ms, counter->calls, counter->bytes};
}

QuotaState Quotas::state(const CounterKey& key) const {
  const Stripe& stripe = stripe_of(key.subscriber);
  const std::scoped_lock lock(stripe.mutex);
  const Counter* const found = stripe.table.find(key);
  if (!found) return {.key = key};
  const Counter& counter = *found;
  return {key, counter.window_ms, counter.end_ms, counter.calls, counter.bytes};
}

}  // namespace mlgate::policy
