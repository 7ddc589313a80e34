#include "base/number.h"
#include "table/csv.h"

namespace mlgate::table {
namespace {

// Puts quotes around the field that begins at `begin`, if it needs them.
void quote_if_needed(std::string& out, std::size_t begin, char delimiter) {
  // A byte order mark at the start of a file would not be taken for text.
  bool needed = std::string_view(out).substr(begin).starts_with("\xef\xbb\xbf"), quotes = false;
  for (std::size_t i = begin; i < out.size(); ++i) {
    const char c = out[i];
    quotes |= c == '"';
    needed |= c == delimiter || c == '"' || c == '\n' || c == '\r';
  }
  if (!needed) return;
  if (quotes) {
    std::string doubled;
    doubled.reserve(out.size() - begin + 16);
    for (std::size_t i = begin; i < out.size(); ++i) {
      if (out[i] == '"') doubled += '"';
      doubled += out[i];
    }
    out.resize(begin);
    out += doubled;
  }
  out.insert(begin, 1, '"');
  out += '"';
}

void append_field(std::string& out, const Column& column, std::size_t row,
                  const CsvWriteOptions& options) {
  const std::size_t begin = out.size();
  if (column.type == DataType::real && options.doubles == DoubleText::exact) {
    if (!column.is_missing(row)) append_shortest_double(out, column.reals()[row]);
  } else {
    append_cell_text(out, column, row);
  }
  if (column.type == DataType::string) quote_if_needed(out, begin, options.format.delimiter);
}

}  // namespace

void append_csv_header(std::string& out, const Schema& schema, const CsvWriteOptions& options) {
  for (std::size_t c = 0; c < schema.size(); ++c) {
    if (c > 0) out += options.format.delimiter;
    const std::size_t begin = out.size();
    out += schema[c].name;
    quote_if_needed(out, begin, options.format.delimiter);
    if (schema.size() == 1 && out.size() == begin) out += "\"\"";
  }
  out += "\r\n";
}

void append_csv_rows(std::string& out, const Table& table, std::size_t first, std::size_t count,
                     const CsvWriteOptions& options) {
  for (std::size_t row = first; row < first + count; ++row) {
    const std::size_t begin = out.size();
    for (std::size_t c = 0; c < table.columns.size(); ++c) {
      if (c > 0) out += options.format.delimiter;
      append_field(out, *table.columns[c], row, options);
    }
    if (table.columns.size() == 1 && out.size() == begin) out += "\"\"";
    out += "\r\n";
  }
}

std::string to_csv(const Table& table, const CsvWriteOptions& options) {
  std::string out;
  if (options.format.header) append_csv_header(out, table.schema(), options);
  append_csv_rows(out, table, 0, table.rows, options);
  return out;
}

}  // namespace mlgate::table
