#pragma once
// /console/api: what the pages need that is no entity of any interface: first run, sign-in and
// sign-out, and what the page has to know of where it runs. Anybody may call the routes; each looks
// at who it is.
#include "base/json.h"
#include "http/message.h"
#include "identity/people.h"
#include "portal/session_guard.h"

#include <span>
#include <string_view>

namespace mlgate::portal {

struct ConsoleRoute {
  std::string_view method, path;
};
// Server-sent events, which wait; served beside this part.
inline constexpr std::string_view kUsageEventsPath = "/console/api/usage-events";
// All routes below /console/api for the pages; a test holds them against a list.
std::span<const ConsoleRoute> console_routes() noexcept;

// Plain blocking handler for the control pool; any thread, many at once.
class ConsoleApi {
 public:
  // `facts` are told to whoever is signed in: ids and addresses for the pages.
  ConsoleApi(identity::People& people, const SessionGuard& guard, Json facts)
      : people_(people), guard_(guard), facts_(std::move(facts)) {}

  static bool owns(std::string_view path);
  http::Response handle(const http::Request& request);

 private:
  http::Response get_session(const http::Request& request);
  http::Response first_run(const http::Request& request, const Json& body);
  http::Response sign_in(const http::Request& request, const Json& body);
  http::Response sign_in_by_link(const http::Request& request, const Json& body);
  http::Response sign_out(const http::Request& request);
  http::Response enter(const http::Request& request, const Result<identity::Person>& person);
  Json describe(const identity::Person& person, std::string_view csrf) const;

  identity::People& people_;
  const SessionGuard& guard_;
  Json facts_;
};

// An answer that no cache keeps.
http::Response json_answer(int status, const Json& body);
// {"error":{"code","message","target"}} of the console.
http::Response console_failure(int status, std::string_view code, std::string_view message,
                               std::string_view target = {});
http::Response console_failure(const Error& error);

}  // namespace mlgate::portal
