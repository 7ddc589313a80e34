#include "portal/session_guard.h"

#include "base/crypto.h"
#include "base/text.h"
#include "http/console_cookie.h"

#include <algorithm>

namespace mlgate::portal {
namespace {

// "localhost:8081" gives {"localhost", "8081"}; "[::1]" keeps its brackets.
struct HostPort {
  std::string host;
  std::string_view port;
};
HostPort host_port(std::string_view authority) {
  const auto colon = authority.rfind(':');
  const auto bracket = authority.rfind(']');
  if (colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket))
    return {to_lower(authority), {}};
  return {to_lower(authority.substr(0, colon)), authority.substr(colon + 1)};
}

std::string cookie_name(const http::Request& request) {
  const bool tls = request.scheme == "https";
  std::string port(host_port(request.authority).port);
  if (!std::ranges::all_of(port, is_digit)) port.clear();
  if (port.empty()) port = tls ? "443" : "80";
  return std::string(tls ? http::kSecureSessionCookie : http::kClearSessionCookie) + port;
}

bool is_safe(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

std::string cookie_text(const http::Request& request, std::string_view token,
                        std::string_view more) {
  std::string out = cookie_name(request);
  out += '=';
  out += token;
  out += "; Path=/; HttpOnly; SameSite=Strict";
  if (request.scheme == "https") out += "; Secure";
  out += more;
  return out;
}

}  // namespace

bool SessionGuard::knows_host(const http::Request& request) const {
  const std::string host = host_port(request.authority).host;
  return host == "localhost" || host == "127.0.0.1" || host == "[::1]" ||
         std::ranges::find(hosts_, host) != hosts_.end();
}

bool SessionGuard::is_same_origin(const http::Request& request) {
  const std::string ours = std::string(request.scheme) + "://" + std::string(request.authority);
  return equals_ignoring_case(request.header("origin"), ours);
}

std::string_view SessionGuard::cookie(const http::Request& request) {
  if (!request.headers) return {};
  const std::string name = cookie_name(request);
  for (const http::Field& field : *request.headers) {
    if (!equals_ignoring_case(field.name, "cookie")) continue;
    for (std::string_view pair : split(field.value, ';')) {
      pair = trim(pair);
      if (pair.starts_with(name) && pair.size() > name.size() && pair[name.size()] == '=')
        return pair.substr(name.size() + 1);
    }
  }
  return {};
}

bool SessionGuard::is_by_session(const http::Request& request) {
  return request.header("authorization").empty() &&
         request.header("x-ms-metaanalytics-authorizationtoken").empty() &&
         !cookie(request).empty();
}

Result<identity::Session> SessionGuard::check(const http::Request& request) const {
  if (!knows_host(request))
    return fail(Errc::denied, "The console does not answer under this host name.");
  TRY(identity::Session session, people_.session(cookie(request)));
  if (is_safe(request.method)) return session;
  if (!is_same_origin(request))
    return fail(Errc::denied, "The request does not come from a page of this console.");
  if (!equal_secrets(request.header(kCsrfHeader), session.csrf))
    return fail(Errc::denied, "The request lacks the header X-MLGate-Csrf of its session.");
  return session;
}

std::string SessionGuard::set_cookie(const http::Request& request, std::string_view token) {
  return cookie_text(request, token, "");
}

std::string SessionGuard::clear_cookie(const http::Request& request) {
  return cookie_text(request, "", "; Max-Age=0");
}

}  // namespace mlgate::portal
