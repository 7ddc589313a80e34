#pragma once
// Who is behind a request of a browser: reads the session cookie, and takes an unsafe method only
// from our own pages (Origin and the session's CSRF header). Cookies are __Host- and Secure; over
// clear text, which the console speaks on loopback only, they are named without the prefix, because
// a browser would not keep them otherwise. The port is part of the name: cookies of one host are
// sent to all of its ports.
#include "base/result.h"
#include "http/message.h"
#include "identity/people.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::portal {

inline constexpr std::string_view kCsrfHeader = "x-mlgate-csrf";

// Immutable; safe from any thread that may block.
class SessionGuard {
 public:
  // `hosts` are the names, in lower case and without port, that pages may be asked for under,
  // besides localhost and loopback addresses: other names point here by somebody else's DNS.
  SessionGuard(const identity::People& people, std::vector<std::string> hosts)
      : people_(people), hosts_(std::move(hosts)) {}

  bool knows_host(const http::Request& request) const;
  // Whether the page that sent it is ours, for what changes something: its Origin is our address.
  static bool is_same_origin(const http::Request& request);
  // The cookie's value; empty when there is none.
  static std::string_view cookie(const http::Request& request);
  // True when the caller shows a session and no credential of another kind.
  static bool is_by_session(const http::Request& request);

  // The session of a request; denied says what is wrong with it.
  Result<identity::Session> check(const http::Request& request) const;

  static std::string set_cookie(const http::Request& request, std::string_view token);
  static std::string clear_cookie(const http::Request& request);

 private:
  const identity::People& people_;
  std::vector<std::string> hosts_;
};

}  // namespace mlgate::portal
