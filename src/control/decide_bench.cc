// What deciding a call costs, with few and with many APIs and keys; begin() has a budget of 1
// microsecond.
#include "control/control.h"
#include "control/large_model.h"
#include "gateway/call.h"
#include "gateway/compose.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <string>

namespace mlgate::control {
namespace {

const std::string kBackend = "http://127.0.0.1:9000";

void fill(gateway::Call& call, int api, std::string& path, std::string_view key) {
  auto& request = call.x.request;
  request.method = "POST";
  path = large_model_path(api);
  request.path = path;
  request.query = "api-version=2.0&details=true";
  request.scheme = "http";
  request.authority = "127.0.0.1:8080";
  request.peer = "127.0.0.1";
  request.headers.add("Host", "127.0.0.1:8080");
  request.headers.add("User-Agent", "bench/1.0 (linux; x86_64)");
  request.headers.add("Accept", "*/*");
  request.headers.add("Content-Type", "application/json");
  request.headers.add("Content-Length", "120");
  request.headers.add("Authorization", "Bearer 0123456789abcdef0123456789abcdef");
  request.headers.add("Ocp-Apim-Subscription-Key", key);
}

void decide(benchmark::State& state, bool with_limits) {
  const int apis = int(state.range(0)), keys = int(state.range(1));
  policy::Limits limits;
  gateway::Publisher publisher;
  Control control(BuilderOptions{}, limits, publisher);
  if (!control.update(large_model({apis, keys, with_limits}, kBackend)).empty())
    state.SkipWithError("the model is not valid");
  gateway::SnapshotHandle handle(publisher);
  gateway::Call call;
  std::string path, key;
  char buffer[4096];
  int turn = 0;
  std::int64_t now_ns = 0;
  for (auto _ : state) {
    call.reset();
    // The key is made, for a list of a million would cost the benchmark what the table costs the
    // call.
    key = large_model_key(turn * 7 % keys);
    fill(call, turn % apis, path, key);
    call.pin = handle.pin();
    call.x.now_ns = now_ns += 100'000;
    if (gateway::begin(call) != gateway::Step::forward) state.SkipWithError("refused");
    benchmark::DoNotOptimize(gateway::compose_forward_head(call, {}, buffer));
    ++turn;
  }
}

void fill_only(benchmark::State& state) {
  gateway::Call call;
  std::string path;
  int turn = 0;
  for (auto _ : state) {
    call.reset();
    fill(call, turn++ % 10, path, "0123456789abcdef0123456710000000");
    benchmark::DoNotOptimize(call.x.request.headers.size());
  }
}

BENCHMARK(fill_only);
BENCHMARK_CAPTURE(decide, key_only, false)
    ->Args({1, 1})
    ->Args({1000, 1000})
    ->Args({10'000, 1'000'000});
BENCHMARK_CAPTURE(decide, rate_limit_and_quota, true)->Args({1, 1000});

double ms_since(std::chrono::steady_clock::time_point begun) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begun)
      .count();
}

// The whole of the largest instance that is promised, then single changes of it.
void publish(benchmark::State& state) {
  policy::Limits limits;
  gateway::Publisher publisher;
  auto model = large_model({10'000, 1'000'000, true}, kBackend);
  for (auto _ : state) {
    Control control(BuilderOptions{}, limits, publisher);
    const apim::ModelDelta all = apim::delta_of(model);
    auto begun = std::chrono::steady_clock::now();
    if (!control.apply(1, all).empty()) state.SkipWithError("the model is not valid");
    state.counters["whole_ms"] = ms_since(begun);
    const auto change = [&](const char* name, const apim::ModelDelta& delta) {
      double worst = 0;
      for (int i = 0; i < 5; ++i) {
        begun = std::chrono::steady_clock::now();
        if (!control.apply(1, delta).empty()) state.SkipWithError("a change is not valid");
        worst = std::max(worst, ms_since(begun));
      }
      state.counters[name] = worst;
    };
    apim::ModelDelta one;
    one.subscriptions.put = {model.subscriptions[777'777]};
    change("subscription_ms", one);
    one = {};
    one.apis.put = {model.apis[7'777]};
    change("api_ms", one);
    one = {};
    one.operations.put = {model.operations[77'777]};
    change("operation_ms", one);
    one = {};
    one.products.put = {model.products[0]};
    change("product_ms", one);
    one = {};
    one.policies.put = {model.policies[0]};
    change("product_policy_ms", one);
    one = {};
    one.policies.put = {model.policies[0]};
    one.policies.put[0].scope = {apim::PolicyScopeKind::global, "", ""};
    one.policies.put[0].text = "<policies><backend><forward-request/></backend></policies>";
    change("global_policy_ms", one);
  }
}
BENCHMARK(publish)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace mlgate::control

BENCHMARK_MAIN();
