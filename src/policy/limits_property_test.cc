// Limits against exact simulators, with seeded arrivals: several rules at once, counters that rules
// of different numbers share, increments, quotas, and concurrency.
#include "policy/limits.h"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <random>

namespace mlgate::policy {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

// All calls of a key, as they were admitted.
class Calls {
 public:
  void count(std::int64_t now, std::int64_t calls) { list_.emplace_back(now, calls); }
  std::int64_t live(std::int64_t now, std::int64_t period) const {
    std::int64_t out = 0;
    for (const auto& [at, calls] : list_) out += now - at < period ? calls : 0;
    return out;
  }
  // Until fewer than `limit` are within the period, if nothing else came.
  std::int64_t wait(std::int64_t now, std::int64_t period, std::int64_t limit) const {
    std::int64_t left = live(now, period);
    for (const auto& [at, calls] : list_) {
      if (now - at >= period) continue;
      left -= calls;
      if (left < limit) return at + period - now;
    }
    return period;
  }

 private:
  std::deque<std::pair<std::int64_t, std::int64_t>> list_;
};

TEST(LimitProperties, RulesThatShareACounterEachJudgeByTheirOwnNumbers) {
  for (const unsigned seed : {11u, 12u, 13u, 14u}) {
    std::mt19937_64 random(seed);
    RateLimits limits;
    Calls calls;
    std::vector<RateRule> rules;
    for (int i = 0; i < 3; ++i)
      rules.push_back({{1, 1},
                       std::uint32_t(1 + random() % 30),
                       kSecond * std::int64_t(1 + random() % 20),
                       std::uint32_t(1 + random() % 3)});
    // The longest period is known from the first call on, as it is when a snapshot is compiled.
    std::int64_t longest = 0, now = 1;
    for (const auto& rule : rules) longest = std::max(longest, rule.period_ns);
    (void)limits.check({{1, 1}, 1'000, longest}, now);
    bool began = false;
    for (int i = 0; i < 4'000; ++i) {
      now += std::int64_t(random() % std::uint64_t(kSecond));
      const RateRule& rule =
          began ? rules[random() % rules.size()]
                : *std::max_element(rules.begin(), rules.end(), [](const auto& a, const auto& b) {
                    return a.period_ns < b.period_ns;
                  });
      began = true;
      const std::int64_t live = calls.live(now, rule.period_ns);
      const auto verdict = limits.admit({&rule, 1}, now);
      ASSERT_EQ(verdict.admitted, live < rule.calls) << "seed " << seed << " call " << i;
      if (verdict.admitted)
        calls.count(now, rule.increment);
      else
        ASSERT_EQ(verdict.retry_after_ns, calls.wait(now, rule.period_ns, rule.calls));
    }
  }
}

TEST(LimitProperties, AllRulesOfACallAreCountedOrNone) {
  for (const unsigned seed : {21u, 22u, 23u}) {
    std::mt19937_64 random(seed);
    RateLimits limits;
    std::map<std::uint64_t, Calls> calls;
    std::vector<RateRule> rules;
    for (std::uint64_t i = 0; i < 6; ++i)
      rules.push_back(
          {{9, i}, std::uint32_t(1 + random() % 20), kSecond * std::int64_t(1 + random() % 5), 1});
    std::int64_t now = 0;
    for (int i = 0; i < 4'000; ++i) {
      now += std::int64_t(random() % std::uint64_t(kSecond / 2));
      const std::size_t from = random() % rules.size();
      const std::span chosen(rules.data() + from, 1 + random() % (rules.size() - from));
      bool expected = true;
      std::int64_t wait = 0;
      std::size_t first = chosen.size();
      for (std::size_t r = 0; r < chosen.size(); ++r) {
        const auto& rule = chosen[r];
        auto& one = calls[rule.key.rule];
        if (one.live(now, rule.period_ns) < rule.calls) continue;
        expected = false;
        first = std::min(first, r);
        wait = std::max(wait, one.wait(now, rule.period_ns, rule.calls));
      }
      const auto verdict = limits.admit(chosen, now);
      ASSERT_EQ(verdict.admitted, expected) << "seed " << seed << " call " << i;
      if (!expected) {
        ASSERT_EQ(verdict.exceeded, first);
        ASSERT_EQ(verdict.retry_after_ns, wait);
        continue;
      }
      for (const auto& rule : chosen) calls[rule.key.rule].count(now, 1);
    }
  }
}

TEST(LimitProperties, RetryAfterOnlyCountsDownWhileNothingIsAdmitted) {
  std::mt19937_64 random(31);
  RateLimits limits;
  const RateRule rule{{1, 1}, 5, 7 * kSecond};
  std::int64_t now = 0, promised = 0;
  for (int i = 0; i < 20'000; ++i) {
    now += std::int64_t(random() % std::uint64_t(kSecond / 10));
    const auto verdict = limits.admit({&rule, 1}, now);
    if (verdict.admitted) {
      EXPECT_GE(now, promised) << "Admitted before the time that was promised.";
      promised = 0;
      continue;
    }
    if (promised != 0) {
      ASSERT_EQ(now + verdict.retry_after_ns, promised);
    }
    promised = now + verdict.retry_after_ns;
  }
}

TEST(LimitProperties, ACounterIsBoundedWhateverIsCounted) {
  RateLimits limits;
  const RateRule small{{1, 1}, 1'000, 300 * kSecond};
  std::int64_t now = 1;
  for (int i = 0; i < 100'000; ++i) limits.count(small, 1, now += 1'000'000);
  const auto verdict = limits.check(small, now);
  EXPECT_FALSE(verdict.admitted);
  EXPECT_EQ(limits.counters(), 1U);
  // All of them are counted, and all leave with the period.
  EXPECT_FALSE(limits.check({{1, 1}, 100'000, 300 * kSecond}, now).admitted);
  EXPECT_TRUE(limits.check({{1, 1}, 100'001, 300 * kSecond}, now).admitted);
  EXPECT_TRUE(limits.check(small, now + 300 * kSecond).admitted);
}

TEST(LimitProperties, QuotasEqualFixedWindows) {
  for (const unsigned seed : {41u, 42u, 43u}) {
    std::mt19937_64 random(seed);
    Quotas quotas;
    const QuotaRule rule{{3, seed},
                         std::int64_t(2 + random() % 20),
                         std::int64_t(1'000 + random() % 5'000),
                         std::int64_t(300 + random() % 1'000),
                         TimeMs(random() % 1'000'000),
                         std::int64_t(1 + random() % 3)};
    std::map<std::int64_t, std::pair<std::int64_t, std::int64_t>> windows;
    TimeMs now = 2'000'000;
    for (int i = 0; i < 10'000; ++i) {
      now += TimeMs(random() % 60'000);
      const std::int64_t index = (now - rule.start_ms) / (rule.period_s * 1'000);
      auto& [calls, bytes] = windows[index];
      const bool expected = calls < rule.calls && bytes < rule.bytes;
      const auto verdict = quotas.admit({&rule, 1}, now);
      ASSERT_EQ(verdict.exceeded == QuotaVerdict::Exceeded::none, expected);
      if (expected) {
        calls += rule.increment;
        const auto sent = std::int64_t(random() % 900);
        quotas.add_bytes(rule, sent, now);
        bytes += sent;
      } else {
        const TimeMs end = rule.start_ms + (index + 1) * rule.period_s * 1'000;
        ASSERT_EQ(verdict.retry_after_s, (end - now + 999) / 1'000);
      }
    }
  }
}

TEST(LimitProperties, ConcurrencyIsExactAndLeavesNothingBehind) {
  std::mt19937_64 random(51);
  ConcurrencyLimits limits;
  std::map<std::uint64_t, std::uint32_t> running;
  std::vector<std::uint64_t> held;
  for (int i = 0; i < 50'000; ++i) {
    if (random() % 2 == 0 || held.empty()) {
      const std::uint64_t key = random() % 5;
      const auto max = std::uint32_t(1 + random() % 6);
      const bool admitted = limits.enter(key, max);
      ASSERT_EQ(admitted, running[key] < max);
      if (!admitted) continue;
      ++running[key];
      held.push_back(key);
    } else {
      std::swap(held[random() % held.size()], held.back());
      limits.leave(held.back());
      --running[held.back()];
      held.pop_back();
    }
    ASSERT_EQ(limits.running(), held.size());
  }
  for (const auto key : held) limits.leave(key);
  EXPECT_EQ(limits.running(), 0U);
}

}  // namespace
}  // namespace mlgate::policy
