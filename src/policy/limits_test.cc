#include "policy/limits.h"

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <random>
#include <set>
#include <thread>

namespace mlgate::policy {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

// The definition, literally: all admission times of the last period.
class Reference {
 public:
  Reference(std::uint32_t calls, std::int64_t period) : calls_(calls), period_(period) {}
  bool would_admit(std::int64_t now) {
    while (!times_.empty() && now - times_.front() >= period_) times_.pop_front();
    return times_.size() < calls_;
  }
  void count(std::int64_t now) { times_.push_back(now); }
  std::size_t live() const { return times_.size(); }
  std::int64_t wait(std::int64_t now) const { return times_.front() + period_ - now; }

 private:
  std::uint32_t calls_;
  std::int64_t period_;
  std::deque<std::int64_t> times_;
};

TEST(RateLimits, EqualsTheDefinitionForSeededArrivals) {
  for (const unsigned seed : {1u, 2u, 3u, 4u, 5u, 6u}) {
    std::mt19937_64 random(seed);
    const auto calls = std::uint32_t(1 + random() % 40);
    const std::int64_t period = kSecond * std::int64_t(1 + random() % 10);
    RateLimits limits;
    Reference reference(calls, period);
    const RateRule rule{{7, seed}, calls, period};
    std::int64_t now = std::int64_t(random() % 1000);
    for (int i = 0; i < 20'000; ++i) {
      now += std::int64_t(random() % std::uint64_t(2 * period / calls));
      const bool expected = reference.would_admit(now);
      const auto verdict = limits.admit({&rule, 1}, now);
      ASSERT_EQ(verdict.admitted, expected) << "seed " << seed << " call " << i;
      if (expected) {
        reference.count(now);
        ASSERT_EQ(verdict.remaining, calls - reference.live());
      } else {
        ASSERT_EQ(verdict.retry_after_ns, reference.wait(now));
      }
    }
  }
}

TEST(RateLimits, AboveTheRingNeverAdmitsTooManyAndIsLateByOneSlot) {
  const std::uint32_t calls = 5000;
  const std::int64_t period = 10 * kSecond;
  RateLimits limits;
  const RateRule rule{{1, 1}, calls, period};
  std::mt19937_64 random(11);
  std::deque<std::int64_t> admitted;
  std::int64_t now = 0;
  for (int i = 0; i < 100'000; ++i) {
    now += std::int64_t(random() % 2'000'000);
    const auto verdict = limits.admit({&rule, 1}, now);
    while (!admitted.empty() && now - admitted.front() >= period) admitted.pop_front();
    if (verdict.admitted) admitted.push_back(now);
    ASSERT_LE(admitted.size(), calls);
    if (verdict.admitted) continue;
    const std::int64_t exact = admitted.empty() ? 0 : admitted.front() + period - now;
    ASSERT_LE(verdict.retry_after_ns, exact + period / 1024 + period / 1024);
    // Waiting as long as told is enough.
    RateRule probe = rule;
    now += verdict.retry_after_ns;
    ASSERT_TRUE(limits.admit({&probe, 1}, now).admitted);
    while (!admitted.empty() && now - admitted.front() >= period) admitted.pop_front();
    admitted.push_back(now);
    ASSERT_LE(admitted.size(), calls);
  }
}

TEST(RateLimits, SeveralRulesAreCountedTogetherOrNotAtAll) {
  RateLimits limits;
  const RateRule rules[] = {{{1, 1}, 10, kSecond}, {{1, 2}, 2, 5 * kSecond}};
  EXPECT_TRUE(limits.admit(rules, 0).admitted);
  EXPECT_EQ(limits.admit(rules, 0).remaining, 8u);
  const auto refused = limits.admit(rules, kSecond / 2);
  EXPECT_FALSE(refused.admitted);
  EXPECT_EQ(refused.exceeded, 1u);
  EXPECT_EQ(refused.retry_after_ns, 5 * kSecond - kSecond / 2);
  // The refused call did not touch the first counter.
  EXPECT_EQ(limits.admit({rules, 1}, kSecond / 2).remaining, 7u);
}

TEST(RateLimits, ATableThatIsFullOfBusyCountersRefusesAndIdleOnesMakeRoom) {
  RateLimits limits(4);
  for (std::uint64_t caller = 1; caller <= 4; ++caller) {
    const RateRule rule{{caller, 1}, 5, kSecond};
    EXPECT_TRUE(limits.admit({&rule, 1}, 0).admitted);
  }
  // Another rule of the same caller falls into a stripe whose counters are busy.
  const RateRule more{{4, 2}, 5, kSecond};
  EXPECT_TRUE(limits.admit({&more, 1}, 1).table_full);
  EXPECT_EQ(limits.table_full_total(), 1u);
  EXPECT_TRUE(limits.admit({&more, 1}, kSecond).admitted);
  EXPECT_EQ(limits.counters(), 4u);
}

TEST(RateLimits, AChangedRuleKeepsWhatWasCounted) {
  RateLimits limits;
  RateRule rule{{1, 1}, 3000, 10 * kSecond};
  for (int i = 0; i < 2000; ++i) EXPECT_TRUE(limits.admit({&rule, 1}, i).admitted);
  rule.calls = 5;
  EXPECT_FALSE(limits.admit({&rule, 1}, kSecond).admitted);
  rule.calls = 2001;
  EXPECT_TRUE(limits.admit({&rule, 1}, kSecond).admitted);
  EXPECT_FALSE(limits.admit({&rule, 1}, kSecond).admitted);
}

TEST(RateLimits, ManyThreadsAreAdmittedExactlyAsOftenAsOne) {
  RateLimits limits;
  const RateRule rule{{1, 1}, 1000, 300 * kSecond};
  std::atomic<int> admitted{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) admitted += limits.admit({&rule, 1}, 5).admitted ? 1 : 0;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(admitted.load(), 1000);
}

TEST(Quotas, WindowsAreCountedFromTheStartOfTheSubscription) {
  Quotas quotas;
  const TimeMs start = 1'000'000'500;
  const QuotaRule rule{{1, 1}, 2, 0, 60, start};
  EXPECT_EQ(quotas.admit({&rule, 1}, start + 1000).exceeded, QuotaVerdict::Exceeded::none);
  EXPECT_EQ(quotas.admit({&rule, 1}, start + 2000).exceeded, QuotaVerdict::Exceeded::none);
  const auto refused = quotas.admit({&rule, 1}, start + 2001);
  EXPECT_EQ(refused.exceeded, QuotaVerdict::Exceeded::calls);
  EXPECT_EQ(refused.retry_after_s, 58);
  EXPECT_EQ(quotas.admit({&rule, 1}, start + 59'999).retry_after_s, 1);
  EXPECT_EQ(quotas.admit({&rule, 1}, start + 60'000).exceeded, QuotaVerdict::Exceeded::none);
}

TEST(Quotas, BandwidthMayEndOverTheLimitAndRefusesTheNextCall) {
  Quotas quotas;
  const QuotaRule rule{{1, 1}, 0, 1024, 0, 0};
  EXPECT_EQ(quotas.admit({&rule, 1}, 10).exceeded, QuotaVerdict::Exceeded::none);
  quotas.add_bytes(rule, 5000, 11);
  const auto refused = quotas.admit({&rule, 1}, 12);
  EXPECT_EQ(refused.exceeded, QuotaVerdict::Exceeded::bandwidth);
  EXPECT_FALSE(refused.renews);
}

TEST(Quotas, AnAdmittedRuleIsNotCountedWhenAnotherRefuses) {
  Quotas quotas;
  const QuotaRule rules[] = {{{1, 1}, 5, 0, 0, 0}, {{1, 2}, 1, 0, 0, 0}};
  EXPECT_EQ(quotas.admit(rules, 1).exceeded, QuotaVerdict::Exceeded::none);
  EXPECT_EQ(quotas.admit(rules, 1).rule, 1u);
  EXPECT_EQ(quotas.state({1, 1}).calls, 1);
}

TEST(Quotas, OnlyWhatChangedIsTakenAndSurvivesARestart) {
  Quotas before, after;
  const QuotaRule rule{{9, 4}, 3, 0, 3600, 0}, other{{8, 4}, 3, 0, 3600, 0};
  for (int i = 0; i < 3; ++i) (void)before.admit({&rule, 1}, 5000);
  (void)before.admit({&other, 1}, 5000);
  std::vector<QuotaState> states;
  before.take_changes(5000, states);
  ASSERT_EQ(states.size(), 2u);
  std::vector<QuotaState> again;
  before.take_changes(5000, again);
  EXPECT_TRUE(again.empty());
  (void)before.admit({&rule, 1}, 5000);  // Refused, so nothing changed.
  before.add_bytes(other, 7, 5000);
  before.take_changes(5000, again);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].key, other.key);
  EXPECT_EQ(again[0].bytes, 7);
  for (const QuotaState& state : states) after.restore(state);
  EXPECT_EQ(after.admit({&rule, 1}, 6000).exceeded, QuotaVerdict::Exceeded::calls);
}

TEST(Quotas, TheGroupsHoldEveryCounterOnce) {
  Quotas quotas;
  for (std::uint64_t i = 0; i < 5000; ++i) {
    const QuotaRule rule{{i, 1}, 10, 0, i % 5 == 0 ? 1 : 3600, 0};
    (void)quotas.admit({&rule, 1}, 500);
  }
  std::vector<QuotaState> states;
  for (std::size_t group = 0; group < Quotas::kGroups; ++group) {
    const std::size_t before = states.size();
    quotas.states_of(group, 1500, states);
    EXPECT_GT(states.size(), before) << group;
  }
  std::set<std::uint64_t> subscribers;
  for (const QuotaState& state : states) subscribers.insert(state.key.subscriber);
  EXPECT_EQ(states.size(), 4000u) << "Those whose window is over are left out.";
  EXPECT_EQ(subscribers.size(), 4000u);
}

TEST(Quotas, WhatWasCountedMeanwhileIsAddedToWhatIsRestored) {
  const TimeMs year_one = -62'135'596'800'000;
  const QuotaRule endless{{1, 1}, 10, 0, 0, year_one}, hourly{{1, 2}, 10, 0, 3600, 0};
  Quotas quotas;
  quotas.restore({endless.key, year_one, 0, 7, 70});
  EXPECT_EQ(quotas.state(endless.key).calls, 7);
  (void)quotas.admit({&hourly, 1}, 5000);
  quotas.add_bytes(hourly, 5, 5000);
  quotas.restore({hourly.key, 0, 3'600'000, 4, 40});
  EXPECT_EQ(quotas.state(hourly.key).calls, 5);
  EXPECT_EQ(quotas.state(hourly.key).bytes, 45);
  (void)quotas.admit({&hourly, 1}, 3'600'001);
  quotas.restore({hourly.key, 0, 3'600'000, 9, 90});
  EXPECT_EQ(quotas.state(hourly.key).calls, 1) << "A window that is over adds nothing.";
}

TEST(Quotas, WithoutRoomForACounterNothingIsAdmittedUncounted) {
  Quotas quotas(1);
  RateLimits rates(1);
  const QuotaRule first{{1, 1}, 5, 0, 60, 0}, second{{2, 1}, 5, 0, 60, 0};
  const RateRule rate{{1, 1}, 5, kSecond}, other{{2, 1}, 5, kSecond};
  (void)quotas.admit({&first, 1}, 1000);
  (void)rates.admit({&rate, 1}, 1000);
  EXPECT_TRUE(quotas.admit({&second, 1}, 1000).table_full);
  EXPECT_TRUE(quotas.check(second, 1000).table_full) << "It could not be counted later.";
  EXPECT_TRUE(rates.admit({&other, 1}, 1000).table_full);
  EXPECT_TRUE(rates.check(other, 1000).table_full);
  EXPECT_EQ(quotas.check(first, 1000).exceeded, QuotaVerdict::Exceeded::none);
  EXPECT_TRUE(rates.check(rate, 1000).admitted);
  EXPECT_EQ(quotas.table_full_total(), 2u);
  EXPECT_EQ(rates.table_full_total(), 2u);
}

TEST(Quotas, ManyThreadsAreAdmittedExactly) {
  Quotas quotas;
  const QuotaRule rule{{1, 1}, 777, 0, 0, 0};
  std::atomic<int> admitted{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) {
        admitted += quotas.admit({&rule, 1}, 5).exceeded == QuotaVerdict::Exceeded::none ? 1 : 0;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(admitted.load(), 777);
}

}  // namespace
}  // namespace mlgate::policy
