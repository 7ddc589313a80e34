#pragma once
// Where a file may be cut: finds the ends of records without converting anything, so that a part
// of it can be handed to somebody else. A line end within quotes ends nothing. Agrees with
// table::CsvRecords and table::ArffReader on what is a record and on how many there are.
//
// In CSV and TSV a quote opens a field only where one begins, that is behind a delimiter or a
// line end; so quotes and line ends are all that has to be looked at.
#include "batch/format.h"

#include <cstddef>
#include <string_view>
#include <vector>

namespace mlgate::batch {

class RecordScan {
 public:
  explicit RecordScan(Format format) noexcept;

  // Looks at bytes [seen(), bytes.size()) of what the part consists of so far; `bytes` has to begin
  // with what was given before. kReadBeyond bytes behind it have to be readable.
  static constexpr std::size_t kReadBeyond = 64;
  void advance(std::string_view bytes);
  // The bytes end here: what has no line end is a record, too.
  void finish();

  std::size_t seen() const noexcept { return seen_; }
  // Ends (behind the line end) of the records found so far; blank lines and comments count as part
  // of the record behind them, or of nothing at the end.
  const std::vector<std::size_t>& ends() const noexcept { return ends_; }

 private:
  void end_line(std::string_view bytes, std::size_t end);
  bool is_record(std::string_view line) const noexcept;

  Format format_;
  char delimiter_;
  std::size_t seen_ = 0;
  std::size_t line_ = 0;  // Begin of the record at hand.
  bool quoted_ = false;   // Within quotes.
  bool closing_ =
      false;  // The last byte seen was a quote within quotes: the end, or a doubled one.
  std::string_view last_;  // For finish(): the bytes of the last call.
  std::vector<std::size_t> ends_;
};

}  // namespace mlgate::batch
