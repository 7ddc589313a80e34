#include "webservice/ids.h"

#include "base/text.h"

namespace mlgate::webservice {

std::optional<Id> Id::parse(std::string_view text) noexcept {
  Id id;
  std::size_t count = 0;
  for (const char c : text) {
    if (c == '-') continue;
    if (count == id.digits_.size() || hex_digit(c) < 0) return std::nullopt;
    id.digits_[count++] = ascii_lower(c);
  }
  if (count != id.digits_.size()) return std::nullopt;
  return id;
}

std::string_view bearer_token(const http::Request& request) noexcept {
  constexpr std::string_view scheme = "bearer";
  const std::string_view value = trim(request.header("authorization"));
  if (value.size() <= scheme.size() || !starts_with_ignoring_case(value, scheme)) return {};
  if (value[scheme.size()] != ' ' && value[scheme.size()] != '\t') return {};
  return trim(value.substr(scheme.size()));
}

PathParts::PathParts(std::string_view path) noexcept {
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    if (!part.empty()) {
      if (count < kMax) parts[count] = part;
      ++count;
    }
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
}

bool PathParts::is(std::size_t index, std::string_view word) const noexcept {
  return equals_ignoring_case((*this)[index], word);
}

}  // namespace mlgate::webservice
