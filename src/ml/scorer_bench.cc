// What one call of the tutorial's web service costs inside the scorer: one row, eight hashed
// columns.
#include "ml/scorer.h"

#include <benchmark/benchmark.h>

namespace mlgate::ml {
namespace {

void score_tutorial(benchmark::State& state) {
  Catalogue catalogue;
  register_modules(catalogue);
  Graph graph;
  Node dataset, hashing;
  dataset.id = dataset.dataset_id = "d";
  hashing.id = "f";
  hashing.module = catalogue.find_name("Feature Hashing")->info.family_id;
  hashing.parameters["Hashing bitsize"] = Json(3);
  graph.nodes = {dataset, hashing};
  graph.edges = {{"d", 0, "f", 0}};
  graph.service_inputs = {{"input1", "f", 0}};
  graph.service_outputs = {{"output1", "f", 0}};
  table::Table input;
  table::Column column = table::make_column("Col2", table::DataType::string);
  for (std::int64_t row = 0; row < state.range(0); ++row)
    if (!append_parsed_cell(column, "This is a good day")) return;
  input.add(std::move(column));
  const auto scorer = compile_scorer(
      graph, catalogue, [&](std::string_view) -> Result<table::Table> { return input; });
  if (!scorer) {
    state.SkipWithError(scorer.error().message().c_str());
    return;
  }
  for (auto _ : state) benchmark::DoNotOptimize((*scorer)->score(std::span(&input, 1), {}));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(score_tutorial)->Arg(1)->Arg(2048);

}  // namespace
}  // namespace mlgate::ml

BENCHMARK_MAIN();
