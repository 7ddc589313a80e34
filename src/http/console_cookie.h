#pragma once
// The names of the console's session cookies. A browser sends the cookies of a host to all of its
// ports, so that the gateway sees those of a console on the same machine: it keeps them from
// backends, and backends from setting them.
#include <string_view>

namespace mlgate::http {

// Behind these stands the port of the console. The first over TLS, the second over clear text.
inline constexpr std::string_view kSecureSessionCookie = "__Host-mlgate-session-";
inline constexpr std::string_view kClearSessionCookie = "mlgate-session-";

// Of a pair "name=value", blanks before it allowed.
constexpr bool is_console_cookie(std::string_view pair) noexcept {
  while (!pair.empty() && (pair.front() == ' ' || pair.front() == '\t')) pair.remove_prefix(1);
  return pair.starts_with(kClearSessionCookie) || pair.starts_with(kSecureSessionCookie);
}

}  // namespace mlgate::http
