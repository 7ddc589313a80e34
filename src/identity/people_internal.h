#pragma once
// Shared by the parts of People.
#include "base/crypto.h"
#include "base/text.h"
#include "identity/people.h"

#include <algorithm>

namespace mlgate::identity {

inline constexpr std::string_view kPeople = "identity.person";
inline constexpr std::string_view kSessions = "identity.session";
inline constexpr std::string_view kTickets = "identity.ticket";

inline std::string digest(std::string_view secret) { return to_hex(sha256(secret)); }
inline std::string new_secret() { return base64url_encode(random_bytes(32)); }

inline Result<void> check_email(std::string_view email) {
  const auto at = email.find('@');
  const bool shaped = at != std::string_view::npos && at > 0 && at + 1 < email.size() &&
                      email.find('@', at + 1) == std::string_view::npos &&
                      std::ranges::none_of(email, [](char c) {
                        return static_cast<unsigned char>(c) <= ' ' || c == '"' || c == '<' ||
                               c == '>' || c == '\x7f';
                      });
  if (!shaped || email.size() > People::kEmailBytesMax || !is_utf8(email))
    return fail(Errc::invalid_argument, "This is not an e-mail address.", "email");
  return {};
}

inline Result<void> check_new_password(std::string_view password) {
  if (password.size() < People::kPasswordBytesMin) {
    return fail(
        Errc::invalid_argument,
        "A password has at least " + std::to_string(People::kPasswordBytesMin) + " characters.",
        "password");
  }
  if (password.size() > People::kPasswordBytesMax)
    return fail(Errc::invalid_argument, "The password is too long.", "password");
  return {};
}

inline store::Write write_of(std::string_view collection, std::string key, std::string body,
                             store::Expect expect = store::Expect::anything,
                             std::uint64_t version = 0) {
  return {std::string(collection), std::move(key), std::move(body), expect, version};
}

inline store::Write removal(std::string_view collection, std::string key) {
  return {std::string(collection), std::move(key), std::nullopt};
}

}  // namespace mlgate::identity
