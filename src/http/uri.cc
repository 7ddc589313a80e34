#include "http/uri.h"

#include "base/text.h"
#include "http/head_parser.h"

#include <algorithm>
#include <cstring>

namespace mlgate::http {
namespace {

bool is_visible(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

// Length of the dot, plain or escaped, at the front; 0 when there is none.
std::size_t dot_at(std::string_view text) noexcept {
  if (text.starts_with('.')) return 1;
  return text.size() >= 3 && text[0] == '%' && text[1] == '2' && ascii_lower(text[2]) == 'e' ? 3
                                                                                             : 0;
}

// 1 or 2 for "." and "..", 0 for any other segment.
int dots_of(std::string_view segment) noexcept {
  const std::size_t first = dot_at(segment);
  if (first == 0) return 0;
  if (first == segment.size()) return 1;
  const std::size_t second = dot_at(segment.substr(first));
  return second != 0 && first + second == segment.size() ? 2 : 0;
}

std::string with_query(std::string text, std::string_view query, bool has_query) {
  if (has_query) text.append("?").append(query);
  return text;
}

}  // namespace

Result<HostPort> parse_authority(std::string_view authority) {
  if (!is_valid_authority(authority))
    return fail(Errc::invalid_argument,
                "'" + std::string(authority) + "' is not a host with an optional port");
  HostPort out;
  std::string_view port;
  if (authority.starts_with('[')) {
    const std::size_t close = authority.find(']');
    out.host = authority.substr(1, close - 1);
    port = authority.substr(close + 1);
  } else {
    out.host = authority.substr(0, authority.find(':'));
    port = authority.substr(out.host.size());
  }
  if (!port.empty()) out.port = std::uint16_t(parse_uint(port.substr(1)).value_or(0));
  return out;
}

Result<Url> parse_url(std::string_view text) {
  const auto refuse = [](std::string_view why) {
    return fail(Errc::invalid_argument, "the URL " + std::string(why));
  };
  if (text.size() > kUrlBytesMax) return refuse("is longer than 8 KiB");
  if (!is_visible(text)) return refuse("has blanks, control characters or characters beyond ASCII");
  Url url;
  url.tls = starts_with_ignoring_case(text, "https://");
  if (!url.tls && !starts_with_ignoring_case(text, "http://"))
    return refuse("does not begin with http:// or https://");
  std::string_view rest = text.substr(url.tls ? 8 : 7);
  rest = rest.substr(0, rest.find('#'));
  const std::size_t authority_end = std::min(rest.find_first_of("/?\\"), rest.size());
  url.authority = rest.substr(0, authority_end);
  if (url.authority.find('@') != std::string_view::npos)
    return refuse("has a user name or password in it");
  auto host = parse_authority(url.authority);
  if (!host) return refuse("has no valid host");
  url.host = host->host;
  // "http://host:0" names a port that cannot be dialled.
  const bool port_given = url.authority.back() != ']' &&
                          url.authority.find(':', url.host.size()) != std::string_view::npos;
  if (port_given && host->port == 0) return refuse("has port 0");
  url.port = host->port != 0 ? host->port : std::uint16_t(url.tls ? 443 : 80);
  rest.remove_prefix(authority_end);
  if (rest.starts_with('\\')) return refuse("has a backslash after the host");
  const std::size_t mark = rest.find('?');
  url.path = rest.substr(0, mark);
  url.has_query = mark != std::string_view::npos;
  if (url.has_query) url.query = rest.substr(mark + 1);
  return url;
}

std::size_t remove_dot_segments(char* path, std::size_t size) noexcept {
  std::size_t out = 0;
  for (std::size_t in = 0; in < size;) {
    const std::size_t begin = in + (path[in] == '/' ? 1 : 0);
    const auto* slash = static_cast<const char*>(std::memchr(path + begin, '/', size - begin));
    const std::size_t end = slash ? std::size_t(slash - path) : size;
    const int dots = dots_of({path + begin, end - begin});
    if (dots == 0) {
      std::memmove(path + out, path + in, end - in);
      out += end - in;
    } else {
      while (dots == 2 && out > 0 && path[--out] != '/') {
      }
      // A dot at the end names a folder: its slash stays.
      if (end == size && begin > in) path[out++] = '/';
    }
    in = end;
  }
  return out;
}

std::string remove_dot_segments(std::string_view path) {
  std::string out(path);
  out.resize(remove_dot_segments(out.data(), out.size()));
  return out;
}

Result<std::string> resolve_url(std::string_view base, std::string_view reference) {
  TRY(const Url from, parse_url(base));
  const std::string scheme = from.tls ? "https:" : "http:";
  const std::string origin = scheme + "//" + std::string(from.authority);
  reference = reference.substr(0, reference.find('#'));
  const std::size_t mark = reference.find('?');
  const std::string_view path = reference.substr(0, mark);
  const bool has_query = mark != std::string_view::npos;
  const std::string_view query = has_query ? reference.substr(mark + 1) : std::string_view();

  std::string text;
  if (path.starts_with("//")) {
    text = scheme + std::string(reference);
  } else if (path.starts_with('/')) {
    text = with_query(origin + remove_dot_segments(path), query, has_query);
  } else if (path.empty()) {
    text = origin + std::string(from.path);
    text = has_query ? with_query(std::move(text), query, true)
                     : with_query(std::move(text), from.query, from.has_query);
  } else if (path.substr(0, path.find('/')).find(':') != std::string_view::npos) {
    text = std::string(reference);  // It has a scheme of its own.
  } else {
    const std::string_view folder = from.path.substr(0, from.path.rfind('/') + 1);
    std::string merged = folder.empty() ? "/" : std::string(folder);
    merged += path;
    text = with_query(origin + remove_dot_segments(merged), query, has_query);
  }
  TRY_OK(parse_url(text));
  return text;
}

std::string join_path(std::string_view base, std::string_view rest) {
  if (rest.empty()) return std::string(base);
  if (base.empty()) return std::string(rest);
  if (base.ends_with('/')) base.remove_suffix(1);
  if (rest.starts_with('/')) rest.remove_prefix(1);
  return std::string(base).append("/").append(rest);
}

}  // namespace mlgate::http
