#pragma once
// Wall-clock time as milliseconds since the Unix epoch (UTC), its texts, and the clock that tests
// replace.
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mlgate {

using TimeMs = std::int64_t;  // Unix time in milliseconds, UTC.

// Where the time comes from. Threads: any.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimeMs now_ms() const noexcept = 0;  // Wall clock.
  virtual std::int64_t steady_ns()
      const noexcept = 0;  // Never goes back; for durations and limits.
};
const Clock& system_clock() noexcept;

// "2016-01-29T13:27:14.153Z": ISO 8601, UTC, milliseconds.
std::string to_iso8601(TimeMs time);
// Reads "yyyy-MM-dd[THH:mm[:ss[.fraction]][Z|+hh:mm|-hh:mm]]"; without a zone it is UTC.
std::optional<TimeMs> parse_iso8601(std::string_view text) noexcept;
// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7).
std::string to_http_date(TimeMs time);
// Reads that form; nullopt for any other.
std::optional<TimeMs> parse_http_date(std::string_view text) noexcept;
// .NET TimeSpan: "hh:mm:ss" below one day, else "d.hh:mm:ss". `seconds` >= 0.
std::string to_timespan(std::int64_t seconds);

struct CivilTime {  // Proleptic Gregorian, UTC.
  std::int64_t year = 1970;
  unsigned month = 1, day = 1, hour = 0, minute = 0, second = 0, millisecond = 0;
};
CivilTime to_civil(TimeMs time) noexcept;
TimeMs from_civil(const CivilTime& civil) noexcept;

}  // namespace mlgate
