#include "portal/console_api.h"

#include <algorithm>
#include <array>

namespace mlgate::portal {
namespace {

constexpr std::string_view kSession = "/console/api/session";
constexpr std::string_view kFirstRun = "/console/api/first-run";
constexpr std::string_view kSignIn = "/console/api/sign-in";
constexpr std::string_view kSignInLink = "/console/api/sign-in-link";
constexpr std::string_view kSignOut = "/console/api/sign-out";

constexpr std::array<ConsoleRoute, 6> kRoutes{{{"GET", kSession},
                                               {"POST", kFirstRun},
                                               {"POST", kSignIn},
                                               {"POST", kSignInLink},
                                               {"POST", kSignOut},
                                               {"GET", kUsageEventsPath}}};

}  // namespace

http::Response json_answer(int status, const Json& body) {
  http::Response response;
  response.status = status;
  response.set("Content-Type", "application/json; charset=utf-8");
  response.set("Cache-Control", "no-store");
  response.body = body.dump();
  return response;
}

std::span<const ConsoleRoute> console_routes() noexcept { return kRoutes; }

http::Response console_failure(int status, std::string_view code, std::string_view message,
                               std::string_view target) {
  return json_answer(
      status,
      Json::object({{"error", Json::object({{"code", Json(code)},
                                            {"message", Json(message)},
                                            {"target", target.empty() ? Json() : Json(target)},
                                            {"details", Json()}})}}));
}

http::Response console_failure(const Error& error) {
  switch (error.code()) {
    case Errc::invalid_argument:
      return console_failure(400, "ValidationError", error.message(), error.field());
    case Errc::denied:
      return console_failure(401, "AuthenticationFailed", error.message(), error.field());
    case Errc::conflict:
      return console_failure(409, "Conflict", error.message(), error.field());
    case Errc::not_found:
      return console_failure(404, "ResourceNotFound", error.message(), error.field());
    case Errc::unsupported:
      return console_failure(501, "NotImplemented", error.message(), error.field());
    case Errc::exhausted:
      return console_failure(429, "TooManyRequests", error.message(), error.field());
    default:
      return console_failure(503, "ServiceUnavailable", "The console cannot do this at present.");
  }
}

bool ConsoleApi::owns(std::string_view path) {
  return path != kUsageEventsPath &&
         std::ranges::any_of(kRoutes, [&](const ConsoleRoute& one) { return one.path == path; });
}

http::Response ConsoleApi::handle(const http::Request& request) {
  if (!guard_.knows_host(request)) {
    return console_failure(421, "MisdirectedRequest",
                           "The console does not answer under this host name.");
  }
  const auto* route = std::ranges::find(kRoutes, request.path, &ConsoleRoute::path);
  if (route == kRoutes.end()) return console_failure(404, "NotFound", "There is nothing here.");
  if (route->method != request.method) {
    http::Response refused = console_failure(405, "MethodNotAllowed", "Use another method.");
    refused.set("Allow", route->method);
    return refused;
  }
  if (route->path == kSession) return get_session(request);
  if (route->path == kSignOut) return sign_out(request);
  if (!SessionGuard::is_same_origin(request)) {
    return console_failure(403, "Forbidden",
                           "The request does not come from a page of this console.");
  }
  const auto body = Json::parse(request.body);
  if (!body || !body->is_object())
    return console_failure(400, "ValidationError", "The body is not a JSON object.");
  if (route->path == kFirstRun) return first_run(request, *body);
  if (route->path == kSignIn) return sign_in(request, *body);
  return sign_in_by_link(request, *body);
}

Json ConsoleApi::describe(const identity::Person& person, std::string_view csrf) const {
  return Json::object({{"signedIn", Json(true)},
                       {"email", Json(person.email)},
                       {"role", Json(identity::to_text(person.role))},
                       {"csrf", Json(csrf)},
                       {"facts", facts_}});
}

http::Response ConsoleApi::get_session(const http::Request& request) {
  if (const auto session = guard_.check(request))
    return json_answer(200, describe(session->person, session->csrf));
  const auto first = people_.needs_first();
  if (!first) return console_failure(first.error());
  return json_answer(200, Json::object({{"signedIn", Json(false)}, {"firstRun", Json(*first)}}));
}

// A session begins anew with each sign-in, so that none can be foisted on anybody.
http::Response ConsoleApi::enter(const http::Request& request,
                                 const Result<identity::Person>& person) {
  if (!person) return console_failure(person.error());
  const auto session = people_.begin_session(*person);
  if (!session) return console_failure(session.error());
  http::Response response = json_answer(200, describe(session->person, session->csrf));
  response.set("Set-Cookie", SessionGuard::set_cookie(request, session->token));
  return response;
}

http::Response ConsoleApi::first_run(const http::Request& request, const Json& body) {
  return enter(request, people_.create_first(body.string_or("code"), body.string_or("email"),
                                             body.string_or("password")));
}

http::Response ConsoleApi::sign_in(const http::Request& request, const Json& body) {
  return enter(request, people_.check_password(body.string_or("email"), body.string_or("password"),
                                               request.peer));
}

http::Response ConsoleApi::sign_in_by_link(const http::Request& request, const Json& body) {
  return enter(request, people_.redeem_link(body.string_or("link")));
}

http::Response ConsoleApi::sign_out(const http::Request& request) {
  if (!guard_.check(request)) {
    return console_failure(401, "AuthenticationFailed", "Nobody is signed in.");
  }
  if (const auto ended = people_.end_session(SessionGuard::cookie(request)); !ended)
    return console_failure(ended.error());
  http::Response response;
  response.status = 204;
  response.set("Cache-Control", "no-store");
  response.set("Set-Cookie", SessionGuard::clear_cookie(request));
  return response;
}

}  // namespace mlgate::portal
