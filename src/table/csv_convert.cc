#include "table/csv_convert.h"

#include "base/text.h"
#include "table/byte_mask.h"
#include "table/cell_text.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <optional>

namespace mlgate::table {
namespace {

// Powers of ten that a double holds exactly.
constexpr std::array<double, 16> kPowersOfTen = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

// What copying may write behind the last byte that counts.
constexpr std::size_t kOverrun = 64;

unsigned digit_at(const char* at) noexcept {
  return unsigned(static_cast<unsigned char>(*at)) - '0';
}

constexpr auto kWholePowersOfTen = [] {
  std::array<std::uint64_t, 20> powers{};
  for (std::uint64_t i = 0, power = 1; i < powers.size(); ++i, power *= 10) powers[i] = power;
  return powers;
}();

// The value of eight ASCII digits, the first in the lowest byte: neighbours are joined to pairs,
// pairs to fours.
constexpr std::uint64_t eight_digits(std::uint64_t bytes) noexcept {
  bytes = (bytes & 0x0f0f0f0f0f0f0f0f) * (1 + (10 << 8)) >> 8;
  bytes = (bytes & 0x00ff00ff00ff00ff) * (1 + (100 << 16)) >> 16;
  return (bytes & 0x0000ffff0000ffff) * (1 + (std::uint64_t{10'000} << 32)) >> 32;
}

// Adds the digits at `at` to `value` and goes behind them; more than 19 may overflow it. Takes
// eight at a time and the rest at once, because a loop would miss the end of nearly every number.
// Reads 8 bytes beyond `end`.
[[gnu::always_inline]] inline const char* read_digits(const char* at, const char* end,
                                                      std::uint64_t& value) noexcept {
  constexpr std::uint64_t kHigh = 0xf0f0f0f0f0f0f0f0, kZeros = 0x3030303030303030;
  for (;;) {
    std::uint64_t bytes;
    std::memcpy(&bytes, at, sizeof bytes);
    if constexpr (std::endian::native == std::endian::big) bytes = std::byteswap(bytes);
    const std::uint64_t other =
        ((bytes & kHigh) ^ kZeros) | (((bytes + 0x0606060606060606) & kHigh) ^ kZeros);
    const std::size_t count =
        std::min(std::size_t(std::countr_zero(other)) / 8, std::size_t(end - at));
    if (count == 8) {
      value = value * 100'000'000 + eight_digits(bytes);
      at += 8;
      continue;
    }
    // Moved behind leading zeros, also when there is no digit at all.
    bytes = bytes << (56 - 8 * count) << 8 | kZeros >> (8 * count);
    value = value * kWholePowersOfTen[count] + eight_digits(bytes);
    return at + count;
  }
}

// Plain digits after an optional minus, which is nearly every integer; others go the long way.
std::optional<std::int32_t> quick_int32(std::string_view text) noexcept {
  const bool minus = text[0] == '-';
  const char* const at = text.data() + (minus ? 1 : 0);
  const char* const end = text.data() + text.size();
  std::uint64_t digits = 0;
  if (end - at > 9 || at == end || read_digits(at, end, digits) != end) return parse_int32(text);
  return minus ? -std::int32_t(digits) : std::int32_t(digits);
}

std::optional<std::int64_t> quick_int64(std::string_view text) noexcept {
  const bool minus = text[0] == '-';
  const char* const at = text.data() + (minus ? 1 : 0);
  const char* const end = text.data() + text.size();
  std::uint64_t digits = 0;
  if (end - at > 18 || at == end || read_digits(at, end, digits) != end) return parse_int64(text);
  return minus ? -std::int64_t(digits) : std::int64_t(digits);
}

// What from_chars reads to the end; the rare rest goes the long way.
std::optional<double> long_real(std::string_view text) noexcept {
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, value);
  // It would also take "inf" and "nan", which begin with a letter.
  const bool number = digit_at(text.data()) <= 9 ||
                      (text[0] == '-' && text.size() > 1 && digit_at(text.data() + 1) <= 9);
  if (stop == end && code == std::errc() && number) return value;
  return parse_real(text);
}

struct Quotient {
  std::uint64_t value = 0;
  bool exact = false;
};

// (high * 2^64 + low) / divisor, where high < divisor.
Quotient divide_wide(std::uint64_t high, std::uint64_t low, std::uint64_t divisor) noexcept {
#if defined(__x86_64__)
  // The library's division of wide numbers does not know that the quotient fits.
  std::uint64_t value, rest;
  __asm__("divq %4" : "=a"(value), "=d"(rest) : "0"(low), "1"(high), "rm"(divisor) : "cc");
  return {value, rest == 0};
#else
  using Wide = unsigned __int128;
  const Wide dividend = Wide(high) << 64 | low;
  const auto value = std::uint64_t(dividend / divisor);
  return {value, Wide(value) * divisor == dividend};
#endif
}

// digits / 10^decimals, correctly rounded; digits > 0, decimals at most 19. One division of
// integers gives 64 bits of the quotient, and its remainder tells on which side of a tie it lies.
// No branches: every one would be taken at random.
double divide_exactly(std::uint64_t digits, std::size_t decimals) noexcept {
  const std::uint64_t divisor = kWholePowersOfTen[decimals];
  const int left = std::countl_zero(digits), divisor_left = std::countl_zero(divisor);
  const std::uint64_t high = digits << left, below = divisor << divisor_left;
  // Both have their top bit set; the quotient is to have it, too, and to fit.
  const auto half = unsigned(high >= below);
  const Quotient quotient =
      divide_wide(high >> half, high << 63 & (std::uint64_t(0) - half), below);
  const std::uint64_t bits = quotient.value >> 11, rest = quotient.value & 0x7ff;
  const unsigned up = unsigned(rest > 0x400) |
                      (unsigned(rest == 0x400) & (unsigned(!quotient.exact) | unsigned(bits & 1)));
  const int exponent = 11 - 64 + int(half) + divisor_left - left;
  return double(std::int64_t(bits + up)) *
         std::bit_cast<double>(std::uint64_t(1023 + exponent) << 52);
}

// Digits with an optional point, at most 19 of them; others go the long way. Up to 15, the number
// is a whole one below 2^53 divided by a power of ten that is exact, so that one division rounds it
// correctly.
std::optional<double> quick_real(std::string_view text) noexcept {
  const bool minus = text[0] == '-';
  const char* at = text.data() + (minus ? 1 : 0);
  const char* const end = text.data() + text.size();
  std::uint64_t digits = 0;
  const char* const first = at;
  if (end - at > 20) return long_real(text);
  at = read_digits(at, end, digits);
  std::ptrdiff_t count = at - first, decimals = 0;
  if (at != end && *at == '.') {
    const char* const fraction = at + 1;
    at = read_digits(fraction, end, digits);
    decimals = at - fraction;
    count += decimals;
  }
  if (at != end || count == 0 || count > 19) return long_real(text);
  const double value = count <= 15
                           ? double(std::int64_t(digits)) / kPowersOfTen[std::size_t(decimals)]
                       : digits == 0 ? 0.0
                                     : divide_exactly(digits, std::size_t(decimals));
  return minus ? -value : value;
}

// Appends rows of a type that is parsed cell by cell. A cell that is missing holds zero.
template <class T, bool kNumeric, class Parse>
std::size_t append_parsed(Column& column, const CsvColumnBatch& batch, Parse parse) {
  auto& values = std::get<std::vector<T>>(column.values);
  const std::size_t before = values.size();
  values.resize(before + batch.rows);
  if (!column.missing.empty()) column.missing.resize(before + batch.rows);
  const CsvField* field = batch.records.fields().data() + batch.field;
  const std::size_t width = batch.records.width();
  std::string scratch;
  for (std::size_t row = 0; row < batch.rows; ++row, field += width) {
    const std::string_view text =
        field->escaped != 0 ? csv_text(batch.records, *field, scratch) : batch.records.text(*field);
    if (text.empty() || (kNumeric && text == "NaN")) {
      if (column.missing.empty()) column.missing.resize(before + batch.rows);
      column.missing[before + row] = 1;
      continue;
    }
    const auto value = parse(text);
    if (!value) return row;
    values[before + row] = T(*value);
  }
  return batch.rows;
}

// Copies 32 bytes at a time, beyond the end of both.
char* copy_text(char* to, const char* from, std::size_t size) noexcept {
  std::memcpy(to, from, 32);
  for (std::size_t i = 32; i < size; i += 32) std::memcpy(to + i, from + i, 32);
  return to + size;
}

// Copies up to and with the first of each two quotes, 64 bytes at a time, beyond the end of both.
char* copy_unescaped(char* to, const char* from, std::size_t size) noexcept {
  const char* const end = from + size;
  while (from < end) {
    const auto left = std::size_t(end - from);
    const std::uint64_t quotes = Block64(from).equal('"');
    std::memcpy(to, from, 64);
    const auto run = std::size_t(std::countr_zero(quotes));  // 64 when there is none.
    if (run >= std::min<std::size_t>(left, 64)) {
      const std::size_t copied = std::min<std::size_t>(left, 64);
      to += copied;
      from += copied;
    } else {
      to += run + 1;
      from += run + 2;
    }
  }
  return to;
}

std::size_t first_not_utf8(const CsvColumnBatch& batch) {
  const CsvField* field = batch.records.fields().data() + batch.field;
  for (std::size_t row = 0; row < batch.rows; ++row, field += batch.records.width())
    if (!is_utf8(batch.records.text(*field))) return row;
  return batch.rows;
}

std::size_t append_texts(Column& column, const CsvColumnBatch& batch) {
  auto& texts = std::get<Texts>(column.values);
  const CsvField* const first = batch.records.fields().data() + batch.field;
  const std::size_t width = batch.records.width(), before = texts.size();
  std::size_t bytes = 0, empty = 0;
  for (std::size_t row = 0; row < batch.rows; ++row) {
    bytes += first[row * width].size;
    empty += first[row * width].size == 0 ? 1 : 0;
  }
  texts.append(batch.rows, bytes + kOverrun, [&](char* to, std::size_t* lengths) {
    const CsvField* field = first;
    for (std::size_t row = 0; row < batch.rows; ++row, field += width) {
      const char* const begin = to;
      to = field->escaped != 0
               ? copy_unescaped(to, batch.records.bytes() + field->begin, field->size)
               : copy_text(to, batch.records.bytes() + field->begin, field->size);
      lengths[row] = std::size_t(to - begin);
    }
  });
  const bool some_missing = batch.empty_text_is_missing && empty > 0;
  if (some_missing || !column.missing.empty()) {
    column.missing.resize(before + batch.rows);
    for (std::size_t row = 0; some_missing && row < batch.rows; ++row)
      column.missing[before + row] = first[row * width].size == 0;
  }
  return batch.ascii ? batch.rows : first_not_utf8(batch);
}

}  // namespace

std::string_view csv_text(const CsvRecords& records, const CsvField& field, std::string& scratch) {
  const std::string_view text = records.text(field);
  if (field.escaped == 0) return text;
  scratch.resize(text.size() + kOverrun);
  const char* const end = copy_unescaped(scratch.data(), text.data(), text.size());
  scratch.resize(std::size_t(end - scratch.data()));
  return scratch;
}

std::size_t append_csv_column(Column& column, const CsvColumnBatch& batch) {
  switch (column.type) {
    case DataType::string:
      return append_texts(column, batch);
    case DataType::int32:
      return append_parsed<std::int32_t, true>(column, batch, quick_int32);
    case DataType::int64:
      return append_parsed<std::int64_t, true>(column, batch, quick_int64);
    case DataType::real:
      return append_parsed<double, true>(column, batch, quick_real);
    case DataType::boolean:
      return append_parsed<std::int32_t, false>(column, batch, parse_boolean);
    case DataType::date_time:
      return append_parsed<std::int64_t, false>(column, batch, parse_date_time);
    case DataType::time_span:
      return append_parsed<std::int64_t, false>(column, batch, parse_time_span);
  }
  return 0;
}

}  // namespace mlgate::table
