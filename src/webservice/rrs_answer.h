#pragma once
// The answer of a scoring call, written straight from columns: every present cell is a JSON string
// in the texts of the dialect, a missing one is null.
#include "webservice/errors.h"
#include "webservice/shape.h"

#include <expected>
#include <span>
#include <string>

namespace mlgate::webservice {

enum class AnswerForm : unsigned char {
  table,           // Values alone.
  table_detailed,  // With ColumnNames and ColumnTypes.
  rows             // Row objects (format=swagger).
};

// `results` in the order of the outputs. More than `bytes_max` is out_of_memory.
std::expected<std::string, ServiceError> write_answer(const ServiceShape& shape,
                                                      std::span<const table::Table> results,
                                                      AnswerForm form, std::size_t bytes_max);

}  // namespace mlgate::webservice
