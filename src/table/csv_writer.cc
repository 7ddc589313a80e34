#include "base/number.h"
#include "table/csv.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace mlgate::table {
namespace {

// Puts quotes around the field that begins at `begin`, if it needs them.
void quote_if_needed(std::string& out, std::size_t begin, char delimiter) {
  // A byte order mark at the start of a file would not be taken for text.
  const std::string_view field = std::string_view(out).substr(begin);
  // Sums of flags, so that the loop has no branch and takes many bytes at a time.
  unsigned char special = 0, quotes = 0;
  for (const char c : field) {
    const auto quote = static_cast<unsigned char>(c == '"');
    quotes |= quote;
    special |= static_cast<unsigned char>(quote | (c == delimiter) | (c == '\n') | (c == '\r'));
  }
  const bool needed = special != 0 || field.starts_with("\xef\xbb\xbf");
  if (!needed) return;
  if (quotes != 0) {
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

namespace {

// Several rows at a time, column by column: rows of many counts, as Feature Hashing makes them, are
// read in the order in which they lie in memory, and a digit costs two bytes stored and no branch.
class WideRows {
 public:
  static constexpr std::size_t kRows = 8;
  static constexpr std::size_t kColumnsMin = 16;  // Narrower tables gain nothing.

  explicit WideRows(const CsvWriteOptions& options) : options_(options) {}

  void append(std::string& out, const Table& table, std::size_t first, std::size_t count) {
    for (Line& line : lines_) line.size = 0;
    for (std::size_t c = 0; c < table.columns.size(); ++c) {
      const Column& column = *table.columns[c];
      // Room for what is left, should all of it be digits.
      const std::size_t room = 2 * (table.columns.size() - c) + 2;
      const bool plain =
          count == kRows && c > 0 && column.type == DataType::real && column.missing.empty();
      if (plain && digits(column.reals().data() + first, room)) continue;
      for (std::size_t r = 0; r < count; ++r) field(lines_[r], c, column, first + r, room);
    }
    for (std::size_t r = 0; r < count; ++r) {
      out.append(lines_[r].bytes, 0, lines_[r].size);
      out += "\r\n";
    }
  }

 private:
  struct Line {
    std::string bytes;  // Room; `size` of it is in use.
    std::size_t size = 0;
    void reserve(std::size_t room) {
      if (bytes.size() < size + room) bytes.resize(2 * (size + room));
    }
  };

  // Writes a column of eight one-digit numbers; false when it is none.
  bool digits(const double* values, std::size_t room) {
    std::array<int, kRows> numbers;
    bool all = true;
    for (std::size_t r = 0; r < kRows; ++r) {
      // The sign tells 0 from -0, whose text differs.
      const bool small =
          std::bit_cast<std::uint64_t>(values[r]) <= std::bit_cast<std::uint64_t>(9.0);
      const double value = small ? values[r] : 0.5;
      numbers[r] = int(value);
      all &= double(numbers[r]) == value;
    }
    if (!all) return false;
    for (std::size_t r = 0; r < kRows; ++r) {
      Line& line = lines_[r];
      if (line.bytes.size() < line.size + 2) line.reserve(room);
      line.bytes[line.size] = options_.format.delimiter;
      line.bytes[line.size + 1] = char('0' + numbers[r]);
      line.size += 2;
    }
    return true;
  }

  void field(Line& line, std::size_t c, const Column& column, std::size_t row, std::size_t room) {
    cell_.clear();
    append_field(cell_, column, row, options_);
    line.reserve(cell_.size() + room);
    if (c > 0) line.bytes[line.size++] = options_.format.delimiter;
    cell_.copy(line.bytes.data() + line.size, cell_.size());
    line.size += cell_.size();
  }

  CsvWriteOptions options_;
  std::array<Line, kRows> lines_;
  std::string cell_;
};

}  // namespace

void append_csv_rows(std::string& out, const Table& table, std::size_t first, std::size_t count,
                     const CsvWriteOptions& options) {
  if (table.columns.size() >= WideRows::kColumnsMin) {
    WideRows rows(options);
    for (std::size_t at = 0; at < count; at += WideRows::kRows)
      rows.append(out, table, first + at, std::min(WideRows::kRows, count - at));
    return;
  }
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
