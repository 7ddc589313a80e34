#include "webservice/rrs_body.h"

#include "base/text.h"
#include "ml/parameters.h"

#include <simdjson.h>

#include <cmath>
#include <cstring>
#include <memory>

namespace mlgate::webservice {
namespace {

namespace od = simdjson::ondemand;
using table::Column;
using table::DataType;

constexpr int kDepthMax = 64;
constexpr std::size_t kKeptBytesMax = std::size_t{4} << 20;  // Larger buffers are not kept.
constexpr std::size_t kQuotedMax = 60;  // Bytes of a caller's text in an error message.

// Buffers of one thread, kept from call to call. `late` reads rows that stand before their column
// names.
struct Scratch {
  od::parser parser, late;
  std::vector<char> padded;
  std::vector<std::size_t> targets;  // Column in the schema of each cell of a row.
  std::vector<std::size_t> stamps;   // Row (1-based) that last filled a column.
};

Scratch& scratch() {
  thread_local Scratch kept;
  return kept;
}

bool is_json_number(std::string_view text) noexcept {
  std::size_t at = 0;
  const auto digits = [&] {
    const std::size_t from = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    return at - from;
  };
  if (at < text.size() && text[at] == '-') ++at;
  const bool zero = at < text.size() && text[at] == '0';
  const std::size_t whole = digits();
  if (whole == 0 || (zero && whole > 1)) return false;
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (digits() == 0) return false;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (digits() == 0) return false;
  }
  return at == text.size();
}

void append_text(Column& column, std::string_view text) {
  std::get<table::Texts>(column.values).add(text);
  if (!column.missing.empty()) column.missing.push_back(0);
}

void append_real(Column& column, double value) {
  std::get<std::vector<double>>(column.values).push_back(value);
  if (!column.missing.empty()) column.missing.push_back(0);
}

// 5.0 is as good as 5 in a column of integers.
bool append_whole_number(Column& column, std::string_view text) {
  if (column.type != DataType::int32 && column.type != DataType::int64) return false;
  const auto number = parse_double(text);
  if (!number || *number != std::floor(*number) || std::abs(*number) > 9e15) return false;
  return table::append_parsed_cell(column, std::to_string(std::int64_t(*number)));
}

bool append_number(Column& column, std::string_view text) {
  if (column.type == DataType::string) {
    append_text(column, text);
    return true;
  }
  if (column.type == DataType::real) {
    if (const auto number = parse_double(text)) {
      append_real(column, *number);
      return true;
    }
  }
  return table::append_parsed_cell(column, text) || append_whole_number(column, text);
}

bool is_numeric(DataType type) noexcept {
  return type == DataType::real || type == DataType::int32 || type == DataType::int64;
}

// The bare tokens that JSON lacks and that clients send all the same.
bool append_special(Column& column, std::string_view token) {
  if (column.type == DataType::string) {
    append_text(column, token);
    return true;
  }
  if (!is_numeric(column.type)) return false;
  if (token == "NaN") {
    table::append_missing_cell(column);
    return true;
  }
  if (column.type != DataType::real) return false;
  append_real(column, token.front() == '-' ? -HUGE_VAL : HUGE_VAL);
  return true;
}

bool is_special(std::string_view token) noexcept {
  return token == "NaN" || token == "Infinity" || token == "-Infinity";
}

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  out += text.substr(0, kQuotedMax);
  if (text.size() > kQuotedMax) out += "...";
  return out + "\"";
}

// The text that a scalar has in a request.
std::string text_of(const Json& value) {
  if (value.is_string()) return std::string(value.as_string());
  return value.dump();
}

// Reads one body. Functions return false after they have set `error_`.
class BodyReader {
 public:
  BodyReader(const ServiceShape& shape, Scratch& use) : shape_(shape), scratch_(use) {}

  std::expected<ScoreInput, ServiceError> read(std::string_view json) {
    if (!read_document(json)) return std::unexpected(std::move(error_));
    if (!unknown_inputs_.empty())
      return std::unexpected(ServiceError{Fault::invalid_input_names, unknown_inputs_, {}});
    for (const bool seen : seen_inputs_)
      if (!seen) return std::unexpected(ServiceError{Fault::missing_request_input, {}, {}});
    if (unexpected_global_)
      return std::unexpected(ServiceError{Fault::unexpected_parameter, {}, {}});
    for (std::size_t i = 0; i < shape_.globals.size(); ++i) {
      if (!shape_.globals[i].default_value && !seen_globals_[i])
        return std::unexpected(ServiceError{Fault::missing_global_parameters, {}, {}});
    }
    return std::move(out_);
  }

