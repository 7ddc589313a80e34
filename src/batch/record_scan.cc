#include "batch/record_scan.h"

#include "table/byte_mask.h"

#include <algorithm>
#include <bit>
#include <cstdint>

namespace mlgate::batch {

RecordScan::RecordScan(Format format) noexcept
    : format_(format), delimiter_(format == Format::tsv ? '\t' : ',') {}

bool RecordScan::is_record(std::string_view line) const noexcept {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (format_ != Format::arff) return !line.empty();
  const std::size_t first = line.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && line[first] != '%';
}

void RecordScan::end_line(std::string_view bytes, std::size_t end) {
  if (is_record(bytes.substr(line_, end - line_))) ends_.push_back(end);
  line_ = end;
}

void RecordScan::advance(std::string_view bytes) {
  const bool quotes = format_ != Format::arff;
  last_ = bytes;
  if (seen_ == 0 && bytes.starts_with("\xef\xbb\xbf")) line_ = 3;
  for (std::size_t block = seen_ / 64 * 64; block < bytes.size(); block += 64) {
    const table::Block64 window(bytes.data() + block);
    std::uint64_t marks = quotes ? window.any_of('"', '\n') : window.equal('\n');
    if (block < seen_) marks &= ~std::uint64_t{0} << (seen_ % 64);
    if (bytes.size() - block < 64) marks &= (std::uint64_t{1} << (bytes.size() - block)) - 1;
    for (; marks != 0; marks &= marks - 1) {
      const std::size_t at = block + std::size_t(std::countr_zero(marks));
      if (bytes[at] == '\n') {
        if (closing_) quoted_ = closing_ = false;
        if (!quoted_) end_line(bytes, at + 1);
        continue;
      }
      if (closing_) {  // Two in a row stand for one, if nothing was between.
        closing_ = false;
        if (bytes[at - 1] == '"') continue;
        quoted_ = false;
      }
      if (quoted_) {
        closing_ = true;
      } else {
        quoted_ = at == line_ || bytes[at - 1] == delimiter_ || bytes[at - 1] == '\n';
      }
    }
  }
  seen_ = bytes.size();
}

void RecordScan::finish() {
  if (line_ < last_.size()) end_line(last_, last_.size());
}

}  // namespace mlgate::batch
