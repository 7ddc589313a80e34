#include "table/csv_records.h"

#include "table/byte_mask.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace mlgate::table {
namespace {

constexpr std::size_t kPadding = CsvRecords::kReadBeyond;
constexpr char kQuote = '"';
// Fields are 32-bit offsets; a batch of records ends before that.
constexpr std::size_t kBatchBytes = std::size_t{1} << 28;
constexpr std::size_t kBatchFields = std::size_t{1} << 17;
constexpr std::size_t kRecordBytesMax = std::size_t{1} << 28;

}  // namespace

// A place in the bytes and the delimiters, line ends and quotes of the 64 bytes around it.
class CsvRecords::Scan {
 public:
  Scan(const char* bytes, std::size_t at, std::size_t end, char delimiter) noexcept
      : at(at), record(at), bytes_(bytes), end_(end), delimiter_(delimiter) {
    load(at / 64 * 64);
    ends_ &= ~std::uint64_t{0} << (at % 64);
  }
  char operator[](std::size_t i) const noexcept { return bytes_[i]; }
  std::size_t end() const noexcept { return end_; }

  // The next delimiter or line feed at or behind the last one taken; end() when there is none.
  [[gnu::always_inline]] std::size_t take_end() noexcept {
    while (ends_ == 0) {
      if (block_ + 64 >= end_) return end_;
      load(block_ + 64);
    }
    const std::size_t found = block_ + std::size_t(std::countr_zero(ends_));
    ends_ &= ends_ - 1;
    return std::min(found, end_);
  }
  // The next quote at or behind `from`; end() when there is none.
  [[gnu::always_inline]] std::size_t find_quote(std::size_t from) noexcept {
    if (from / 64 * 64 != block_) {
      if (from >= end_) return end_;
      load(from / 64 * 64);
    }
    std::uint64_t quotes = quotes_ & (~std::uint64_t{0} << (from % 64));
    while (quotes == 0) {
      if (block_ + 64 >= end_) return end_;
      load(block_ + 64);
      quotes = quotes_;
    }
    return std::min(block_ + std::size_t(std::countr_zero(quotes)), end_);
  }
  // Goes on behind a quoted field: ends before `from` are passed over.
  [[gnu::always_inline]] void resume(std::size_t from) noexcept {
    if (from / 64 * 64 != block_) load(from / 64 * 64);
    ends_ &= ~std::uint64_t{0} << (from % 64);
  }

  // Fields too many are counted and not kept; the record is refused at its end.
  void add(CsvField field) noexcept {
    if (count < count_max) *out++ = field;
    ++count;
  }

  std::size_t at;             // Begin of the field that is looked at.
  std::size_t record;         // Begin of its record.
  CsvField* out = nullptr;    // Where the next field goes.
  std::size_t count = 0;      // Fields of the record so far.
  std::size_t count_max = 0;  // For how many of a record there is room.

 private:
  // Reads up to 63 bytes beyond the end; what is found there does not count.
  [[gnu::always_inline]] void load(std::size_t block) noexcept {
    block_ = block;
    const Block64 bytes(bytes_ + block);
    ends_ = bytes.any_of(delimiter_, '\n');
    quotes_ = bytes.equal(kQuote);
  }

  const char* bytes_;
  std::size_t end_;
  std::size_t block_ = 0;
  std::uint64_t ends_ = 0, quotes_ = 0;
  char delimiter_;
};

CsvRecords::CsvRecords(CsvFormat format, CsvLimits limits) : format_(format), limits_(limits) {
  limits_.record_bytes_max = std::min(limits_.record_bytes_max, kRecordBytesMax);
  buffer_.resize(kPadding);
  data_ = buffer_.data();
  row_ = format.header ? 0 : 1;
}

void CsvRecords::feed(std::string_view bytes) {
  if (bytes.empty()) return;
  bytes.copy(prepare(bytes.size()).data(), bytes.size());
  commit(bytes.size());
}

std::span<char> CsvRecords::prepare(std::size_t size) {
  found_ = 0;
  const std::size_t kept = end_ - next_;
  const bool borrowed = data_ != buffer_.data();
  if (!borrowed && next_ > 0) std::memmove(buffer_.data(), buffer_.data() + next_, kept);
  if (buffer_.size() < kept + size + kPadding)
    buffer_.resize_and_overwrite(kept + size + kPadding,
                                 [](char*, std::size_t all) { return all; });
  if (borrowed && kept > 0) std::memcpy(buffer_.data(), data_ + next_, kept);
  data_ = buffer_.data();
  base_ = next_ = 0;
  end_ = kept;
  commit(0);  // Ends what is kept with padding again, should nothing follow.
  return {buffer_.data() + end_, size};
}

void CsvRecords::commit(std::size_t size) {
  end_ += size;
  std::memset(buffer_.data() + end_, 0, kPadding);
}

void CsvRecords::borrow(std::string_view bytes) {
  found_ = 0;
  retry_at_ = 0;
  data_ = bytes.data();
  base_ = next_ = 0;
  end_ = bytes.size();
}

[[gnu::always_inline]] inline CsvRecords::Outcome CsvRecords::scan_plain(Scan& scan,
                                                                         CsvField& field,
                                                                         bool& ends_record) {
  const std::size_t end = scan.take_end();
  if (end - scan.record > limits_.record_bytes_max) return too_long();
  const bool at_end = end == scan.end();
  if (at_end && !finished_) return Outcome::incomplete;
  ends_record = at_end || scan[end] == '\n';
  std::size_t size = end - scan.at;
  if (ends_record && size > 0 && scan[end - 1] == '\r') --size;
  field.begin = std::uint32_t(scan.at - base_);
  field.size = std::uint32_t(size) & 0x7fff'ffff;
  scan.at = at_end ? end : end + 1;
  return ends_record && scan.count == 0 && size == 0 ? Outcome::blank : Outcome::record;
}

