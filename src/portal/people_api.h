#pragma once
// /console/api for accounts and mails: sign-up at an instance, its confirmation, forgotten and
// changed passwords, the end of an account; and, for administrators, the outbox and previews of
// mails. What strangers may call answers the same whether an address is known or not.
#include "http/message.h"
#include "notify/mailer.h"
#include "portal/accounts.h"
#include "portal/console_api.h"
#include "portal/session_guard.h"

#include <cstddef>
#include <span>
#include <string_view>

namespace mlgate::portal {

std::span<const ConsoleRoute> people_routes() noexcept;

// Plain blocking handler for the control pool; any thread, many at once.
class PeopleApi {
 public:
  static constexpr std::size_t kBodyBytesMax = 8 << 10;
  static constexpr std::size_t kPreviewBytesMax = 1 << 20;

  struct Parts {  // All outlive it.
    identity::People& people;
    const SessionGuard& guard;
    Accounts& accounts;
    notify::Outbox& outbox;
  };
  explicit PeopleApi(Parts parts) : parts_(parts) {}

  static bool owns(std::string_view path);
  // Holds the text of a mail; such a body is collected from whoever is signed in, and nobody else.
  static bool is_preview(std::string_view path);
  http::Response handle(const http::Request& request);

 private:
  Result<http::Response> answer(const http::Request& request);
  Result<http::Response> by_stranger(const http::Request& request, const Json& body);
  Result<http::Response> by_person(const http::Request& request, const identity::Session& session,
                                   const Json& body);
  Result<http::Response> by_administrator(const http::Request& request, const Json& body);
  Result<http::Response> portal_facts(const http::Request& request) const;
  Result<http::Response> change_password(const http::Request& request,
                                         const identity::Session& session, const Json& body);
  Result<http::Response> list_mails(const http::Request& request) const;

  Parts parts_;
};

}  // namespace mlgate::portal
