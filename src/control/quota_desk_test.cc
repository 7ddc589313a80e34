// Counters of quotas by name, on a snapshot that the control side has compiled.
#include "control/quota_desk.h"

#include "control/control.h"
#include "control/quota_checkpoint.h"

#include <gtest/gtest.h>

namespace mlgate::control {
namespace {

class FixedClock final : public Clock {
 public:
  TimeMs now_ms() const noexcept override { return now; }
  std::int64_t steady_ns() const noexcept override { return now * 1'000'000; }
  TimeMs now = 1'700'000'000'000;  // 2023-11-14T22:13:20Z
};

class Desk : public testing::Test {
 protected:
  Desk()
      : control_({}, limits_, publisher_),
        checkpoint_(limits_.quotas, clock_,
                    [this](const std::vector<CheckpointDocument>&) -> Result<void> {
                      if (store_away) return fail(Errc::unavailable, "the store is away");
                      ++written;
                      return {};
                    }),
        desk_(control_, limits_.quotas, checkpoint_, clock_) {
    model_.service.number = 1;
    model_.service.name = "demo";
    apim::Api api;
    api.number = 10;
    api.name = "echo";
    api.display_name = "Echo API";
    api.path = "echo";
    model_.apis.push_back(api);
    apim::Product product;
    product.number = 20;
    product.name = "starter";
    model_.products.push_back(product);
    apim::Subscription subscription;
    subscription.number = 30;
    subscription.name = "Sid";
    subscription.scope = {apim::ScopeKind::product, "starter"};
    subscription.state = apim::SubscriptionState::active;
    subscription.start_ms = clock_.now - 90'000;
    model_.subscriptions.push_back(subscription);
    apim::Policy policy;
    policy.number = policy.version = 40;
    policy.scope = {apim::PolicyScopeKind::product, "starter", ""};
    policy.text =
        R"(<policies><inbound><quota calls="9" renewal-period="60">
             <api name="Echo API" bandwidth="5" renewal-period="0" />
             <api id="other" calls="5" renewal-period="60" /></quota>
           <quota-by-key calls="3" renewal-period="300" counter-key="k" /></inbound></policies>)";
    model_.policies.push_back(policy);
    EXPECT_TRUE(control_.update(model_).empty());
  }

  apim::ServiceModel model_;
  FixedClock clock_;
  policy::Limits limits_;
  gateway::Publisher publisher_;
  Control control_;
  bool store_away = false;
  std::size_t written = 0;
  QuotaCheckpoint checkpoint_;
  QuotaDesk desk_;
};

TEST_F(Desk, ASubscriptionHasTheQuotasOfItsProductEvenBeforeTheyCounted) {
  const auto all = desk_.find(1, "sid");
  ASSERT_EQ(all.size(), 1U);
  // Windows of a minute since the subscription's start.
  EXPECT_EQ(all[0].period_key(), "2023-11-14T22:12:50Z_60");
  EXPECT_EQ(all[0].state.calls, 0);
  const auto api = desk_.find(1, "SID/apis/ECHO");
  ASSERT_EQ(api.size(), 1U);
  EXPECT_EQ(api[0].period_key(), "infinite");
  for (const char* none :
       {"sid/apis/other", "sid/apis/echo/operations/x", "nobody", "sid/echo", ""})
    EXPECT_TRUE(desk_.find(1, none).empty()) << none;
  EXPECT_TRUE(desk_.find(2, "sid").empty());
}

TEST_F(Desk, WhatIsSetIsCountedOnAndWritten) {
  const auto set = desk_.set(1, "sid", "2023-11-14T22:12:50Z_60", {.calls = 9, .bytes = {}});
  ASSERT_TRUE(set.has_value());
  ASSERT_EQ(set->size(), 1U);
  EXPECT_EQ(written, 1U);
  policy::QuotaRule rule = set->front().rule;
  rule.calls = 9;
  EXPECT_EQ(limits_.quotas.admit({&rule, 1}, clock_.now).exceeded,
            policy::QuotaVerdict::Exceeded::calls);
  ASSERT_TRUE(desk_.set(1, "sid", {}, {.calls = 8, .bytes = 2048}).has_value());
  EXPECT_EQ(limits_.quotas.admit({&rule, 1}, clock_.now).exceeded,
            policy::QuotaVerdict::Exceeded::none);
  EXPECT_EQ(desk_.find(1, "sid")[0].state.calls, 9);
  EXPECT_EQ(desk_.find(1, "sid")[0].state.bytes, 2048);
  // The next window begins empty.
  clock_.now += 60'000;
  EXPECT_EQ(desk_.find(1, "sid")[0].state.calls, 0);
  EXPECT_TRUE(desk_.find(1, "sid", "2023-11-14T22:12:50Z_60").empty());
}

TEST_F(Desk, AKeyIsACounterOnceItHasCounted) {
  EXPECT_TRUE(desk_.find(1, "k").empty());
  const auto kind = policy::mix_numbers(
      policy::hash_text("quota-by-key"),
      policy::mix_numbers(300, std::uint64_t(*parse_iso8601("0001-01-01T00:00:00Z"))));
  const policy::QuotaRule rule{.key = limits_.counter_of_key("k", 1, kind),
                               .calls = 3,
                               .period_s = 300,
                               .start_ms = *parse_iso8601("0001-01-01T00:00:00Z")};
  (void)limits_.quotas.admit({&rule, 1}, clock_.now);
  ASSERT_EQ(desk_.find(1, "k").size(), 1U);
  EXPECT_EQ(desk_.find(1, "k")[0].state.calls, 1);
  EXPECT_EQ(desk_.find(1, "k")[0].period_key(), "2023-11-14T22:10:00Z_300");
}

TEST_F(Desk, AChangeThatCannotBeKeptIsNoSuccess) {
  store_away = true;
  const auto set = desk_.set(1, "sid", {}, {.calls = 1, .bytes = {}});
  ASSERT_FALSE(set.has_value());
  EXPECT_EQ(set.error().code(), Errc::unavailable);
}

}  // namespace
}  // namespace mlgate::control
