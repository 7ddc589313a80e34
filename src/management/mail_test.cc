// Texts of mails, recipients, and who is told of what, over the management interface.
#include "apim/codec.h"
#include "management/documents.h"
#include "management/fixture_internal.h"
#include "notify/mailer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mlgate::management {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class MailTest : public testing::Test {
 protected:
  MailTest() { client_.create_service(); }
  Answer at(std::string_view method, std::string_view path, std::string_view body = {},
            const Client::Headers& headers = {}) {
    return client_.at(method, path, body, headers);
  }
  Client client_;
};

TEST_F(MailTest, ATemplateIsChangedAndTakenBack) {
  const Answer all = at("GET", "/templates");
  EXPECT_EQ(all.body.int_or("count", 0), 14);
  const Answer before = at("GET", "/templates/confirmSignUpIdentityDefault");
  EXPECT_EQ(before.body.string_or("name"), "ConfirmSignUpIdentityDefault");
  EXPECT_TRUE(before.property("isDefault").as_bool().value());
  const Answer put = at("PUT", "/templates/confirmSignUpIdentityDefault",
                        R"({"properties":{"subject":"Hi $DevFirstName"}})", {{"If-Match", "*"}});
  EXPECT_EQ(put.status, 201) << put.text;
  EXPECT_EQ(put.property("subject").as_string(), "Hi $DevFirstName");
  EXPECT_EQ(put.property("body"), before.property("body")) << "what is left out stays";
  EXPECT_FALSE(put.property("isDefault").as_bool().value());
  EXPECT_EQ(at("PUT", "/templates/confirmSignUpIdentityDefault",
               R"({"properties":{"subject":"x"}})", {{"If-Match", "\"AAAAAAAAAAE=\""}})
                .status,
            412);
  EXPECT_EQ(at("DELETE", "/templates/ConfirmSignUpIdentityDefault", {}, {{"If-Match", "*"}}).status,
            200);
  EXPECT_EQ(at("GET", "/templates/ConfirmSignUpIdentityDefault").property("subject"),
            before.property("subject"));
  EXPECT_EQ(at("DELETE", "/templates/ConfirmSignUpIdentityDefault").status, 204);
  EXPECT_EQ(at("GET", "/templates/none").status, 404);
}

TEST_F(MailTest, ATemplateThatDoesNotParseIsRefusedWithItsLine) {
  const Answer refused = at("PUT", "/templates/accountClosedDeveloper",
                            R"json({"properties":{"body":"a\nb\n#if ($X)"}})json");
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.targets(), ElementsAre("body"));
  EXPECT_THAT(refused.text, HasSubstr("line 3"));
  EXPECT_TRUE(
      at("GET", "/templates/accountClosedDeveloper").property("isDefault").as_bool().value());
}

TEST_F(MailTest, RecipientsComeAndGo) {
  EXPECT_EQ(at("GET", "/notifications").body.int_or("count", 0), 7);
  const std::string path = "/notifications/RequestPublisherNotificationMessage";
  const auto recipients = [&](std::string_view kind) {
    return at("GET", path).property("recipients")[kind].dump();
  };
  EXPECT_THAT(recipients("users"), HasSubstr("/users/1"));
  EXPECT_EQ(at("GET", "/notifications/BCC").property("recipients").dump(),
            R"({"emails":[],"users":[]})");
  EXPECT_EQ(at("HEAD", path + "/recipientEmails/x@y.z").status, 404);
  EXPECT_EQ(at("PUT", path + "/recipientEmails/x@y.z").status, 201);
  EXPECT_EQ(at("PUT", path + "/recipientEmails/X@Y.z").status, 200);
  EXPECT_EQ(at("HEAD", path + "/recipientEmails/x@y.z").status, 204);
  EXPECT_EQ(recipients("emails"), R"(["x@y.z"])");
  EXPECT_THAT(at("GET", path + "/recipientEmails").names(), ElementsAre("x@y.z"));
  EXPECT_EQ(at("DELETE", path + "/recipientEmails/x@y.z").status, 200);
  EXPECT_EQ(at("DELETE", path + "/recipientEmails/x@y.z").status, 204);
  EXPECT_EQ(at("DELETE", path + "/recipientUsers/1").status, 200);
  EXPECT_EQ(recipients("users"), "[]");
  EXPECT_EQ(at("PUT", path + "/recipientUsers/nobody").status, 404);
  EXPECT_EQ(at("PUT", path + "/recipientEmails/no%20address").status, 400);
  EXPECT_EQ(at("PUT", "/notifications/none/recipientEmails/x@y.z").status, 404);
}

// Who is told of what happens to subscriptions: the real mailer on the store of the interface.
class NoticeTest : public testing::Test {
 protected:
  NoticeTest() {
    // The client has built its options by now, so that the mailer hears of changes by hand.
    client_.create_service();
    client_.at(
        "PUT", "/users/ann",
        R"({"properties":{"firstName":"Ann","lastName":"<i>Lee","email":"ann@example.org"}})");
  }
  std::vector<std::string> told(apim::Notice::Kind kind, std::string reason = {}) {
    apim::Subscription subscription;
    subscription.name = "s1";
    subscription.owner = "ann";
    subscription.scope = {apim::ScopeKind::product, "unlimited"};
    subscription.state_comment = std::move(reason);
    mailer_.tell("demoazureml", {{kind, subscription}});
    std::vector<std::string> out;
    for (const notify::Mail& one : outbox_.list("demoazureml", 100).value())
      out.push_back(one.to + ": " + one.kind);
    return out;
  }
  std::string text_of(std::string_view kind) {
    for (const notify::Mail& one : outbox_.list("", 100).value())
      if (one.kind == kind) return outbox_.find(one.id)->body;
    return {};
  }

