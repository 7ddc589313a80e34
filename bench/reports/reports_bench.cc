// What bench/reports/run needs of our own code: fills the usage of a server that is stopped with
// calls of the last weeks, and measures what recording a call costs the worker that served it.
//   reports_bench fill FOLDER CALLS DAYS     FOLDER has had one call, whose instance they are
//   counted for reports_bench record FOLDER ROUNDS       prints the nanoseconds of CPU per call of
//   each round
#include "analytics/recorder.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>
#include <string>

namespace mlgate::analytics {
namespace {

constexpr std::uint64_t kApis = 20, kOperations = 5, kSubscriptions = 200, kUsers = 100;

struct Names {
  std::string api, operation, product, subscription, user;
};

void name_entities(UsageRecord& record, Names& names) {
  names = {"api" + std::to_string(record.api), "operation" + std::to_string(record.operation),
           "product" + std::to_string(record.product),
           "subscription" + std::to_string(record.subscription),
           "user" + std::to_string(record.user)};
  record.api_name = names.api;
  record.operation_name = names.operation;
  record.product_name = names.product;
  record.subscription_name = names.subscription;
  record.user_name = names.user;
}

// Few callers make most of the calls.
std::uint64_t skewed(std::mt19937_64& random, std::uint64_t count) {
  const double share = std::uniform_real_distribution<double>(0, 1)(random);
  return std::uint64_t(double(count) * share * share * share);
}

UsageRecord random_call(std::mt19937_64& random, std::uint64_t service, TimeMs at) {
  constexpr std::uint16_t kStatuses[] = {200, 200, 200, 200, 200, 200, 401, 404, 429, 500};
  constexpr std::uint64_t kFirst = 1'000'000'000;  // No entity of the store has such a number.
  UsageRecord record;
  record.start_ms = at;
  record.service = service;
  record.api = kFirst + skewed(random, kApis);
  record.operation = kFirst + 1'000 + (record.api - kFirst) * kOperations + random() % kOperations;
  record.subscription = kFirst + 2'000 + skewed(random, kSubscriptions);
  record.user = kFirst + 3'000 + record.subscription % kUsers;
  record.product = kFirst + 4'000 + record.subscription % 4;
  record.response_code = kStatuses[random() % 10];
  record.backend_response_code = record.response_code == 200 ? 200 : 0;
  record.total_ns = std::int64_t(200'000 + random() % 20'000'000);
  record.backend_ns = record.total_ns / 2;
  record.request_bytes = random() % 2'000;
  record.response_bytes = random() % 20'000;
  record.correlation_id[0] = random();
  record.correlation_id[1] = random();
  record.method = "POST";
  record.scheme = "https";
  record.authority = "localhost:8443";
  record.path = "/demo/workspaces/abc/services/def/execute";
  record.query = "api-version=2.0&details=true";
  record.caller_address = "192.0.2.17";
  return record;
}

int fill(const std::string& folder, std::uint64_t calls, std::uint64_t days) {
  auto rollups = UsageRollups::open({.folder = folder});
  auto requests = RequestLog::open({.folder = folder + "/requests"});
  if (!rollups || !requests) return 1;
  const TimeMs now = system_clock().now_ms();
  std::uint64_t service = 0;
  (*rollups)->visit({.from_ms = 0, .to_ms = now + 1},
                    [&](TimeMs, const UsageKey& key, const Usage&) { service = key.service; });
  const TimeMs length = TimeMs(days) * kDayMs;
  std::mt19937_64 random(1);
  Names names;
  TimeMs saved = 0;
  for (std::uint64_t i = 0; i < calls; ++i) {
    const TimeMs at = now - length + TimeMs(double(length) * double(i) / double(calls));
    UsageRecord record = random_call(random, service, at);
    name_entities(record, names);
    (*rollups)->add(record);
    (*requests)->add(record);
    if (i % 4'096 == 0) (*requests)->save(at);
    if (at - saved < kQuarterMs) continue;
    (*rollups)->save(at);
    saved = at;
  }
  (*requests)->save(now);
  (*rollups)->save(now);
  std::printf("%llu bytes of counts, %llu bytes of requests\n",
              static_cast<unsigned long long>((*rollups)->bytes_on_disk()),
              static_cast<unsigned long long>((*requests)->bytes_on_disk()));
  return (*requests)->dropped_total() == 0 && service != 0 ? 0 : 1;
}

std::int64_t thread_cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

int record(const std::string& folder, int rounds) {
  auto recorder = Recorder::start({.workers = 1, .usage = {.folder = folder}});
  if (!recorder) return 1;
  std::mt19937_64 random(1);
  std::vector<UsageRecord> calls;
  for (int i = 0; i < 1'000; ++i) calls.push_back(random_call(random, 1, system_clock().now_ms()));
  UsageSink& sink = (*recorder)->sink(0);
  for (int round = 0; round < rounds; ++round) {
    std::int64_t spent = 0;
    constexpr int kTurns = 200;
    for (int turn = 0; turn < kTurns; ++turn) {
      const std::int64_t begun = thread_cpu_ns();
      for (const UsageRecord& call : calls) (void)sink.record(call);
      spent += thread_cpu_ns() - begun;
      (*recorder)->flush();
    }
    std::printf("%.1f\n", double(spent) / (kTurns * double(calls.size())));
  }
  return (*recorder)->dropped_total() == 0 ? 0 : 1;
}

}  // namespace
}  // namespace mlgate::analytics

int main(int argc, char** argv) {
  using namespace mlgate::analytics;
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "fill" && argc == 5)
    return fill(argv[2], std::strtoull(argv[3], nullptr, 10), std::strtoull(argv[4], nullptr, 10));
  if (what == "record" && argc == 4) return record(argv[2], std::atoi(argv[3]));
  std::fprintf(stderr, "reports_bench fill FOLDER CALLS DAYS | record FOLDER ROUNDS\n");
  return 2;
}