[[gnu::always_inline]] inline CsvRecords::Outcome CsvRecords::scan_quoted(Scan& scan,
                                                                          CsvField& field,
                                                                          bool& ends_record) {
  const std::size_t begin = scan.at + 1;
  std::size_t close = scan.find_quote(begin);
  while (close + 1 < scan.end() && scan[close + 1] == kQuote) {
    field.escaped = 1;
    close = scan.find_quote(close + 2);
  }
  std::size_t after = std::min(close + 1, scan.end());
  if (after < scan.end() && scan[after] == '\r') ++after;
  if (after - scan.record > limits_.record_bytes_max) return too_long();
  if (after == scan.end() && !finished_) return Outcome::incomplete;
  if (close == scan.end()) return wrong(place() + ": a quoted field is not closed.");
  ends_record = after == scan.end() || scan[after] == '\n';
  if (!ends_record && !(scan[after] == format_.delimiter && after == close + 1))
    return wrong(place() + ": text follows a closing quote.");
  scan.at = std::min(after + 1, scan.end());
  scan.resume(scan.at);
  field.begin = std::uint32_t(begin - base_);
  field.size = std::uint32_t(close - begin) & 0x7fff'ffff;
  return Outcome::record;
}

// Each field's end is looked at in order, and whether the record has become too long before
// anything else: so the same error comes out however the bytes were split.
[[gnu::always_inline]] inline CsvRecords::Outcome CsvRecords::scan_record(Scan& scan) {
  scan.at = scan.record;
  for (;;) {
    CsvField field;
    bool ends_record = false;
    const bool quoted = scan.at < scan.end() && scan[scan.at] == kQuote;
    const Outcome outcome =
        quoted ? scan_quoted(scan, field, ends_record) : scan_plain(scan, field, ends_record);
    if (outcome != Outcome::record) return outcome;
    scan.add(field);
    if (scan.count > limits_.columns_max && width_ == 0)
      return wrong("There are more than " + std::to_string(limits_.columns_max) + " columns.");
    if (!ends_record) continue;
    if (width_ == 0) width_ = scan.count;
    if (scan.count == width_) return Outcome::record;
    return wrong(place() + " has " + std::to_string(scan.count) + " fields, not " +
                 std::to_string(width_) + ".");
  }
}

Result<std::size_t> CsvRecords::next(std::size_t records_max) {
  found_ = 0;
  if (failed_) return std::unexpected(error_);
  base_ = next_;
  const std::size_t available = end_ - next_;
  if (available == 0 || (available < retry_at_ && !finished_)) return std::size_t{0};
  if (!started_ && !skip_byte_order_mark()) {
    if (failed_) return std::unexpected(error_);
    return std::size_t{0};
  }
  records_max =
      width_ == 0 ? 1 : std::min(records_max, std::max<std::size_t>(kBatchFields / width_, 1));
  Scan scan(data_, next_, end_, format_.delimiter);
  scan.count_max = width_ == 0 ? limits_.columns_max : width_;
  if (fields_.size() < records_max * scan.count_max) fields_.resize(records_max * scan.count_max);
  scan.out = fields_.data();
  while (found_ < records_max && next_ < end_ && next_ - base_ < kBatchBytes) {
    scan.record = next_;
    scan.count = 0;
    const Outcome outcome = scan_record(scan);
    if (outcome == Outcome::record) {
      ++found_;
      ++row_;
    } else if (outcome != Outcome::blank) {
      // A record that goes on is looked at again only when it may have doubled, so that small
      // pieces of a long one do not cost the square of its length.
      if (outcome == Outcome::incomplete)
        retry_at_ = std::min(2 * (end_ - next_), limits_.record_bytes_max + 1);
      if (failed_ && found_ == 0) return std::unexpected(error_);
      failed_ = false;  // Comes again, when the records before it are out.
      return found_;
    }
    retry_at_ = 0;
    next_ = scan.at;
  }
  return found_;
}

bool CsvRecords::skip_byte_order_mark() {
  constexpr std::string_view kMark = "\xef\xbb\xbf";
  const std::string_view head(data_ + next_, std::min<std::size_t>(end_ - next_, 3));
  if (head.size() < 3 && !finished_ &&
      (kMark.starts_with(head) || head[0] == '\xff' || head[0] == '\xfe'))
    return false;
  if (head.starts_with("\xff\xfe") || head.starts_with("\xfe\xff")) {
    wrong("The text is UTF-16; it has to be UTF-8.");
    return false;
  }
  started_ = true;
  if (head == kMark) {
    next_ += kMark.size();
    base_ = next_;
  }
  return next_ < end_;
}

CsvRecords::Outcome CsvRecords::too_long() {
  wrong(place() + " is longer than the limit of " + std::to_string(limits_.record_bytes_max) +
        " bytes.");
  error_ = Error(Errc::exhausted, error_.message());
  return Outcome::wrong;
}

CsvRecords::Outcome CsvRecords::wrong(std::string text) {
  failed_ = true;
  error_ = Error(Errc::invalid_argument, std::move(text));
  return Outcome::wrong;
}

std::string CsvRecords::place() const {
  return row_ == 0 ? "The header" : "Row " + std::to_string(row_);
}

bool CsvRecords::ascii() const noexcept {
  std::size_t at = base_;
  for (; at + 64 <= next_; at += 64)
    if (!Block64(data_ + at).ascii()) return false;
  for (; at < next_; ++at)
    if (static_cast<unsigned char>(data_[at]) > 127) return false;
  return true;
}

}  // namespace mlgate::table
