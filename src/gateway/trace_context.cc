#include "gateway/trace_context.h"

namespace mlgate::gateway {

namespace {

// Lower-case hex only; false when a character is anything else.
bool read_hex(std::string_view text, std::uint64_t& out) noexcept {
  out = 0;
  for (const char c : text) {
    unsigned digit = 0;
    if (c >= '0' && c <= '9') {
      digit = unsigned(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      digit = unsigned(c - 'a') + 10;
    } else {
      return false;
    }
    out = out << 4 | digit;
  }
  return true;
}

char* write_hex(char* out, std::uint64_t number, int digits) noexcept {
  constexpr char kHex[] = "0123456789abcdef";
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) *out++ = kHex[(number >> shift) & 0xF];
  return out;
}

}  // namespace

std::optional<TraceParent> parse_traceparent(std::string_view text) noexcept {
  if (text.size() < kTraceparentBytes) return std::nullopt;
  if (text[2] != '-' || text[35] != '-' || text[52] != '-') return std::nullopt;
  std::uint64_t version = 0, flags = 0;
  TraceParent out;
  const bool hex = read_hex(text.substr(0, 2), version) &&
                   read_hex(text.substr(3, 16), out.trace[0]) &&
                   read_hex(text.substr(19, 16), out.trace[1]) &&
                   read_hex(text.substr(36, 16), out.span) && read_hex(text.substr(53, 2), flags);
  if (!hex || version == 0xff) return std::nullopt;
  if (text.size() > kTraceparentBytes && (version == 0 || text[kTraceparentBytes] != '-')) {
    return std::nullopt;
  }
  if ((out.trace[0] | out.trace[1]) == 0 || out.span == 0) return std::nullopt;
  out.sampled = (flags & 1) != 0;
  return out;
}

void write_traceparent(const TraceParent& parent, std::span<char, kTraceparentBytes> out) noexcept {
  char* at = out.data();
  *at++ = '0';
  *at++ = '0';
  *at++ = '-';
  at = write_hex(at, parent.trace[0], 16);
  at = write_hex(at, parent.trace[1], 16);
  *at++ = '-';
  at = write_hex(at, parent.span, 16);
  *at++ = '-';
  *at++ = '0';
  *at = parent.sampled ? '1' : '0';
}

}  // namespace mlgate::gateway
