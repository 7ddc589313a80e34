// Texts of mails, who is told of what, and the mails that publishers cause: invitations and resets.
#include "apim/mail.h"

#include "base/text.h"
#include "management/entity_internal.h"
#include "management/handlers_internal.h"
#include "management/list_internal.h"
#include "notify/catalogue.h"
#include "notify/mailer.h"
#include "notify/template.h"

#include <algorithm>
#include <array>

namespace mlgate::management {
namespace {

constexpr std::array<FilterField, 1> kTemplateFields{{{"name"}}};
constexpr std::size_t kSubjectMax = 1'000;

std::unexpected<Error> no_template() { return fail(Errc::not_found, "Template not found."); }

Json template_json(const Call& call, const notify::MailKind& kind,
                   const std::optional<apim::MailText>& text) {
  Json parameters = Json::array();
  for (const notify::MailParameter& one : kind.parameters)
    parameters.push(
        Json::object({{"name", one.name}, {"title", one.title}, {"description", Json()}}));
  Json out = Json::object();
  out.set("subject", text ? text->subject : std::string(kind.subject));
  out.set("body", text ? text->body : std::string(kind.body));
  out.set("title", text && text->title ? *text->title : std::string(kind.title));
  out.set("description",
          text && text->description ? *text->description : std::string(kind.description));
  out.set("isDefault", !text);
  out.set("parameters", std::move(parameters));
  return envelope(call, "/templates/" + std::string(kind.name), "templates", kind.name,
                  std::move(out));
}

void check_template(std::string_view field, std::string_view text, apim::Errors& errors) {
  const auto parsed = notify::MailTemplate::parse(text);
  if (!parsed) apim::reject(errors, std::string(field), parsed.error().message());
}

// Members that are left out stay as they are in force.
apim::MailText merged(const Json& properties, const notify::MailKind& kind,
                      const std::optional<apim::MailText>& before, apim::Errors& errors) {
  apim::PropertyReader in(properties, errors);
  apim::MailText out = before.value_or(apim::MailText{.subject = std::string(kind.subject),
                                                      .body = std::string(kind.body),
                                                      .title = {},
                                                      .description = {}});
  if (auto subject = in.optional_text("subject", {1, kSubjectMax}))
    out.subject = *std::move(subject);
  if (auto body = in.optional_text("body", {1, notify::MailTemplate::kBytesMax}))
    out.body = *std::move(body);
  if (auto title = in.optional_text("title", {})) out.title = std::move(title);
  if (auto text = in.optional_text("description", {})) out.description = std::move(text);
  check_template("subject", out.subject, errors);
  check_template("body", out.body, errors);
  return out;
}

http::Response write_template(Call& call, WriteKind write) {
  const auto body = body_of(call.request);
  if (!body) return error_answer(400, "InvalidRequestContent", body.error().message());
  const notify::MailKind* kind = notify::find_mail_kind(call.arg(0));
  if (!kind) return error_answer(no_template().error());
  apim::Errors errors;
  bool created = false;
  const auto done = call.transact(
      [&](apim::Transaction& tx) -> Result<void> {
        TRY(const auto before, apim::find_mail_text(tx, call.service.name, kind->name));
        created = !before && write == WriteKind::put;
        TRY_OK(check_preconditions(call.request, before ? before->version : 0));
        const apim::MailText next = merged((*body)["properties"], *kind, before, tx.errors);
        TRY_OK(tx.check());
        return apim::write_mail_text(tx, call.service.name, kind->name, next);
      },
      errors);
  if (!done) return error_answer(done.error(), errors);
  auto reader = call.reader();
  const auto now = apim::find_mail_text(reader, call.service.name, kind->name);
  if (!now) return error_answer(now.error());
  return with_etag(json_answer(created ? 201 : 200, template_json(call, *kind, *now)),
                   *now ? (*now)->version : 0);
}

std::unexpected<Error> no_notification() {
  return fail(Errc::not_found, "Notification not found.");
}

struct Notification {
  const notify::NotificationKind* kind = nullptr;
  apim::Recipients recipients;
};

Result<Notification> notification_of(const Call& call, apim::Reader& reader) {
  const notify::NotificationKind* kind = notify::find_notification_kind(call.arg(0));
  if (!kind) return no_notification();
  TRY(auto recipients, apim::find_recipients(reader, call.service.name, kind->name));
  return Notification{kind, std::move(recipients)};
}

Json notification_json(const Call& call, const Notification& one) {
  Json emails = Json::array();
  for (const std::string& email : one.recipients.emails) emails.push(email);
  Json users = Json::array();
  for (const std::string& user : one.recipients.users)
    users.push(call.service_id + "/users/" + user);
  return envelope(
      call, "/notifications/" + std::string(one.kind->name), "notifications", one.kind->name,
      Json::object({{"title", one.kind->title},
                    {"description", one.kind->description},
                    {"recipients",
                     Json::object({{"emails", std::move(emails)}, {"users", std::move(users)}})}}));
}

enum class Who : unsigned char { email, user };

Json recipient_json(const Call& call, std::string_view notification, Who who,
                    const std::string& name) {
  const bool is_email = who == Who::email;
  const std::string type = is_email ? "recipientEmails" : "recipientUsers";
  return envelope(call, "/notifications/" + std::string(notification) + "/" + type + "/" + name,
                  "notifications/" + type, name,
                  is_email ? Json::object({{"email", name}})
                           : Json::object({{"userId", call.service_id + "/users/" + name}}));
}

std::vector<std::string>& names_of(apim::Recipients& recipients, Who who) {
  return who == Who::email ? recipients.emails : recipients.users;
}

http::Response list_recipients(Call& call, Who who) {
  auto reader = call.reader();
  auto found = notification_of(call, reader);
  if (!found) return error_answer(found.error());
  std::vector<Json> items;
  for (const std::string& name : names_of(found->recipients, who))
    items.push_back(recipient_json(call, found->kind->name, who, name));
  return list_answer(call, std::move(items), {});
}

http::Response head_recipient(Call& call, Who who) {
  auto reader = call.reader();
  auto found = notification_of(call, reader);
  if (!found && found.error().code() != Errc::not_found) return error_answer(found.error());
  const bool there =
      found && std::ranges::any_of(names_of(found->recipients, who), [&](const auto& one) {
        return equals_ignoring_case(one, call.arg(1));
      });
  return empty_answer(there ? 204 : 404);
}

Result<void> add_recipient(const Call& call, apim::Transaction& tx, Who who, std::string& name,
                           bool& created) {
  TRY(auto found, notification_of(call, tx));
  if (who == Who::user) {
    TRY(const auto user, require<apim::User>(tx, {call.service.name, "", name}));
    name = user.name;
  } else if (!notify::is_mail_address(name)) {
    return fail(Errc::invalid_argument, "'" + name + "' is not an e-mail address.", "email");
  }
  std::vector<std::string>& names = names_of(found.recipients, who);
  created = std::ranges::none_of(
      names, [&](const std::string& one) { return equals_ignoring_case(one, name); });
  if (!created) return {};
  if (names.size() >= apim::Recipients::kMax)
    return fail(Errc::invalid_argument, "A notification has at most " +
                                            std::to_string(apim::Recipients::kMax) +
                                            " recipients of a kind.");
  names.push_back(name);
  return apim::write_recipients(tx, call.service.name, found.kind->name, found.recipients);
}

http::Response put_recipient(Call& call, Who who) {
  const notify::NotificationKind* kind = notify::find_notification_kind(call.arg(0));
  if (!kind) return error_answer(no_notification().error());
  apim::Errors errors;
  bool created = false;
  std::string name = call.arg(1);
  const auto done = call.transact(
      [&](apim::Transaction& tx) { return add_recipient(call, tx, who, name, created); }, errors);
  if (!done) return error_answer(done.error(), errors);
  return json_answer(created ? 201 : 200, recipient_json(call, kind->name, who, name));
}

http::Response delete_recipient(Call& call, Who who) {
  apim::Errors errors;
  bool existed = false;
  const auto done = call.transact(
      [&](apim::Transaction& tx) -> Result<void> {
        TRY(auto found, notification_of(call, tx));
        existed = std::erase_if(names_of(found.recipients, who), [&](const std::string& one) {
                    return equals_ignoring_case(one, call.arg(1));
                  }) > 0;
        if (!existed) return {};
        return apim::write_recipients(tx, call.service.name, found.kind->name, found.recipients);
      },
      errors);
  if (!done) return error_answer(done.error(), errors);
  return empty_answer(existed ? 200 : 204);
}

}  // namespace

http::Response list_templates(Call& call) {
  auto reader = call.reader();
  std::vector<Json> items;
  for (const notify::MailKind& kind : notify::mail_kinds()) {
    const auto text = apim::find_mail_text(reader, call.service.name, kind.name);
    if (!text) return error_answer(text.error());
    items.push_back(template_json(call, kind, *text));
  }
  return list_answer(call, std::move(items), kTemplateFields);
}

http::Response get_template(Call& call) {
  const notify::MailKind* kind = notify::find_mail_kind(call.arg(0));
  if (!kind) return error_answer(no_template().error());
  auto reader = call.reader();
  const auto text = apim::find_mail_text(reader, call.service.name, kind->name);
  if (!text) return error_answer(text.error());
  return with_etag(json_answer(200, template_json(call, *kind, *text)),
                   *text ? (*text)->version : 0);
}

http::Response put_template(Call& call) { return write_template(call, WriteKind::put); }
http::Response patch_template(Call& call) { return write_template(call, WriteKind::patch); }

http::Response delete_template(Call& call) {
  const notify::MailKind* kind = notify::find_mail_kind(call.arg(0));
  if (!kind) return error_answer(no_template().error());
  apim::Errors errors;
  bool existed = false;
  const auto done = call.transact(
      [&](apim::Transaction& tx) -> Result<void> {
        TRY(const auto before, apim::find_mail_text(tx, call.service.name, kind->name));
        existed = before.has_value();
        if (!existed) return {};
        TRY_OK(check_preconditions(call.request, before->version));
        return apim::erase_mail_text(tx, call.service.name, kind->name);
      },
      errors);
  if (!done) return error_answer(done.error(), errors);
  return empty_answer(existed ? 200 : 204);
}

http::Response list_notifications(Call& call) {
  auto reader = call.reader();
  std::vector<Json> items;
  for (const notify::NotificationKind& kind : notify::notification_kinds()) {
    auto recipients = apim::find_recipients(reader, call.service.name, kind.name);
    if (!recipients) return error_answer(recipients.error());
    items.push_back(notification_json(call, {&kind, *std::move(recipients)}));
  }
  return list_answer(call, std::move(items), {});
}

// A notification is there from the start: to make one is to look at it.
http::Response get_notification(Call& call) {
  auto reader = call.reader();
  const auto found = notification_of(call, reader);
  if (!found) return error_answer(found.error());
  return json_answer(200, notification_json(call, *found));
}

http::Response list_recipient_emails(Call& call) { return list_recipients(call, Who::email); }
http::Response head_recipient_email(Call& call) { return head_recipient(call, Who::email); }
http::Response put_recipient_email(Call& call) { return put_recipient(call, Who::email); }
http::Response delete_recipient_email(Call& call) { return delete_recipient(call, Who::email); }
http::Response list_recipient_users(Call& call) { return list_recipients(call, Who::user); }
http::Response head_recipient_user(Call& call) { return head_recipient(call, Who::user); }
http::Response put_recipient_user(Call& call) { return put_recipient(call, Who::user); }
http::Response delete_recipient_user(Call& call) { return delete_recipient(call, Who::user); }

http::Response send_user_password(Call& call) {
  auto reader = call.reader();
  const auto user = require<apim::User>(reader, {call.service.name, "", call.arg(0)});
  if (!user) return error_answer(user.error());
  const auto& send = call.env.options.people.send_reset;
  if (!send) return error_answer(503, "ServiceUnavailable", "This process sends no mail.");
  const auto sent = send(call.service, *user);
  return sent ? empty_answer(204) : error_answer(sent.error());
}

}  // namespace mlgate::management
