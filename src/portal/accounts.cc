#include "portal/accounts.h"

#include "apim/editor.h"
#include "apim/entities.h"
#include "portal/developers.h"

namespace mlgate::portal {
namespace {

// Accounts are those of developers; the instance's administrator is none of them.
Result<std::optional<apim::User>> find_developer(apim::Reader& reader, const std::string& service,
                                                 std::string_view email) {
  TRY(auto found, find_user(reader, service, email));
  if (found && found->name == apim::kAdministratorUser) return std::nullopt;
  return found;
}

notify::Mailer::Addressee addressee(const apim::User& user) {
  return {user.first_name, user.last_name, user.email};
}

}  // namespace

Result<apim::Service> Accounts::find_service(std::string_view name) const {
  auto reader = repository_.reader();
  TRY(auto found, apim::find_service(reader, name));
  if (!found || found->deleted_ms)
    return fail(Errc::not_found, "There is no such service instance.", "service");
  return *std::move(found);
}

Result<void> Accounts::sign_up(const identity::SignUp& wanted, std::string_view peer) {
  TRY(const apim::Service service, find_service(wanted.service));
  if (!notify::is_mail_address(wanted.email))
    return fail(Errc::invalid_argument, "This is not an e-mail address.", "email");
  TRY_OK(people_.brake_mail(wanted.email, peer));
  identity::SignUp kept = wanted;
  kept.service = service.name;
  TRY(const auto ticket, people_.begin_sign_up(kept));
  const notify::Mailer::Addressee to{wanted.first_name, wanted.last_name, wanted.email};
  if (ticket) {
    return mailer_.to_developer(
        service, to, "ConfirmSignUpIdentityDefault",
        mailer_.link_values(mailer_.link(service.name, "confirm", *ticket)));
  }
  // Whoever has an account is told so, by mail alone.
  auto reader = repository_.reader();
  TRY(const auto user, find_developer(reader, service.name, wanted.email));
  return mailer_.to_developer(
      service, user ? addressee(*user) : to, "NewDeveloperNotificationMessage",
      Json::object({{"DevUsername", wanted.email}, {"IdentityProvider", "Basic"}}));
}

Result<identity::SignUp> Accounts::confirm(std::string_view ticket) {
  TRY(identity::SignUp made, people_.finish_sign_up(ticket));
  TRY_OK(make_user(made));
  TRY(const apim::Service service, find_service(made.service));
  // The account is there, whether or not its welcome can be kept.
  const auto told = mailer_.to_developer(
      service, {made.first_name, made.last_name, made.email}, "NewDeveloperNotificationMessage",
      Json::object({{"DevUsername", made.email}, {"IdentityProvider", "Basic"}}));
  (void)told;
  return made;
}

Result<void> Accounts::make_user(const identity::SignUp& from) {
  apim::Errors errors;
  return repository_.transact(
      from.service,
      [&](apim::Transaction& tx) -> Result<void> {
        TRY(const auto service, apim::find_service(tx, from.service));
        if (!service || service->deleted_ms)
          return fail(Errc::not_found, "There is no such service instance.", "service");
        TRY(const auto before, find_developer(tx, service->name, from.email));
        apim::User user = before ? *before : new_user(from.email);
        user.email = from.email;
        user.first_name = from.first_name;
        user.last_name = from.last_name;
        user.identities = {{"Basic", from.email}};
        // Somebody who was blocked stays so.
        if (user.state == apim::UserState::pending) user.state = apim::UserState::active;
        return apim::Editor(tx, service->name).put(std::move(user), before ? &*before : nullptr);
      },
      errors);
}

Result<void> Accounts::request_reset(std::string_view service_name, std::string_view email,
                                     std::string_view peer) {
  TRY(const apim::Service service, find_service(service_name));
  if (!notify::is_mail_address(email))
    return fail(Errc::invalid_argument, "This is not an e-mail address.", "email");
  TRY_OK(people_.brake_mail(email, peer));
  auto reader = repository_.reader();
  TRY(const auto user, find_developer(reader, service.name, email));
  const auto person = people_.find(email);
  // Administrators have `mlgate user link`; their accounts do not hang on a mailbox.
  const bool may = user && user->state == apim::UserState::active && person &&
                   person->role == identity::PersonRole::developer;
  return may ? send_reset(service, *user) : Result<void>();
}

Result<void> Accounts::send_reset(const apim::Service& service, const apim::User& user) {
  const auto person = people_.find(user.email);
  if (!person) return invite(service, user);
  if (person->role != identity::PersonRole::developer)
    return fail(Errc::invalid_argument, "The password of an administrator is not sent by mail.");
  TRY(const std::string ticket,
      people_.issue_ticket(identity::TicketKind::reset, {user.email, service.name, user.name}));
  return mailer_.to_developer(
      service, addressee(user), "PasswordResetIdentityDefault",
      mailer_.link_values(mailer_.link(service.name, "reset-password", ticket)));
}

Result<void> Accounts::invite(const apim::Service& service, const apim::User& user) {
  // Whoever has an account needs no other one for this instance.
  if (people_.find(user.email)) {
    TRY_OK(activate({user.email, service.name, user.name}));
    return mailer_.to_developer(
        service, addressee(user), "NewDeveloperNotificationMessage",
        Json::object({{"DevUsername", user.email}, {"IdentityProvider", "Basic"}}));
  }
  TRY(const std::string ticket, people_.issue_ticket(identity::TicketKind::invitation,
                                                     {user.email, service.name, user.name}));
  return mailer_.to_developer(
      service, addressee(user), "InviteUserNotificationMessage",
      mailer_.link_values(mailer_.link(service.name, "invitation", ticket)));
}

Result<identity::Ticket> Accounts::choose_password(identity::TicketKind kind,
                                                   std::string_view ticket,
                                                   std::string_view password) {
  TRY(identity::Ticket used, people_.redeem_ticket(kind, ticket, password));
  if (kind == identity::TicketKind::invitation) {
    TRY_OK(activate(used));
  }
  return used;
}

Result<void> Accounts::activate(const identity::Ticket& invited) {
  apim::Errors errors;
  return repository_.transact(
      invited.service,
      [&](apim::Transaction& tx) -> Result<void> {
        TRY(const auto before, apim::find<apim::User>(tx, {invited.service, "", invited.user}));
        if (!before || before->state != apim::UserState::pending) return {};
        apim::User user = *before;
        user.state = apim::UserState::active;
        return apim::Editor(tx, invited.service).put(std::move(user), &*before);
      },
      errors);
}

Result<void> Accounts::say_goodbye(const apim::Service& service, const apim::User& user) {
  return mailer_.to_developer(service, addressee(user), "AccountClosedDeveloper", Json::object());
}

Result<void> Accounts::close(const identity::Person& person) {
  if (person.role != identity::PersonRole::developer)
    return fail(Errc::conflict, "An administrator's account is closed with 'mlgate user remove'.");
  TRY(const auto services, repository_.services());
  for (const apim::Service& service : services) {
    std::optional<apim::User> gone;
    apim::Errors errors;
    TRY_OK(repository_.transact(
        service.name,
        [&](apim::Transaction& tx) -> Result<void> {
          TRY(gone, find_developer(tx, service.name, person.email));
          if (!gone) return {};
          return apim::Editor(tx, service.name).erase(*gone, apim::Dependents::keep);
        },
        errors));
    if (!gone) continue;
    const std::string who = gone->first_name + " " + gone->last_name + " (" + gone->email + ")";
    // What is closed stays closed when a mail cannot be kept.
    const auto told = say_goodbye(service, *gone);
    const auto publishers =
        mailer_.to_publishers(service, "AccountClosedPublisher", "Account closed: " + gone->email,
                              {who + " has closed the account. Subscriptions that were held by "
                                     "it are suspended."});
    (void)told, (void)publishers;
  }
  return people_.remove(person.email);
}

}  // namespace mlgate::portal
