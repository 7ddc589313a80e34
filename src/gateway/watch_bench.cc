// What watching costs a call that nobody watches, and one that takes part in a trace. All of it
// together has a budget of 0.3 microseconds.
#include "gateway/call.h"
#include "gateway/watch.h"

#include <benchmark/benchmark.h>

namespace mlgate::gateway {
namespace {

void fill(Call& call, bool with_parent) {
  auto& headers = call.x.request.headers;
  headers.clear();
  headers.add("Host", "127.0.0.1:8080");
  headers.add("User-Agent", "bench/1.0 (linux; x86_64)");
  headers.add("Accept", "*/*");
  headers.add("Content-Type", "application/json");
  headers.add("Content-Length", "120");
  headers.add("Authorization", "Bearer 0123456789abcdef0123456789abcdef");
  headers.add("Ocp-Apim-Subscription-Key", "0123456789abcdef0123456789abcdef");
  if (with_parent)
    headers.add("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
}

void watch(benchmark::State& state, bool join, bool with_parent) {
  Watching watching;
  watching.join_traces = join;
  watching.sample_below = ~std::uint64_t{0};
  Call call;
  RequestIds ids;
  for (auto _ : state) {
    call.options.watching = &watching;
    call.watch = {};
    fill(call, with_parent);
    begin_watching(call, ids);
    benchmark::DoNotOptimize(call.watch.context.span);
  }
}

void fill_only(benchmark::State& state) {
  Call call;
  for (auto _ : state) {
    fill(call, false);
    benchmark::DoNotOptimize(call.x.request.headers.size());
  }
}

BENCHMARK(fill_only);
BENCHMARK_CAPTURE(watch, passing, false, false);
BENCHMARK_CAPTURE(watch, beginning_a_trace, true, false);
BENCHMARK_CAPTURE(watch, joining_a_trace, true, true);

}  // namespace
}  // namespace mlgate::gateway

BENCHMARK_MAIN();
