#include "apim/mail.h"

#include "apim/editor.h"
#include "apim/keys_internal.h"
#include "base/json.h"

namespace mlgate::apim {
namespace {

std::string text_key(std::string_view service, std::string_view name) {
  return entity_key(service, "mail-text", "", name);
}

std::string recipients_key(std::string_view service, std::string_view notification) {
  return entity_key(service, "recipients", "", notification);
}

std::optional<std::string> optional_text(const Json& json, std::string_view name) {
  const Json& member = json[name];
  if (!member.is_string()) return std::nullopt;
  return std::string(member.as_string());
}

std::vector<std::string> texts(const Json& list) {
  std::vector<std::string> out;
  for (const Json& one : list.items()) out.emplace_back(one.as_string());
  return out;
}

Json json_of(const std::vector<std::string>& list) {
  Json out = Json::array();
  for (const std::string& one : list) out.push(one);
  return out;
}

}  // namespace

Result<std::optional<MailText>> find_mail_text(Reader& reader, std::string_view service,
                                               std::string_view name) {
  TRY(const auto document, reader.read(text_key(service, name)));
  if (!document) return std::nullopt;
  TRY(const Json json, Json::parse(document->body));
  MailText out;
  out.subject = json.string_or("subject");
  out.body = json.string_or("body");
  out.title = optional_text(json, "title");
  out.description = optional_text(json, "description");
  out.version = document->version;
  return out;
}

Result<void> write_mail_text(Transaction& tx, std::string_view service, std::string_view name,
                             const MailText& text) {
  Json json = Json::object({{"subject", text.subject}, {"body", text.body}});
  if (text.title) json.set("title", *text.title);
  if (text.description) json.set("description", *text.description);
  return tx.write(text_key(service, name), json.dump());
}

Result<void> erase_mail_text(Transaction& tx, std::string_view service, std::string_view name) {
  return tx.erase(text_key(service, name));
}

Result<Recipients> find_recipients(Reader& reader, std::string_view service,
                                   std::string_view notification) {
  TRY(const auto document, reader.read(recipients_key(service, notification)));
  Recipients out;
  if (!document) {
    if (!equals_ignoring_case(notification, "BCC")) out.users.emplace_back(kAdministratorUser);
    return out;
  }
  TRY(const Json json, Json::parse(document->body));
  out.emails = texts(json["emails"]);
  out.users = texts(json["users"]);
  return out;
}

Result<void> write_recipients(Transaction& tx, std::string_view service,
                              std::string_view notification, const Recipients& recipients) {
  const Json json =
      Json::object({{"emails", json_of(recipients.emails)}, {"users", json_of(recipients.users)}});
  return tx.write(recipients_key(service, notification), json.dump());
}

}  // namespace mlgate::apim