 private:
  bool invalid_body() {
    error_ = {Fault::request_body_invalid, {}, {}};
    return false;
  }
  // `where` continues after the input's name.
  bool invalid_input(std::string_view where, std::string_view what) {
    error_ = {Fault::input_parse_error, "input \"" + current_->name() + "\"", {}};
    if (!where.empty()) error_.first += ", " + std::string(where);
    error_.first += ": ";
    error_.first += what;
    return false;
  }
  bool invalid_row(std::size_t row, std::string_view what) {
    return invalid_input("row " + std::to_string(row + 1), what);
  }
  bool invalid_cell(std::size_t row, const Column& column, std::string_view found) {
    std::string what = "expected ";
    what += table::name_of(column.type);
    what += ", found ";
    what += found;
    return invalid_input("row " + std::to_string(row + 1) + ", column \"" + column.name + "\"",
                         what);
  }

  bool read_document(std::string_view json);
  bool read_inputs(od::value value);
  bool read_input(std::size_t index, od::value value);
  // What was met in an object that is a table or one row.
  struct ObjectParts {
    bool names_seen = false, values_seen = false, stray_seen = false;
    std::size_t cells = 0;
    std::string stray;
    std::string_view late_values;  // Of a table whose rows stand before its names.
  };
  bool read_object(od::object object);
  bool end_object(const ObjectParts& parts);
  bool missing_column(std::size_t row, std::size_t stamp);
  bool read_values(od::value value, ObjectParts& parts);
  bool read_late_values(std::string_view text);
  bool read_column_names(od::value value);
  bool read_rows(od::array rows);
  bool read_row(std::size_t row, od::value value);
  bool read_row_objects(od::array rows);
  bool read_row_object(std::size_t row, od::object object);
  bool read_cell(std::size_t row, Column& column, od::value value);
  bool read_globals(od::value value);
  bool read_global(std::size_t index, od::value value);
  bool check_global(const GlobalShape& global, const Json& given);
  // Walks over a value that nobody asked for; what is skipped has to be JSON all the same.
  bool skip(od::value value, int depth);
  bool skip_scalar(od::value value, std::string_view token);
  void begin_table(const InputShape& input);
  void end_table(std::size_t index);

  const ServiceShape& shape_;
  Scratch& scratch_;
  ScoreInput out_;
  ServiceError error_;
  std::string unknown_inputs_;
  std::vector<bool> seen_inputs_, seen_globals_;
  bool unexpected_global_ = false;
  const InputShape* current_ = nullptr;
  std::vector<std::shared_ptr<Column>> columns_;
  std::size_t rows_ = 0;
};

// The first character of a scalar's token tells its kind; blanks behind it belong to the token.
bool token_of(od::value& value, std::string_view& token) {
  token = value.raw_json_token();
  return !token.empty();
}

bool BodyReader::skip_scalar(od::value value, std::string_view token) {
  if (token.front() == '"') {
    std::string_view text;
    return value.get_string().get(text) ? invalid_body() : true;
  }
  token = trim(token);
  const bool known = token == "true" || token == "false" || token == "null" || is_special(token) ||
                     is_json_number(token);
  return known || invalid_body();
}

bool BodyReader::skip(od::value value, int depth) {
  if (depth > kDepthMax) return invalid_body();
  std::string_view token;
  if (!token_of(value, token)) return invalid_body();
  if (token.front() == '{') {
    od::object object;
    if (value.get_object().get(object)) return invalid_body();
    for (auto field : object) {
      std::string_view key;
      od::value inner;
      if (field.unescaped_key().get(key) || field.value().get(inner)) return invalid_body();
      if (!skip(inner, depth + 1)) return false;
    }
    return true;
  }
  if (token.front() == '[') {
    od::array array;
    if (value.get_array().get(array)) return invalid_body();
    for (auto item : array) {
      od::value inner;
      if (item.get(inner)) return invalid_body();
      if (!skip(inner, depth + 1)) return false;
    }
    return true;
  }
  return skip_scalar(value, token);
}

