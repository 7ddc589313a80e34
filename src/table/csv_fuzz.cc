// Any bytes, split anywhere, give the same tables or the same error as when they come at once; and
// what was read is written and read back unchanged.
#include "table/csv.h"

#include <cstdlib>
#include <string>

namespace mlgate::table {
namespace {

struct Outcome {
  std::string tables;
  std::string error;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

bool drain(CsvReader& reader, Outcome& outcome) {
  for (;;) {
    auto table = reader.next();
    if (!table) {
      outcome.error = table.error().message();
      return false;
    }
    if (!*table) return true;
    if (!(*table)->validate()) std::abort();
    outcome.tables += std::to_string((*table)->rows) + "\n" + to_csv(**table);
  }
}

Outcome read(std::string_view text, const CsvReadOptions& options, std::size_t piece) {
  CsvReader reader(options);
  Outcome outcome;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    reader.feed(text.substr(at, piece));
    if (!drain(reader, outcome)) return outcome;
  }
  reader.finish();
  drain(reader, outcome);
  return outcome;
}

void check_round_trip(std::string_view text, CsvFormat format, CsvLimits limits) {
  const auto table = import_csv(text, format, limits);
  if (!table) return;
  if (!table->validate()) std::abort();
  CsvWriteOptions written;
  written.format = {.delimiter = format.delimiter, .header = true};
  const std::string once = to_csv(*table, written);
  CsvReadOptions options;
  options.format = written.format;
  options.schema = table->schema();
  options.by_position = true;
  const auto again = read_csv(once, options);
  // Times are written to the second, so only that what was written is stable is asked.
  if (!again || to_csv(*again, written) != once) std::abort();
}

}  // namespace
}  // namespace mlgate::table

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mlgate::table;
  if (size < 2) return 0;
  const unsigned choice = data[0];
  const std::size_t piece = 1 + data[1] % 80;
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  CsvReadOptions options;
  options.format = {.delimiter = (choice & 1) != 0 ? '\t' : ',', .header = (choice & 2) != 0};
  options.rows_per_table = (choice & 4) != 0 ? 2 : 2048;
  options.empty_text_is_missing = (choice & 8) != 0;
  options.limits = {.record_bytes_max = (choice & 16) != 0 ? 16u : 1u << 16, .columns_max = 100};
  if ((choice & 32) != 0) {
    options.schema = {{"a", DataType((choice >> 6) + 1), {}}, {"b", DataType::string, {}}};
    options.by_position = true;
  }
  if (read(text, options, text.size() + 1) != read(text, options, piece)) std::abort();
  check_round_trip(text, options.format, options.limits);
  return 0;
}
