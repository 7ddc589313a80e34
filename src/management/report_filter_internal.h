#pragma once
// What a report is asked about: a period, and entities by their ids. Reports take less than lists
// do: comparisons of `timestamp`, `eq` of ids, joined by `and`.
#include "base/result.h"
#include "base/time.h"

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::management {

enum class Dimension : unsigned char { user, product, api, operation, subscription, region };

// "userId", "productId", …
std::string_view member_of(Dimension dimension) noexcept;

struct ReportFilter {
  struct Match {
    Dimension dimension;
    std::string value;  // Of an id the short form in lower case, or a bare resource name.
  };
  TimeMs from_ms = 0, to_ms = std::numeric_limits<TimeMs>::max();  // from <= time < to
  std::vector<Match> matches;
};

// A lower bound of the period is required.
Result<ReportFilter> parse_report_filter(std::string_view text,
                                         std::span<const Dimension> dimensions);

// "PT15M", "P1DT12H": days, hours, minutes and seconds.
std::optional<TimeMs> parse_duration(std::string_view text) noexcept;

}  // namespace mlgate::management