bool BodyReader::read_document(std::string_view json) {
  seen_inputs_.assign(shape_.inputs.size(), false);
  seen_globals_.assign(shape_.globals.size(), false);
  out_.tables.resize(shape_.inputs.size());
  std::vector<char>& padded = scratch_.padded;
  padded.resize(json.size() + simdjson::SIMDJSON_PADDING);
  std::memcpy(padded.data(), json.data(), json.size());
  std::memset(padded.data() + json.size(), 0, simdjson::SIMDJSON_PADDING);

  od::document document;
  od::object root;
  if (scratch_.parser.iterate(padded.data(), json.size(), padded.size()).get(document) ||
      document.get_object().get(root))
    return invalid_body();
  bool inputs_seen = false, globals_seen = false;
  for (auto field : root) {
    std::string_view key;
    od::value value;
    if (field.unescaped_key().get(key) || field.value().get(value)) return invalid_body();
    if (key == "Inputs") {
      if (std::exchange(inputs_seen, true)) return invalid_body();
      if (!read_inputs(value)) return false;
    } else if (key == "GlobalParameters") {
      if (std::exchange(globals_seen, true)) return invalid_body();
      if (!read_globals(value)) return false;
    } else if (!skip(value, 0)) {
      return false;
    }
  }
  const char* rest = nullptr;
  if (!document.current_location().get(rest)) return invalid_body();  // Text behind the object.
  return true;
}

bool BodyReader::read_inputs(od::value value) {
  std::string_view token;
  if (!token_of(value, token)) return invalid_body();
  if (trim(token) == "null") return true;
  od::object inputs;
  if (token.front() != '{' || value.get_object().get(inputs)) return invalid_body();
  for (auto field : inputs) {
    std::string_view key;
    od::value input;
    if (field.unescaped_key().get(key) || field.value().get(input)) return invalid_body();
    std::size_t index = 0;
    while (index < shape_.inputs.size() && shape_.inputs[index].name() != key) ++index;
    if (index < shape_.inputs.size()) {
      if (!read_input(index, input)) return false;
      continue;
    }
    if (!unknown_inputs_.empty()) unknown_inputs_ += ", ";
    unknown_inputs_ += key.substr(0, kQuotedMax);
    if (!skip(input, 0)) return false;
  }
  return true;
}

void BodyReader::begin_table(const InputShape& input) {
  current_ = &input;
  columns_.clear();
  rows_ = 0;
  for (const auto& column : input.schema()) {
    auto made = std::make_shared<Column>(table::make_column(column.name, column.type));
    made->role = column.role;
    columns_.push_back(std::move(made));
  }
}

void BodyReader::end_table(std::size_t index) {
  table::Table& table = out_.tables[index];
  table.columns.assign(columns_.begin(), columns_.end());
  table.rows = rows_;
  seen_inputs_[index] = true;
}

bool BodyReader::read_input(std::size_t index, od::value value) {
  begin_table(shape_.inputs[index]);
  if (seen_inputs_[index]) return invalid_input({}, "the input is given twice");
  std::string_view token;
  if (!token_of(value, token)) return invalid_body();
  if (token.front() == '[') {
    od::array rows;
    if (value.get_array().get(rows)) return invalid_body();
    if (!read_row_objects(rows)) return false;
  } else if (token.front() == '{') {
    od::object object;
    if (value.get_object().get(object)) return invalid_body();
    if (!read_object(object)) return false;
  } else {
    if (!skip_scalar(value, token)) return false;
    if (trim(token) == "null") return true;  // As if it were absent.
    return invalid_input({}, "expected a table or an array of rows");
  }
  end_table(index);
  return true;
}

// An object with the arrays ColumnNames and Values is a table, any other is one row. A cell is
// never an array, so that columns of these names do no harm.
bool BodyReader::read_object(od::object object) {
  ObjectParts parts;
  scratch_.stamps.assign(columns_.size(), 0);
  for (auto field : object) {
    std::string_view key, token;
    od::value value;
    if (field.unescaped_key().get(key) || field.value().get(value) || !token_of(value, token))
      return invalid_body();
    const bool array = token.front() == '[';
    if (array && key == "ColumnNames") {
      if (std::exchange(parts.names_seen, true))
        return invalid_input({}, "ColumnNames is given twice");
      if (!read_column_names(value)) return false;
    } else if (array && key == "Values") {
      if (std::exchange(parts.values_seen, true)) return invalid_input({}, "Values is given twice");
      if (!read_values(value, parts)) return false;
    } else if (const auto column = current_->find(key, parts.cells)) {
      if (std::exchange(scratch_.stamps[*column], 1) == 1)
        return invalid_row(0, "column " + in_quotes(key) + " is given twice");
      ++parts.cells;
      if (!read_cell(0, *columns_[*column], value)) return false;
    } else {
      parts.stray = std::string(key);
      parts.stray_seen = true;
      if (!skip(value, 0)) return false;
    }
  }
  return end_object(parts);
}

