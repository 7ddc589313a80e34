#include "control/quota_checkpoint.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <map>
#include <random>

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
      ++writes_;
      bytes_ = 0;
      for (auto& document : documents) {
        bytes_ += document.body.size();
        kept_[document.key] = {document.key, document.body, std::uint64_t(writes_)};
      }
      written_.notify_all();
      return {};
    };
  }
  FixedClock clock_;
  std::mutex mutex_;
  std::condition_variable written_;
  std::vector<CheckpointDocument> kept() {
    const std::scoped_lock lock(mutex_);
    std::vector<CheckpointDocument> out;
    for (const auto& [key, document] : kept_) out.push_back(document);
    return out;
  }
  std::map<std::string, CheckpointDocument> kept_;
  std::size_t bytes_ = 0;  // Of the last write.
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
  ASSERT_TRUE(checkpoint.restore(kept()));
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
  EXPECT_FALSE(checkpoint.write_changes());
  broken_ = false;
  EXPECT_TRUE(checkpoint.write_changes());
  EXPECT_EQ(checkpoint.counts().failures, 2u);
  EXPECT_EQ(checkpoint.counts().writes, 1u);
  policy::Quotas after;
  ASSERT_TRUE(QuotaCheckpoint(after, clock_, writer()).restore(kept()));
  EXPECT_EQ(after.state({1, 1}).calls, 1);
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
  policy::Quotas after;
  ASSERT_TRUE(QuotaCheckpoint(after, clock_, writer()).restore(kept()));
  EXPECT_EQ(after.state({1, 1}).calls, 2);
}

// Random calls of many callers, and restarts in between: what is written at every turn is all that
// was counted.
TEST_F(Checkpoint, EveryTurnLeavesAllCountersBehind) {
  constexpr std::uint64_t kCallers = 20'000;
  std::mt19937_64 random(7);
  std::vector<std::int64_t> calls(kCallers);
  for (int process = 0; process < 8; ++process) {
    policy::Quotas quotas;
    QuotaCheckpoint checkpoint(quotas, clock_, writer());
    ASSERT_TRUE(checkpoint.restore(kept()));
    for (std::uint64_t i = 0; i < kCallers; ++i)
      ASSERT_EQ(quotas.state({i, 9}).calls, calls[i]) << "caller " << i << ", start " << process;
    for (int turn = 0; turn < 40; ++turn) {
      // Now and then all of them, as after a store that was away.
      const std::uint64_t count = turn == 3 ? kCallers : random() % 3'000;
      for (std::uint64_t i = 0; i < count; ++i) {
        const std::uint64_t caller = turn == 3 ? i : random() % kCallers;
        const policy::QuotaRule rule{{caller, 9}, 1'000'000, 0, 0, 0};
        (void)quotas.admit({&rule, 1}, clock_.now);
        ++calls[caller];
      }
      broken_ = random() % 5 == 0;
      const bool written = checkpoint.write_changes().has_value();
      EXPECT_EQ(written, !broken_ || count == 0);
    }
    broken_ = false;
    ASSERT_TRUE(checkpoint.write_changes());
  }
  EXPECT_LE(kept_.size(), 64u + 128u);
}

TEST_F(Checkpoint, ATurnWritesWhatChangedAndAShareOfTheRest) {
  constexpr std::size_t kCounters = 100'000, kCounterBytes = 48;
  policy::Quotas quotas;
  QuotaCheckpoint checkpoint(quotas, clock_, writer());
  const auto call = [&](std::uint64_t caller) {
    const policy::QuotaRule rule{{caller, 9}, 1'000'000, 0, 0, 0};
    (void)quotas.admit({&rule, 1}, clock_.now);
  };
  for (std::uint64_t i = 0; i < kCounters; ++i) call(i);
  ASSERT_TRUE(checkpoint.write_changes());
  EXPECT_GT(bytes_, kCounters * kCounterBytes);
  std::size_t most = 0, total = 0;
  for (std::uint64_t turn = 0; turn < 500; ++turn) {
    for (std::uint64_t i = 0; i < 100; ++i) call(turn * 100 + i);
    ASSERT_TRUE(checkpoint.write_changes());
    most = std::max(most, bytes_);
    total += bytes_;
  }
  // A delta is as large as a base at most, and the group of a base a little above the average.
  EXPECT_LT(most, 2 * kCounters / 64 * kCounterBytes * 3 / 2);
  EXPECT_LT(total / 500, kCounters / 64 * kCounterBytes);
}

TEST_F(Checkpoint, CountersOfEarlierProgramsAreReadAndReplaced) {
  kept_["quota/05"] = {"quota/05", R"({"counters":[["12","34",0,0,5,6],["13","34",0,20,5,6]]})", 3};
  policy::Quotas quotas;
  QuotaCheckpoint checkpoint(quotas, clock_, writer());
  ASSERT_TRUE(checkpoint.restore(kept()));
  EXPECT_EQ(quotas.state({12, 34}).calls, 5);
  EXPECT_EQ(quotas.state({12, 34}).bytes, 6);
  EXPECT_EQ(quotas.counters(), 1u) << "The window of the other is over.";
}

TEST_F(Checkpoint, WhatIsNoCheckpointIsRefused) {
  policy::Quotas quotas;
  QuotaCheckpoint checkpoint(quotas, clock_, writer());
  for (const auto* text :
       {"", "[", "quota 1\nshort", "quota 2\n", R"({"counters":[1]})",
        R"({"counters":[["a","1",0,0,0,0]]})", R"({"counters":[["1","1",0,0,0]]})"}) {
    EXPECT_FALSE(checkpoint.restore({{"quota/00", text, 1}})) << text;
  }
  EXPECT_TRUE(checkpoint.restore({{"quota/00", "{}", 1}, {"quota/01", "quota 1\n", 2}}));
}

}  // namespace
}  // namespace mlgate::control
