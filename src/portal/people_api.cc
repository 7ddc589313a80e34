#include "portal/people_api.h"

#include "base/time.h"

#include <algorithm>
#include <array>

namespace mlgate::portal {
namespace {

constexpr std::string_view kFacts = "/console/api/sign-up";
constexpr std::string_view kConfirm = "/console/api/sign-up-confirm";
constexpr std::string_view kReset = "/console/api/reset";
constexpr std::string_view kResetFinish = "/console/api/reset-finish";
constexpr std::string_view kInvitation = "/console/api/invitation";
constexpr std::string_view kPassword = "/console/api/password";
constexpr std::string_view kClose = "/console/api/close-account";
constexpr std::string_view kMails = "/console/api/mails";
constexpr std::string_view kMail = "/console/api/mail";
constexpr std::string_view kMailRetry = "/console/api/mail-retry";
constexpr std::string_view kMailPreview = "/console/api/mail-preview";

constexpr std::array<ConsoleRoute, 12> kRoutes{{{"GET", kFacts},
                                                {"POST", kFacts},
                                                {"POST", kConfirm},
                                                {"POST", kReset},
                                                {"POST", kResetFinish},
                                                {"POST", kInvitation},
                                                {"POST", kPassword},
                                                {"POST", kClose},
                                                {"GET", kMails},
                                                {"GET", kMail},
                                                {"POST", kMailRetry},
                                                {"POST", kMailPreview}}};
constexpr std::size_t kListed = 500;

http::Response no_content() {
  http::Response response;
  response.status = 204;
  response.set("Cache-Control", "no-store");
  return response;
}

bool is_for_strangers(std::string_view path) {
  return path == kFacts || path == kConfirm || path == kReset || path == kResetFinish ||
         path == kInvitation;
}

bool is_for_persons(std::string_view path) { return path == kPassword || path == kClose; }

Json time_or_null(TimeMs time) { return time == 0 ? Json() : Json(to_iso8601(time)); }

Json mail_json(const notify::Mail& mail) {
  return Json::object({{"id", mail.id},
                       {"service", mail.service},
                       {"kind", mail.kind},
                       {"from", mail.from},
                       {"to", mail.to},
                       {"subject", mail.subject},
                       {"state", notify::to_text(mail.state)},
                       {"created", to_iso8601(mail.created_ms)},
                       {"ended", time_or_null(mail.ended_ms)},
                       {"next", time_or_null(mail.ended_ms == 0 ? mail.next_ms : 0)},
                       {"attempts", mail.attempts},
                       {"error", mail.error}});
}

http::Response failure_of(const Error& error) {
  if (error.code() == Errc::not_found)
    return console_failure(404, "NotFound", error.message(), error.field());
  return console_failure(error);
}

}  // namespace

std::span<const ConsoleRoute> people_routes() noexcept { return kRoutes; }

bool PeopleApi::owns(std::string_view path) {
  return std::ranges::any_of(kRoutes, [&](const ConsoleRoute& one) { return one.path == path; });
}

bool PeopleApi::is_preview(std::string_view path) { return path == kMailPreview; }

http::Response PeopleApi::handle(const http::Request& request) {
  auto made = answer(request);
  return made ? *std::move(made) : failure_of(made.error());
}

Result<http::Response> PeopleApi::answer(const http::Request& request) {
  if (!parts_.guard.knows_host(request)) {
    return console_failure(421, "MisdirectedRequest",
                           "The console does not answer under this host name.");
  }
  std::string allowed;
  bool fits = false;
  for (const ConsoleRoute& one : kRoutes) {
    if (one.path != request.path) continue;
    fits = fits || one.method == request.method;
    allowed += (allowed.empty() ? "" : ", ") + std::string(one.method);
  }
  if (!fits) {
    http::Response refused = console_failure(405, "MethodNotAllowed", "Use another method.");
    refused.set("Allow", allowed);
    return refused;
  }
  if (request.path == kFacts && request.method == "GET") return portal_facts(request);
  Json body = Json::object();
  if (request.method == "POST") {
    if (!SessionGuard::is_same_origin(request)) {
      return console_failure(403, "Forbidden",
                             "The request does not come from a page of this console.");
    }
    auto sent = Json::parse(request.body);
    if (!sent || !sent->is_object())
      return console_failure(400, "ValidationError", "The body is not a JSON object.");
    body = *std::move(sent);
  }
  if (is_for_strangers(request.path)) return by_stranger(request, body);
  TRY(const identity::Session session, parts_.guard.check(request));
  if (is_for_persons(request.path)) return by_person(request, session, body);
  if (session.person.role != identity::PersonRole::administrator) {
    return console_failure(403, "AuthorizationFailed",
                           "This is for administrators of the console.");
  }
  return by_administrator(request, body);
}

// What the pages of an instance's developer portal say before anybody has signed in.
Result<http::Response> PeopleApi::portal_facts(const http::Request& request) const {
  const auto name = http::query_parameter(request.query, "service");
  TRY(const apim::Service service, parts_.accounts.find_service(name.value_or("")));
  return json_answer(200, Json::object({{"service", service.name},
                                        {"organization", service.publisher_name},
                                        {"mail", parts_.outbox.delivers()}}));
}

Result<http::Response> PeopleApi::by_stranger(const http::Request& request, const Json& body) {
  if (request.path == kFacts) {
    TRY_OK(parts_.accounts.sign_up({.email = std::string(body.string_or("email")),
                                    .password = std::string(body.string_or("password")),
                                    .first_name = std::string(body.string_or("firstName")),
                                    .last_name = std::string(body.string_or("lastName")),
                                    .service = std::string(body.string_or("service"))},
                                   request.peer));
    return json_answer(202, Json::object());
  }
  if (request.path == kReset) {
    TRY_OK(parts_.accounts.request_reset(body.string_or("service"), body.string_or("email"),
                                         request.peer));
    return json_answer(202, Json::object());
  }
  const std::string_view ticket = body.string_or("ticket");
  if (request.path == kConfirm) {
    TRY(const identity::SignUp made, parts_.accounts.confirm(ticket));
    return json_answer(200, Json::object({{"service", made.service}, {"email", made.email}}));
  }
  const auto kind =
      request.path == kInvitation ? identity::TicketKind::invitation : identity::TicketKind::reset;
  TRY(const identity::Ticket used,
      parts_.accounts.choose_password(kind, ticket, body.string_or("password")));
  return json_answer(200, Json::object({{"service", used.service}, {"email", used.email}}));
}

Result<http::Response> PeopleApi::change_password(const http::Request& request,
                                                  const identity::Session& session,
                                                  const Json& body) {
  const auto changed =
      parts_.people.set_password(session.person.email, body.string_or("newPassword"));
  if (!changed && changed.error().field() == "password")
    return fail(changed.error().code(), changed.error().message(), "newPassword");
  if (!changed) return std::unexpected(changed.error());
  // That has ended all sessions; this browser goes on with a new one.
  TRY(const identity::NewSession begun, parts_.people.begin_session(session.person));
  http::Response response = json_answer(200, Json::object({{"csrf", begun.csrf}}));
  response.set("Set-Cookie", SessionGuard::set_cookie(request, begun.token));
  return response;
}

Result<http::Response> PeopleApi::by_person(const http::Request& request,
                                            const identity::Session& session, const Json& body) {
  // A session alone does not take an account over or away.
  const auto known =
      parts_.people.check_password(session.person.email, body.string_or("password"), request.peer);
  if (!known && known.error().code() == Errc::denied)
    return console_failure(400, "ValidationError", "The password is wrong.", "password");
  if (!known) return std::unexpected(known.error());
  if (request.path == kPassword) return change_password(request, session, body);
  TRY_OK(parts_.accounts.close(session.person));
  http::Response response = no_content();
  response.set("Set-Cookie", SessionGuard::clear_cookie(request));
  return response;
}

Result<http::Response> PeopleApi::list_mails(const http::Request& request) const {
  const auto service = http::query_parameter(request.query, "service");
  TRY(const auto mails, parts_.outbox.list(service.value_or(""), kListed));
  Json list = Json::array();
  for (const notify::Mail& one : mails) list.push(mail_json(one));
  return json_answer(
      200, Json::object({{"delivers", parts_.outbox.delivers()}, {"value", std::move(list)}}));
}

Result<http::Response> PeopleApi::by_administrator(const http::Request& request, const Json& body) {
  if (request.path == kMails) return list_mails(request);
  if (request.path == kMailPreview) {
    const notify::MailKind* kind = notify::find_mail_kind(body.string_or("template"));
    if (!kind) return fail(Errc::not_found, "There is no such template.", "template");
    TRY(const auto made, notify::render_mail({std::string(body.string_or("subject")),
                                              std::string(body.string_or("body"))},
                                             notify::sample_values(*kind)));
    return json_answer(200, Json::object({{"subject", made.subject}, {"body", made.body}}));
  }
  if (request.path == kMailRetry) {
    TRY_OK(parts_.outbox.retry(body.string_or("id")));
    return no_content();
  }
  TRY(const notify::Mail mail,
      parts_.outbox.find(http::query_parameter(request.query, "id").value_or("")));
  Json out = mail_json(mail);
  out.set("body", mail.body);
  return json_answer(200, out);
}

}  // namespace mlgate::portal
