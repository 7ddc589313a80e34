#include "base/number.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <string_view>

namespace mlgate {
namespace {

bool append_special(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value < 0 ? "-Infinity" : "Infinity";
  } else {
    return false;
  }
  return true;
}

}  // namespace

void append_shortest_double(std::string& out, double value) {
  if (append_special(out, value)) return;
  std::array<char, 32> text{};
  const auto [end, code] = std::to_chars(text.data(), text.data() + text.size(), value);
  out.append(text.data(), end);
}

void append_dotnet_double(std::string& out, double value, int significant_digits) {
  // Most cells are small counts.
  if (value >= 0 && value < 1e9 && value == double(std::int64_t(value))) {
    std::array<char, 16> text{};
    const auto [end, code] =
        std::to_chars(text.data(), text.data() + text.size(), std::int64_t(value));
    out.append(text.data(), end);
    return;
  }
  if (append_special(out, value)) return;
  if (value == 0) {  // Also minus zero.
    out += '0';
    return;
  }
  // Digits and decimal exponent: "d.ddddE±xx" with the digits rounded to the precision.
  std::array<char, 48> text{};
  const auto [end, code] = std::to_chars(text.data(), text.data() + text.size(), value,
                                         std::chars_format::scientific, significant_digits - 1);
  std::string_view all(text.data(), std::size_t(end - text.data()));
  if (all.front() == '-') {
    out += '-';
    all.remove_prefix(1);
  }
  const auto e = all.find('e');
  int exponent = 0;
  const std::string_view exponent_text =
      all.substr(e + (all[e + 1] == '+' ? 2 : 1));  // from_chars takes no plus sign.
  std::from_chars(exponent_text.data(), exponent_text.data() + exponent_text.size(), exponent);
  std::string digits(1, all[0]);
  if (e > 2) digits += all.substr(2, e - 2);
  while (digits.size() > 1 && digits.back() == '0') digits.pop_back();

  if (exponent < -4 || exponent >= significant_digits) {
    out += digits[0];
    if (digits.size() > 1) {
      out += '.';
      out.append(digits, 1);
    }
    out += exponent < 0 ? "E-" : "E+";
    const int magnitude = exponent < 0 ? -exponent : exponent;
    if (magnitude < 10) out += '0';
    out += std::to_string(magnitude);
  } else if (exponent < 0) {
    out += "0.";
    out.append(std::size_t(-exponent - 1), '0');
    out += digits;
  } else {
    const auto whole = std::size_t(exponent) + 1;
    if (digits.size() <= whole) {
      out += digits;
      out.append(whole - digits.size(), '0');
    } else {
      out.append(digits, 0, whole);
      out += '.';
      out.append(digits, whole);
    }
  }
}

}  // namespace mlgate
