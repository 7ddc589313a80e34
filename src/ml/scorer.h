#pragma once
// The part of an experiment that serves: what lies between Web service inputs and outputs, compiled
// once, immutable, used by every worker at the same time. Nothing upstream of a service input is
// kept but its schema.
#include "ml/graph.h"

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace mlgate::ml {

struct ScorerPort {
  std::string name;
  table::Schema schema;
};

class Scorer {
 public:
  virtual ~Scorer() = default;
  virtual const std::vector<ScorerPort>& inputs() const noexcept = 0;
  virtual const std::vector<ScorerPort>& outputs() const noexcept = 0;
  virtual const std::vector<GlobalParameter>& global_parameters() const noexcept = 0;
  // `tables` in the order of inputs(), with exactly their schemas; results in the order of
  // outputs(). `globals` holds only values that differ from the defaults. exhausted: over the
  // memory or column limit; invalid_argument with the module's error text otherwise.
  virtual Result<std::vector<table::Table>> score(std::span<const table::Table> tables,
                                                  const Parameters& globals) const = 0;
  // True when each output row depends on its own input row alone, so that rows may be scored in
  // chunks.
  virtual bool row_wise() const noexcept = 0;
};

// Fails with the reason when the graph has no service output, does not validate, or a module fails.
// `datasets` is asked for what serving needs (schemas at the service inputs, tables that stay in
// the graph).
Result<std::shared_ptr<const Scorer>> compile_scorer(const Graph& graph, const Catalogue& catalogue,
                                                     const DatasetLoader& datasets);

}  // namespace mlgate::ml
