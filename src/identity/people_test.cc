#include "identity/test_support_internal.h"

#include <gtest/gtest.h>

namespace mlgate::identity {
namespace {

class PeopleTest : public PeopleFixture {
 protected:
  Errc sign_in(const std::string& email, const std::string& password, const char* peer = "::1") {
    const auto done = people_.check_password(email, password, peer);
    return done ? Errc{} : done.error().code();
  }

  const std::string email_ = "Ann@example.org", password_ = "correct horse";
};

TEST_F(PeopleTest, ACodeMakesOneAdministratorAndNoMore) {
  EXPECT_TRUE(people_.needs_first().value());
  const std::string former = people_.issue_first_code().value();
  const std::string code = people_.issue_first_code().value();
  EXPECT_EQ(people_.create_first(former, email_, password_).error().code(), Errc::denied);
  EXPECT_EQ(people_.create_first("", email_, password_).error().code(), Errc::denied);
  EXPECT_EQ(people_.create_first(code, "nobody", password_).error().field(), "email");
  EXPECT_EQ(people_.create_first(code, email_, "short").error().field(), "password");
  const Person first = people_.create_first(code, email_, password_).value();
  EXPECT_EQ(first.role, PersonRole::administrator);
  EXPECT_FALSE(people_.needs_first().value());
  EXPECT_EQ(people_.create_first(code, "b@example.org", password_).error().code(), Errc::denied);
  const std::string late = people_.issue_first_code().value();
  EXPECT_EQ(people_.create_first(late, "b@example.org", password_).error().code(), Errc::denied);
}

TEST_F(PeopleTest, AnAddressIsKnownWithoutRegardToCaseAndItsPasswordExactly) {
  ASSERT_TRUE(people_.create(email_, password_, PersonRole::developer));
  EXPECT_EQ(people_.create("ANN@EXAMPLE.ORG", password_, PersonRole::developer).error().code(),
            Errc::conflict);
  EXPECT_EQ(people_.check_password("ann@example.org", password_, "::1")->email, email_);
  EXPECT_EQ(sign_in(email_, "Correct horse"), Errc::denied);
  EXPECT_EQ(sign_in("bob@example.org", password_), Errc::denied);
  EXPECT_EQ(sign_in(email_, ""), Errc::denied);
}

TEST_F(PeopleTest, StoresNeitherPasswordsNorTokens) {
  const Person ann = people_.create(email_, password_, PersonRole::developer).value();
  const NewSession session = people_.begin_session(ann).value();
  const std::string link = people_.issue_link(email_).value();
  std::string all;
  for (const char* collection : {"identity.person", "identity.session", "identity.ticket"}) {
    for (const store::Document& one : store_->list(collection, "").value())
      all += one.key + "\n" + one.body + "\n";
  }
  EXPECT_EQ(all.find(password_), std::string::npos);
  EXPECT_EQ(all.find(session.token.substr(33)), std::string::npos);
  EXPECT_EQ(all.find(link), std::string::npos);
  EXPECT_NE(all.find("argon2id"), std::string::npos);
}

TEST_F(PeopleTest, ASessionHoldsUntilItsEnd) {
  const Person ann = people_.create(email_, password_, PersonRole::administrator).value();
  const NewSession session = people_.begin_session(ann).value();
  EXPECT_EQ(people_.session(session.token)->person.email, email_);
  EXPECT_EQ(people_.session(session.token)->csrf, session.csrf);
  for (const std::string& bad : {std::string(), session.token + "x", session.token.substr(0, 33),
                                 std::string(500, 'a'), "/" + session.token})
    EXPECT_EQ(people_.session(bad).error().code(), Errc::denied);

  const NewSession other = people_.begin_session(ann).value();
  ASSERT_TRUE(people_.end_session(other.token));
  EXPECT_FALSE(people_.session(other.token));
  EXPECT_TRUE(people_.session(session.token));
  clock_.now += People::kSessionLife;
  EXPECT_FALSE(people_.session(session.token));
}

TEST_F(PeopleTest, ANewPasswordAndRemovalEndSessions) {
  const Person ann = people_.create(email_, password_, PersonRole::developer).value();
  const std::string first = people_.begin_session(ann)->token;
  ASSERT_TRUE(people_.set_password(email_, "another password"));
  EXPECT_FALSE(people_.session(first));
  EXPECT_EQ(sign_in(email_, password_), Errc::denied);
  EXPECT_TRUE(people_.check_password(email_, "another password", "::1"));
  const std::string second = people_.begin_session(ann)->token;
  ASSERT_TRUE(people_.remove(email_));
  EXPECT_FALSE(people_.session(second));
}

TEST_F(PeopleTest, TheLastAdministratorStays) {
  ASSERT_TRUE(people_.create(email_, password_, PersonRole::administrator));
  EXPECT_EQ(people_.remove(email_).error().code(), Errc::conflict);
  ASSERT_TRUE(people_.create("b@example.org", password_, PersonRole::administrator));
  EXPECT_TRUE(people_.remove(email_));
}

TEST_F(PeopleTest, KeepsSoManySessionsOfAPersonAndNoMore) {
  const Person ann = people_.create(email_, password_, PersonRole::developer).value();
  const std::string first = people_.begin_session(ann)->token;
  for (std::size_t i = 0; i < People::kSessionsMax; ++i) ASSERT_TRUE(people_.begin_session(ann));
  EXPECT_FALSE(people_.session(first));
  EXPECT_EQ(store_->list("identity.session", "")->size(), People::kSessionsMax);
}

TEST_F(PeopleTest, ALinkSignsInOnceAndNotForLong) {
  ASSERT_TRUE(people_.create(email_, password_, PersonRole::administrator));
  const std::string link = people_.issue_link(email_).value();
  EXPECT_EQ(people_.redeem_link(link)->email, email_);
  EXPECT_EQ(people_.redeem_link(link).error().code(), Errc::denied);
  const std::string late = people_.issue_link(email_).value();
  clock_.now += People::kLinkLife;
  EXPECT_EQ(people_.redeem_link(late).error().code(), Errc::denied);
  EXPECT_EQ(people_.issue_link("bob@example.org").error().code(), Errc::not_found);
}

TEST_F(PeopleTest, KeepsNoLinkThatNobodyUsedInTime) {
  ASSERT_TRUE(people_.create(email_, password_, PersonRole::administrator));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(people_.issue_link(email_));
  EXPECT_EQ(store_->list("identity.ticket", "link/")->size(), 3U);
  clock_.now += People::kLinkLife;
  const std::string link = people_.issue_link(email_).value();
  EXPECT_EQ(store_->list("identity.ticket", "link/")->size(), 1U);
  EXPECT_TRUE(people_.redeem_link(link));
}

TEST_F(PeopleTest, GuessesHaveToWait) {
  ASSERT_TRUE(people_.create(email_, password_, PersonRole::administrator));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(sign_in(email_, "wrong password"), Errc::denied);
  EXPECT_EQ(sign_in(email_, password_), Errc::exhausted);
  // Others are not shut out by it, for now.
  EXPECT_EQ(sign_in(email_, password_, "10.0.0.9"), Errc{});
  clock_.now += 1'000;
  EXPECT_EQ(sign_in(email_, password_), Errc{});
}

TEST(GuessBrake, WaitsGrowUpToALimitAndAreForgotten) {
  GuessBrake brake;
  TimeMs now = 1'000'000, before = 0;
  for (int i = 0; i < 40; ++i) {
    brake.failed("a", "p", now);
    const TimeMs wait = brake.wait_ms("a", "p", now);
    EXPECT_GE(wait, before);
    EXPECT_LE(wait, GuessBrake::kWaitMax);
    before = wait;
  }
  EXPECT_EQ(before, GuessBrake::kWaitMax);
  EXPECT_EQ(brake.wait_ms("a", "q", now), 0);
  for (int i = 0; i < 20; ++i) brake.failed("a", "r" + std::to_string(i), now);
  EXPECT_GT(brake.wait_ms("a", "q", now), 0);
  now += GuessBrake::kWaitMax + GuessBrake::kMemory + 1;
  EXPECT_LE(brake.wait_ms("a", "p", now), 0);
  brake.failed("a", "p", now);
  EXPECT_LE(brake.wait_ms("a", "p", now), 0);
}

TEST(GuessBrake, ManyCallersTakeSoMuchMemoryAndNoMore) {
  GuessBrake brake;
  for (int i = 0; i < 10; ++i) brake.failed("victim", "p", 2'000);
  for (std::size_t i = 0; i < GuessBrake::kEntriesMax; ++i)
    brake.failed("a" + std::to_string(i), "p", 1'000);
  // The oldest go first.
  EXPECT_GT(brake.wait_ms("victim", "p", 2'000), 0);
}

}  // namespace
}  // namespace mlgate::identity
