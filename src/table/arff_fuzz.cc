// Any bytes, split anywhere, give the same tables or the same error as when they come at once; and
// what was read is written and read back unchanged.
#include "table/arff.h"

#include <cstdlib>
#include <string>

namespace mlgate::table {
namespace {

struct Outcome {
  std::string text;
  std::string error;
  Schema schema;
};

Outcome read(std::string_view text, const Schema& schema, std::size_t piece) {
  ArffReadOptions options;
  options.limits = {.line_bytes_max = 4'096, .header_bytes_max = 8'192, .attributes_max = 64};
  options.schema = schema;
  options.rows_per_table = 3;
  ArffReader reader(std::move(options));
  Outcome outcome;
  const auto drain = [&] {
    for (;;) {
      auto table = reader.next();
      if (!table) {
        outcome.error = table.error().message();
        return false;
      }
      if (!*table) return true;
      if (!(*table)->validate()) {
        // Attributes of one name are the one thing that a table cannot have.
        outcome.error = "names";
        return false;
      }
      append_arff_rows(outcome.text, **table, 0, (*table)->rows);
    }
  };
  for (std::size_t at = 0; at < text.size(); at += piece) {
    reader.feed(text.substr(at, piece));
    if (!drain()) return outcome;
  }
  reader.finish();
  drain();
  outcome.schema = reader.schema();
  return outcome;
}

}  // namespace
}  // namespace mlgate::table

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace mlgate::table;
  if (size < 1) return 0;
  const std::size_t piece = std::size_t{data[0]} + 1;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Outcome whole = read(text, {}, text.size() + 1);
  const Outcome split = read(text, {}, piece);
  if (whole.text != split.text || whole.error != split.error) std::abort();
  if (!whole.error.empty()) return 0;
  std::string written;
  append_arff_header(written, "again", whole.schema);
  if (written.size() > 8'192) return 0;
  const Outcome again =
      read(written + whole.text, whole.schema, written.size() + whole.text.size());
  if (again.error.find("longer") == std::string::npos && again.text != whole.text) std::abort();
  return 0;
}
