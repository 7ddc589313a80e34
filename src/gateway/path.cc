#include "gateway/path.h"

#include "base/text.h"

#include <algorithm>
#include <cstring>

namespace mlgate::gateway {

namespace {

struct Cut {
  std::size_t segments = 0;
  bool dots = false;
};

// One segment more than there are slashes; dot segments only where one begins with '.' or "%2e".
Cut survey(std::string_view path) noexcept {
  Cut out;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] != '/') continue;
    ++out.segments;
    const auto rest = path.substr(i + 1);
    out.dots = out.dots || rest.starts_with('.') || starts_with_ignoring_case(rest, "%2e");
  }
  return out;
}

}  // namespace

std::string_view decode(std::string_view text, std::string_view kept, bool plus_is_blank,
                        policy::Arena& arena) {
  if (text.find('%') == std::string_view::npos &&
      !(plus_is_blank && text.find('+') != std::string_view::npos)) {
    return text;
  }
  char* const begin = arena.take(text.size());
  char* out = begin;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%' && i + 2 < text.size()) {
      const int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
      const char decoded = high < 0 || low < 0 ? '%' : char(high * 16 + low);
      if (high >= 0 && low >= 0 && kept.find(decoded) == std::string_view::npos) {
        c = decoded;
        i += 2;
      }
    } else if (c == '+' && plus_is_blank) {
      c = ' ';
    }
    *out++ = c;
  }
  arena.trim_to(out);
  return {begin, std::size_t(out - begin)};
}

RequestPath split_path(std::string_view path, policy::Arena& arena) {
  RequestPath out;
  out.path = path;
  if (!path.starts_with('/')) return out;
  const Cut cut = survey(path);
  const auto all = arena.make<PathSegment>(cut.segments);
  std::size_t count = 0;
  bool ends_in_dots = false;
  for (std::size_t at = 1;;) {
    const auto slash = std::min(path.find('/', at), path.size());
    const auto raw = path.substr(at, slash - at);
    const auto text = decode(raw, "/\\", false, arena);
    ends_in_dots = cut.dots && (text == "." || text == "..");
    if (!ends_in_dots) {
      all[count++] = {raw, text};
    } else {
      out.rewritten = true;
      if (text == ".." && count == 0) return out;
      if (text == "..") --count;
    }
    if (slash == path.size()) break;
    at = slash + 1;
  }
  // "/a/" and "/a/b/.." end in an empty segment that means the same as none.
  out.trailing_slash = ends_in_dots;
  if (count > 0 && all[count - 1].raw.empty() && !ends_in_dots) {
    --count;
    out.trailing_slash = true;
  }
  out.segments = all.first(count);
  out.valid = true;
  return out;
}

std::string_view RequestPath::tail(std::size_t first, policy::Arena& arena) const {
  if (first >= segments.size()) return {};
  if (!rewritten) {
    const char* const begin = segments[first].raw.data();
    return {begin, std::size_t(path.data() + path.size() - begin)};
  }
  char* const begin = arena.take(path.size() + 1);
  char* out = begin;
  for (std::size_t i = first; i < segments.size(); ++i) {
    if (i != first) *out++ = '/';
    out = std::copy(segments[i].raw.begin(), segments[i].raw.end(), out);
  }
  if (trailing_slash) *out++ = '/';
  arena.trim_to(out);
  return {begin, std::size_t(out - begin)};
}

std::string_view RequestPath::tail_text(std::size_t first, policy::Arena& arena) const {
  if (first >= segments.size()) return {};
  char* const begin = arena.take(path.size() + 1);
  char* out = begin;
  for (std::size_t i = first; i < segments.size(); ++i) {
    if (i != first) *out++ = '/';
    out = std::copy(segments[i].text.begin(), segments[i].text.end(), out);
  }
  if (trailing_slash) *out++ = '/';
  arena.trim_to(out);
  return {begin, std::size_t(out - begin)};
}

std::optional<std::string_view> query_value(std::string_view query, std::string_view name,
                                            policy::Arena& arena) {
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const auto equals = std::min(pair.find('='), pair.size());
    const auto raw = pair.substr(0, equals);
    if (raw.size() < name.size()) continue;  // Decoding only makes it shorter.
    if (!equals_ignoring_case(decode(raw, {}, true, arena), name)) continue;
    return decode(pair.substr(std::min(equals + 1, pair.size())), {}, true, arena);
  }
  return std::nullopt;
}

}  // namespace mlgate::gateway
