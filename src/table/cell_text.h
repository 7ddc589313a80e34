#pragma once
// Texts of single cells, both ways, by invariant rules: what CSV files, request bodies and answers
// hold. Nothing here allocates. A parse takes the whole text and fails on anything left over.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mlgate::table {

// Blanks around a number are allowed, a leading sign too. Integers take digits only.
std::optional<std::int32_t> parse_int32(std::string_view text) noexcept;
std::optional<std::int64_t> parse_int64(std::string_view text) noexcept;
// Correctly rounded; "Infinity" and "-Infinity" are infinite, overflow fails, underflow is zero.
// "NaN" is not a number here: in a cell it means missing.
std::optional<double> parse_real(std::string_view text) noexcept;
// true, false, 1, 0 in any case.
std::optional<bool> parse_boolean(std::string_view text) noexcept;
// Milliseconds since the epoch from "M/d/yyyy", "M/d/yyyy h:mm[:ss] AM|PM", "M/d/yyyy H:mm[:ss]" or
// ISO 8601
// ("yyyy-MM-dd[THH:mm[:ss[.fff]][zone]]"); years 1 to 9999.
std::optional<std::int64_t> parse_date_time(std::string_view text) noexcept;
// 100 ns ticks from .NET's constant form "[-][d.]hh:mm:ss[.fffffff]"; "hh:mm" too.
std::optional<std::int64_t> parse_time_span(std::string_view text) noexcept;

void append_integer(std::string& out, std::int64_t value);
void append_date_time(std::string& out, std::int64_t time_ms);  // "5/30/2010 6:07:00 PM"
void append_time_span(std::string& out, std::int64_t ticks);    // "[-][d.]hh:mm:ss[.fffffff]"

}  // namespace mlgate::table
