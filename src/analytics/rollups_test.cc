// Counted usage against a plain count of the same calls: in memory, in files, after a restart and
// after a process that ended anywhere.
#include "analytics/rollups.h"

#include "analytics/block_files_internal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>

namespace mlgate::analytics {
namespace {

namespace fs = std::filesystem;

constexpr TimeMs kStart = 1'700'000'000'000 / kDayMs * kDayMs;

struct Call {
  TimeMs at = 0;
  UsageKey key;
  int status = 200;
  std::int64_t total_ns = 0, backend_ns = 0;
  std::uint64_t bytes = 0;
};

UsageRecord record_of(const Call& call) {
  UsageRecord out;
  out.start_ms = call.at;
  out.service = call.key.service;
  out.api = call.key.api;
  out.operation = call.key.operation;
  out.product = call.key.product;
  out.subscription = call.key.subscription;
  out.user = call.key.user;
  out.response_code = std::uint16_t(call.status);
  out.backend_response_code = call.backend_ns > 0 ? 200 : 0;
  out.total_ns = call.total_ns;
  out.backend_ns = call.backend_ns;
  out.request_bytes = call.bytes;
  out.response_bytes = 2 * call.bytes;
  out.api_name = "api";
  return out;
}

Call random_call(std::mt19937_64& random, TimeMs at) {
  constexpr int kStatuses[] = {200, 200, 200, 201, 304, 400, 401, 404, 429, 500};
  Call out;
  out.at = at;
  out.key = {.service = 1 + random() % 2,
             .api = 10 + random() % 3,
             .operation = 100 + random() % 5,
             .product = random() % 2,
             .subscription = random() % 4,
             .user = random() % 3};
  out.status = kStatuses[random() % 10];
  out.total_ns = std::int64_t(1'000 + random() % 50'000'000);
  out.backend_ns = random() % 3 == 0 ? 0 : out.total_ns / 2 + 1;
  out.bytes = random() % 10'000;
  return out;
}

Usage plain_sum(const std::vector<Call>& calls, const std::function<bool(const Call&)>& wanted) {
  Usage out;
  for (const Call& call : calls)
    if (wanted(call)) out.add(record_of(call));
  return out;
}

Usage total_of(const UsageRollups& rollups, UsageQuestion question) {
  Usage out;
  question.latencies = true;
  rollups.visit(question, [&](TimeMs, const UsageKey&, const Usage& usage) { out.add(usage); });
  return out;
}

class RollupFiles : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) /
              ("rollups-" + std::to_string(::getpid()) + "-" +
               testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::unique_ptr<UsageRollups> open(RollupOptions options = {}) const {
    options.folder = folder_.string();
    auto out = UsageRollups::open(std::move(options));
    EXPECT_TRUE(out) << out.error().message();
    return out ? *std::move(out) : nullptr;
  }
  std::size_t files(std::string_view prefix) const {
    return std::size_t(std::ranges::count_if(fs::directory_iterator(folder_), [&](const auto& one) {
      return one.path().filename().string().starts_with(prefix);
    }));
  }
  fs::path folder_;
};

TEST(Classes, AreThoseOfTheStatus) {
  for (const int status : {100, 200, 204, 299, 300, 301, 304, 307})
    EXPECT_EQ(classify(status), ResponseClass::successful) << status;
  for (const int status : {401, 403, 429})
    EXPECT_EQ(classify(status), ResponseClass::blocked) << status;
  for (const int status : {400, 500, 503, 599})
    EXPECT_EQ(classify(status), ResponseClass::failed) << status;
  for (const int status : {0, 302, 303, 308, 402, 404, 405, 499})
    EXPECT_EQ(classify(status), ResponseClass::other) << status;
}

TEST(LatencyBuckets, AreOffByNoMoreThanASixteenth) {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> powers(10, 36.9);
  std::vector<std::int64_t> all;
  Latencies latencies;
  for (int i = 0; i < 20'000; ++i) {
    all.push_back(std::int64_t(std::exp2(powers(random))));
    latencies.add(all.back());
  }
  std::ranges::sort(all);
  for (const double share : {0.001, 0.01, 0.25, 0.5, 0.95, 0.99, 0.999, 1.0}) {
    const auto exact = double(all[std::size_t(std::ceil(share * double(all.size()))) - 1]);
    EXPECT_NEAR(double(latencies.quantile_ns(share)), exact, exact / 16) << share;
  }
  EXPECT_EQ(latencies.count(), all.size());
  EXPECT_EQ(Latencies().quantile_ns(0.5), 0);
}

TEST(LatencyBuckets, TakeAnyNumber) {
  Latencies latencies;
  for (const std::int64_t ns : {std::int64_t{-5}, std::int64_t{0}, INT64_MAX}) latencies.add(ns);
  EXPECT_EQ(latencies.count(), 3U);
  EXPECT_EQ(latencies.quantile_ns(0.1), 512);
  EXPECT_EQ(latencies.quantile_ns(1), std::int64_t{1} << 37);
}

TEST_F(RollupFiles, SaysWhatAPlainCountSays) {
  std::mt19937_64 random(20'231'114);
  std::vector<Call> calls;
  auto rollups = open();
  TimeMs now = kStart;
  // Three days with pauses, calls that end late, and restarts in between.
  for (int i = 0; i < 8'000; ++i) {
    now += TimeMs(random() % 40'000);
    if (random() % 700 == 0) now += 5 * kQuarterMs;
    const TimeMs late = random() % 50 == 0 ? TimeMs(random() % (2 * kDayMs)) : 0;
    calls.push_back(random_call(random, now - late));
    rollups->add(record_of(calls.back()));
    if (random() % 20 == 0) rollups->save(now);
    if (random() % 2'000 == 0) {
      rollups->save(now);
      rollups.reset();
      rollups = open();
    }
  }
  EXPECT_GT(files("quarters-"), 2U);
  EXPECT_GE(files("days-"), 1U);
  // Quarters are the finest that is asked for, so that old and new are told apart alike.
  for (int i = 0; i < 200; ++i) {
    const TimeMs from = floor_to(kStart - kDayMs, kQuarterMs) + TimeMs(random() % 400) * kQuarterMs;
    const TimeMs to = from + TimeMs(1 + random() % 200) * kQuarterMs;
    const std::uint64_t service = random() % 3;
    const Usage wanted = plain_sum(calls, [&](const Call& call) {
      return (service == 0 || call.key.service == service) && call.at >= from && call.at < to;
    });
    const UsageQuestion question{.service = service, .from_ms = from, .to_ms = to};
    EXPECT_EQ(total_of(*rollups, question), wanted) << i;
    UsageQuestion sums = question;
    sums.by_key = false;
    sums.step_ms = kQuarterMs;
    EXPECT_EQ(total_of(*rollups, sums), wanted) << i;
  }
}

TEST_F(RollupFiles, TellsKeysAndStepsApart) {
  std::mt19937_64 random(3);
  std::vector<Call> calls;
  auto rollups = open();
  for (TimeMs now = kStart; now < kStart + 2 * kDayMs; now += 311'000) {
    calls.push_back(random_call(random, now));
    rollups->add(record_of(calls.back()));
    rollups->save(now);
  }
  constexpr TimeMs kStep = 4 * kQuarterMs;
  std::map<std::pair<TimeMs, UsageKey>, Usage> wanted, seen;
  for (const Call& call : calls)
    if (call.key.service == 1) wanted[{floor_to(call.at, kStep), call.key}].add(record_of(call));
  rollups->visit({.service = 1,
                  .from_ms = kStart,
                  .to_ms = kStart + 2 * kDayMs,
                  .step_ms = kStep,
                  .latencies = true},
                 [&](TimeMs start, const UsageKey& key, const Usage& usage) {
                   seen[{floor_to(start, kStep), key}].add(usage);
                 });
  EXPECT_TRUE(seen == wanted);
}

TEST_F(RollupFiles, AMinuteThatAPeriodTouchesCountsWhole) {
  const auto rollups = open();
  for (const TimeMs at : {10 * kMinuteMs, 11 * kMinuteMs + 30'000, 12 * kMinuteMs})
    rollups->add(record_of({.at = kStart + at, .key = {.service = 1}}));
  const auto calls = [&](TimeMs from, TimeMs to) {
    return rollups->sum(1, kStart + from, kStart + to).calls;
  };
  for (int saved = 0; saved < 2; ++saved) {
    EXPECT_EQ(calls(11 * kMinuteMs, 12 * kMinuteMs), 1U);
    EXPECT_EQ(calls(11 * kMinuteMs + 59'000, 12 * kMinuteMs + 1), 2U);
    EXPECT_EQ(calls(13 * kMinuteMs, kDayMs), 0U);
    rollups->save(kStart);
    rollups->save(kStart + kDayMs);  // In minutes, quarters and days now.
  }
}

TEST_F(RollupFiles, WhatWasSavedSurvivesAnEndAtAnyWrite) {
  std::vector<Call> calls;
  std::mt19937_64 random(11);
  {
    const auto rollups = open();
    for (TimeMs now = kStart; now < kStart + 40 * kMinuteMs; now += 7'000) {
      calls.push_back(random_call(random, now));
      rollups->add(record_of(calls.back()));
      rollups->save(now);
    }
  }
  const Usage wanted = plain_sum(calls, [](const Call&) { return true; });
  const UsageQuestion all{.from_ms = 0, .to_ms = kStart + kDayMs};
  const fs::path good = folder_.string() + ".good";
  fs::remove_all(good);
  fs::copy(folder_, good);
  const auto restore = [&] {
    fs::remove_all(folder_);
    fs::copy(good, folder_);
  };
  // A seal that wrote its blocks and ended before the journal went: the blocks count once.
  std::string journal;
  for (const auto& one : fs::directory_iterator(folder_))
    if (one.path().filename().string().starts_with("journal-")) journal = one.path().string();
  ASSERT_FALSE(journal.empty());
  {
    const fs::path kept = journal + ".kept";
    fs::copy(journal, kept);
    open()->save(kStart + 40 * kMinuteMs);
    {
      const auto rollups = open();
      rollups->save(kStart + 40 * kMinuteMs);
      rollups->save(kStart + 2 * 60 * kMinuteMs);
    }
    EXPECT_FALSE(fs::exists(journal));
    fs::rename(kept, journal);
    EXPECT_EQ(total_of(*open(), all), wanted);
  }
  // A write that was cut off.
  for (int i = 0; i < 20; ++i) {
    restore();
    std::ofstream(journal, std::ios::app | std::ios::binary) << std::string(random() % 60, '\x7f');
    for (const auto& one : fs::directory_iterator(folder_))
      if (one.path().extension() == ".usage")
        std::ofstream(one.path(), std::ios::app | std::ios::binary)
            << std::string(random() % 90, '\x01');
    const auto rollups = open();
    EXPECT_EQ(total_of(*rollups, all), wanted);
    rollups->save(kStart + 41 * kMinuteMs);
    rollups->save(kStart + kDayMs);
    EXPECT_EQ(total_of(*rollups, all), wanted);
  }
  fs::remove_all(good);
}

TEST_F(RollupFiles, OldMinutesAndQuartersGoAndDaysStay) {
  const auto rollups = open({.minutes_ms = kDayMs, .quarters_ms = 3 * kDayMs});
  for (int day = 0; day < 6; ++day) {
    const TimeMs at = kStart + day * kDayMs + 5 * kMinuteMs;
    rollups->add(record_of({.at = at, .key = {.service = 1}}));
    rollups->save(at);
    rollups->save(at + 61'000);
  }
  rollups->save(kStart + 6 * kDayMs + 10 * kMinuteMs);
  EXPECT_LE(files("minutes-"), 1U);
  EXPECT_LE(files("quarters-"), 3U);
  EXPECT_EQ(rollups->sum(1, 0, kStart + 10 * kDayMs).calls, 6U);
  // What is left of the first day is the day.
  EXPECT_EQ(rollups->sum(1, kStart + kQuarterMs, kStart + 2 * kQuarterMs).calls, 1U);
}

TEST_F(RollupFiles, MemoryIsBoundedAndCountsStayExact) {
  const auto rollups = open({.cells_max = 100});
  for (std::uint64_t i = 0; i < 1'000; ++i)
    rollups->add(record_of({.at = kStart, .key = {.service = 1, .api = 2, .user = i + 1}}));
  EXPECT_EQ(rollups->sum(1, kStart, kStart + kMinuteMs).calls, 1'000U);
  EXPECT_EQ(rollups->merged_total(), 900U);
  EXPECT_EQ(rollups->lost_total(), 0U);
}

TEST_F(RollupFiles, NamesAreRememberedAcrossARestart) {
  {
    const auto rollups = open();
    UsageRecord record = record_of({.at = kStart, .key = {.service = 1, .api = 5, .operation = 6}});
    record.operation_name = "old";
    rollups->add(record);
    rollups->save(kStart);
    record.start_ms += kMinuteMs;
    record.operation_name = "new";
    rollups->add(record);
    rollups->save(kStart);
  }
  const auto names = open()->names();
  EXPECT_EQ(names.at(6), (UsageName{"new", 5}));
  EXPECT_EQ(names.at(5).name, "api");
}

TEST_F(RollupFiles, AFolderIsOneProcesssAlone) {
  const auto first = open();
  const auto second = UsageRollups::open({.folder = folder_.string()});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), Errc::conflict);
}

TEST_F(RollupFiles, DamageCostsTheBlockAndIsCounted) {
  auto rollups = open();
  rollups->add(record_of({.at = kStart, .key = {.service = 1}}));
  rollups->save(kStart);
  rollups->save(kStart + 61'000);
  for (const auto& one : fs::directory_iterator(folder_)) {
    if (one.path().extension() != ".usage") continue;
    std::fstream file(one.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(-1, std::ios::end);
    file.put('\x55');
  }
  EXPECT_EQ(rollups->sum(1, kStart, kStart + kMinuteMs).calls, 1U);  // The sums are whole.
  Usage cells = total_of(*rollups, {.service = 1, .from_ms = kStart, .to_ms = kStart + kDayMs});
  EXPECT_EQ(cells.counts.calls, 0U);
  EXPECT_EQ(rollups->failures_total(), 1U);
}

TEST(RollupsInMemory, CountWithoutAFolder) {
  UsageRollups rollups;
  rollups.add(record_of({.at = kStart, .key = {.service = 1}, .status = 429}));
  rollups.save(kStart + kDayMs);
  EXPECT_EQ(rollups.sum(1, kStart, kStart + 1).blocked, 1U);
  EXPECT_EQ(rollups.sum(2, kStart, kStart + 1).calls, 0U);
  EXPECT_EQ(rollups.added_total(), 1U);
}

}  // namespace
}  // namespace mlgate::analytics
