#pragma once
// What an instance says of its mails: texts of templates that somebody changed, and who is told
// what. Names of templates and notifications are the caller's affair.
#include "apim/transaction.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::apim {

struct MailText {
  std::string subject, body;
  std::optional<std::string> title, description;
  std::uint64_t version = 0;  // 0: not written yet.
};

// nullopt: the text is the default one.
Result<std::optional<MailText>> find_mail_text(Reader& reader, std::string_view service,
                                               std::string_view name);
Result<void> write_mail_text(Transaction& tx, std::string_view service, std::string_view name,
                             const MailText& text);
Result<void> erase_mail_text(Transaction& tx, std::string_view service, std::string_view name);

struct Recipients {
  static constexpr std::size_t kMax = 100;  // Of each kind.
  std::vector<std::string> emails;          // As given.
  std::vector<std::string> users;           // Resource names.
};

// Until somebody changes it the administrator is told of everything; blind copies ("BCC") go to
// nobody.
Result<Recipients> find_recipients(Reader& reader, std::string_view service,
                                   std::string_view notification);
Result<void> write_recipients(Transaction& tx, std::string_view service,
                              std::string_view notification, const Recipients& recipients);

}  // namespace mlgate::apim
