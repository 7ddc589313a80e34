#pragma once
// Text helpers without locale: ASCII case, trimming, hex, percent-encoding, UTF-8 checks.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate {

constexpr char ascii_lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; }
constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_alpha(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept;
bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) noexcept;
// Less-than for ordered containers keyed by ASCII text without regard to case; heterogeneous.
struct LessIgnoringCase {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const noexcept;
};
std::string to_lower(std::string_view text);
// Removes blanks, tabs and line ends at both ends.
std::string_view trim(std::string_view text) noexcept;
// "a,,b" with ',' gives {"a", "", "b"}; "" gives {""}.
std::vector<std::string_view> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::string replace_all(std::string_view text, std::string_view from, std::string_view to);

// Lower-case hex of the bytes; two digits each.
std::string to_hex(std::string_view bytes);
std::optional<std::string> from_hex(std::string_view hex);
int hex_digit(char c) noexcept;  // 0..15, or -1.

// RFC 3986. Decoding fails on a cut or non-hex escape. '+' is left alone.
std::optional<std::string> percent_decode(std::string_view text);
// Leaves unreserved characters (RFC 3986 2.3) and those in `keep`.
std::string percent_encode(std::string_view text, std::string_view keep = {});

bool is_utf8(std::string_view text) noexcept;

// Whole text as a decimal number; nullopt for anything else (blanks, sign '+', overflow).
std::optional<std::int64_t> parse_int(std::string_view text) noexcept;
std::optional<std::uint64_t> parse_uint(std::string_view text) noexcept;
std::optional<double> parse_double(std::string_view text) noexcept;

}  // namespace mlgate
