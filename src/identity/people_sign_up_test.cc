#include "identity/test_support_internal.h"

#include <gtest/gtest.h>

#include <set>

namespace mlgate::identity {
namespace {

class SignUpTest : public PeopleFixture {
 protected:
  static SignUp ann(std::string password = "correct horse") {
    return {"Ann@example.org", std::move(password), "Ann", "Lee", "demo"};
  }
  std::string begin(const SignUp& wanted) { return people_.begin_sign_up(wanted).value().value(); }
  Error sign_in(const std::string& password) {
    const auto done = people_.check_password("ann@example.org", password, "::1");
    return done ? Error(Errc{}, "") : done.error();
  }
};

TEST_F(SignUpTest, AnAccountIsThereOnceItsMailWasRead) {
  const std::string ticket = begin(ann());
  const Error before = sign_in("correct horse");
  EXPECT_EQ(before.code(), Errc::denied);
  EXPECT_EQ(before.field(), "confirmation");
  EXPECT_NE(before.message().find("not confirmed"), std::string::npos);
  EXPECT_EQ(sign_in("another horse").field(), "") << "only its owner is told";
  const SignUp made = people_.finish_sign_up(ticket).value();
  EXPECT_EQ(made.first_name, "Ann");
  EXPECT_EQ(made.service, "demo");
  EXPECT_TRUE(people_.check_password("ann@example.org", "correct horse", "::1"));
  EXPECT_EQ(people_.find("ann@example.org")->role, PersonRole::developer);
  EXPECT_EQ(people_.finish_sign_up(ticket).error().code(), Errc::denied) << "once";
  EXPECT_FALSE(people_.begin_sign_up(ann())->has_value());
}

TEST_F(SignUpTest, TicketsAgeAndOnlyTheirDigestIsKept) {
  const std::string ticket = begin(ann());
  for (const auto& one : store_->list("identity.ticket", "").value())
    EXPECT_EQ((one.key + one.body).find(ticket.substr(33)), std::string::npos);
  clock_.now += People::kSignUpLife + 1;
  EXPECT_FALSE(people_.finish_sign_up(ticket));
  EXPECT_EQ(sign_in("correct horse").field(), "");
}

// Somebody who signs up with another's address cannot slip his password under the owner's.
TEST_F(SignUpTest, EachMailHasThePasswordOfItsOwnSignUp) {
  const std::string owner = begin(ann("the owner's own"));
  const std::string stranger = begin(ann("the stranger's"));
  ASSERT_TRUE(people_.finish_sign_up(owner));
  EXPECT_TRUE(people_.check_password("ann@example.org", "the owner's own", "::1"));
  EXPECT_FALSE(people_.finish_sign_up(stranger));
}

TEST_F(SignUpTest, WhatWaitsIsBounded) {
  std::set<std::string> tickets;
  for (int i = 0; i < 8; ++i) {
    clock_.now += 1;
    tickets.insert(begin(ann()));
  }
  EXPECT_EQ(store_->list("identity.ticket", "sign-up/")->size(), People::kSignUpsOfOneMax);
}

TEST_F(SignUpTest, WhatIsWrongIsNamed) {
  const auto field_of = [&](SignUp wanted) {
    return people_.begin_sign_up(wanted).error().field();
  };
  EXPECT_EQ(field_of({"ann", "correct horse", "Ann", "Lee", "demo"}), "email");
  EXPECT_EQ(field_of(ann("short")), "password");
  EXPECT_EQ(field_of({"a@b.c", "correct horse", " ", "Lee", "demo"}), "firstName");
  EXPECT_EQ(field_of({"a@b.c", "correct horse", "Ann", "Lee\r\nX: y", "demo"}), "lastName");
}

TEST_F(SignUpTest, AResetIsGoodOnceAndEndsSessions) {
  ASSERT_TRUE(people_.create("ann@example.org", "correct horse", PersonRole::developer));
  const Person person = people_.find("ann@example.org").value();
  const std::string session = people_.begin_session(person)->token;
  const Ticket content{"ann@example.org", "demo", "u1"};
  const std::string ticket = people_.issue_ticket(TicketKind::reset, content).value();
  const std::string other = people_.issue_ticket(TicketKind::reset, content).value();
  EXPECT_FALSE(people_.redeem_ticket(TicketKind::invitation, ticket, "a new password"));
  EXPECT_EQ(people_.redeem_ticket(TicketKind::reset, ticket, "short").error().field(), "password");
  EXPECT_EQ(people_.redeem_ticket(TicketKind::reset, ticket, "a new password")->user, "u1");
  EXPECT_FALSE(people_.session(session));
  EXPECT_TRUE(people_.check_password("ann@example.org", "a new password", "::1"));
  EXPECT_FALSE(people_.redeem_ticket(TicketKind::reset, ticket, "yet another one"));
  EXPECT_FALSE(people_.redeem_ticket(TicketKind::reset, other, "yet another one"))
      << "the password has changed since";
}

TEST_F(SignUpTest, AnInvitationMakesThePerson) {
  const Ticket content{"ann@example.org", "demo", "u1"};
  const std::string ticket = people_.issue_ticket(TicketKind::invitation, content).value();
  const std::string again = people_.issue_ticket(TicketKind::invitation, content).value();
  EXPECT_EQ(people_.redeem_ticket(TicketKind::invitation, ticket, "correct horse")->service,
            "demo");
  EXPECT_TRUE(people_.check_password("ann@example.org", "correct horse", "::1"));
  EXPECT_FALSE(people_.redeem_ticket(TicketKind::invitation, again, "somebody else's"));
}

TEST_F(SignUpTest, MailsToOneAddressAreBrakedWhoeverAsks) {
  int free = 0;
  while (free < 100 && people_.brake_mail("ann@example.org", std::to_string(free))) ++free;
  EXPECT_GT(free, 2);
  EXPECT_LT(free, 10);
  EXPECT_EQ(people_.brake_mail("ann@example.org", "x").error().code(), Errc::exhausted);
  EXPECT_TRUE(people_.brake_mail("bob@example.org", "x"));
  clock_.now += GuessBrake::kMemory * 2;
  EXPECT_TRUE(people_.brake_mail("ann@example.org", "x"));
}

TEST_F(SignUpTest, OneCallerCausesFewMails) {
  int free = 0;
  while (free < 200 && people_.brake_mail("p" + std::to_string(free) + "@example.org", "::1"))
    ++free;
  EXPECT_LT(free, 60);
  EXPECT_GT(free, 20);
}

}  // namespace
}  // namespace mlgate::identity
