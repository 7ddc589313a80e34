#pragma once
// Hands mails to a mail server (SMTP with STARTTLS or implicit TLS, and AUTH).
#include "base/result.h"
#include "net/dial.h"
#include "notify/outbox.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace mlgate::notify {

enum class StartTls : unsigned char { required, offered, never };

struct MailServer {
  std::string host;
  std::uint16_t port = 587;
  bool implicit_tls = false;
  StartTls start_tls = StartTls::required;  // Without implicit TLS.
  std::string user, password;               // Empty: without AUTH.
  std::filesystem::path ca_certificate;     // Trusted besides the system's; empty: none.
  std::filesystem::path extra_ca;           // Likewise.
  net::AddressCheck check;                  // Of the address that is dialled.
};

// "smtp://host:587" or "smtps://host:465"; ports may be left out. A password is not sent in clear
// text: with a user, TLS has to be implicit or required.
Result<MailServer> parse_mail_server(std::string_view url, StartTls start_tls, std::string user,
                                     std::string password);

// The mail as it goes over the wire: head and two forms of the text (RFC 5322, 2045).
std::string message_of(const Mail& mail, TimeMs now);
// What a mail says without its HTML.
std::string plain_text(std::string_view html);

// One connection, kept while it is used. Thread: one.
class SmtpClient {
 public:
  static constexpr long kSeconds = 60;  // For one mail, all in all.

  explicit SmtpClient(MailServer server);
  SmtpClient(const SmtpClient&) = delete;
  ~SmtpClient();

  // invalid_argument: the server refuses this mail for good. Anything else may pass.
  Result<void> send(const Mail& mail, TimeMs now);

 private:
  struct Handle;
  MailServer server_;
  std::unique_ptr<Handle> handle_;
};

}  // namespace mlgate::notify
