#include "table/types.h"

#include "base/number.h"
#include "table/cell_text.h"

#include <array>
#include <unordered_set>
#include <utility>

namespace mlgate::table {
namespace {

constexpr std::array<std::string_view, 7> kTypeNames = {"String",  "Int32",    "Int64",   "Double",
                                                        "Boolean", "DateTime", "TimeSpan"};

// Which alternative of Values a type lives in.
std::size_t vector_of(DataType type) noexcept {
  switch (type) {
    case DataType::string:
      return 0;
    case DataType::int32:
    case DataType::boolean:
      return 1;
    case DataType::int64:
    case DataType::date_time:
    case DataType::time_span:
      return 2;
    case DataType::real:
      return 3;
  }
  return 0;
}

void append_value(Column& column) {
  if (!column.missing.empty()) column.missing.push_back(0);
}

template <class T, class Parsed>
bool append_if(Column& column, const std::optional<Parsed>& parsed) {
  if (!parsed) return false;
  std::get<std::vector<T>>(column.values).push_back(T(*parsed));
  append_value(column);
  return true;
}

bool is_numeric(DataType type) noexcept {
  return type == DataType::int32 || type == DataType::int64 || type == DataType::real;
}

}  // namespace

std::string_view name_of(DataType type) noexcept { return kTypeNames[std::size_t(type)]; }

std::optional<DataType> data_type_from(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kTypeNames.size(); ++i)
    if (kTypeNames[i] == name) return DataType(i);
  return std::nullopt;
}

std::size_t Column::rows() const noexcept {
  return std::visit([](const auto& all) { return all.size(); }, values);
}

Column make_column(std::string name, DataType type) {
  Column column{.name = std::move(name), .type = type, .values = {}, .missing = {}, .role = {}};
  switch (vector_of(type)) {
    case 1:
      column.values.emplace<1>();
      break;
    case 2:
      column.values.emplace<2>();
      break;
    case 3:
      column.values.emplace<3>();
      break;
    default:
      break;
  }
  return column;
}

const Column* Table::find(std::string_view name) const noexcept {
  for (const auto& column : columns)
    if (column->name == name) return column.get();
  return nullptr;
}

void Table::add(Column column) {
  if (columns.empty()) rows = column.rows();
  columns.push_back(std::make_shared<const Column>(std::move(column)));
}

Schema Table::schema() const {
  Schema schema;
  schema.reserve(columns.size());
  for (const auto& column : columns) schema.push_back({column->name, column->type, column->role});
  return schema;
}

Result<void> Table::validate() const {
  std::unordered_set<std::string_view> names;
  for (const auto& column : columns) {
    if (!column) return fail(Errc::internal, "a column is absent");
    const std::string& name = column->name;
    if (!names.insert(name).second)
      return fail(Errc::internal, "two columns are named \"" + name + "\"", name);
    if (column->values.index() != vector_of(column->type))
      return fail(
          Errc::internal,
          "column \"" + name + "\" does not hold its type " + std::string(name_of(column->type)),
          name);
    if (column->rows() != rows)
      return fail(Errc::internal,
                  "column \"" + name + "\" has " + std::to_string(column->rows()) + " rows, not " +
                      std::to_string(rows),
                  name);
    if (!column->missing.empty() && column->missing.size() != rows)
      return fail(Errc::internal, "column \"" + name + "\" has a missing mask of another length",
                  name);
  }
  return {};
}

void append_cell_text(std::string& out, const Column& column, std::size_t row) {
  if (column.is_missing(row)) return;
  switch (column.type) {
    case DataType::string:
      out += column.texts()[row];
      break;
    case DataType::int32:
      append_integer(out, std::get<1>(column.values)[row]);
      break;
    case DataType::int64:
      append_integer(out, std::get<2>(column.values)[row]);
      break;
    case DataType::real:
      append_dotnet_double(out, column.reals()[row]);
      break;
    case DataType::boolean:
      out += std::get<1>(column.values)[row] != 0 ? "True" : "False";
      break;
    case DataType::date_time:
      append_date_time(out, std::get<2>(column.values)[row]);
      break;
    case DataType::time_span:
      append_time_span(out, std::get<2>(column.values)[row]);
      break;
  }
}

bool append_parsed_cell(Column& column, std::string_view text) {
  if (column.type == DataType::string) {
    std::get<Texts>(column.values).add(text);
    append_value(column);
    return true;
  }
  if (text.empty() || (is_numeric(column.type) && text == "NaN")) {
    append_missing_cell(column);
    return true;
  }
  switch (column.type) {
    case DataType::int32:
      return append_if<std::int32_t>(column, parse_int32(text));
    case DataType::int64:
      return append_if<std::int64_t>(column, parse_int64(text));
    case DataType::real:
      return append_if<double>(column, parse_real(text));
    case DataType::boolean:
      return append_if<std::int32_t>(column, parse_boolean(text));
    case DataType::date_time:
      return append_if<std::int64_t>(column, parse_date_time(text));
    case DataType::time_span:
      return append_if<std::int64_t>(column, parse_time_span(text));
    case DataType::string:
      break;
  }
  return false;
}

void append_missing_cell(Column& column) {
  const std::size_t rows = column.rows();
  if (column.missing.empty()) column.missing.resize(rows, 0);
  column.missing.push_back(1);
  if (auto* texts = std::get_if<Texts>(&column.values)) {
    texts->add({});
  } else if (auto* small = std::get_if<1>(&column.values)) {
    small->push_back(0);
  } else if (auto* big = std::get_if<2>(&column.values)) {
    big->push_back(0);
  } else {
    std::get<3>(column.values).push_back(0);
  }
}

}  // namespace mlgate::table
