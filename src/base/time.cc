#include "base/time.h"

#include "base/text.h"

#include <array>
#include <cstdio>

namespace mlgate {
namespace {

class SystemClock final : public Clock {
 public:
  TimeMs now_ms() const noexcept override {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
  std::int64_t steady_ns() const noexcept override {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }
};

// Reads exactly `count` digits.
bool digits(std::string_view& text, std::size_t count, unsigned& out) noexcept {
  if (text.size() < count) return false;
  out = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (!is_digit(text[i])) return false;
    out = out * 10 + unsigned(text[i] - '0');
  }
  text.remove_prefix(count);
  return true;
}

bool skip(std::string_view& text, char c) noexcept {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

bool parse_zone(std::string_view& text, std::int64_t& offset_minutes) noexcept {
  offset_minutes = 0;
  if (text.empty() || skip(text, 'Z') || skip(text, 'z')) return true;
  const bool minus = text.front() == '-';
  if (!minus && text.front() != '+') return false;
  text.remove_prefix(1);
  unsigned hours = 0, minutes = 0;
  if (!digits(text, 2, hours)) return false;
  skip(text, ':');
  if (!digits(text, 2, minutes) || hours > 14 || minutes > 59) return false;
  offset_minutes = std::int64_t(hours) * 60 + minutes;
  if (minus) offset_minutes = -offset_minutes;
  return true;
}

bool parse_time_of_day(std::string_view& text, CivilTime& civil) noexcept {
  if (!digits(text, 2, civil.hour) || !skip(text, ':') || !digits(text, 2, civil.minute))
    return false;
  if (skip(text, ':')) {
    if (!digits(text, 2, civil.second)) return false;
    if (skip(text, '.')) {
      unsigned scale = 100;
      bool any = false;
      while (!text.empty() && is_digit(text.front())) {
        civil.millisecond += unsigned(text.front() - '0') * scale;
        scale /= 10;
        any = true;
        text.remove_prefix(1);
      }
      if (!any) return false;
    }
  }
  return civil.hour < 24 && civil.minute < 60 && civil.second < 60;
}

}  // namespace

const Clock& system_clock() noexcept {
  static const SystemClock clock;
  return clock;
}

CivilTime to_civil(TimeMs time) noexcept {
  using namespace std::chrono;
  const sys_time<milliseconds> point{milliseconds(time)};
  const auto day = floor<days>(point);
  const year_month_day date(day);
  const hh_mm_ss clock(point - day);
  return {int(date.year()),
          unsigned(date.month()),
          unsigned(date.day()),
          unsigned(clock.hours().count()),
          unsigned(clock.minutes().count()),
          unsigned(clock.seconds().count()),
          unsigned(clock.subseconds().count())};
}

TimeMs from_civil(const CivilTime& civil) noexcept {
  using namespace std::chrono;
  const sys_days date(year(int(civil.year)) / month(civil.month) / day(civil.day));
  return TimeMs(milliseconds(date.time_since_epoch()).count()) +
         ((TimeMs(civil.hour) * 60 + civil.minute) * 60 + civil.second) * 1000 + civil.millisecond;
}

std::string to_iso8601(TimeMs time) {
  const CivilTime t = to_civil(time);
  std::array<char, 48> text{};
  const int size = std::snprintf(text.data(), text.size(), "%04lld-%02u-%02uT%02u:%02u:%02u.%03uZ",
                                 static_cast<long long>(t.year), t.month, t.day, t.hour, t.minute,
                                 t.second, t.millisecond);
  return {text.data(), std::size_t(size)};
}

std::optional<TimeMs> parse_iso8601(std::string_view text) noexcept {
  CivilTime civil;
  unsigned year = 0;
  if (!digits(text, 4, year) || !skip(text, '-') || !digits(text, 2, civil.month) ||
      !skip(text, '-') || !digits(text, 2, civil.day))
    return std::nullopt;
  civil.year = year;
  using namespace std::chrono;
  const year_month_day date{std::chrono::year(int(year)), month(civil.month), day(civil.day)};
  if (!date.ok()) return std::nullopt;
  std::int64_t offset_minutes = 0;
  if (skip(text, 'T') || skip(text, 't') || skip(text, ' ')) {
    if (!parse_time_of_day(text, civil) || !parse_zone(text, offset_minutes)) return std::nullopt;
  }
  if (!text.empty()) return std::nullopt;
  return from_civil(civil) - offset_minutes * 60'000;
}

std::string to_http_date(TimeMs time) {
  constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  using namespace std::chrono;
  const CivilTime t = to_civil(time);
  const weekday day(floor<days>(sys_time<milliseconds>{milliseconds(time)}));
  std::array<char, 48> text{};
  const int size = std::snprintf(text.data(), text.size(), "%s, %02u %s %04lld %02u:%02u:%02u GMT",
                                 kDays[day.c_encoding()], t.day, kMonths[t.month - 1],
                                 static_cast<long long>(t.year), t.hour, t.minute, t.second);
  return {text.data(), std::size_t(size)};
}

std::optional<TimeMs> parse_http_date(std::string_view text) noexcept {
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  // "Sun, 06 Nov 1994 08:49:37 GMT"
  if (text.size() != 29 || text.substr(3, 2) != ", " || text.substr(25) != " GMT")
    return std::nullopt;
  text.remove_prefix(5);
  CivilTime civil;
  unsigned year = 0;
  if (!digits(text, 2, civil.day) || !skip(text, ' ')) return std::nullopt;
  const std::size_t month = kMonths.find(text.substr(0, 3));
  if (month == std::string_view::npos || month % 3 != 0) return std::nullopt;
  civil.month = unsigned(month / 3) + 1;
  text.remove_prefix(3);
  if (!skip(text, ' ') || !digits(text, 4, year) || !skip(text, ' ') ||
      !digits(text, 2, civil.hour) || !skip(text, ':') || !digits(text, 2, civil.minute) ||
      !skip(text, ':') || !digits(text, 2, civil.second))
    return std::nullopt;
  civil.year = year;
  using namespace std::chrono;
  const year_month_day date{std::chrono::year(int(year)), std::chrono::month(civil.month),
                            day(civil.day)};
  if (!date.ok() || civil.hour > 23 || civil.minute > 59 || civil.second > 60) return std::nullopt;
  return from_civil(civil);
}

std::string to_timespan(std::int64_t seconds) {
  std::array<char, 48> text{};
  const auto days = static_cast<long long>(seconds / 86'400);
  const int hours = int(seconds / 3600 % 24), minutes = int(seconds / 60 % 60),
            rest = int(seconds % 60);
  const int size =
      days > 0 ? std::snprintf(text.data(), text.size(), "%lld.%02d:%02d:%02d", days, hours,
                               minutes, rest)
               : std::snprintf(text.data(), text.size(), "%02d:%02d:%02d", hours, minutes, rest);
  return {text.data(), std::size_t(size)};
}

}  // namespace mlgate
