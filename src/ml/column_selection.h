#pragma once
// Which columns a module works on: the rules of the column selector, as kept in a parameter value.
//
// {"begin":"none","keepOrder":false,"rules":[{"action":"include","kind":"names","names":["Col2"]}]}
// `begin` none|all; `action` include|exclude; `kind` names|indices|type|features|labels|all, with
// `names`, `indices` (the typed text, "8,1-4,6", 1-based) or `type`. The plain text "StringFeature"
// selects all string columns that are features.
#include "ml/module.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::ml {

class ColumnSelection {
 public:
  static constexpr std::size_t kRulesMax = 1000;

  // `value` is the JSON, or a text that holds it. Errors: 0002, 0059 for indices that do not parse.
  static Result<ColumnSelection> parse(const Json& value);

  // Positions in `schema`, in its order, each once; with keepOrder in the order of the rules,
  // repeats included. Errors: 0001 when a column is not there or nothing is selected, 0060 for a
  // bad range.
  Result<std::vector<std::size_t>> resolve(const table::Schema& schema) const;

 private:
  enum class Kind : unsigned char { names, indices, type, features, labels, all };
  struct Rule {
    bool include = true;
    Kind kind = Kind::all;
    std::vector<std::string> names;
    std::string indices;
    std::string type;
  };
  static Result<Rule> parse_rule(const Json& json);
  static Result<std::vector<std::size_t>> match(const Rule& rule, const table::Schema& schema);

  bool begin_with_all_ = false;
  bool keep_order_ = false;
  std::vector<Rule> rules_;
};

}  // namespace mlgate::ml
