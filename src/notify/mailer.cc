#include "notify/mailer.h"

#include "apim/codec.h"
#include "apim/entities.h"
#include "base/text.h"
#include "notify/template.h"

#include <algorithm>

namespace mlgate::notify {
namespace {

constexpr std::size_t kSubjectBytesMax = 1'000;

std::string escaped(std::string_view text) {
  std::string out = replace_all(std::string(text), "&", "&amp;");
  out = replace_all(replace_all(out, "<", "&lt;"), ">", "&gt;");
  return replace_all(out, "\"", "&quot;");
}

// One line of visible text.
std::string as_line(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = ' ';
  if (text.size() > kSubjectBytesMax) {
    std::size_t end = kSubjectBytesMax;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
    text.resize(end);
  }
  return std::string(trim(text));
}

std::unexpected<Error> wrong_text(const Error& error, const char* field) {
  return fail(Errc::invalid_argument, std::string(field) + ", " + error.message(), field);
}

Mailer::Addressee addressee(const apim::User& user) {
  return {user.first_name, user.last_name, user.email};
}

}  // namespace

Result<MailWording> wording_of(apim::Reader& reader, std::string_view service,
                               const MailKind& kind) {
  TRY(auto changed, apim::find_mail_text(reader, service, kind.name));
  if (changed) return MailWording{std::move(changed->subject), std::move(changed->body)};
  return MailWording{std::string(kind.subject), std::string(kind.body)};
}

Result<RenderedMail> render_mail(const MailWording& wording, const Json& values) {
  const auto subject = MailTemplate::parse(wording.subject);
  if (!subject) return wrong_text(subject.error(), "subject");
  const auto body = MailTemplate::parse(wording.body);
  if (!body) return wrong_text(body.error(), "body");
  return RenderedMail{as_line(subject->render(values, Escaping::line)),
                      body->render(values, Escaping::html)};
}

Json sample_values(const MailKind& kind) {
  Json out = Json::object();
  for (const MailParameter& one : kind.parameters) {
    if (one.name.ends_with("Alert"))
      out.set(one.name, true);
    else if (one.name == "Apis")
      out.set(one.name, Json::array());
    else if (one.name.ends_with("Url") || one.name == "DevPassword")
      out.set(one.name, "https://localhost/developer");
    else
      out.set(one.name, one.title);
  }
  return out;
}

std::string Mailer::portal_url(std::string_view service) const {
  return options_.console_url + "/developer/" + percent_encode(service);
}

std::string Mailer::link(std::string_view service, std::string_view page,
                         std::string_view ticket) const {
  return portal_url(service) + "/" + std::string(page) + "#" + std::string(ticket);
}

Json Mailer::link_values(std::string_view url) const {
  const std::size_t host = options_.console_url.find("//");
  const std::size_t mark = url.find('#');
  return Json::object(
      {{"ConfirmUrl", url},
       {"DevPortalHost", options_.console_url.substr(host == std::string::npos ? 0 : host + 2)},
       {"ConfirmQuery", mark == std::string_view::npos ? std::string_view() : url.substr(mark)}});
}

Mail Mailer::draft(const apim::Service& service, std::string_view kind, RenderedMail text) const {
  Mail mail;
  mail.service = service.name;
  mail.kind = kind;
  mail.from_name = service.publisher_name;
  const std::string own =
      apim::default_sender(to_lower(service.name) + "." + options_.gateway_domain);
  for (const std::string& one : {service.notification_sender_email, options_.sender, own}) {
    mail.from = one;
    if (is_mail_address(one)) break;
  }
  mail.subject = std::move(text.subject);
  mail.body = std::move(text.body);
  return mail;
}

Result<std::vector<std::string>> Mailer::addresses(std::string_view service,
                                                   std::string_view notification) const {
  apim::DocumentReader reader(parts_.documents, parts_.secrets);
  TRY(const auto recipients, apim::find_recipients(reader, service, notification));
  std::vector<std::string> out = recipients.emails;
  for (const std::string& name : recipients.users) {
    TRY(const auto user, apim::find<apim::User>(reader, {std::string(service), "", name}));
    if (user && user->state == apim::UserState::active) out.push_back(user->email);
  }
  std::ranges::sort(out, LessIgnoringCase());
  const auto same = std::ranges::unique(
      out, [](const auto& a, const auto& b) { return equals_ignoring_case(a, b); });
  out.erase(same.begin(), same.end());
  std::erase_if(out, [](const std::string& one) { return !is_mail_address(one); });
  return out;
}

Result<void> Mailer::to_developer(const apim::Service& service, const Addressee& to,
                                  std::string_view kind_name, Json values) const {
  const MailKind* kind = find_mail_kind(kind_name);
  if (!kind) return fail(Errc::internal, "there is no mail '" + std::string(kind_name) + "'");
  apim::DocumentReader reader(parts_.documents, parts_.secrets);
  TRY(const MailWording wording, wording_of(reader, service.name, *kind));
  values.set("DevFirstName", to.first_name);
  values.set("DevLastName", to.last_name);
  values.set("DevEmail", to.email);
  values.set("OrganizationName", service.publisher_name);
  values.set("DevPortalUrl", portal_url(service.name));
  TRY(RenderedMail text, render_mail(wording, values));
  Mail mail = draft(service, kind->name, std::move(text));
  mail.to = to.email;
  mail.holds_secret = kind->holds_secret;
  std::vector<Mail> mails{mail};
  // A copy of a one-time link would be a second key to the account.
  if (!kind->holds_secret) {
    TRY(const auto copies, addresses(service.name, "BCC"));
    for (const std::string& address : copies) {
      mail.to = address;
      mails.push_back(mail);
    }
  }
  return parts_.outbox.add(std::move(mails));
}

Result<void> Mailer::to_publishers(const apim::Service& service, std::string_view notification,
                                   const std::string& subject,
                                   const std::vector<std::string>& paragraphs) const {
  TRY(const auto to, addresses(service.name, notification));
  RenderedMail text{as_line(subject), {}};
  for (const std::string& one : paragraphs) text.body += "<p>" + escaped(one) + "</p>\n";
  const std::string url =
      escaped(options_.console_url + "/publisher/" + percent_encode(service.name));
  text.body += "<p><a href=\"" + url + "\">" + url + "</a></p>\n";
  Mail mail = draft(service, notification, std::move(text));
  std::vector<Mail> mails;
  for (const std::string& address : to) {
    mail.to = address;
    mails.push_back(mail);
  }
  return parts_.outbox.add(std::move(mails));
}

void Mailer::tell(const std::string& service, const std::vector<apim::Notice>& notices) const {
  apim::DocumentReader reader(parts_.documents, parts_.secrets);
  const auto found = apim::find_service(reader, service);
  if (!found || !*found) return;
  for (const apim::Notice& one : notices) {
    // The change stands, and its answer says nothing of mails.
    const auto told = tell_one(**found, one);
    (void)told;
  }
}

Result<void> Mailer::tell_one(const apim::Service& service, const apim::Notice& notice) const {
  const apim::Subscription& subscription = notice.subscription;
  apim::DocumentReader reader(parts_.documents, parts_.secrets);
  TRY(const auto user,
      apim::find<apim::User>(reader, {service.name, "", subscription.owner.value_or("")}));
  if (!user) return {};
  std::string product = subscription.scope.target;
  if (subscription.scope.kind == apim::ScopeKind::product) {
    TRY(const auto known, apim::find<apim::Product>(reader, {service.name, "", product}));
    if (known) product = known->display_name;
  } else if (product.empty()) {
    product = "All APIs";
  }
  Json values = Json::object({{"ProdId", subscription.scope.target}, {"ProdName", product}});
  const std::string who = user->first_name + " " + user->last_name + " (" + user->email + ")";
  using Kind = apim::Notice::Kind;
  if (notice.kind == Kind::rejected) {
    values.set("SubDeclineReason", subscription.state_comment.value_or(""));
    return to_developer(service, addressee(*user), "RejectDeveloperNotificationMessage",
                        std::move(values));
  }
  if (notice.kind == Kind::requested) {
    TRY_OK(to_developer(service, addressee(*user), "RequestDeveloperNotificationMessage",
                        std::move(values)));
    return to_publishers(
        service, "RequestPublisherNotificationMessage", "Subscription request for " + product,
        {who + " asks for a subscription to " + product + ".",
         "Approve or reject it on the page Subscriptions of the publisher portal."});
  }
  values.set("SubStartDate", to_iso8601(subscription.start_ms.value_or(0)).substr(0, 10));
  values.set("SubTerm", subscription.expiration_ms
                            ? "until " + to_iso8601(*subscription.expiration_ms).substr(0, 10)
                            : std::string());
  TRY_OK(to_developer(service, addressee(*user), "PurchaseDeveloperNotificationMessage",
                      std::move(values)));
  return to_publishers(service, "PurchasePublisherNotificationMessage",
                       "New subscription to " + product,
                       {who + " has a new subscription to " + product + "."});
}

}  // namespace mlgate::notify
