#pragma once
// Absolute http and https URLs (RFC 3986), split without copying, and the path arithmetic that
// redirects and backend addresses need.
#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace mlgate::http {

struct Url {
  bool tls = false;            // https
  std::uint16_t port = 0;      // Given, or the scheme's.
  std::string_view authority;  // As written: host and port if given, IPv6 in brackets.
  std::string_view host;       // Without brackets.
  std::string_view path;       // As written: empty, or begins with '/'.
  std::string_view query;      // Without '?'.
  bool has_query = false;      // "/a?" has an empty one, "/a" has none.
};

inline constexpr std::size_t kUrlBytesMax = 8 * 1024;

// Views of `text`. invalid_argument for other schemes, user names and passwords in the URL, blanks,
// control bytes and anything that is not ASCII; a fragment is left out.
Result<Url> parse_url(std::string_view text);

// RFC 3986, 5.2.4, in place; returns the new size. "%2e" counts as a dot, since many servers take
// it so.
std::size_t remove_dot_segments(char* path, std::size_t size) noexcept;
std::string remove_dot_segments(std::string_view path);

// What a reference (a Location field, a link) means at `base`: an absolute http or https URL.
Result<std::string> resolve_url(std::string_view base, std::string_view reference);

// The two with exactly one '/' between: ("/a/", "/b") and ("/a", "b") give "/a/b"; an empty side
// adds nothing.
std::string join_path(std::string_view base, std::string_view rest);

// "host" or "host:port"; "[::1]:80" gives "::1". Port 0 when there is none.
struct HostPort {
  std::string_view host;  // Without brackets.
  std::uint16_t port = 0;
};
Result<HostPort> parse_authority(std::string_view authority);

}  // namespace mlgate::http
