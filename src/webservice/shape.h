#pragma once
// What can be said about a service before a call comes in: column lookups for its inputs, and the
// JSON texts of its outputs. Made once when a service is published, read by every call.
#include "ml/scorer.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::webservice {

// Finds the columns of one input by name: exactly first, then without regard to case.
class InputShape {
 public:
  explicit InputShape(const ml::ScorerPort& port);
  const std::string& name() const noexcept { return name_; }
  const table::Schema& schema() const noexcept { return schema_; }
  // `hint` is where the column most likely stands.
  std::optional<std::size_t> find(std::string_view column, std::size_t hint) const;

 private:
  std::string name_;
  table::Schema schema_;
  std::vector<std::pair<std::string, std::size_t>> exact_, lower_;  // Sorted.
};

// The fixed texts of one output.
struct OutputShape {
  explicit OutputShape(std::string_view name, const table::Schema& schema);
  // Whether a result has exactly the columns that the texts were made for.
  bool fits(const table::Table& result) const noexcept;

  std::string name;
  table::Schema schema;
  std::string key;                     // "output1":
  std::string names;                   // ["Col2",…]
  std::string types;                   // ["String",…]
  std::vector<std::string> cell_keys;  // "Col2":
};

// A web service parameter and the module parameters that take its value.
struct GlobalShape {
  std::string name;
  std::optional<Json> default_value;
  std::vector<ml::ParameterInfo> targets;
};

struct ServiceShape {
  std::vector<InputShape> inputs;
  std::vector<OutputShape> outputs;
  std::vector<GlobalShape> globals;
  std::size_t output_columns = 0;

  // `graph` is what the scorer was compiled from.
  static ServiceShape of(const ml::Scorer& scorer, const ml::Graph& graph,
                         const ml::Catalogue& catalogue);
};

}  // namespace mlgate::webservice
