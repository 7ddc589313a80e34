// The log of single calls against the calls themselves: filters, pages, restarts, damage, limits.
#include "analytics/request_log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>

namespace mlgate::analytics {
namespace {

namespace fs = std::filesystem;

constexpr TimeMs kStart = 1'700'000'000'000;

struct Call {
  TimeMs at = 0;
  UsageKey key;
  std::string path;
  std::uint64_t number = 0;
};

void add(RequestLog& log, const Call& call) {
  UsageRecord record;
  record.start_ms = call.at;
  record.service = call.key.service;
  record.api = call.key.api;
  record.user = call.key.user;
  record.correlation_id[0] = call.number;
  record.response_code = 200;
  record.backend_response_code = 201;
  record.cache = CacheUse::miss;
  record.request_bytes = 10;
  record.response_bytes = 20;
  record.total_ns = 3'000'000;
  record.backend_ns = 2'000'000;
  record.method = "GET";
  record.scheme = "https";
  record.authority = "localhost";
  record.path = call.path;
  record.query = "a=1&Subscription-Key=secret&b=2";
  record.key_query_name = "subscription-key";
  record.caller_address = "192.0.2.17";
  log.add(record);
}

class RequestFolder : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) /
              ("requests-" + std::to_string(::getpid()) + "-" +
               testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::unique_ptr<RequestLog> open(RequestLogOptions options = {}) const {
    options.folder = folder_.string();
    auto out = RequestLog::open(std::move(options));
    EXPECT_TRUE(out) << out.error().message();
    return out ? *std::move(out) : nullptr;
  }
  std::size_t segments() const {
    return std::size_t(std::ranges::count_if(fs::directory_iterator(folder_), [](const auto& one) {
      return one.path().extension() == ".rows";
    }));
  }
  fs::path folder_;
};

TEST_F(RequestFolder, ARowIsWhatTheCallWas) {
  RequestLog log;
  add(log, {.at = kStart, .key = {.service = 1, .api = 2, .user = 3}, .path = "/a", .number = 9});
  const RequestPage page = log.read({.service = 1, .from_ms = kStart, .to_ms = kStart + 1});
  ASSERT_EQ(page.rows.size(), 1U);
  const RequestRow& row = page.rows[0];
  EXPECT_EQ(row.key, (UsageKey{.service = 1, .api = 2, .user = 3}));
  EXPECT_EQ(row.url, "https://localhost/a?a=1&Subscription-Key=&b=2");
  EXPECT_EQ(row.method, "GET");
  EXPECT_EQ(row.address, "192.0.2.17");
  EXPECT_EQ(row.request_id[0], 9U);
  EXPECT_EQ(row.response_code, 200);
  EXPECT_EQ(row.backend_response_code, 201);
  EXPECT_EQ(row.cache, CacheUse::miss);
  EXPECT_EQ(row.request_bytes, 10U);
  EXPECT_EQ(row.response_bytes, 20U);
  EXPECT_EQ(row.total_ns, 3'000'000);
  EXPECT_EQ(row.backend_ns, 2'000'000);
}

TEST_F(RequestFolder, AddressesCanBeShortenedOrLeftOut) {
  const auto address = [](AddressDetail detail, std::string_view peer) {
    RequestLog log({.addresses = detail});
    UsageRecord record;
    record.start_ms = kStart;
    record.caller_address = peer;
    log.add(record);
    return log.read({.from_ms = 0, .to_ms = kStart + 1}).rows.at(0).address;
  };
  EXPECT_EQ(address(AddressDetail::full, "2001:db8:1:2::3"), "2001:db8:1:2::3");
  EXPECT_EQ(address(AddressDetail::network, "192.0.2.17"), "192.0.2.0");
  EXPECT_EQ(address(AddressDetail::network, "2001:db8:1:2::3"), "2001:db8:1::");
  EXPECT_EQ(address(AddressDetail::network, "2001:db8::3"), "2001:db8::");
  EXPECT_EQ(address(AddressDetail::network, "::1"), "::");
  EXPECT_EQ(address(AddressDetail::none, "192.0.2.17"), "");
}

TEST_F(RequestFolder, SaysWhatThePlainListSays) {
  std::mt19937_64 random(5);
  std::vector<Call> calls;
  auto log = open({.segment_bytes = 20'000, .block_rows = 100});
  for (std::uint64_t i = 0; i < 5'000; ++i) {
    calls.push_back(
        {.at = kStart + TimeMs(i) * 100 + TimeMs(random() % 5'000),
         .key = {.service = 1 + random() % 2, .api = random() % 5, .user = random() % 9},
         .path = "/" + std::to_string(random() % 50),
         .number = i + 1});
    add(*log, calls.back());
    if (random() % 40 == 0) log->save(calls.back().at);
    if (random() % 1'000 == 0) {
      log->save(calls.back().at);
      log.reset();
      log = open({.segment_bytes = 20'000, .block_rows = 100});
    }
  }
  EXPECT_GT(segments(), 3U);
  for (int i = 0; i < 100; ++i) {
    const TimeMs from = kStart + TimeMs(random() % 500'000), to = from + TimeMs(random() % 300'000);
    const std::uint64_t api = random() % 6;
    const std::uint64_t skip = random() % 300;
    std::vector<std::uint64_t> wanted;
    for (auto call = calls.rbegin(); call != calls.rend(); ++call)
      if (call->key.service == 1 && call->at >= from && call->at < to &&
          (api == 5 || call->key.api == api))
        wanted.push_back(call->number);
    const RequestPage page =
        log->read({.service = 1,
                   .from_ms = from,
                   .to_ms = to,
                   .wanted = [&](const UsageKey& key) { return api == 5 || key.api == api; },
                   .skip = skip,
                   .top = 50});
    EXPECT_EQ(page.count, wanted.size());
    std::vector<std::uint64_t> seen;
    for (const RequestRow& row : page.rows) seen.push_back(row.request_id[0]);
    wanted.erase(wanted.begin(),
                 wanted.begin() + std::ptrdiff_t(std::min<std::size_t>(skip, wanted.size())));
    wanted.resize(std::min<std::size_t>(wanted.size(), 50));
    EXPECT_EQ(seen, wanted) << i;
  }
  EXPECT_EQ(log->failures_total(), 0U);
  EXPECT_EQ(log->dropped_total(), 0U);
}

TEST_F(RequestFolder, WhatWasSavedSurvivesCutsAndCountsOnce) {
  std::mt19937_64 random(6);
  for (int turn = 0; turn < 10; ++turn) {
    fs::remove_all(folder_);
    std::string tail;
    {
      const auto log = open({.block_rows = 10});
      for (std::uint64_t i = 0; i < 27; ++i) {
        add(*log, {.at = kStart + TimeMs(i), .key = {.service = 1}, .number = i + 1});
        if (i == 25) {
          // The rows of the third block while they were in the tail only.
          std::ifstream in(folder_ / "tail", std::ios::binary);
          tail.assign(std::istreambuf_iterator<char>(in), {});
        }
        log->save(kStart);
      }
    }
    // An end between the block and the emptying of the tail, and torn writes behind both.
    std::ofstream(folder_ / "tail", std::ios::binary | std::ios::app)
        << std::string(random() % 30, '\x11');
    for (const auto& one : fs::directory_iterator(folder_))
      if (one.path().extension() == ".rows")
        std::ofstream(one.path(), std::ios::binary | std::ios::app)
            << std::string(random() % 100, '\x22');
    const auto log = open({.block_rows = 10});
    EXPECT_EQ(log->read({.from_ms = 0, .to_ms = kStart + 100}).count, 27U);
    add(*log, {.at = kStart + 50, .key = {.service = 1}, .number = 28});
    log->save(kStart);
    EXPECT_EQ(open({.block_rows = 10}) != nullptr, true);
  }
}

TEST_F(RequestFolder, TheTailDoesNotCountWhatABlockHas) {
  std::string tail;
  {
    const auto log = open({.block_rows = 10});
    for (std::uint64_t i = 0; i < 9; ++i) add(*log, {.at = kStart, .key = {.service = 1}});
    log->save(kStart);
    std::ifstream in(folder_ / "tail", std::ios::binary);
    tail.assign(std::istreambuf_iterator<char>(in), {});
    add(*log, {.at = kStart, .key = {.service = 1}});
    log->save(kStart);
  }
  ASSERT_FALSE(tail.empty());
  EXPECT_EQ(fs::file_size(folder_ / "tail"), 0U);
  std::ofstream(folder_ / "tail", std::ios::binary) << tail;
  EXPECT_EQ(open()->read({.from_ms = 0, .to_ms = kStart + 1}).count, 10U);
}

TEST_F(RequestFolder, TheOldestGoFirstAndAreCounted) {
  const auto log = open({.bytes_max = 30'000, .segment_bytes = 5'000, .block_rows = 50});
  std::mt19937_64 random(1);
  for (std::uint64_t i = 0; i < 5'000; ++i) {
    add(*log, {.at = kStart + TimeMs(i),
               .key = {.service = 1},
               .path = std::to_string(random()),
               .number = i + 1});
    if (i % 50 == 0) log->save(kStart + TimeMs(i));
  }
  log->save(kStart + 5'000);
  EXPECT_LE(log->bytes_on_disk(), 30'000U);
  EXPECT_GT(log->forgotten_total(), 1'000U);
  const RequestPage page = log->read({.from_ms = 0, .to_ms = kStart + 5'000, .top = 1});
  EXPECT_EQ(page.count + log->forgotten_total(), 5'000U);
  EXPECT_EQ(page.rows.at(0).request_id[0], 5'000U);
  // A month later all is too old.
  log->save(kStart + 31 * kDayMs);
  log->save(kStart + 31 * kDayMs + 1);
  EXPECT_EQ(log->read({.from_ms = 0, .to_ms = kStart + 5'000}).count, 0U);
}

TEST_F(RequestFolder, ADiskThatTakesNothingCostsTheOldestRows) {
  const auto log = open({.block_rows = 10});
  for (std::uint64_t i = 0; i < 200; ++i) add(*log, {.at = kStart, .key = {.service = 1}});
  EXPECT_EQ(log->dropped_total(), 120U);
  EXPECT_EQ(log->read({.from_ms = 0, .to_ms = kStart + 1}).count, 80U);
}

TEST_F(RequestFolder, DamageCostsTheBlockAndIsCounted) {
  {
    const auto log = open({.block_rows = 10});
    for (std::uint64_t i = 0; i < 20; ++i) add(*log, {.at = kStart, .key = {.service = 1}});
    log->save(kStart);
  }
  for (const auto& one : fs::directory_iterator(folder_)) {
    if (one.path().extension() != ".rows") continue;
    std::fstream file(one.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(-3, std::ios::end);
    file.put('\x55');
  }
  const auto log = open({.block_rows = 10});
  const RequestPage page = log->read({.from_ms = 0, .to_ms = kStart + 1});
  EXPECT_EQ(page.rows.size(), 10U);
  EXPECT_EQ(log->failures_total(), 1U);
}

}  // namespace
}  // namespace mlgate::analytics
