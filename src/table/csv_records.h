#pragma once
// Cuts a stream of CSV or TSV bytes into records and fields (RFC 4180), before anything is
// converted.
//
// A field that begins with a quote ends at the next lone quote and may hold delimiters and line
// ends; doubled quotes in it stand for one. A quote further inside a field is an ordinary
// character. Records end with LF or CRLF; empty lines are skipped. How the bytes are split over
// calls makes no difference to what comes out.
#include "base/result.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::table {

struct CsvFormat {
  char delimiter = ',';
  bool header = true;
};

struct CsvLimits {
  std::size_t record_bytes_max = std::size_t{16} << 20;  // At most 256 MiB.
  std::size_t columns_max = 16'384;
};

// A field within CsvRecords::bytes(); quotes around it are left out.
struct CsvField {
  std::uint32_t begin = 0;
  std::uint32_t size : 31 = 0;
  std::uint32_t escaped : 1 = 0;  // Holds doubled quotes.
};

class CsvRecords {
 public:
  CsvRecords(CsvFormat format, CsvLimits limits);
  CsvRecords(const CsvRecords&) = delete;  // Points into itself.
  CsvRecords& operator=(const CsvRecords&) = delete;

  void feed(std::string_view bytes);
  // Room for `size` more bytes, of which `commit` then takes some.
  std::span<char> prepare(std::size_t size);
  void commit(std::size_t size);
  // Bytes that are read where they are, in the place of all that was fed and not taken. kReadBeyond
  // bytes behind them have to be readable, and all of them stay until others come.
  static constexpr std::size_t kReadBeyond = 64;
  void borrow(std::string_view bytes);
  // Bytes fed or borrowed that no record found so far has taken.
  std::size_t pending() const noexcept { return end_ - next_; }
  void finish() noexcept { finished_ = true; }

  // Finds the next records, at most `records_max`, which become fields(). The first call that finds
  // any gives the header or first record alone and so fixes width(). None: more bytes are needed,
  // or it is the end. An error comes after all records before it were handed out.
  Result<std::size_t> next(std::size_t records_max);

  // Of the records found last, one after the other, width() fields each. Valid until the next call.
  std::span<const CsvField> fields() const noexcept { return {fields_.data(), found_ * width_}; }
  const char* bytes() const noexcept { return data_ + base_; }  // 64 readable bytes follow its end.
  std::string_view text(const CsvField& field) const noexcept {
    return {bytes() + field.begin, field.size};
  }
  bool ascii() const noexcept;  // Whether the records found last hold ASCII alone.
  std::size_t width() const noexcept { return width_; }
  // Number of the record after the last one found; the first data record is 1.
  std::uint64_t row() const noexcept { return row_; }
  // Counts from there on as if `rows` more records had been before.
  void count_from(std::uint64_t rows) noexcept { row_ += rows; }

 private:
  enum class Outcome : unsigned char { record, blank, incomplete, wrong };
  class Scan;

  bool skip_byte_order_mark();
  Outcome scan_record(Scan& scan);
  Outcome scan_plain(Scan& scan, CsvField& field, bool& ends_record);
  Outcome scan_quoted(Scan& scan, CsvField& field, bool& ends_record);
  Outcome too_long();
  Outcome wrong(std::string text);
  std::string place() const;

  CsvFormat format_;
  CsvLimits limits_;
  std::string buffer_;          // Bytes of our own, then 64 of padding.
  const char* data_ = nullptr;  // The bytes: buffer_ or what was borrowed.
  std::size_t end_ = 0;         // End of the bytes.
  std::size_t next_ = 0;        // Begin of the first record not handed out.
  std::size_t base_ = 0;        // Begin of the records found last.
  std::size_t retry_at_ = 0;    // With fewer bytes after next_ there is no use in looking again.
  bool finished_ = false;
  bool started_ = false;  // The byte order mark is behind us.
  std::size_t width_ = 0;
  std::uint64_t row_ = 0;
  std::vector<CsvField> fields_;  // Room; the first found_ * width_ are in use.
  std::size_t found_ = 0;         // Records found last.
  Error error_;
  bool failed_ = false;
};

}  // namespace mlgate::table
