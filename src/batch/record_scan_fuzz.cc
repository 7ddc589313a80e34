// What the scanner takes for records is what the reader takes for records, as long as the reader
// accepts the file; and the split over calls makes no difference.
#include "batch/record_scan.h"
#include "table/csv_records.h"

#include <cstdlib>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace mlgate;
  using batch::RecordScan;
  if (size < 2) return 0;
  const std::size_t piece = std::size_t{data[0]} + 3;
  const auto format = batch::Format(data[1] % 3);
  const std::string text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::string padded = text + std::string(RecordScan::kReadBeyond, '"');
  RecordScan whole(format), split(format);
  whole.advance(std::string_view(padded).substr(0, text.size()));
  whole.finish();
  for (std::size_t seen = 0; seen < text.size();) {
    seen = std::min(seen + piece, text.size());
    split.advance(std::string_view(padded).substr(0, seen));
  }
  split.finish();
  if (whole.ends() != split.ends()) std::abort();
  if (format == batch::Format::arff) return 0;
  table::CsvRecords records(
      {.delimiter = format == batch::Format::tsv ? '\t' : ',', .header = false}, {});
  records.feed(text);
  records.finish();
  std::size_t count = 0;
  for (;;) {
    const auto found = records.next(1);
    if (!found) return 0;
    if (*found == 0) break;
    count += *found;
  }
  if (count != whole.ends().size()) std::abort();
  return 0;
}