  Client client_;
  StoreDocuments documents_{client_.store()};
  VaultSecrets secrets_{client_.vault()};
  notify::Outbox outbox_{client_.store(), client_.vault(), client_.clock, {}};
  notify::Mailer mailer_{{.documents = documents_, .secrets = secrets_, .outbox = outbox_},
                         {.console_url = "https://console.example", .sender = {}}};
};

TEST_F(NoticeTest, ARequestGoesToTheDeveloperAndToThePublishers) {
  EXPECT_THAT(told(apim::Notice::Kind::requested),
              UnorderedElementsAre("ann@example.org: RequestDeveloperNotificationMessage",
                                   "a@b.c: RequestPublisherNotificationMessage"));
  const std::string body = text_of("RequestDeveloperNotificationMessage");
  EXPECT_THAT(body, HasSubstr("Ann &lt;i&gt;Lee"));
  EXPECT_THAT(body, HasSubstr("Unlimited"));
  EXPECT_THAT(body, HasSubstr("https://console.example/developer/demoazureml"));
}

TEST_F(NoticeTest, BlindCopiesGoAlongAndARefusalSaysWhy) {
  client_.at("PUT", "/notifications/BCC/recipientEmails/copy@example.org");
  EXPECT_THAT(told(apim::Notice::Kind::rejected, "no budget"),
              UnorderedElementsAre("ann@example.org: RejectDeveloperNotificationMessage",
                                   "copy@example.org: RejectDeveloperNotificationMessage"));
  EXPECT_THAT(text_of("RejectDeveloperNotificationMessage"), HasSubstr("no budget"));
}

TEST_F(NoticeTest, AOneTimeLinkIsNotCopied) {
  client_.at("PUT", "/notifications/BCC/recipientEmails/copy@example.org");
  apim::DocumentReader reader(documents_, secrets_);
  const auto service = apim::find_service(reader, "demoazureml").value().value();
  ASSERT_TRUE(mailer_.to_developer(
      service, {"Ann", "Lee", "ann@example.org"}, "ConfirmSignUpIdentityDefault",
      mailer_.link_values(mailer_.link("demoazureml", "confirm", "t"))));
  const auto mails = outbox_.list("", 10).value();
  ASSERT_EQ(mails.size(), 1U);
  EXPECT_TRUE(mails[0].holds_secret);
  EXPECT_EQ(mails[0].from, "noreply@demoazureml.localhost");
}

// What the interface reports to whoever writes the mails.
TEST(Notices, DecisionsAreReportedAndScriptsAreQuiet) {
  std::vector<std::string> heard;
  Client client([&heard](Options& options) {
    options.notify = [&heard](const std::string&, const std::vector<apim::Notice>& notices) {
      for (const apim::Notice& one : notices)
        heard.push_back(one.subscription.name + " " + std::to_string(int(one.kind)));
    };
  });
  client.create_service();
  EXPECT_THAT(heard, IsEmpty()) << "a new instance tells nobody";
  client.at("PUT", "/users/ann",
            R"({"properties":{"firstName":"Ann","lastName":"Lee","email":"ann@example.org"}})");
  const auto put = [&](std::string_view name, std::string_view state, std::string_view query = {}) {
    return client.at("PUT", "/subscriptions/" + std::string(name) + std::string(query),
                     R"({"properties":{"displayName":"x","ownerId":"/users/ann",)"
                     R"("scope":"/products/unlimited","state":")" +
                         std::string(state) + R"("}})");
  };
  const auto patch = [&](std::string_view name, std::string_view state,
                         std::string_view query = {}) {
    return client.at("PATCH", "/subscriptions/" + std::string(name) + std::string(query),
                     R"({"properties":{"state":")" + std::string(state) + R"("}})",
                     {{"If-Match", "*"}});
  };
  EXPECT_EQ(put("script", "active").status, 201);
  EXPECT_THAT(heard, IsEmpty());
  EXPECT_EQ(put("a", "submitted", "?notify=true").status, 201);
  EXPECT_EQ(patch("a", "active").status, 200);
  EXPECT_EQ(patch("a", "suspended").status, 200);
  EXPECT_EQ(patch("a", "active").status, 200);
  EXPECT_EQ(put("b", "submitted").status, 201);
  EXPECT_EQ(patch("b", "rejected").status, 200);
  EXPECT_EQ(put("c", "submitted").status, 201);
  EXPECT_EQ(patch("c", "active", "?notify=false").status, 200);
  EXPECT_THAT(heard, ElementsAre("a 0", "a 1", "b 2"));
}

TEST(Invitations, GoOutWithTheNewUser) {
  std::vector<std::string> heard;
  Client client([&heard](Options& options) {
    options.people.invite = [&heard](const auto&, const apim::User& user) -> Result<void> {
      heard.push_back(user.email);
      return {};
    };
  });
  client.create_service();
  const Answer made = client.at("PUT", "/users/ann",
                                R"({"properties":{"firstName":"Ann","lastName":"Lee",)"
                                R"("email":"ann@example.org","confirmation":"invite"}})");
  EXPECT_EQ(made.status, 201) << made.text;
  EXPECT_EQ(made.property("state").as_string(), "pending");
  client.at("PUT", "/users/bob",
            R"({"properties":{"firstName":"Bob","lastName":"Lee","email":"bob@example.org"}})");
  EXPECT_THAT(heard, ElementsAre("ann@example.org"));
}

}  // namespace
}  // namespace mlgate::management
