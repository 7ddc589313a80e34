#pragma once
// The life of a developer's account at an instance: sign-up, invitation, forgotten password, and
// its end. Joins the people who sign in, the users of instances and the mails. What it answers to
// strangers does not tell whether an address is known.
#include "apim/model.h"
#include "apim/repository.h"
#include "identity/people.h"
#include "notify/mailer.h"

#include <optional>
#include <string>
#include <string_view>

namespace mlgate::portal {

// Threads: any that may block.
class Accounts {
 public:
  // All outlive it.
  Accounts(identity::People& people, apim::Repository& repository, const notify::Mailer& mailer)
      : people_(people), repository_(repository), mailer_(mailer) {}

  // not_found for an instance that is not there.
  Result<apim::Service> find_service(std::string_view name) const;

  // A mail goes to the address: with the link that confirms, or, to somebody who has an account,
  // with word of it.
  Result<void> sign_up(const identity::SignUp& wanted, std::string_view peer);
  // Makes person and user; what was signed up.
  Result<identity::SignUp> confirm(std::string_view ticket);

  // A mail with a link goes to a developer of the instance with this address; nothing otherwise.
  Result<void> request_reset(std::string_view service, std::string_view email,
                             std::string_view peer);
  // For a link of a reset or an invitation.
  Result<identity::Ticket> choose_password(identity::TicketKind kind, std::string_view ticket,
                                           std::string_view password);

  // For publishers: the mail with which a user of the instance opens the account, or chooses a new
  // password.
  Result<void> invite(const apim::Service& service, const apim::User& user);
  Result<void> send_reset(const apim::Service& service, const apim::User& user);
  // Somebody's account at the instance has ended.
  Result<void> say_goodbye(const apim::Service& service, const apim::User& user);

  // The person is no more, nor the users of that address at any instance. Administrators stay.
  Result<void> close(const identity::Person& person);

 private:
  Result<void> make_user(const identity::SignUp& from);
  Result<void> activate(const identity::Ticket& invited);

  identity::People& people_;
  apim::Repository& repository_;
  const notify::Mailer& mailer_;
};

}  // namespace mlgate::portal
