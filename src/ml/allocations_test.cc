// Counts what is allocated while texts are hashed and rows are scored: the data path must not grow
// by accident.
#include "base/count_allocations.h"
#include "ml/hashing.h"
#include "ml/scorer.h"

#include <gtest/gtest.h>

namespace mlgate::ml {
namespace {

// What `work` allocates.
template <class Work>
std::uint64_t counted(Work work) {
  count_allocations();
  const std::uint64_t before = allocations;
  work();
  return allocations - before;
}

table::Column one_text(std::string_view text) {
  table::Column column = table::make_column("Col2", table::DataType::string);
  EXPECT_TRUE(append_parsed_cell(column, text));
  return column;
}

TEST(Allocations, HashingDoesNotAllocate) {
  const table::Column column = one_text(
      "A text of more than sixty-four bytes, with averyveryverylongword in it, and some more.");
  std::vector<double> cells(1024);
  std::vector<double*> columns;
  for (double& cell : cells) columns.push_back(&cell);
  const HashingOptions options{.bits = 10, .ngrams = 3};
  EXPECT_EQ(counted([&] { hash_dense(column.texts(), {0, 1}, options, cells); }), 0u);
  EXPECT_EQ(counted([&] { hash_columns(column.texts(), options, columns); }), 0u);
  SparseCounts sparse;
  hash_sparse(column.texts(), {0, 1}, options, sparse);
  sparse.clear();
  EXPECT_EQ(counted([&] { hash_sparse(column.texts(), {0, 1}, options, sparse); }), 0u);
}

TEST(Allocations, ScoringOneRowOfEightColumnsIsBounded) {
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
  input.add(one_text("This is a good day"));
  const auto scorer = compile_scorer(
      graph, catalogue, [&](std::string_view) -> Result<table::Table> { return input; });
  ASSERT_TRUE(scorer) << scorer.error().message();
  // A name and a vector for each of the eight columns, and a fixed number for the tables around
  // them.
  bool scored = false;
  EXPECT_LE(counted([&] { scored = (*scorer)->score(std::span(&input, 1), {}).has_value(); }),
            8u * 2 + 10);
  EXPECT_TRUE(scored);
}

}  // namespace
}  // namespace mlgate::ml
