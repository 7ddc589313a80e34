#include "http/trailers.h"

#include "base/text.h"

#include <algorithm>
#include <array>

namespace mlgate::http {
namespace {

constexpr std::array<std::string_view, 36> kRefused = {"transfer-encoding",
                                                       "content-length",
                                                       "trailer",
                                                       "te",
                                                       "connection",
                                                       "keep-alive",
                                                       "proxy-connection",
                                                       "upgrade",
                                                       "host",
                                                       "expect",
                                                       "max-forwards",
                                                       "range",
                                                       "cache-control",
                                                       "pragma",
                                                       "expires",
                                                       "age",
                                                       "date",
                                                       "location",
                                                       "retry-after",
                                                       "vary",
                                                       "warning",
                                                       "authorization",
                                                       "proxy-authorization",
                                                       "proxy-authenticate",
                                                       "www-authenticate",
                                                       "cookie",
                                                       "set-cookie",
                                                       "content-encoding",
                                                       "content-type",
                                                       "content-range",
                                                       "if-match",
                                                       "if-none-match",
                                                       "if-modified-since",
                                                       "if-unmodified-since",
                                                       "if-range",
                                                       "ocp-apim-subscription-key"};

}  // namespace

bool may_be_trailer(std::string_view name) noexcept {
  return std::ranges::none_of(kRefused,
                              [&](std::string_view refused) {
                                return refused.size() == name.size() &&
                                       equals_ignoring_case(refused, name);
                              }) &&
         !starts_with_ignoring_case(name, "x-forwarded-");
}

void read_trailers(std::string_view lines, Fields& out) {
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find("\r\n"), lines.size());
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 2, lines.size()));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view name = line.substr(0, colon);
    if (may_be_trailer(name)) out.add(name, trim(line.substr(colon + 1)));
  }
}

std::string passable_trailers(std::string_view lines) {
  Fields fields;
  read_trailers(lines, fields);
  std::string out;
  for (const Field& field : fields)
    out.append(field.name).append(": ").append(field.value).append("\r\n");
  return out;
}

}  // namespace mlgate::http
