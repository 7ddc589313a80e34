#pragma once
// Reads ARFF (attribute-relation file format) into typed columns and writes tables as ARFF. A file
// is a header of "@attribute name type" lines up to "@data", then one line per row: values between
// commas, or "{index value, …}" for sparse rows. '%' begins a comment line, '?' is a missing value,
// names and texts that need it stand in single or double quotes with backslash escapes. A quoted
// text does not span lines.
//
// Reading streams as with CsvReader, and the errors have the same form.
#include "table/types.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::table {

struct ArffLimits {
  std::size_t line_bytes_max = std::size_t{16} << 20;
  std::size_t header_bytes_max = std::size_t{16} << 20;
  std::size_t attributes_max = 16'384;
};

struct ArffAttribute {
  std::string name;
  enum class Kind : unsigned char { numeric, text, nominal, date } kind = Kind::text;
  std::vector<std::string> labels;  // Of a nominal one.
};

struct ArffReadOptions {
  ArffLimits limits;
  // What is wanted, found by attribute name, exactly or else without regard to case. Empty: all
  // attributes, numeric ones as Double, dates as DateTime, the rest as String.
  Schema schema;
  std::size_t rows_per_table = 2048;
  std::uint64_t rows_before = 0;  // For the numbers in errors.
};

class ArffReader {
 public:
  explicit ArffReader(ArffReadOptions options);
  void feed(std::string_view bytes);
  void finish() noexcept { finished_ = true; }
  // As CsvReader::next().
  Result<std::optional<Table>> next();
  const Schema& schema() const noexcept { return schema_; }
  const std::vector<ArffAttribute>& attributes() const noexcept { return attributes_; }

 private:
  struct Wanted {
    std::size_t attribute = 0;
    Column column;
  };
  struct Cell {
    std::string text;
    bool missing = false;
  };
  Result<void> step(std::string_view line);
  Result<void> header_line(std::string_view line);
  Result<void> attribute_line(std::string_view rest);
  Result<void> bind();
  Result<void> data_line(std::string_view line);
  Result<void> dense_cells(std::string_view line);
  Result<void> sparse_cells(std::string_view line);
  std::unexpected<Error> wrong(std::string_view what) const;
  void start_columns();
  std::optional<Table> take();

  ArffReadOptions options_;
  std::string buffer_;
  std::size_t at_ = 0;      // Begin of the next line in buffer_.
  std::size_t looked_ = 0;  // No line end before it.
  std::size_t header_bytes_ = 0;
  std::uint64_t line_ = 0, row_ = 0;
  bool finished_ = false, in_data_ = false, ended_ = false, any_table_ = false;
  std::vector<ArffAttribute> attributes_;
  std::vector<Cell> cells_;  // Of the row at hand, by attribute.
  Schema schema_;
  std::vector<Wanted> wanted_;
  std::size_t rows_ = 0;
  std::optional<Error> error_;
};

// Where the rows begin: behind the line "@data". nullopt when it has not come yet.
std::optional<std::size_t> arff_data_begin(std::string_view text);

// Numbers as NUMERIC, Boolean as {False,True}, all else as STRING; doubles as .NET's G15.
void append_arff_header(std::string& out, std::string_view relation, const Schema& schema);
void append_arff_rows(std::string& out, const Table& table, std::size_t first, std::size_t count);

}  // namespace mlgate::table
