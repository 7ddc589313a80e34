// Accounts that begin with a mail: sign-up, invitations, and passwords that were forgotten. What
// goes out by mail is a ticket, of which the store keeps only the digest.
#include "base/json.h"
#include "identity/people_internal.h"

namespace mlgate::identity {
namespace {

constexpr std::string_view kSignUps = "sign-up/";
constexpr std::size_t kNameBytesMax = 400;
constexpr std::size_t kTicketBytesMax = 200;

std::unexpected<Error> bad_ticket() {
  return fail(Errc::denied, "This link is not good (any more).", "ticket");
}

std::string prefix_of(std::string_view email) {
  return std::string(kSignUps) + digest(to_lower(email)).substr(0, 32) + "/";
}

Result<void> check_name(std::string_view name, const char* field) {
  if (trim(name).empty()) return fail(Errc::invalid_argument, "This is needed.", field);
  const bool odd = std::ranges::any_of(
      name, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
  if (odd || name.size() > kNameBytesMax || !is_utf8(name))
    return fail(Errc::invalid_argument, "This is no name.", field);
  return {};
}

std::string_view prefix_of(TicketKind kind) {
  return kind == TicketKind::reset ? "reset/" : "invitation/";
}

TimeMs life_of(TicketKind kind) {
  return kind == TicketKind::reset ? People::kResetLife : People::kInvitationLife;
}

store::Write use_up(const store::Document& ticket) {
  return {ticket.collection, ticket.key, std::nullopt, store::Expect::version, ticket.version};
}

}  // namespace

Result<void> People::brake_mail(std::string_view email, std::string_view peer) {
  const TimeMs now = clock_.now_ms();
  const std::string to = "mail to " + to_lower(email), from = "mail from " + std::string(peer);
  // An address gets few mails whoever asks for them; a caller causes few, whomever they are for.
  const TimeMs wait = std::max(brake_.wait_ms(to, "", now), brake_.wait_ms(from, to, now));
  if (wait > 0) {
    return fail(Errc::exhausted, "Too many attempts. Try again in " +
                                     std::to_string((wait + 999) / 1'000) + " seconds.");
  }
  brake_.failed(to, "", now);
  brake_.failed(from, to, now);
  return {};
}

// Makes room among the sign-ups that wait: those that are too old, and the oldest of the address.
Result<std::vector<store::Write>> People::room_for_sign_up(std::string_view email) const {
  TRY(const auto all, store_.list(kTickets, kSignUps));
  const std::string mine = prefix_of(email);
  std::vector<store::Write> writes;
  std::vector<const store::Document*> same;
  for (const store::Document& one : all) {
    TRY(const Json json, Json::parse(one.body));
    if (json.int_or("until", 0) <= clock_.now_ms())
      writes.push_back(removal(kTickets, one.key));
    else if (one.key.starts_with(mine))
      same.push_back(&one);
  }
  if (all.size() - writes.size() >= kSignUpsMax)
    return fail(Errc::exhausted, "Too many people sign up at present. Try again later.");
  std::ranges::sort(same, {}, [](const store::Document* one) { return one->version; });
  for (std::size_t i = 0; i + kSignUpsOfOneMax <= same.size(); ++i)
    writes.push_back(removal(kTickets, same[i]->key));
  return writes;
}

Result<std::optional<std::string>> People::begin_sign_up(const SignUp& wanted) {
  TRY_OK(check_email(wanted.email));
  TRY_OK(check_name(wanted.first_name, "firstName"));
  TRY_OK(check_name(wanted.last_name, "lastName"));
  TRY_OK(check_new_password(wanted.password));
  TRY(const std::string hashed, hash(wanted.password));
  TRY(auto writes, room_for_sign_up(wanted.email));
  TRY(const std::string stamp, stamp_of(wanted.email));
  const bool known = !stamp.empty();
  const std::string secret = new_secret();
  const std::string prefix = prefix_of(wanted.email);
  writes.push_back(write_of(kTickets, prefix + digest(secret),
                            Json::object({{"email", wanted.email},
                                          {"password", hashed},
                                          {"firstName", wanted.first_name},
                                          {"lastName", wanted.last_name},
                                          {"service", wanted.service},
                                          {"until", clock_.now_ms() + kSignUpLife}})
                                .dump()));
  // An address that is taken costs the same, so that the time tells nothing.
  if (known) writes.back().key = "taken";
  TRY_OK(store_.commit(std::move(writes)));
  if (known) return std::nullopt;
  return prefix.substr(kSignUps.size(), 32) + "." + secret;
}

Result<SignUp> People::finish_sign_up(std::string_view ticket) {
  const auto dot = ticket.find('.');
  if (dot != 32 || ticket.size() > kTicketBytesMax) return bad_ticket();
  const std::string prefix = std::string(kSignUps) + std::string(ticket.substr(0, dot)) + "/";
  TRY(const auto document, store_.get(kTickets, prefix + digest(ticket.substr(dot + 1))));
  if (!document) return bad_ticket();
  TRY(const Json json, Json::parse(document->body));
  if (json.int_or("until", 0) <= clock_.now_ms()) return bad_ticket();
  // Other sign-ups of the address are void: whoever reads its mail has chosen this one.
  TRY(const auto all, store_.list(kTickets, prefix));
  std::vector<store::Write> writes{use_up(*document)};
  for (const store::Document& one : all)
    if (one.key != document->key) writes.push_back(removal(kTickets, one.key));
  SignUp out;
  out.email = json.string_or("email");
  out.first_name = json.string_or("firstName");
  out.last_name = json.string_or("lastName");
  out.service = json.string_or("service");
  const auto made = keep_new(out.email, std::string(json.string_or("password")),
                             PersonRole::developer, std::move(writes));
  if (!made && made.error().code() == Errc::conflict) return bad_ticket();
  if (!made) return std::unexpected(made.error());
  return out;
}

Result<std::string> People::waiting_hash(std::string_view email) const {
  TRY(const auto all, store_.list(kTickets, prefix_of(email)));
  const auto newest = std::ranges::max_element(all, {}, &store::Document::version);
  if (newest == all.end()) return std::string();
  TRY(const Json json, Json::parse(newest->body));
  if (json.int_or("until", 0) <= clock_.now_ms()) return std::string();
  return std::string(json.string_or("password"));
}

Result<std::string> People::issue_ticket(TicketKind kind, const Ticket& content) {
  TRY_OK(check_email(content.email));
  TRY(const std::string stamp, stamp_of(content.email));
  const std::string secret = new_secret();
  const TimeMs now = clock_.now_ms();
  std::vector<store::Write> writes{write_of(kTickets, std::string(prefix_of(kind)) + digest(secret),
                                            Json::object({{"email", content.email},
                                                          {"service", content.service},
                                                          {"user", content.user},
                                                          {"stamp", stamp},
                                                          {"until", now + life_of(kind)}})
                                                .dump())};
  // Tickets that nobody used go with the next one that is made.
  TRY(const auto issued, store_.list(kTickets, prefix_of(kind)));
  for (const store::Document& one : issued) {
    TRY(const Json kept, Json::parse(one.body));
    if (kept.int_or("until", 0) <= now) writes.push_back(removal(kTickets, one.key));
  }
  TRY_OK(store_.commit(std::move(writes)));
  return secret;
}

Result<Ticket> People::redeem_ticket(TicketKind kind, std::string_view ticket,
                                     std::string_view password) {
  if (ticket.size() > kTicketBytesMax) return bad_ticket();
  TRY(const auto document, store_.get(kTickets, std::string(prefix_of(kind)) + digest(ticket)));
  if (!document) return bad_ticket();
  TRY(const Json json, Json::parse(document->body));
  Ticket out{std::string(json.string_or("email")), std::string(json.string_or("service")),
             std::string(json.string_or("user"))};
  TRY(const std::string stamp, stamp_of(out.email));
  if (json.int_or("until", 0) <= clock_.now_ms() || stamp != json.string_or("stamp"))
    return bad_ticket();
  TRY_OK(check_new_password(password));
  if (stamp.empty()) {
    TRY(const std::string hashed, hash(password));
    const auto made = keep_new(out.email, hashed, PersonRole::developer, {use_up(*document)});
    if (!made && made.error().code() == Errc::conflict) return bad_ticket();
    if (!made) return std::unexpected(made.error());
    return out;
  }
  // Whoever removes it has used it.
  if (!store_.commit({use_up(*document)})) return bad_ticket();
  TRY_OK(set_password(out.email, password));
  return out;
}

}  // namespace mlgate::identity
