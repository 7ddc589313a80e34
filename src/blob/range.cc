#include "blob/range.h"

#include "base/text.h"

#include <algorithm>

namespace mlgate::blob {

std::optional<Range> parse_range(std::string_view value) noexcept {
  constexpr std::string_view kUnit = "bytes=";
  if (!starts_with_ignoring_case(value, kUnit)) return std::nullopt;
  value = trim(value.substr(kUnit.size()));
  const std::size_t dash = value.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const std::string_view first = value.substr(0, dash), last = value.substr(dash + 1);
  Range range;
  if (first.empty()) {
    const auto count = parse_uint(last);
    if (!count || *count == 0) return std::nullopt;
    return Range{*count, std::nullopt, true};
  }
  const auto begin = parse_uint(first);
  if (!begin) return std::nullopt;
  range.first = *begin;
  if (last.empty()) return range;
  range.last = parse_uint(last);
  if (!range.last || *range.last < range.first) return std::nullopt;
  return range;
}

std::optional<Span> resolve(const Range& range, std::uint64_t size) noexcept {
  if (size == 0) return std::nullopt;
  if (range.suffix) {
    const std::uint64_t count = std::min(range.first, size);
    return Span{size - count, count};
  }
  if (range.first >= size) return std::nullopt;
  const std::uint64_t last = std::min(range.last.value_or(size - 1), size - 1);
  return Span{range.first, last - range.first + 1};
}

}  // namespace mlgate::blob
