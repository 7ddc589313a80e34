#pragma once
// The file formats of batch inputs and outputs, chosen by the blob's extension, behind one face
// each: bytes to tables, tables to bytes.
#include "table/types.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace mlgate::batch {

enum class Format : unsigned char { csv, tsv, arff };

// ".csv", ".tsv", ".arff" in any case, and ".nh.csv" as ".csv"; nullopt otherwise.
std::optional<Format> format_of(std::string_view blob_name) noexcept;
inline constexpr std::string_view kExtensions = ".csv, .tsv, .arff";
std::string_view content_type_of(Format format) noexcept;

// Bytes in, tables of exactly `schema` out. Errors name the row, counted from the begin of the
// file, and the column.
class RowReader {
 public:
  virtual ~RowReader() = default;
  virtual void feed(std::string_view bytes) = 0;
  virtual void finish() = 0;
  virtual Result<std::optional<table::Table>> next() = 0;
};
struct RowReaderOptions {
  table::Schema schema;
  std::size_t rows_per_table = 2048;
  std::uint64_t rows_before = 0;
};
// The header comes first, whatever part of the file follows.
std::unique_ptr<RowReader> make_row_reader(Format format, RowReaderOptions options);

void append_header(std::string& out, Format format, const table::Schema& schema);
void append_rows(std::string& out, Format format, const table::Table& table);

}  // namespace mlgate::batch
