// What is counted, written and sent about calls: series, the text for Prometheus, OTLP, the log
// file.
#include "analytics/exporter.h"
#include "analytics/log_file.h"
#include "analytics/otlp.h"
#include "analytics/prometheus.h"
#include "analytics/recorder.h"
#include "analytics/series.h"
#include "base/json.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <future>
#include <sstream>

namespace mlgate::analytics {
namespace {

UsageRecord call(std::uint64_t api, std::string_view name, std::uint16_t code) {
  UsageRecord record;
  record.start_ms = 1'700'000'000'000;
  record.service = 1;
  record.service_name = "demo";
  record.api = api;
  record.api_name = name;
  record.method = "GET";
  record.path = "/x";
  record.response_code = code;
  record.backend_response_code = code;
  record.backend_url = "http://backend";
  record.backend_method = "GET";
  record.total_ns = 3'000'000;
  record.backend_ns = 2'000'000;
  record.trace_id[0] = 0x0102030405060708;
  record.trace_id[1] = 0x1112131415161718;
  record.span_id = 0x2122232425262728;
  record.backend_span_id = 0x3132333435363738;
  record.sampled = true;
  return record;
}

std::string temp_file(std::string_view name) {
  return testing::TempDir() + std::string(name) + std::to_string(::getpid());
}

std::string content(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

TEST(Histogram, QuantilesLieInTheBucketOfTheirCalls) {
  Histogram values;
  EXPECT_EQ(values.quantile_ns(0.5), 0);
  for (int i = 0; i < 99; ++i) values.add(700'000);
  values.add(3'000'000'000);
  EXPECT_GT(values.quantile_ns(0.5), 500'000);
  EXPECT_LE(values.quantile_ns(0.5), 1'000'000);
  EXPECT_GT(values.quantile_ns(0.999), 2'500'000'000);
  values.add(60'000'000'000);
  EXPECT_EQ(values.quantile_ns(1.0), kDurationBoundsNs.back());
  EXPECT_EQ(values.count, 101u);
}

TEST(Series, CallsAreToldApartByApiAnswerAndReason) {
  CallSeries series;
  series.add(call(7, "echo", 200));
  series.add(call(7, "echo", 200));
  auto refused = call(7, "echo", 429);
  refused.backend_url = {};
  refused.backend_response_code = 0;
  refused.error_reason = "RateLimitExceeded";
  series.add(refused);
  const auto all = series.copy();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].response_code, 200);
  EXPECT_EQ(all[0].total.count, 2u);
  EXPECT_EQ(all[0].backend.count, 2u);
  EXPECT_EQ(all[0].gateway.sum_ns, 2'000'000);
  EXPECT_EQ(all[1].status, ResponseClass::blocked);
  EXPECT_EQ(all[1].backend.count, 0u);
  EXPECT_EQ(all[1].error_reason, "RateLimitExceeded");
}

TEST(Series, HowManyThereMayBeIsBounded) {
  CallSeries series(10);
  const std::string name = "api";
  for (std::uint64_t api = 1; api <= 1'000; ++api) {
    const std::string one = name + std::to_string(api);
    series.add(call(api, one, api % 2 ? 200 : 500));
  }
  EXPECT_LE(series.size(), 14u);
  EXPECT_EQ(series.overflowed_total(), 990u);
  std::uint64_t calls = 0, others = 0;
  for (const auto& one : series.copy()) {
    calls += one.total.count;
    if (one.api == kOverflow) others += one.total.count;
  }
  EXPECT_EQ(calls, 1'000u) << "No call is lost.";
  EXPECT_EQ(others, 990u);
}

TEST(PrometheusText, LabelsAreEscapedAndBucketsAreCumulative) {
  PrometheusText out;
  out.family("a_total", MetricType::counter, "Things.");
  out.sample({{"name", "a\"b\\c\nd"}}, std::uint64_t{3});
  Histogram values;
  values.add(200'000);
  values.add(400'000);
  values.add(60'000'000'000);
  out.family("b_seconds", MetricType::histogram, "Times.");
  out.histogram({{"x", "y"}}, values);
  const std::string& text = out.text();
  EXPECT_NE(text.find("a_total{name=\"a\\\"b\\\\c\\nd\"} 3\n"), std::string::npos) << text;
  EXPECT_NE(text.find("b_seconds_bucket{x=\"y\",le=\"0.00025\"} 1\n"), std::string::npos) << text;
  EXPECT_NE(text.find("b_seconds_bucket{x=\"y\",le=\"10\"} 2\n"), std::string::npos) << text;
  EXPECT_NE(text.find("b_seconds_bucket{x=\"y\",le=\"+Inf\"} 3\n"), std::string::npos) << text;
  EXPECT_NE(text.find("b_seconds_count{x=\"y\"} 3\n"), std::string::npos) << text;
}

TEST(AccessLog, AnErrorStandsTwiceAndATraceIsNamed) {
  AccessLogFormat format;
  auto record = call(1, "a", 429);
  record.error_source = "rate-limit";
  record.error_reason = "RateLimitExceeded";
  record.error_elapsed_ns = 1'500'000;
  std::string line;
  format.append(line, record);
  const auto json = Json::parse(line);
  ASSERT_TRUE(json) << line;
  EXPECT_EQ((*json)["lastError"]["elapsed"].number_text(), "1.500");
  ASSERT_EQ((*json)["errors"].items().size(), 1u);
  EXPECT_EQ((*json)["errors"].items()[0], (*json)["lastError"]);
  EXPECT_EQ((*json)["traceId"].as_string(), "01020304050607081112131415161718");
  EXPECT_EQ((*json)["spanId"].as_string(), "2122232425262728");
  EXPECT_EQ((*json)["cacheTime"].number_text(), "0.000");
}

TEST(LogFile, AFullDiskLosesWholeLinesAndIsForgottenWhenThereIsRoomAgain) {
  const auto path = temp_file("full");
  LogFile log({.path = path});
  ASSERT_TRUE(log.open());
  // A limit on the size of files stands for the end of the disk.
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{25, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  EXPECT_EQ(log.write("{\"a\":1}\n{\"b\":2}\n"), 0u);             // 16 bytes
  EXPECT_EQ(log.write("{\"c\":3}\n{\"d\":4}\n{\"e\":5}\n"), 2u);  // One and a bit fit.
  EXPECT_EQ(log.write("{\"f\":6}\n"), 1u);
  ::setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(log.write("{\"g\":7}\n"), 0u);
  EXPECT_EQ(content(path), "{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n{\"g\":7}\n");
  ::unlink(path.c_str());
}

TEST(LogFile, ItBeginsANewFileAtItsSizeAndKeepsSome) {
  const auto path = temp_file("sized");
  LogFile log({.path = path, .bytes_max = 10, .files_kept = 2});
  ASSERT_TRUE(log.open());
  for (const char* line : {"one 1\n", "two 2\n", "three\n", "four4\n"}) {
    EXPECT_EQ(log.write(line), 0u);
  }
  EXPECT_EQ(content(path), "four4\n");
  EXPECT_EQ(content(path + ".1"), "three\n");
  EXPECT_EQ(content(path + ".2"), "two 2\n");
  EXPECT_FALSE(std::ifstream(path + ".3").good());
  EXPECT_EQ(log.rotations(), 3u);
  for (const char* end : {"", ".1", ".2"}) ::unlink((path + end).c_str());
}

TEST(LogFile, TruncatingInPlaceLeavesNoHole) {
  const auto path = temp_file("truncated");
  LogFile log({.path = path});
  ASSERT_TRUE(log.open());
  EXPECT_EQ(log.write("before\n"), 0u);
  ASSERT_EQ(::truncate(path.c_str(), 0), 0);
  EXPECT_EQ(log.write("after\n"), 0u);
  EXPECT_EQ(content(path), "after\n");
  ::unlink(path.c_str());
}

TEST(Recorder, ADiskThatIsFullCostsLinesAndNothingElse) {
  auto recorder = Recorder::start({.access_log_path = "/dev/full", .workers = 1});
  ASSERT_TRUE(recorder) << recorder.error().message();
  for (int i = 0; i < 100; ++i) EXPECT_TRUE((*recorder)->sink(0).record(call(1, "a", 200)));
  (*recorder)->flush();
  EXPECT_EQ((*recorder)->lost_lines_total(), 100u);
  EXPECT_EQ((*recorder)->usage().rollups().sum(1, 0, INT64_MAX).calls, 100u);
  EXPECT_EQ((*recorder)->counters(0).ended.read(), 100u);
}

TEST(Recorder, WhatIsDroppedIsCountedAllTheSame) {
  auto recorder = Recorder::start({.workers = 1, .ring_bytes = 4096});
  ASSERT_TRUE(recorder);
  (*recorder)->stop();
  for (int i = 0; i < 50; ++i) (void)(*recorder)->sink(0).record(call(1, "a", 200));
  const WorkerCounters& counters = (*recorder)->counters(0);
  EXPECT_EQ(counters.ended.read(), 50u);
  EXPECT_EQ(counters.classes[std::size_t(ResponseClass::successful)].read(), 50u);
  EXPECT_GT(counters.dropped_records.read(), 0u);
}

// What a collector does, as far as a test needs it.
struct Collector {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::pair<std::string, std::string>> got;
  std::deque<int> answers;  // Statuses of the next ones; then 200. 0: no connection.

  Result<Pushed> take(std::string_view path, std::string body) {
    const std::scoped_lock lock(mutex);
    int status = 200;
    if (!answers.empty()) {
      status = answers.front();
      answers.pop_front();
    }
    got.emplace_back(path, std::move(body));
    changed.notify_all();
    if (status == 0) return fail(Errc::unavailable, "refused");
    return Pushed{.status = status};
  }
  bool wait_for(std::size_t count) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(20), [&] { return got.size() >= count; });
  }
};

ExporterOptions quick(Collector& collector) {
  ExporterOptions options;
  options.push = [&collector](std::string_view path, std::string body) {
    return collector.take(path, std::move(body));
  };
  options.batch_every = std::chrono::milliseconds(5);
  options.pause_first = std::chrono::milliseconds(1);
  options.pause_max = std::chrono::milliseconds(4);
  return options;
}

TEST(OtlpExporter, SpansThatTheCollectorCouldNotTakeAreSentAgain) {
  Collector collector;
  collector.answers = {0, 503, 429, 200};
  OtlpExporter exporter(quick(collector));
  exporter.offer(call(1, "a", 200));
  ASSERT_TRUE(collector.wait_for(4));
  exporter.stop();
  const auto counts = exporter.counts();
  EXPECT_EQ(counts.exported_spans, 1u);
  EXPECT_EQ(counts.dropped_spans, 0u);
  EXPECT_EQ(counts.failed_pushes, 3u);
  EXPECT_EQ(collector.got[0], collector.got[3]);
  EXPECT_EQ(collector.got[0].first, "/v1/traces");
  // Ids stand in the message in network order.
  EXPECT_NE(collector.got[0].second.find("\x01\x02\x03\x04\x05\x06\x07\x08\x11\x12"),
            std::string::npos);
}

TEST(OtlpExporter, WhatTheCollectorRefusesIsGivenUp) {
  Collector collector;
  collector.answers = {400};
  OtlpExporter exporter(quick(collector));
  exporter.offer(call(1, "a", 200));
  ASSERT_TRUE(collector.wait_for(1));
  exporter.stop();
  EXPECT_EQ(exporter.counts().dropped_spans, 1u);
  EXPECT_EQ(exporter.counts().queued_spans, 0u);
}

TEST(OtlpExporter, TheQueueIsBoundedAndStoppingDoesNotWaitForADeadCollector) {
  Collector collector;
  collector.answers.assign(1'000, 0);
  ExporterOptions options = quick(collector);
  options.queue_bytes_max = 4'096;
  options.pause_first = options.pause_max = std::chrono::hours(1);
  OtlpExporter exporter(std::move(options));
  for (int i = 0; i < 1'000; ++i) exporter.offer(call(1, "a", 200));
  const auto counts = exporter.counts();
  EXPECT_GT(counts.dropped_spans, 900u);
  EXPECT_EQ(counts.dropped_spans + counts.queued_spans, 1'000u);
  exporter.stop();
}

TEST(OtlpExporter, MetricsArePushedWithTheNamesOfTheDocuments) {
  Collector collector;
  ExporterOptions options = quick(collector);
  options.metrics_every = std::chrono::milliseconds(5);
  OtlpExporter exporter(std::move(options));
  CallSeries series;
  series.add(call(1, "echo-api", 200));
  exporter.set_series([&] { return series.copy(); });
  ASSERT_TRUE(collector.wait_for(1));
  exporter.stop();
  const auto& [path, body] = collector.got[0];
  EXPECT_EQ(path, "/v1/metrics");
  for (const char* name :
       {"mlgate.gateway", "Requests", "DurationInMs", "BackendDurationInMs", "ClientDurationInMs",
        "GatewayDurationInMs", "ResponseCodeCategory", "2xx", "Successful", "echo-api"}) {
    EXPECT_NE(body.find(name), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace mlgate::analytics
