#include "analytics/recorder.h"
#include "base/json.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <random>
#include <sstream>
#include <thread>

namespace mlgate::analytics {
namespace {

UsageRecord sample() {
  UsageRecord record;
  record.start_ms = 1'700'000'000'123;
  record.correlation_id[0] = 0x0123456789ab4def;
  record.correlation_id[1] = 0x8edcba9876543210;
  record.service = 1;
  record.api = 2;
  record.operation = 3;
  record.subscription = 4;
  record.total_ns = 1'234'567;
  record.backend_ns = 1'000'000;
  record.request_bytes = 100;
  record.response_bytes = 2000;
  record.response_code = 200;
  record.backend_response_code = 200;
  record.method = "GET";
  record.scheme = "https";
  record.authority = "localhost:8443";
  record.path = "/echo/resource";
  record.query = "a=1&subscription-key=secret&b=%20";
  record.key_query_name = "subscription-key";
  record.caller_address = "10.0.0.9";
  record.client_protocol = "HTTP/1.1";
  record.api_name = "echo-api";
  record.backend_url = "http://localhost:8082";
  record.backend_target = "/echo/resource?subscription%2Dkey=secret";
  return record;
}

std::string temp_file(std::string_view name) {
  return testing::TempDir() + std::string(name) + std::to_string(::getpid());
}

std::string read_file(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

TEST(AccessLog, LinesAreJsonWithTheDocumentedNamesAndWithoutTheKey) {
  AccessLogFormat format;
  std::string line;
  format.append(line, sample());
  ASSERT_TRUE(line.ends_with("}\n"));
  const auto json = Json::parse(line);
  ASSERT_TRUE(json) << line;
  EXPECT_EQ((*json)["timestamp"].as_string(), "2023-11-14T22:13:20.123Z");
  EXPECT_EQ((*json)["isRequestSuccess"].as_bool(), true);
  EXPECT_EQ((*json)["correlationId"].as_string(), "01234567-89ab-4def-8edc-ba9876543210");
  EXPECT_EQ((*json)["url"].as_string(),
            "https://localhost:8443/echo/resource?a=1&subscription-key=&b=%20");
  EXPECT_EQ((*json)["backendUrl"].as_string(),
            "http://localhost:8082/echo/resource?subscription%2Dkey=");
  EXPECT_EQ((*json)["totalTime"].number_text(), "1.234");
  EXPECT_EQ((*json)["responseSize"].as_int(), 2000);
  EXPECT_EQ((*json)["apiId"].as_string(), "echo-api");
  EXPECT_EQ(line.find("secret"), std::string::npos);
  EXPECT_TRUE((*json)["productId"].is_null());
}

TEST(AccessLog, TextOfCallersIsEscaped) {
  AccessLogFormat format;
  auto record = sample();
  record.path = "/a\"b\\\n\xFF";
  record.error_source = "rate-limit";
  record.error_reason = "RateLimitExceeded";
  std::string line;
  format.append(line, record);
  const auto json = Json::parse(line);
  ASSERT_TRUE(json) << line;
  EXPECT_EQ((*json)["lastError"]["reason"].as_string(), "RateLimitExceeded");
  EXPECT_EQ(line.find('\n'), line.size() - 1);
}

TEST(Ring, RecordsOfAnySizeComeOutInOrderAcrossTheEdge) {
  ByteRing ring(4096);
  std::mt19937 random(7);
  std::uint32_t in = 0, out = 0;
  for (int i = 0; i < 100'000; ++i) {
    if (random() % 2) {
      const auto room = ring.reserve(4 + random() % 600);
      if (room.empty()) continue;
      std::memcpy(room.data(), &in, 4);
      std::memset(room.data() + 4, int(in & 0xFF), room.size() - 4);
      ++in;
      ring.commit();
    } else if (const auto front = ring.next(); !front.empty()) {
      std::uint32_t number = 0;
      std::memcpy(&number, front.data(), 4);
      ASSERT_EQ(number, out);
      ASSERT_EQ(std::uint8_t(front.back()),
                front.size() > 4 ? out & 0xFF : std::uint8_t(front.back()));
      ++out;
      ring.release();
    }
  }
  EXPECT_GT(out, 10'000u);
  EXPECT_TRUE(ring.reserve(4000).empty());
}

TEST(Ring, WhatWasReadKeepsItsRoomUntilItIsReleased) {
  ByteRing ring(4096);
  const auto put = [&](char text) {
    const auto room = ring.reserve(1000);
    if (room.empty()) return false;
    std::ranges::fill(room, text);
    ring.commit();
    return true;
  };
  ASSERT_TRUE(put('a') && put('b') && put('c') && put('d'));
  const auto a = ring.next(), b = ring.next();
  EXPECT_FALSE(put('e'));
  EXPECT_EQ(std::ranges::count(a, 'a'), 1000);
  EXPECT_EQ(std::ranges::count(b, 'b'), 1000);
  ring.release();
  ASSERT_TRUE(put('e') && put('f'));
  EXPECT_FALSE(put('g'));
  for (const char wanted : std::string("cdef")) EXPECT_EQ(ring.next().front(), wanted);
  EXPECT_TRUE(ring.next().empty());
}

TEST(Recorder, EveryRecordOfEveryWorkerIsCountedAndLogged) {
  const auto path = temp_file("access");
  auto recorder = Recorder::start({.access_log_path = path, .workers = 3});
  ASSERT_TRUE(recorder) << recorder.error().message();
  std::vector<std::thread> workers;
  for (std::size_t w = 0; w < 3; ++w) {
    workers.emplace_back([&, w] {
      for (int i = 0; i < 2000; ++i) {
        auto record = sample();
        record.api = w;
        while (!(*recorder)->sink(w).record(record)) std::this_thread::yield();
      }
    });
  }
  for (auto& worker : workers) worker.join();
  (*recorder)->flush();
  EXPECT_EQ((*recorder)->usage().rollups().sum(1, 0, INT64_MAX).calls, 6000u);
  const auto text = read_file(path);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 6000);
  (*recorder)->stop();
  ::unlink(path.c_str());
}

TEST(Recorder, WhatAFullRingRefusesIsCounted) {
  auto recorder = Recorder::start({.workers = 1, .ring_bytes = 4096});
  ASSERT_TRUE(recorder);
  (*recorder)->stop();
  int taken = 0;
  while ((*recorder)->sink(0).record(sample())) ++taken;
  EXPECT_GT(taken, 2);
  EXPECT_EQ((*recorder)->dropped_total(), 1u);
}

TEST(Recorder, ALogThatCannotBeOpenedIsAnError) {
  const auto recorder = Recorder::start({.access_log_path = "/nonexistent/dir/access.log"});
  ASSERT_FALSE(recorder);
  EXPECT_NE(recorder.error().message().find("/nonexistent/dir/access.log"), std::string::npos);
}

TEST(Recorder, ARotatedLogGoesOnInANewFile) {
  const auto path = temp_file("rotated");
  auto recorder = Recorder::start({.access_log_path = path, .workers = 1});
  ASSERT_TRUE(recorder);
  (*recorder)->sink(0).record(sample());
  (*recorder)->flush();
  ::rename(path.c_str(), (path + ".1").c_str());
  (*recorder)->reopen();
  (*recorder)->flush();
  (*recorder)->sink(0).record(sample());
  (*recorder)->stop();
  EXPECT_FALSE(read_file(path).empty());
  EXPECT_FALSE(read_file(path + ".1").empty());
  ::unlink(path.c_str());
  ::unlink((path + ".1").c_str());
}

}  // namespace
}  // namespace mlgate::analytics
