#pragma once
// Rate limits and quotas, exact across all workers of the process. The tables live outside every
// snapshot, under stable numbers, so a reload keeps what was counted. Each table is cut into
// stripes by subscriber, each with its own lock: the rules of one policy for one caller lie in one
// stripe and are checked and counted under one lock, all or none. A call takes the lock once, for
// some ten nanoseconds. Threads: any.
#include "base/time.h"
#include "policy/counter_key.h"
#include "policy/counter_table.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mlgate::policy {

struct RateRule {
  CounterKey key;
  std::uint32_t calls = 0;
  std::int64_t period_ns = 0;
  std::uint32_t increment = 1;  // Calls that an admitted one counts for.
};

struct RateVerdict {
  bool admitted = true;
  bool table_full = false;      // No room for another counter: refused.
  std::size_t exceeded = 0;     // The first rule that refused.
  std::uint32_t remaining = 0;  // Of rule 0, after this call.
  std::int64_t retry_after_ns =
      0;  // Until all refusing rules would admit, if nothing else arrived.
};

// Sliding window: a call is admitted when fewer than `calls` calls were admitted in the last
// period. Refused calls do not count. Up to kRingMax calls every admission time is kept, exactly;
// above, times fall into kRingMax slots of period / kRingMax, and a slot leaves with its newest
// call: never too many, and late by at most one slot. Rules that share a counter judge the calls in
// it by their own numbers; it keeps them for the longest of their periods, the oldest together once
// there are kSlotsMax of them.
class RateLimits {
 public:
  static constexpr std::uint32_t kRingMax = 1024;
  static constexpr std::uint32_t kSlotsMax = 4096;
  static constexpr std::size_t kRulesMax = 64;

  explicit RateLimits(std::size_t counters_max = 1'000'000);
  RateLimits(const RateLimits&) = delete;
  RateLimits& operator=(const RateLimits&) = delete;

  // Checks all rules, then counts the call under each, or under none. All keys have one subscriber;
  // at most kRulesMax rules. `now_ns` is a steady clock; a worker's slightly old reading does no
  // harm.
  RateVerdict admit(std::span<const RateRule> rules, std::int64_t now_ns) noexcept;
  // Checks one rule without counting; refused also where no counter could be made for it later.
  RateVerdict check(const RateRule& rule, std::int64_t now_ns) noexcept;
  // Counts calls under a rule whatever its limit.
  void count(const RateRule& rule, std::uint32_t calls, std::int64_t now_ns) noexcept;

  std::size_t counters() const noexcept { return counters_.load(std::memory_order_relaxed); }
  std::uint64_t table_full_total() const noexcept { return full_.load(std::memory_order_relaxed); }

 private:
  struct Slot {
    std::int64_t newest_ns;
    std::int64_t calls;
  };
  // A ring of slots, oldest first, that grows with use.
  struct Counter {
    std::unique_ptr<Slot[]> slots;
    std::uint32_t capacity = 0, head = 0, count = 0;
    std::int64_t live_calls = 0;
    std::int64_t last_ns = 0;
    std::int64_t period_ns = 0;

    void expire(std::int64_t now_ns) noexcept;
    void add(std::int64_t now_ns, std::int64_t slot_ns, std::int64_t calls);
    void grow();
    void join_oldest() noexcept;
    // Index of the first slot within the last `period`; the calls from it on are in `live`.
    std::uint32_t window(std::int64_t now_ns, std::int64_t period, std::int64_t& live) noexcept;
    // Nanoseconds until fewer than `calls` are left of `live` ones.
    std::int64_t wait(std::uint32_t first, std::int64_t live, const RateRule& rule,
                      std::int64_t now_ns) noexcept;
    Slot& at(std::uint32_t index) noexcept { return slots[(head + index) & (capacity - 1)]; }
  };
  struct alignas(64) Stripe {
    std::mutex mutex;
    CounterTable<Counter> table;
  };
  static constexpr std::size_t kStripes = 256;

  // Null: no room. Voids what was found in the stripe before.
  Counter* find_or_make(Stripe& stripe, const CounterKey& key, std::int64_t now_ns);
  void drop_idle(Stripe& stripe, std::int64_t now_ns, std::size_t places) noexcept;
  bool is_full() const noexcept {
    return counters_.load(std::memory_order_relaxed) >= counters_max_;
  }
  Stripe& stripe_of(std::uint64_t subscriber) noexcept;
  static std::int64_t slot_ns(const RateRule& rule) noexcept;

  std::unique_ptr<Stripe[]> stripes_;
  std::size_t counters_max_;
  std::atomic<std::size_t> counters_{0};
  std::atomic<std::uint64_t> full_{0};
};

struct QuotaRule {
  CounterKey key;
  std::int64_t calls = 0;      // 0: no limit of calls.
  std::int64_t bytes = 0;      // 0: no limit of bandwidth.
  std::int64_t period_s = 0;   // 0: never renewed.
  TimeMs start_ms = 0;         // Windows are counted from here.
  std::int64_t increment = 1;  // Calls that an admitted one counts for.
};

struct QuotaVerdict {
  enum class Exceeded : unsigned char { none, calls, bandwidth };
  Exceeded exceeded = Exceeded::none;
  std::size_t rule = 0;  // The first rule that refused.
  bool table_full = false;
  bool renews = true;
  std::int64_t retry_after_s =
      0;  // Until the windows of all refusing rules end, rounded up, at least 1.
};

struct QuotaState {
  CounterKey key;
  TimeMs window_ms = 0;  // Start of the window.
  TimeMs end_ms = 0;     // 0: never ends.
  std::int64_t calls = 0;
  std::int64_t bytes = 0;
};