bool BodyReader::end_object(const ObjectParts& parts) {
  if (parts.names_seen || parts.values_seen) {
    if (!parts.names_seen) return invalid_input({}, "ColumnNames is missing");
    if (!parts.values_seen) return invalid_input({}, "Values is missing");
    if (parts.cells > 0) return invalid_input({}, "expected either a table or one row");
    return parts.late_values.empty() || read_late_values(parts.late_values);
  }
  if (parts.stray_seen) return invalid_row(0, "there is no column " + in_quotes(parts.stray));
  rows_ = 1;
  return parts.cells == columns_.size() || missing_column(0, 1);
}

bool BodyReader::missing_column(std::size_t row, std::size_t stamp) {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (scratch_.stamps[i] != stamp)
      return invalid_row(row, "column " + in_quotes(columns_[i]->name) + " is missing");
  }
  return true;
}

bool BodyReader::read_column_names(od::value value) {
  od::array names;
  if (value.get_array().get(names)) return invalid_body();
  auto& targets = scratch_.targets;
  targets.clear();
  std::vector<bool> taken(columns_.size(), false);
  for (auto item : names) {
    std::string_view name, token;
    od::value text;
    if (item.get(text) || !token_of(text, token)) return invalid_body();
    if (token.front() != '"') return invalid_input({}, "a column name has to be a string");
    if (text.get_string().get(name)) return invalid_body();
    const auto column = current_->find(name, targets.size());
    if (!column) return invalid_input({}, "there is no column " + in_quotes(name));
    if (taken[*column]) return invalid_input({}, "column " + in_quotes(name) + " is given twice");
    taken[*column] = true;
    targets.push_back(*column);
  }
  for (std::size_t i = 0; i < taken.size(); ++i)
    if (!taken[i])
      return invalid_input({}, "column " + in_quotes(columns_[i]->name) + " is missing");
  return true;
}

bool BodyReader::read_values(od::value value, ObjectParts& parts) {
  od::array rows;
  if (value.get_array().get(rows)) return invalid_body();
  if (parts.names_seen) return read_rows(rows);
  std::string_view text;
  if (rows.raw_json().get(text)) return invalid_body();
  parts.late_values = text;
  return true;
}

// Rows that stand before their column names, read again once these are known. The text lies in the
// padded buffer, so that reading past its end stays inside.
bool BodyReader::read_late_values(std::string_view text) {
  const auto at = std::size_t(text.data() - scratch_.padded.data());
  od::document document;
  od::array rows;
  if (scratch_.late.iterate(text.data(), text.size(), scratch_.padded.size() - at).get(document) ||
      document.get_array().get(rows))
    return invalid_body();
  if (!read_rows(rows)) return false;
  const char* rest = nullptr;
  return document.current_location().get(rest) ? true : invalid_body();
}

bool BodyReader::read_rows(od::array rows) {
  for (auto item : rows) {
    std::string_view token;
    od::value value;
    if (item.get(value) || !token_of(value, token)) return invalid_body();
    if (token.front() != '[') return invalid_row(rows_, "expected an array of cells");
    if (!read_row(rows_, value)) return false;
    ++rows_;
  }
  return true;
}

bool BodyReader::read_row(std::size_t row, od::value value) {
  od::array cells;
  if (value.get_array().get(cells)) return invalid_body();
  const auto& targets = scratch_.targets;
  std::size_t count = 0;
  for (auto item : cells) {
    od::value cell;
    if (item.get(cell)) return invalid_body();
    if (count < targets.size()) {
      if (!read_cell(row, *columns_[targets[count]], cell)) return false;
    } else if (!skip(cell, 0)) {
      return false;
    }
    ++count;
  }
  if (count == targets.size()) return true;
  return invalid_row(
      row, "expected " + std::to_string(targets.size()) + " cells, found " + std::to_string(count));
}

bool BodyReader::read_row_objects(od::array rows) {
  scratch_.stamps.assign(columns_.size(), 0);
  for (auto item : rows) {
    std::string_view token;
    od::value value;
    if (item.get(value) || !token_of(value, token)) return invalid_body();
    if (token.front() != '{') return invalid_row(rows_, "expected an object of cells");
    od::object object;
    if (value.get_object().get(object)) return invalid_body();
    if (!read_row_object(rows_, object)) return false;
    ++rows_;
  }
  return true;
}

