// What one call costs the worker (a copy into its ring) and the writer thread (counting and one
// line).
#include "analytics/access_log.h"
#include "analytics/counters.h"
#include "analytics/otlp.h"
#include "analytics/request_log.h"
#include "analytics/ring.h"
#include "analytics/rollups.h"
#include "analytics/series.h"

#include <benchmark/benchmark.h>

namespace mlgate::analytics {
namespace {

UsageRecord record_of_one_call() {
  UsageRecord record;
  record.start_ms = 1'700'000'000'123;
  record.service = record.api = record.operation = record.subscription = 1;
  record.total_ns = 1'234'567;
  record.response_code = record.backend_response_code = 200;
  record.method = "POST";
  record.scheme = "https";
  record.authority = "localhost:8443";
  record.path = "/azureml-demo/workspaces/abc/services/def/execute";
  record.query = "api-version=2.0&details=true";
  record.key_query_name = "subscription-key";
  record.caller_address = "10.0.0.9";
  record.client_protocol = "HTTP/1.1";
  record.service_name = "demo";
  record.api_name = "azureml-demo-api";
  record.api_revision = "1";
  record.operation_name = "rrs-execute";
  record.subscription_name = "starter-of-jane";
  record.backend_url = "http://127.0.0.1:9000";
  record.backend_target = "/workspaces/abc/services/def/execute?api-version=2.0&details=true";
  record.backend_method = "POST";
  record.backend_protocol = "HTTP/1.1";
  return record;
}

void format_line(benchmark::State& state) {
  AccessLogFormat format;
  const auto record = record_of_one_call();
  std::string out;
  for (auto _ : state) {
    format.append(out, record);
    if (out.size() > 65'536) out.clear();
  }
}

void count(benchmark::State& state) {
  UsageRollups rollups;
  const auto record = record_of_one_call();
  for (auto _ : state) rollups.add(record);
}

// The latest calls only: nothing takes the batches away.
void keep_request(benchmark::State& state) {
  RequestLog requests;
  const auto record = record_of_one_call();
  for (auto _ : state) requests.add(record);
}

void count_series(benchmark::State& state) {
  CallSeries series;
  auto record = record_of_one_call();
  for (auto _ : state) {
    record.api = (record.api + 1) % 64;
    series.add(record);
  }
}

// What a worker pays besides the copy into its ring.
void count_on_worker(benchmark::State& state) {
  WorkerCounters counters;
  const auto record = record_of_one_call();
  for (auto _ : state) {
    counters.started.add();
    counters.ended.add();
    counters.classes[std::size_t(classify(record.response_code))].add();
    counters.request_bytes.add(record.request_bytes);
    counters.response_bytes.add(record.response_bytes);
    benchmark::ClobberMemory();
  }
}

// Of sampled calls alone, and on the writer thread.
void spans_of_a_sampled_call(benchmark::State& state) {
  auto record = record_of_one_call();
  record.trace_id[0] = record.span_id = record.backend_span_id = 1;
  for (auto _ : state) benchmark::DoNotOptimize(encode_spans(record));
}

BENCHMARK(format_line);
BENCHMARK(spans_of_a_sampled_call);
BENCHMARK(count);
BENCHMARK(keep_request);
BENCHMARK(count_series);
BENCHMARK(count_on_worker);

}  // namespace
}  // namespace mlgate::analytics

BENCHMARK_MAIN();
