#include "app/mail_role.h"

#include "base/text.h"

namespace mlgate::app {
namespace {

Result<notify::StartTls> start_tls_of(const std::string& text) {
  if (text == "required") return notify::StartTls::required;
  if (text == "offered") return notify::StartTls::offered;
  if (text == "never") return notify::StartTls::never;
  return fail(Errc::invalid_argument,
              "setting 'mail.starttls' has '" + text + "'; it is required, offered or never",
              "mail.starttls");
}

Result<std::optional<notify::MailServer>> server_of(const Settings& settings,
                                                    const MailRole::Parts& parts) {
  TRY(const notify::StartTls start_tls, start_tls_of(settings.text("mail.starttls")));
  if (settings.text("mail.server").empty()) return std::nullopt;
  TRY(auto server,
      notify::parse_mail_server(settings.text("mail.server"), start_tls, settings.text("mail.user"),
                                settings.text("mail.password")));
  server.ca_certificate = parts.authority;
  server.extra_ca = settings.text("mail.ca");
  if (!server.extra_ca.empty() && !std::filesystem::exists(server.extra_ca))
    return fail(Errc::invalid_argument,
                "setting 'mail.ca' names " + server.extra_ca.string() + ", which is not there",
                "mail.ca");
  server.check = parts.guard.for_target(net::DialTarget::configured);
  return server;
}

Result<void> check_texts(const Settings& settings) {
  const std::string& sender = settings.text("mail.sender");
  if (!sender.empty() && !notify::is_mail_address(sender))
    return fail(Errc::invalid_argument, "setting 'mail.sender' is no e-mail address",
                "mail.sender");
  const std::string& url = settings.text("console.url");
  if (!url.empty() && !url.starts_with("https://") && !url.starts_with("http://"))
    return fail(Errc::invalid_argument,
                "setting 'console.url' has to begin with https:// or http://", "console.url");
  return {};
}

std::string console_url(const Settings& settings, const std::string& otherwise) {
  std::string url = settings.text("console.url");
  if (url.empty()) return otherwise;
  while (url.ends_with('/')) url.pop_back();
  return url;
}

notify::Outbox::Options outbox_options(const Settings& settings) {
  return {.first_wait = settings.integer("mail.retry") * 1'000,
          .delivers = !settings.text("mail.server").empty()};
}

}  // namespace

notify::Outbox outbox_of(const Settings& settings, store::Store& store, const store::Vault& vault) {
  return {store, vault, system_clock(), outbox_options(settings)};
}

MailRole::MailRole(const Settings& settings, Parts parts, std::optional<notify::MailServer> server)
    : documents_(parts.store),
      server_(std::move(server)),
      outbox_(parts.store, parts.vault, system_clock(), outbox_options(settings)),
      mailer_({.documents = documents_, .secrets = parts.secrets, .outbox = outbox_},
              {.console_url = console_url(settings, parts.console_url),
               .sender = settings.text("mail.sender"),
               .gateway_domain = settings.text("gateway.domain")}) {}

Result<std::unique_ptr<MailRole>> MailRole::open(const Settings& settings, Parts parts) {
  TRY_OK(check_texts(settings));
  TRY(auto server, server_of(settings, parts));
  return std::unique_ptr<MailRole>(new MailRole(settings, std::move(parts), std::move(server)));
}

void MailRole::start() {
  if (!server_) return;
  postman_ = std::make_unique<notify::Postman>(outbox_, system_clock(), *server_);
  outbox_.on_added([this] { postman_->wake(); });
}

}  // namespace mlgate::app
