#pragma once
// Writes the mails of an instance: the text that its publisher chose or the default one, filled
// with what is known of developer and organization, into the outbox. Links in mails are made of the
// configured address of the console, never of what a request says.
#include "apim/mail.h"
#include "apim/model.h"
#include "apim/transaction.h"
#include "base/json.h"
#include "notify/catalogue.h"
#include "notify/outbox.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::notify {

// The text that is in force.
struct MailWording {
  std::string subject, body;
};
Result<MailWording> wording_of(apim::Reader& reader, std::string_view service,
                               const MailKind& kind);

struct RenderedMail {
  std::string subject, body;
};
// invalid_argument names "subject" or "body", with the line.
Result<RenderedMail> render_mail(const MailWording& wording, const Json& values);
// What a kind's parameters look like, for previews.
Json sample_values(const MailKind& kind);

// Threads: any that may block.
class Mailer {
 public:
  struct Options {
    std::string console_url;  // "https://localhost:8444", for links.
    std::string sender;       // Of instances that name none; empty: noreply@ their host.
    std::string gateway_domain = "localhost";
  };
  // All outlive it.
  struct Parts {
    apim::Documents& documents;
    const apim::Secrets& secrets;
    Outbox& outbox;
  };
  Mailer(Parts parts, Options options) : parts_(parts), options_(std::move(options)) {}

  // The developer portal of an instance.
  std::string portal_url(std::string_view service) const;
  // A page of it that a ticket opens; the ticket stands behind the '#', where no log sees it.
  std::string link(std::string_view service, std::string_view page, std::string_view ticket) const;

  // To somebody who need not be a user yet. `values` has what the kind has besides names,
  // organization and portal.
  struct Addressee {
    std::string first_name, last_name, email;
  };
  Result<void> to_developer(const apim::Service& service, const Addressee& to,
                            std::string_view kind, Json values) const;
  // The values of a kind with a link: ConfirmUrl, DevPortalHost, ConfirmQuery.
  Json link_values(std::string_view url) const;

  // A text of ours, each paragraph escaped.
  Result<void> to_publishers(const apim::Service& service, std::string_view notification,
                             const std::string& subject,
                             const std::vector<std::string>& paragraphs) const;

  // What happened to subscriptions. A mail that cannot be kept is no reason to refuse what is done
  // already.
  void tell(const std::string& service, const std::vector<apim::Notice>& notices) const;

  Outbox& outbox() const noexcept { return parts_.outbox; }

 private:
  Result<void> tell_one(const apim::Service& service, const apim::Notice& notice) const;
  Mail draft(const apim::Service& service, std::string_view kind, RenderedMail text) const;
  Result<std::vector<std::string>> addresses(std::string_view service,
                                             std::string_view notification) const;

  Parts parts_;
  Options options_;
};

}  // namespace mlgate::notify
