// One check of a limit has a budget of 150 ns.
#include "policy/limits.h"

#include <benchmark/benchmark.h>

namespace mlgate::policy {
namespace {

void rate_limit(benchmark::State& state) {
  RateLimits limits;
  std::uint64_t caller = 0;
  std::int64_t now_ns = 0;
  const auto calls = std::uint32_t(state.range(0));
  for (auto _ : state) {
    const RateRule rule{{caller++ % 1000, 1}, calls, 1'000'000'000};
    benchmark::DoNotOptimize(limits.admit({&rule, 1}, now_ns += 10'000));
  }
}

void rate_limit_shared(benchmark::State& state) {
  static RateLimits limits;
  std::uint64_t caller = std::uint64_t(state.thread_index());
  std::int64_t now_ns = 0;
  for (auto _ : state) {
    const RateRule rule{{caller++ % 1000, 1}, 100, 1'000'000'000};
    benchmark::DoNotOptimize(limits.admit({&rule, 1}, now_ns += 10'000));
  }
}

void quota(benchmark::State& state) {
  Quotas quotas;
  std::uint64_t caller = 0;
  for (auto _ : state) {
    const QuotaRule rule{{caller++ % 1000, 1}, 1'000'000'000'000, 0, 3600, 0};
    benchmark::DoNotOptimize(quotas.admit({&rule, 1}, 5));
  }
}

BENCHMARK(rate_limit)->Arg(10)->Arg(1000)->Arg(1'000'000);
BENCHMARK(rate_limit_shared)->Threads(2);
BENCHMARK(quota);

}  // namespace
}  // namespace mlgate::policy

BENCHMARK_MAIN();
