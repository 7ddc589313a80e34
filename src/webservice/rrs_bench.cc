// What one scoring call costs without the network: the tutorial's call (one row, nine columns out)
// and larger ones, in whole and in parts.
#include "webservice/test_support.h"

#include <benchmark/benchmark.h>

namespace mlgate::webservice {
namespace {

std::string body_of(std::size_t rows) {
  std::string body =
      R"({"Inputs":{"input1":{"ColumnNames":["Col2"],"Values":[["This is a good day"])";
  for (std::size_t i = 1; i < rows; ++i) body += R"(,["This is a good day"])";
  return body + "]}},\"GlobalParameters\":{}}";
}

struct Service {
  testing::Fixture fixture;
  std::shared_ptr<const Endpoint> endpoint =
      fixture.publish(testing::tutorial_graph(fixture.catalogue))->endpoints.front();
};

// Reading, scoring and writing.
void score_rows(benchmark::State& state) {
  const Service service;
  const Model& model = *service.endpoint->model;
  const std::string body = body_of(std::size_t(state.range(0)));
  for (auto _ : state) {
    const auto input = read_score_body(body, model.shape);
    auto answer = score(model, *input, AnswerForm::table_detailed, 256U << 20);
    benchmark::DoNotOptimize(answer);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(score_rows)->Arg(1)->Arg(16)->Arg(1024);

void read_rows(benchmark::State& state) {
  const Service service;
  const std::string body = body_of(std::size_t(state.range(0)));
  for (auto _ : state) {
    auto input = read_score_body(body, service.endpoint->model->shape);
    benchmark::DoNotOptimize(input);
  }
  state.SetBytesProcessed(state.iterations() * std::int64_t(body.size()));
}
BENCHMARK(read_rows)->Arg(1)->Arg(1024);

// A whole call, with key check, limits and response headers.
void whole_call(benchmark::State& state) {
  const Service service;
  RequestResponse rrs(*service.fixture.registry, [](const auto&) { return false; }, {});
  testing::Call call;
  call.path = "/workspaces/" + service.fixture.workspace.id + "/services/" + service.endpoint->id +
              "/execute";
  call.query = "api-version=2.0&details=true";
  call.body = body_of(1);
  call.headers = {{"Authorization", "Bearer " + service.endpoint->primary_key},
                  {"Content-Type", "application/json"}};
  http::Fields fields;
  const http::Request request = call.make(fields);
  net::Poller poller;
  net::TaskGroup tasks(poller.executor());
  for (auto _ : state) {
    http::Response answer;
    net::spawn(tasks, testing::Call::deliver(rrs, request, answer));
    poller.run_until([&] { return tasks.running() == 0; });
    if (answer.status != 200) state.SkipWithError("the call failed");
    benchmark::DoNotOptimize(answer);
  }
}
BENCHMARK(whole_call);

}  // namespace
}  // namespace mlgate::webservice

BENCHMARK_MAIN();
