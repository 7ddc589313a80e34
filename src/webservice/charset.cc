#include "webservice/charset.h"

#include "base/text.h"

#include <cstdint>

namespace mlgate::webservice {
namespace {

// Value of the parameter "charset" of a media type, without quotes; empty when absent.
std::string_view charset_of(std::string_view content_type) {
  std::size_t semicolon = content_type.find(';');
  while (semicolon != std::string_view::npos) {
    content_type.remove_prefix(semicolon + 1);
    semicolon = content_type.find(';');
    const std::string_view parameter = trim(content_type.substr(0, semicolon));
    const std::size_t equals = parameter.find('=');
    if (equals == std::string_view::npos) continue;
    if (!equals_ignoring_case(trim(parameter.substr(0, equals)), "charset")) continue;
    std::string_view value = trim(parameter.substr(equals + 1));
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
      value = value.substr(1, value.size() - 2);
    return value;
  }
  return {};
}

void append_utf8(std::string& out, std::uint32_t code) {
  if (code < 0x80) {
    out += char(code);
  } else if (code < 0x800) {
    out += char(0xC0 | (code >> 6));
    out += char(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    out += char(0xE0 | (code >> 12));
    out += char(0x80 | ((code >> 6) & 0x3F));
    out += char(0x80 | (code & 0x3F));
  } else {
    out += char(0xF0 | (code >> 18));
    out += char(0x80 | ((code >> 12) & 0x3F));
    out += char(0x80 | ((code >> 6) & 0x3F));
    out += char(0x80 | (code & 0x3F));
  }
}

bool append_utf16(std::string& out, std::string_view body, bool big_endian) {
  if (body.size() % 2 != 0) return false;
  const auto unit = [&](std::size_t at) {
    const auto first = std::uint32_t(std::uint8_t(body[at]));
    const auto second = std::uint32_t(std::uint8_t(body[at + 1]));
    return big_endian ? first << 8 | second : second << 8 | first;
  };
  out.reserve(body.size());
  for (std::size_t at = 0; at < body.size(); at += 2) {
    std::uint32_t code = unit(at);
    if (code >= 0xDC00 && code < 0xE000) return false;
    if (code >= 0xD800 && code < 0xDC00) {
      at += 2;
      if (at >= body.size()) return false;
      const std::uint32_t low = unit(at);
      if (low < 0xDC00 || low >= 0xE000) return false;
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    append_utf8(out, code);
  }
  return true;
}

std::optional<std::string_view> from_utf16(std::string_view charset, std::string_view body,
                                           std::string& storage) {
  bool big_endian = !equals_ignoring_case(charset, "utf-16le");
  if (body.starts_with("\xFF\xFE")) {
    if (equals_ignoring_case(charset, "utf-16be")) return std::nullopt;
    big_endian = false;
    body.remove_prefix(2);
  } else if (body.starts_with("\xFE\xFF") && big_endian) {
    body.remove_prefix(2);
  }
  if (!append_utf16(storage, body, big_endian)) return std::nullopt;
  return storage;
}

}  // namespace

std::optional<std::string_view> body_as_utf8(std::string_view content_type, std::string_view body,
                                             std::string& storage) {
  storage.clear();
  const std::string_view charset = charset_of(content_type);
  const auto is = [&](std::string_view name) { return equals_ignoring_case(charset, name); };
  if (charset.empty() || is("utf-8") || is("utf8")) {
    if (body.starts_with("\xEF\xBB\xBF")) body.remove_prefix(3);
    return body;
  }
  if (is("us-ascii") || is("ascii")) {
    for (const char c : body)
      if (std::uint8_t(c) >= 0x80) return std::nullopt;
    return body;
  }
  if (is("iso-8859-1") || is("latin1")) {
    storage.reserve(body.size());
    for (const char c : body) append_utf8(storage, std::uint8_t(c));
    return storage;
  }
  if (is("utf-16") || is("utf-16le") || is("utf-16be")) return from_utf16(charset, body, storage);
  return std::nullopt;
}

}  // namespace mlgate::webservice