bool BodyReader::read_row_object(std::size_t row, od::object object) {
  std::size_t filled = 0;
  for (auto field : object) {
    std::string_view key;
    od::value cell;
    if (field.unescaped_key().get(key) || field.value().get(cell)) return invalid_body();
    const auto column = current_->find(key, filled);
    if (!column) return invalid_row(row, "there is no column " + in_quotes(key));
    if (std::exchange(scratch_.stamps[*column], row + 1) == row + 1)
      return invalid_row(row, "column " + in_quotes(key) + " is given twice");
    ++filled;
    if (!read_cell(row, *columns_[*column], cell)) return false;
  }
  return filled == columns_.size() || missing_column(row, row + 1);
}

bool BodyReader::read_cell(std::size_t row, Column& column, od::value value) {
  std::string_view token;
  if (!token_of(value, token)) return invalid_body();
  if (token.front() == '"') {
    std::string_view text;
    if (value.get_string().get(text)) return invalid_body();
    if (column.type == DataType::string) {
      append_text(column, text);
      return true;
    }
    return table::append_parsed_cell(column, text) || invalid_cell(row, column, in_quotes(text));
  }
  if (token.front() == '{') return invalid_cell(row, column, "an object");
  if (token.front() == '[') return invalid_cell(row, column, "an array");
  token = trim(token);
  if (token == "null") {
    table::append_missing_cell(column);
    return true;
  }
  bool taken = false;
  if (token == "true" || token == "false") {
    const bool fits = column.type == DataType::string || column.type == DataType::boolean;
    taken = fits && table::append_parsed_cell(column, token == "true" ? "True" : "False");
  } else if (is_special(token)) {
    taken = append_special(column, token);
  } else if (is_json_number(token)) {
    taken = append_number(column, token);
  } else {
    return invalid_body();
  }
  return taken || invalid_cell(row, column, token.substr(0, kQuotedMax));
}

bool BodyReader::read_globals(od::value value) {
  std::string_view token;
  if (!token_of(value, token)) return invalid_body();
  if (trim(token) == "null") return true;
  od::object globals;
  if (token.front() != '{' || value.get_object().get(globals)) return invalid_body();
  for (auto field : globals) {
    std::string_view key;
    od::value given;
    if (field.unescaped_key().get(key) || field.value().get(given)) return invalid_body();
    std::size_t index = 0;
    while (index < shape_.globals.size() && shape_.globals[index].name != key) ++index;
    if (index == shape_.globals.size()) {
      unexpected_global_ = true;
      if (!skip(given, 0)) return false;
    } else if (!read_global(index, given)) {
      return false;
    }
  }
  return true;
}

// An empty text and null mean the default. A value is compared with the default by its text,
// because clients send numbers as strings.
bool BodyReader::read_global(std::size_t index, od::value value) {
  const GlobalShape& global = shape_.globals[index];
  std::string_view token, text;
  if (!token_of(value, token)) return invalid_body();
  Json given;
  if (token.front() == '"') {
    if (value.get_string().get(text)) return invalid_body();
    if (text.empty()) return true;
    given = Json(text);
  } else if (token.front() == '{' || token.front() == '[') {
    error_ = {
        Fault::user_parameter_invalid,
        "Web service parameter \"" + global.name + "\" has to be a string, number or boolean.",
        {}};
    return false;
  } else {
    text = trim(token);
    if (text == "null") return true;
    if (text == "true" || text == "false") {
      given = Json(text == "true");
    } else if (is_json_number(text)) {
      given = Json::number(std::string(text));
    } else {
      return invalid_body();
    }
  }
  if (seen_globals_[index]) return invalid_body();
  seen_globals_[index] = true;
  if (global.default_value && text_of(*global.default_value) == text) return true;
  return check_global(global, given) && out_.globals.emplace(global.name, std::move(given)).second;
}

bool BodyReader::check_global(const GlobalShape& global, const Json& given) {
  for (const auto& target : global.targets) {
    const auto checked = ml::check_parameter(target, given);
    if (checked) continue;
    // The text without its number, which belongs to runs.
    std::string_view what = checked.error().message();
    if (const auto colon = what.find(": "); what.starts_with("Error ") && colon != what.npos)
      what.remove_prefix(colon + 2);
    error_ = {Fault::user_parameter_invalid,
              "Web service parameter \"" + global.name + "\": " + std::string(what),
              {}};
    return false;
  }
  return true;
}

}  // namespace

std::expected<ScoreInput, ServiceError> read_score_body(std::string_view json,
                                                        const ServiceShape& shape) {
  Scratch& kept = scratch();
  auto read = BodyReader(shape, kept).read(json);
  if (kept.padded.capacity() > kKeptBytesMax) kept = Scratch();
  return read;
}

}  // namespace mlgate::webservice
