#include "http/message.h"

#include "base/text.h"

#include <array>

namespace mlgate::http {
namespace {

// Percent-decoded, '+' as blank; an escape that is cut or not hex stays as it is written.
std::string decode_query_text(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 &&
        hex_digit(text[i + 2]) >= 0) {
      out += char(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

bool is_plain(std::string_view text) noexcept {
  return text.find_first_of("%+") == std::string_view::npos;
}

struct Reason {
  int status;
  std::string_view phrase;
};

constexpr Reason kReasons[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {102, "Processing"},
    {103, "Early Hints"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Payload Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {424, "Failed Dependency"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
    {511, "Network Authentication Required"},
};
constexpr int kReasonsFrom = 100, kReasonsTo = 512;

// Indexed by status, for every answer asks.
constexpr auto kReasonByStatus = [] {
  std::array<std::string_view, kReasonsTo - kReasonsFrom> phrases;
  for (const Reason& reason : kReasons)
    phrases[std::size_t(reason.status - kReasonsFrom)] = reason.phrase;
  return phrases;
}();

}  // namespace

const Field* Fields::find(std::string_view name) const noexcept {
  for (const Field& field : list_)
    if (equals_ignoring_case(field.name, name)) return &field;
  return nullptr;
}

std::string_view Fields::get(std::string_view name) const noexcept {
  const Field* field = find(name);
  return field ? field->value : std::string_view();
}

void Fields::erase(std::string_view name) {
  std::erase_if(list_, [&](const Field& field) { return equals_ignoring_case(field.name, name); });
}

std::string_view standard_reason(int status) noexcept {
  if (status < kReasonsFrom || status >= kReasonsTo) return {};
  return kReasonByStatus[std::size_t(status - kReasonsFrom)];
}

std::optional<std::string> query_parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::size_t ampersand = query.find('&');
    const std::string_view pair = query.substr(0, ampersand);
    query = ampersand == std::string_view::npos ? std::string_view() : query.substr(ampersand + 1);
    const std::size_t equals = pair.find('=');
    const std::string_view key = pair.substr(0, equals);
    const bool same = is_plain(key) ? equals_ignoring_case(key, name)
                                    : equals_ignoring_case(decode_query_text(key), name);
    if (!same || pair.empty()) continue;
    return decode_query_text(equals == std::string_view::npos ? std::string_view()
                                                              : pair.substr(equals + 1));
  }
  return std::nullopt;
}

}  // namespace mlgate::http