// Fixed windows of calls and bandwidth from the start of the subscription. What changed can be
// written out and read back, so that a restart keeps it.
class Quotas {
 public:
  // Groups of counters, for a writer that goes through all of them piece by piece.
  static constexpr std::size_t kGroups = 64;

  explicit Quotas(std::size_t counters_max = 1'000'000);
  Quotas(const Quotas&) = delete;
  Quotas& operator=(const Quotas&) = delete;

  // Checks all rules, then counts one call under each, or under none.
  QuotaVerdict admit(std::span<const QuotaRule> rules, TimeMs now_ms) noexcept;
  // Checks one rule without counting; refused also where no counter could be made for it later.
  QuotaVerdict check(const QuotaRule& rule, TimeMs now_ms) noexcept;
  // Counts calls under a rule whatever its limit.
  void add_calls(const QuotaRule& rule, std::int64_t calls, TimeMs now_ms) noexcept;
  // Counts the bytes of a call that was admitted.
  void add_bytes(const QuotaRule& rule, std::int64_t bytes, TimeMs now_ms) noexcept;

  // Appends the states of the counters that changed since the last call. Counters whose window is
  // over are left out, here and below. A stripe is locked for as long as its part takes.
  void take_changes(TimeMs now_ms, std::vector<QuotaState>& out);
  // Appends all states of a group.
  void states_of(std::size_t group, TimeMs now_ms, std::vector<QuotaState>& out) const;
  // Takes a state over from an earlier process; what was counted here meanwhile is added to it.
  void restore(const QuotaState& state);
  // Current state of one counter, for reports; all zero when it is not known.
  QuotaState state(const CounterKey& key) const;
  // What a rule counts in the window of `now_ms`; nullopt: nothing was ever counted under it.
  std::optional<QuotaState> current(const QuotaRule& rule, TimeMs now_ms) const;
  // Sets what is counted in the window of `now_ms`, where a number is given; nullopt: no room for
  // another counter.
  std::optional<QuotaState> set_counts(const QuotaRule& rule, std::optional<std::int64_t> calls,
                                       std::optional<std::int64_t> bytes, TimeMs now_ms);
  // The window of `now_ms`, with nothing counted in it.
  static QuotaState empty_window(const QuotaRule& rule, TimeMs now_ms) noexcept;

  std::size_t counters() const noexcept { return counters_.load(std::memory_order_relaxed); }
  std::uint64_t table_full_total() const noexcept { return full_.load(std::memory_order_relaxed); }

 private:
  struct Counter {
    TimeMs window_ms = 0;
    TimeMs end_ms = 0;
    std::int64_t calls = 0;
    std::int64_t bytes = 0;
    bool changed = false;  // Since take_changes(); its key is in the list of the stripe.
  };
  struct alignas(64) Stripe {
    mutable std::mutex mutex;
    CounterTable<Counter> table;
    std::vector<CounterKey> changed;
  };
  // Many, so that copying one out of a million counters takes some ten microseconds. Those of a
  // group have its number as remainder.
  static constexpr std::size_t kStripes = 16 * kGroups;

  Stripe& stripe_of(std::uint64_t subscriber) const noexcept;
  // Null: no room. Voids what was found in the stripe before.
  Counter* find_or_make(Stripe& stripe, const CounterKey& key, TimeMs now_ms);
  void drop_over(Stripe& stripe, TimeMs now_ms) noexcept;
  bool is_full() const noexcept {
    return counters_.load(std::memory_order_relaxed) >= counters_max_;
  }
  static void renew(Counter& counter, const QuotaRule& rule, TimeMs now_ms) noexcept;
  static void note_change(Stripe& stripe, const CounterKey& key, Counter& counter) noexcept;

  std::unique_ptr<Stripe[]> stripes_;
  std::size_t counters_max_;
  std::atomic<std::size_t> counters_{0};
  std::atomic<std::uint64_t> full_{0};
};

// Calls that run at the same time, by key. A key is there only while it has some, so the table is
// bounded by the calls under way.
class ConcurrencyLimits {
 public:
  // False when `max` calls run under the key already.
  bool enter(std::uint64_t key, std::uint32_t max) noexcept;
  void leave(std::uint64_t key) noexcept;
  std::uint32_t running(std::uint64_t key) const noexcept;
  std::size_t running() const noexcept;  // Over all keys; for tests.

 private:
  struct alignas(64) Stripe {
    mutable std::mutex mutex;
    std::unordered_map<std::uint64_t, std::uint32_t> map;
  };
  static constexpr std::size_t kStripes = 64;
  Stripe stripes_[kStripes];
};

// All tables, owned by the program and handed to the compiler of policies.
struct Limits {
  explicit Limits(std::size_t counters_max = 1'000'000)
      : rates(counters_max), quotas(counters_max) {}
  // The number under which a key that callers choose is counted: keyed, so that nobody finds keys
  // that meet, and the same after a restart as long as `hash_key` is.
  std::uint64_t number_of(std::string_view key) const noexcept;

  // The counter of a key in a service; `kind` is the number of the policy, and more.
  CounterKey counter_of_key(std::string_view key, std::uint64_t service,
                            std::uint64_t kind) const noexcept {
    return {number_of(key), mix_numbers(service, kind)};
  }

  RateLimits rates;
  Quotas quotas;
  ConcurrencyLimits concurrency;
  std::string hash_key = std::string(16, '\0');  // 16 bytes; set before the first call.
};

}  // namespace mlgate::policy
