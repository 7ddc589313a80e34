#pragma once
// The body of a scoring call, read straight into columns. Table and row-object form are told apart
// per input, by what is there. Numbers keep their text until their column's type is known, so
// nothing is rounded on the way.
#include "webservice/errors.h"
#include "webservice/shape.h"

#include <expected>
#include <span>
#include <string_view>
#include <vector>

namespace mlgate::webservice {

struct ScoreInput {
  std::vector<table::Table> tables;  // In the order of the inputs, with exactly their schemas.
  ml::Parameters globals;            // Values that differ from their defaults.
};

// `json` is UTF-8. Nesting is at most 64 levels in parts that are skipped. Any thread.
std::expected<ScoreInput, ServiceError> read_score_body(std::string_view json,
                                                        const ServiceShape& shape);

}  // namespace mlgate::webservice
