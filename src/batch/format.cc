#include "batch/format.h"

#include "base/text.h"
#include "table/arff.h"
#include "table/csv.h"

namespace mlgate::batch {
namespace {

class CsvRows final : public RowReader {
 public:
  explicit CsvRows(table::CsvReadOptions options) : reader_(std::move(options)) {}
  void feed(std::string_view bytes) override { reader_.feed(bytes); }
  void finish() override { reader_.finish(); }
  Result<std::optional<table::Table>> next() override { return reader_.next(); }

 private:
  table::CsvReader reader_;
};

class ArffRows final : public RowReader {
 public:
  explicit ArffRows(table::ArffReadOptions options) : reader_(std::move(options)) {}
  void feed(std::string_view bytes) override { reader_.feed(bytes); }
  void finish() override { reader_.finish(); }
  Result<std::optional<table::Table>> next() override { return reader_.next(); }

 private:
  table::ArffReader reader_;
};

char delimiter_of(Format format) noexcept { return format == Format::tsv ? '\t' : ','; }

table::CsvWriteOptions write_options(Format format) {
  return {.format = {.delimiter = delimiter_of(format)}, .doubles = table::DoubleText::dotnet};
}

}  // namespace

std::optional<Format> format_of(std::string_view blob_name) noexcept {
  const std::size_t slash = blob_name.rfind('/');
  if (slash != std::string_view::npos) blob_name.remove_prefix(slash + 1);
  const std::size_t dot = blob_name.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view extension = blob_name.substr(dot);
  if (equals_ignoring_case(extension, ".csv")) return Format::csv;
  if (equals_ignoring_case(extension, ".tsv")) return Format::tsv;
  if (equals_ignoring_case(extension, ".arff")) return Format::arff;
  return std::nullopt;
}

std::string_view content_type_of(Format format) noexcept {
  return format == Format::csv   ? "text/csv"
         : format == Format::tsv ? "text/tab-separated-values"
                                 : "text/plain";
}

std::unique_ptr<RowReader> make_row_reader(Format format, RowReaderOptions options) {
  if (format == Format::arff) {
    table::ArffReadOptions arff;
    arff.schema = std::move(options.schema);
    arff.rows_per_table = options.rows_per_table;
    arff.rows_before = options.rows_before;
    return std::make_unique<ArffRows>(std::move(arff));
  }
  table::CsvReadOptions csv;
  csv.format.delimiter = delimiter_of(format);
  csv.schema = std::move(options.schema);
  csv.rows_per_table = options.rows_per_table;
  csv.rows_before = options.rows_before;
  return std::make_unique<CsvRows>(std::move(csv));
}

void append_header(std::string& out, Format format, const table::Schema& schema) {
  if (format == Format::arff) {
    table::append_arff_header(out, "result", schema);
  } else {
    table::append_csv_header(out, schema, write_options(format));
  }
}

void append_rows(std::string& out, Format format, const table::Table& table) {
  if (format == Format::arff) {
    table::append_arff_rows(out, table, 0, table.rows);
  } else {
    table::append_csv_rows(out, table, 0, table.rows, write_options(format));
  }
}

}  // namespace mlgate::batch
