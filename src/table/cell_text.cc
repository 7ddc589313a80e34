#include "table/cell_text.h"

#include "base/text.h"
#include "base/time.h"

#include <array>
#include <charconv>
#include <chrono>
#include <limits>

namespace mlgate::table {
namespace {

constexpr std::int64_t kTicksPerSecond = 10'000'000;
constexpr std::int64_t kTicksPerDay = 86'400 * kTicksPerSecond;
constexpr std::int64_t kFirstTimeMs = -62'135'596'800'000;  // 0001-01-01
constexpr std::int64_t kEndTimeMs = 253'402'300'800'000;    // 10000-01-01

template <class Integer>
std::optional<Integer> parse_integer(std::string_view text) noexcept {
  text = trim(text);
  if (text.size() > 1 && text.front() == '+' && is_digit(text[1])) text.remove_prefix(1);
  Integer value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Whether a decimal text that does not fit into a double is too small rather than too big: the
// power of ten of its first digit that is not zero decides.
bool is_underflow(std::string_view text) noexcept {
  std::int64_t power = 0, exponent = 0;
  bool point = false, leading = true;
  std::size_t i = text.starts_with('-') ? 1 : 0;
  for (; i < text.size() && text[i] != 'e' && text[i] != 'E'; ++i) {
    if (text[i] == '.') {
      point = true;
    } else {
      if (leading && text[i] == '0') {
        power -= point ? 1 : 0;
        continue;
      }
      if (leading) power -= point ? 1 : 0;
      leading = false;
      power += point ? 0 : 1;
    }
  }
  if (i + 1 < text.size()) {
    std::string_view digits = text.substr(i + 1);
    const bool minus = digits.starts_with('-');
    if (minus || digits.starts_with('+')) digits.remove_prefix(1);
    const auto [end, code] =
        std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
    if (code == std::errc::result_out_of_range) return minus;
    if (minus) exponent = -exponent;
  }
  return power + exponent < 0;
}

struct Cursor {
  std::string_view rest;

  bool skip(char c) noexcept {
    if (!rest.starts_with(c)) return false;
    rest.remove_prefix(1);
    return true;
  }
  // One to `digits_max` digits; the count is returned, 0 for none.
  std::size_t number(std::size_t digits_max, std::int64_t& value) noexcept {
    std::size_t count = 0;
    value = 0;
    while (count < digits_max && count < rest.size() && is_digit(rest[count]))
      value = value * 10 + (rest[count++] - '0');
    rest.remove_prefix(count);
    return count;
  }
  void skip_blanks() noexcept {
    while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
  }
};

bool parse_clock(Cursor& at, std::int64_t& second_of_day) noexcept {
  std::int64_t hour = 0, minute = 0, second = 0;
  if (at.number(2, hour) == 0 || !at.skip(':') || at.number(2, minute) != 2) return false;
  if (at.skip(':') && at.number(2, second) != 2) return false;
  if (minute > 59 || second > 59) return false;
  at.skip_blanks();
  if (at.rest.size() == 2 && ascii_lower(at.rest[1]) == 'm') {
    const char half = ascii_lower(at.rest[0]);
    if ((half != 'a' && half != 'p') || hour < 1 || hour > 12) return false;
    hour = hour % 12 + (half == 'p' ? 12 : 0);
    at.rest = {};
  }
  second_of_day = (hour * 60 + minute) * 60 + second;
  return hour < 24;
}

std::optional<std::int64_t> parse_us_date(std::string_view text) noexcept {
  Cursor at{text};
  std::int64_t month = 0, day = 0, year = 0, second_of_day = 0;
  if (at.number(2, month) == 0 || !at.skip('/') || at.number(2, day) == 0 || !at.skip('/') ||
      at.number(4, year) != 4)
    return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(int(year)),
                                         std::chrono::month(unsigned(month)),
                                         std::chrono::day(unsigned(day))};
  if (!date.ok()) return std::nullopt;
  if (at.skip(' ')) {
    at.skip_blanks();
    if (!parse_clock(at, second_of_day)) return std::nullopt;
  }
  if (!at.rest.empty()) return std::nullopt;
  const auto days = std::chrono::sys_days(date).time_since_epoch().count();
  return (std::int64_t(days) * 86'400 + second_of_day) * 1000;
}

void append_padded(std::string& out, std::uint64_t value, std::size_t width) {
  std::array<char, 20> digits{};
  for (std::size_t i = width; i-- > 0; value /= 10) digits[i] = char('0' + value % 10);
  out.append(digits.data(), width);
}

}  // namespace

std::optional<std::int32_t> parse_int32(std::string_view text) noexcept {
  return parse_integer<std::int32_t>(text);
}

std::optional<std::int64_t> parse_int64(std::string_view text) noexcept {
  return parse_integer<std::int64_t>(text);
}

std::optional<double> parse_real(std::string_view text) noexcept {
  text = trim(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  // from_chars would also take "inf" and "nan"; a number begins with a digit or a point.
  const std::size_t first = text.starts_with('-') ? 1 : 0;
  if (first >= text.size()) return std::nullopt;
  if (!is_digit(text[first]) && text[first] != '.') {
    if (text.substr(first) != "Infinity") return std::nullopt;
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    return first == 1 ? -kInfinity : kInfinity;
  }
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size()) return std::nullopt;
  if (code == std::errc::result_out_of_range) {
    if (!is_underflow(text)) return std::nullopt;
    return first == 1 ? -0.0 : 0.0;
  }
  if (code != std::errc()) return std::nullopt;
  return value;
}

std::optional<bool> parse_boolean(std::string_view text) noexcept {
  text = trim(text);
  if (text == "1" || equals_ignoring_case(text, "true")) return true;
  if (text == "0" || equals_ignoring_case(text, "false")) return false;
  return std::nullopt;
}

std::optional<std::int64_t> parse_date_time(std::string_view text) noexcept {
  text = trim(text);
  if (text.size() < 8 || !is_digit(text[0])) return std::nullopt;
  const auto time = text[1] == '/' || text[2] == '/' ? parse_us_date(text) : parse_iso8601(text);
  if (!time || *time < kFirstTimeMs || *time >= kEndTimeMs) return std::nullopt;
  return time;
}

std::optional<std::int64_t> parse_time_span(std::string_view text) noexcept {
  Cursor at{trim(text)};
  const bool minus = at.skip('-');
  std::int64_t days = 0, hours = 0, minutes = 0, seconds = 0, fraction = 0;
  if (at.number(8, hours) == 0) return std::nullopt;
  if (at.skip('.')) {
    days = hours;
    if (at.number(2, hours) == 0) return std::nullopt;
  }
  if (!at.skip(':') || at.number(2, minutes) != 2) return std::nullopt;
  if (at.skip(':')) {
    if (at.number(2, seconds) != 2) return std::nullopt;
    if (at.skip('.')) {
      std::size_t digits = at.number(7, fraction);
      if (digits == 0) return std::nullopt;
      for (; digits < 7; ++digits) fraction *= 10;
    }
  }
  constexpr std::int64_t kDaysMax = 10'675'198;  // The whole days that fit into 64 bits of ticks.
  if (!at.rest.empty() || hours > 23 || minutes > 59 || seconds > 59 || days > kDaysMax)
    return std::nullopt;
  const std::int64_t ticks =
      days * kTicksPerDay + ((hours * 60 + minutes) * 60 + seconds) * kTicksPerSecond + fraction;
  return minus ? -ticks : ticks;
}

void append_integer(std::string& out, std::int64_t value) {
  std::array<char, 24> text{};
  const auto [end, code] = std::to_chars(text.data(), text.data() + text.size(), value);
  out.append(text.data(), end);
}

void append_date_time(std::string& out, std::int64_t time_ms) {
  const CivilTime t = to_civil(time_ms);
  append_integer(out, t.month);
  out += '/';
  append_integer(out, t.day);
  out += '/';
  append_padded(out, std::uint64_t(t.year < 0 ? -t.year : t.year), 4);
  out += ' ';
  append_integer(out, t.hour % 12 == 0 ? 12 : t.hour % 12);
  out += ':';
  append_padded(out, t.minute, 2);
  out += ':';
  append_padded(out, t.second, 2);
  out += t.hour < 12 ? " AM" : " PM";
}

void append_time_span(std::string& out, std::int64_t ticks) {
  // The magnitude as unsigned, so that the smallest value has one.
  const std::uint64_t size =
      ticks < 0 ? std::uint64_t(0) - std::uint64_t(ticks) : std::uint64_t(ticks);
  if (ticks < 0) out += '-';
  const std::uint64_t days = size / std::uint64_t(kTicksPerDay);
  const std::uint64_t seconds = size / std::uint64_t(kTicksPerSecond) % 86'400;
  const std::uint64_t fraction = size % std::uint64_t(kTicksPerSecond);
  if (days > 0) {
    append_integer(out, std::int64_t(days));
    out += '.';
  }
  append_padded(out, seconds / 3600, 2);
  out += ':';
  append_padded(out, seconds / 60 % 60, 2);
  out += ':';
  append_padded(out, seconds % 60, 2);
  if (fraction > 0) {
    out += '.';
    append_padded(out, fraction, 7);
  }
}

}  // namespace mlgate::table
