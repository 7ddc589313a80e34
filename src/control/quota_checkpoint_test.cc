#include "control/quota_checkpoint.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <map>

namespace mlgate::control {
namespace {

class FixedClock final : public Clock {
 public:
  TimeMs now_ms() const noexcept override { return now; }
  std::int64_t steady_ns() const noexcept override { return now * 1'000'000; }
  TimeMs now = 10'000;
};

class Checkpoint : public testing::Test {
 protected:
  QuotaCheckpoint::Write writer() {
    return [this](std::vector<CheckpointDocument> documents) -> Result<void> {
      const std::scoped_lock lock(mutex_);
      if (broken_) return fail(Errc::unavailable, "disk");
      for (auto& document : documents) kept_[document.key] = document.body;
      ++writes_;
      written_.notify_all();
      return {};
    };
  }
  FixedClock clock_;
  std::mutex mutex_;
  std::condition_variable written_;
  std::map<std::string, std::string> kept_;
  int writes_ = 0;
  bool broken_ = false;
};

TEST_F(Checkpoint, CountersComeBackAfterARestart) {
  const policy::QuotaRule rule{{~std::uint64_t{0}, 1ull << 63}, 2, 0, 3600, 0};
  const policy::QuotaRule over{{5, 6}, 2, 0, 5, 0};
  {
    policy::Quotas quotas;
    QuotaCheckpoint checkpoint(quotas, clock_, writer());
    (void)quotas.admit({&rule, 1}, clock_.now);
    (void)quotas.admit({&rule, 1}, clock_.now);
    (void)quotas.admit({&over, 1}, clock_.now);
    ASSERT_TRUE(checkpoint.write_changes());
    EXPECT_EQ(writes_, 1);
    ASSERT_TRUE(checkpoint.write_changes());
    EXPECT_EQ(writes_, 1) << "Nothing changed, nothing is written.";
  }
  clock_.now = 20'000;
  policy::Quotas quotas;
  QuotaCheckpoint checkpoint(quotas, clock_, writer());
  for (const auto& [key, body] : kept_) ASSERT_TRUE(checkpoint.restore(body)) << body;
  EXPECT_EQ(quotas.counters(), 1u) << "Windows that are over are not brought back.";
  EXPECT_EQ(quotas.admit({&rule, 1}, clock_.now).exceeded, policy::QuotaVerdict::Exceeded::calls);
}

TEST_F(Checkpoint, WhatCouldNotBeWrittenIsWrittenLater) {
  policy::Quotas quotas;
  QuotaCheckpoint checkpoint(quotas, clock_, writer());
  const policy::QuotaRule rule{{1, 1}, 2, 0, 0, 0};
  (void)quotas.admit({&rule, 1}, clock_.now);
  broken_ = true;
  EXPECT_FALSE(checkpoint.write_changes());
  broken_ = false;
  EXPECT_TRUE(checkpoint.write_changes());
  EXPECT_EQ(kept_.size(), 1u);
}

TEST_F(Checkpoint, TheThreadWritesAndStoppingWritesOnceMore) {
  policy::Quotas quotas;
  QuotaCheckpoint checkpoint(quotas, clock_, writer());
  const policy::QuotaRule rule{{1, 1}, 20, 0, 0, 0};
  (void)quotas.admit({&rule, 1}, clock_.now);
  checkpoint.start();
  {
    std::unique_lock lock(mutex_);
    written_.wait(lock, [&] { return writes_ >= 1; });
  }
  (void)quotas.admit({&rule, 1}, clock_.now);
  checkpoint.stop();
  EXPECT_NE(kept_.begin()->second.find(",2,0]"), std::string::npos) << kept_.begin()->second;
}

TEST_F(Checkpoint, WhatIsNoCheckpointIsRefused) {
  policy::Quotas quotas;
  QuotaCheckpoint checkpoint(quotas, clock_, writer());
  for (const auto* text : {"", "[", R"({"counters":[1]})", R"({"counters":[["a","1",0,0,0,0]]})",
                           R"({"counters":[["1","1",0,0,0]]})"}) {
    EXPECT_FALSE(checkpoint.restore(text)) << text;
  }
  EXPECT_TRUE(checkpoint.restore("{}"));
}

}  // namespace
}  // namespace mlgate::control
