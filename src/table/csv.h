#pragma once
// Reads CSV and TSV into typed columns and writes tables as CSV or TSV. Reading streams: bytes in,
// tables of a fixed number of rows out, the same ones however the bytes come. See csv_records.h for
// the grammar.
//
//   CsvReader reader(options);
//   reader.feed(bytes);                      // Any piece of the file; finish() after the last one.
//   Result<std::optional<Table>> table = reader.next();  // Again, until it has none.
#include "table/csv_records.h"
#include "table/types.h"

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::table {

inline constexpr std::size_t kAllRows = std::numeric_limits<std::size_t>::max();

struct CsvReadOptions {
  CsvFormat format;
  CsvLimits limits;
  // What is wanted. Columns are found by name in the header, exactly or else without regard to
  // case, and others are passed over; without a header they count from the left. Empty: every
  // column, as String, named by the header or Col1, Col2, …
  Schema schema;
  bool by_position = false;  // Columns of `schema` count from the left although there is a header.
  std::size_t rows_per_table = 2048;
  std::uint64_t rows_before = 0;  // Data rows before these bytes, for the numbers in errors.
  bool empty_text_is_missing =
      false;  // In String columns. An empty field of any other type is missing.
};

// Errors name the data row (from 1) and the column: not_found for a wanted column that is not
// there, exhausted for a record over the limit, invalid_argument for the rest.
class CsvReader {
 public:
  explicit CsvReader(CsvReadOptions options);

  // Take what next() has before feeding more: fed bytes wait in memory.
  void feed(std::string_view bytes) { records_.feed(bytes); }
  // The same without a copy: write up to `size` bytes to prepare(size), then commit as many as
  // there are.
  std::span<char> prepare(std::size_t size) { return records_.prepare(size); }
  void commit(std::size_t size) { records_.commit(size); }
  // The same for bytes that stay where they are; see CsvRecords. pending() were not taken and have
  // to come again.
  void borrow(std::string_view bytes) { records_.borrow(bytes); }
  std::size_t pending() const noexcept { return records_.pending(); }
  void finish() noexcept;
  // The next table of rows_per_table rows; after finish() also the last, shorter one. When no row
  // was read at all, one table without rows. Nothing: more bytes are needed, or it is the end.
  Result<std::optional<Table>> next();
  // Known when the header was read; without one, with the first record.
  const Schema& schema() const noexcept { return schema_; }
  // Makes room for `factor` times what the unfinished table holds, when the caller can tell how
  // much is to come.
  void expect(double factor);

 private:
  struct Wanted {
    std::size_t field = 0;  // Its place in a record.
    Column column;
  };
  Result<void> begin(std::size_t& records);
  Result<void> bind(const std::vector<std::string>& names);
  Result<void> convert(std::size_t records);
  void start_columns();
  std::optional<Table> take();

  CsvReadOptions options_;
  CsvRecords records_;
  Schema schema_;
  std::vector<Wanted> wanted_;
  std::size_t rows_ = 0;  // In the columns that are being filled.
  bool bound_ = false, finished_ = false, ended_ = false;
  bool any_table_ = false;
  std::optional<Error> error_;
};

// The whole text as one table.
Result<Table> read_csv(std::string_view text, CsvReadOptions options);

// Fills the room with the next bytes and says how many there were; 0 at the end.
using CsvSource = std::function<Result<std::size_t>(std::span<char> room)>;
inline constexpr std::size_t kCsvSliceBytes = std::size_t{64} << 10;
// A whole file as one table; `bytes_expected` is its size, as far as known, or 0.
Result<Table> read_csv(const CsvSource& source, std::size_t bytes_expected, CsvReadOptions options);

// Column types that hold every cell of the text: Boolean (true and false only), Int32, Int64,
// Double, DateTime, TimeSpan, else String. Names as in CsvReadOptions; repeated names get "_1",
// "_2", ….
Result<Schema> infer_csv_schema(std::string_view text, CsvFormat format, CsvLimits limits = {});
// A dataset from a file: types as inferred, empty fields missing.
Result<Table> import_csv(std::string_view text, CsvFormat format, CsvLimits limits = {});

enum class DoubleText : unsigned char {
  exact,   // The shortest text that reads back to the same bits.
  dotnet,  // .NET's G15, as in web-service answers and batch results.
};
struct CsvWriteOptions {
  CsvFormat format;
  DoubleText doubles = DoubleText::exact;
};

// CRLF line ends; quotes only around fields that need them; a missing cell is an empty field. In a
// table of one column an empty field is written as "", so that its line is not taken for an empty
// one.
void append_csv_header(std::string& out, const Schema& schema, const CsvWriteOptions& options);
void append_csv_rows(std::string& out, const Table& table, std::size_t first, std::size_t count,
                     const CsvWriteOptions& options);
// Header, when the format has one, and all rows.
std::string to_csv(const Table& table, const CsvWriteOptions& options = {});

}  // namespace mlgate::table
