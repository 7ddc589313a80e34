#include "webservice/rrs_answer.h"

#include "base/json.h"
#include "base/number.h"

#include <algorithm>

namespace mlgate::webservice {
namespace {

using table::Column;
using table::DataType;

void append_cell(std::string& out, const Column& column, std::size_t row) {
  if (column.is_missing(row)) {
    out += "null";
    return;
  }
  if (column.type == DataType::string) {
    append_json_string(out, column.texts()[row]);
    return;
  }
  out += '"';
  if (column.type == DataType::real) {
    append_dotnet_double(out, column.reals()[row]);
  } else {
    table::append_cell_text(out, column, row);  // Digits, letters and punctuation without escapes.
  }
  out += '"';
}

void append_row(std::string& out, const table::Table& result, std::size_t row) {
  out += '[';
  for (std::size_t i = 0; i < result.columns.size(); ++i) {
    if (i > 0) out += ',';
    append_cell(out, *result.columns[i], row);
  }
  out += ']';
}

void append_row_object(std::string& out, const OutputShape& shape, const table::Table& result,
                       std::size_t row) {
  out += '{';
  for (std::size_t i = 0; i < result.columns.size(); ++i) {
    if (i > 0) out += ',';
    out += shape.cell_keys[i];
    append_cell(out, *result.columns[i], row);
  }
  out += '}';
}

// False when the text grew over the limit.
bool append_output(std::string& out, const OutputShape& shape, const table::Table& result,
                   AnswerForm form, std::size_t bytes_max) {
  out += shape.key;
  if (form != AnswerForm::rows) out += R"({"type":"table","value":{)";
  if (form == AnswerForm::table_detailed) {
    out += "\"ColumnNames\":";
    out += shape.names;
    out += ",\"ColumnTypes\":";
    out += shape.types;
    out += ',';
  }
  out += form == AnswerForm::rows ? "[" : "\"Values\":[";
  for (std::size_t row = 0; row < result.rows; ++row) {
    if (row > 0) out += ',';
    if (form == AnswerForm::rows) {
      append_row_object(out, shape, result, row);
    } else {
      append_row(out, result, row);
    }
    if (out.size() > bytes_max) return false;
  }
  out += form == AnswerForm::rows ? "]" : "]}}";
  return true;
}

}  // namespace

std::expected<std::string, ServiceError> write_answer(const ServiceShape& shape,
                                                      std::span<const table::Table> results,
                                                      AnswerForm form, std::size_t bytes_max) {
  std::string out;
  std::size_t guess = 64;
  for (std::size_t i = 0; i < results.size() && i < shape.outputs.size(); ++i)
    guess +=
        512 + shape.outputs[i].names.size() * 2 + results[i].rows * results[i].columns.size() * 8;
  out.reserve(std::min(guess, bytes_max));
  out += "{\"Results\":{";
  for (std::size_t i = 0; i < results.size() && i < shape.outputs.size(); ++i) {
    if (i > 0) out += ',';
    const OutputShape& expected = shape.outputs[i];
    // Global parameters may change what comes out, for instance the number of hashed columns.
    const bool taken = expected.fits(results[i])
                           ? append_output(out, expected, results[i], form, bytes_max)
                           : append_output(out, OutputShape(expected.name, results[i].schema()),
                                           results[i], form, bytes_max);
    if (!taken) {
      return std::unexpected(
          ServiceError{Fault::out_of_memory,
                       "an answer has at most " + std::to_string(bytes_max) + " bytes",
                       {}});
    }
  }
  out += "}}";
  return out;
}

}  // namespace mlgate::webservice
