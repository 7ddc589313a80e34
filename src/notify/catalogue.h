#pragma once
// The mails and notifications that there are: names, titles and parameters as the management
// interface has them, and the texts that an instance has until somebody changes them.
#include <span>
#include <string_view>

namespace mlgate::notify {

struct MailParameter {
  std::string_view name, title;
};

struct MailKind {
  std::string_view name;  // As on the wire: "ConfirmSignUpIdentityDefault".
  std::string_view title, description, subject, body;
  std::span<const MailParameter> parameters;
  bool holds_secret = false;  // A one-time link.
};

std::span<const MailKind> mail_kinds() noexcept;
// Without regard to case; null when there is none.
const MailKind* find_mail_kind(std::string_view name) noexcept;

struct NotificationKind {
  std::string_view name, title, description;
};

std::span<const NotificationKind> notification_kinds() noexcept;
const NotificationKind* find_notification_kind(std::string_view name) noexcept;

}  // namespace mlgate::notify
