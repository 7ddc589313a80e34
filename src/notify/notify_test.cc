#include "base/crypto.h"
#include "base/text.h"
#include "notify/catalogue.h"
#include "notify/mailer.h"
#include "notify/outbox.h"
#include "notify/smtp.h"
#include "notify/template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace mlgate::notify {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::string render(std::string_view text, const Json& values, Escaping how = Escaping::html) {
  const auto parsed = MailTemplate::parse(text);
  return parsed ? parsed->render(values, how) : parsed.error().message();
}

TEST(MailTemplate, NamesBecomeValuesAndUnknownOnesStay) {
  const Json values = Json::object({{"First", "Ann"}, {"N", 3}});
  EXPECT_EQ(render("Dear $First, ${First}y, $N. $Other ${Other} $ 5$ #fff", values),
            "Dear Ann, Anny, 3. $Other ${Other} $ 5$ #fff");
}

TEST(MailTemplate, ValuesAreTextInTheBodyAndOneLineInTheSubject) {
  const Json values = Json::object({{"X", "<b>&\"'\r\nBcc: x@y.z"}});
  EXPECT_EQ(render("$X", values), "&lt;b&gt;&amp;&quot;&#39;\r\nBcc: x@y.z");
  EXPECT_EQ(render("$X", values, Escaping::line), "<b>&\"'  Bcc: x@y.z");
}

TEST(MailTemplate, ChoicesAndLoopsNest) {
  const Json values =
      Json::object({{"Kind", "a"},
                    {"Yes", true},
                    {"List", Json::array({Json::object({{"Name", "one"}, {"Alert", true}}),
                                          Json::object({{"Name", "two"}, {"Alert", false}})})}});
  EXPECT_EQ(render("#if ($Kind == \"a\")A#else B#end #if ($Kind != \"\")x#end"
                   "#if ($Yes == true)y#end#if ($Missing == \"\")z#end",
                   values),
            "A xyz");
  EXPECT_EQ(render("#foreach ($a in $List)$a.Name#if ($a.Alert == true)!#else.#end #end", values),
            "one! two. ");
  EXPECT_EQ(render("$Kind.Name", values), "a.Name") << "a dot behind a plain name is a dot";
}

TEST(MailTemplate, WhatDoesNotParseNamesTheLine) {
  const Json none = Json::object();
  EXPECT_THAT(render("a\nb #if ($X == \"1\")\nc", none), HasSubstr("line 2: #if without #end"));
  EXPECT_THAT(render("#end", none), HasSubstr("line 1: #end without"));
  EXPECT_THAT(render("\n\n#if ($X = \"1\") #end", none), HasSubstr("line 3: '=='"));
  EXPECT_THAT(render("#foreach ($a on $b) #end", none), HasSubstr("'in' is expected"));
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "#if ($X == \"\")";
  EXPECT_THAT(render(deep, none), HasSubstr("too many"));
}

TEST(MailTemplate, RenderingEnds) {
  std::string text, close;
  for (int i = 0; i < 20; ++i) {
    text += "#foreach ($a" + std::to_string(i) + " in $L)";
    close += "#end";
  }
  Json list = Json::array();
  for (int i = 0; i < 1'000; ++i) list.push(Json::object());
  EXPECT_LE(render(text + "xxxxxxxxxx" + close, Json::object({{"L", list}})).size(),
            MailTemplate::kOutputMax);
}

TEST(Catalogue, EveryDefaultTextParsesAndUsesKnownParametersOnly) {
  EXPECT_EQ(mail_kinds().size(), 14U);
  EXPECT_EQ(notification_kinds().size(), 7U);
  for (const MailKind& kind : mail_kinds()) {
    const auto made =
        render_mail({std::string(kind.subject), std::string(kind.body)}, sample_values(kind));
    ASSERT_TRUE(made) << kind.name << ": " << made.error().message();
    EXPECT_THAT(made->subject + made->body, Not(HasSubstr("$"))) << kind.name;
    EXPECT_THAT(made->subject + made->body, Not(HasSubstr("#if"))) << kind.name;
  }
  EXPECT_NE(find_mail_kind("accountCloseddeveloper"), nullptr);
}

class TestClock final : public Clock {
 public:
  TimeMs now_ms() const noexcept override { return now; }
  std::int64_t steady_ns() const noexcept override { return 0; }
  TimeMs now = 1'700'000'000'000;
};

class OutboxTest : public testing::Test {
 protected:
  OutboxTest()
      : folder_(std::filesystem::temp_directory_path() / ("notify-" + new_hex_id())),
        vault_(make_vault(folder_)) {
    open();
  }
  ~OutboxTest() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  static store::Vault make_vault(const std::filesystem::path& folder) {
    std::filesystem::create_directory(folder);
    return store::Vault::open(folder / "key").value();
  }
  void open() {
    store_.reset();
    store_ = store::open_sqlite(folder_ / "store.db").value();
    outbox_ = std::make_unique<Outbox>(*store_, vault_, clock_, Outbox::Options{});
  }
  static Mail mail(std::string to = "ann@example.org") {
    Mail out;
    out.service = "demo";
    out.kind = "Test";
    out.from = "noreply@localhost";
    out.to = std::move(to);
    out.subject = "Hello";
    out.body = "<p>the secret link</p>";
    return out;
  }
  std::vector<Mail> due() { return outbox_->due(100).value().mails; }

  TestClock clock_;
  std::filesystem::path folder_;
  store::Vault vault_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Outbox> outbox_;
};

TEST_F(OutboxTest, WhatIsAddedIsThereAfterARestartAndSealedOnDisk) {
  ASSERT_TRUE(outbox_->add({mail(), mail("bob@example.org")}));
  open();
  ASSERT_EQ(due().size(), 2U);
  EXPECT_EQ(due()[0].body, "<p>the secret link</p>");
  for (const auto& one : store_->list("notify.waiting", "").value())
    EXPECT_THAT(one.body, Not(HasSubstr("secret link")));
}

TEST_F(OutboxTest, AMailIsClaimedByOneAndWaitsLongerEachTime) {
  ASSERT_TRUE(outbox_->add({mail()}));
  Mail mine = due().at(0), theirs = mine;
  EXPECT_TRUE(outbox_->claim(mine).value());
  EXPECT_FALSE(outbox_->claim(theirs).value());
  EXPECT_TRUE(due().empty()) << "one that died with it leaves it for later";
  std::vector<TimeMs> waits;
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(outbox_->failed(mine, "no route", false));
    waits.push_back(outbox_->due(1).value().next_ms.value() - clock_.now);
    clock_.now += waits.back();
    mine = due().at(0);
    EXPECT_EQ(mine.error, "no route");
    ASSERT_TRUE(outbox_->claim(mine).value());
  }
  EXPECT_THAT(waits, ElementsAre(60'000, 120'000, 240'000, 480'000));
}

TEST_F(OutboxTest, AfterADayItIsGivenUpAndCanBeTriedAgain) {
  ASSERT_TRUE(outbox_->add({mail()}));
  int attempts = 0;
  for (; attempts < 100 && outbox_->list("", 1).value()[0].state == MailState::waiting;
       ++attempts) {
    const auto look = outbox_->due(1).value();
    if (look.mails.empty()) {
      clock_.now = *look.next_ms;
      continue;
    }
    Mail one = look.mails[0];
    ASSERT_TRUE(outbox_->claim(one).value());
    ASSERT_TRUE(outbox_->failed(one, "no", false));
  }
  const Mail given_up = outbox_->list("demo", 1).value()[0];
  EXPECT_EQ(given_up.state, MailState::failed);
  EXPECT_NEAR(double(clock_.now - given_up.created_ms) / 3'600'000, 24, 1.5);
  ASSERT_TRUE(outbox_->retry(given_up.id));
  EXPECT_EQ(due().size(), 1U);
}

TEST_F(OutboxTest, ADeliveredOneTimeLinkIsNotKept) {
  Mail secret = mail(), plain = mail("bob@example.org");
  secret.holds_secret = true;
  ASSERT_TRUE(outbox_->add({secret, plain}));
  for (Mail one : due()) {
    ASSERT_TRUE(outbox_->claim(one).value());
    ASSERT_TRUE(outbox_->sent(one));
  }
  for (const Mail& one : outbox_->list("", 10).value()) {
    EXPECT_EQ(one.state, MailState::sent);
    EXPECT_EQ(outbox_->find(one.id).value().body.empty(), one.holds_secret);
    EXPECT_EQ(outbox_->retry(one.id).error().code(), Errc::conflict);
  }
}

TEST_F(OutboxTest, AddressesThatWouldBreakAHeaderAreRefused) {
  for (const char* bad :
       {"", "a", "a@", "@b", "a b@c", "a@b\r\nBcc: x@y", "a@b@c", "<a@b>", "a@b,c@d"})
    EXPECT_EQ(outbox_->add({mail(bad)}).error().code(), Errc::invalid_argument) << bad;
}

TEST(Message, HeadIsPlainAndTextComesInTwoForms) {
  Mail mail;
  mail.id = "1700000000000-0123456789abcdef";
  mail.from_name = "Café \"Demo\"\r\nBcc: x@y.z";
  mail.from = "noreply@demo.localhost";
  mail.to = "ann@example.org";
  mail.subject = std::string("Привет, ") + std::string(200, 'x') + "\r\nX-Bad: 1";
  mail.body = "<p>Hello &amp; <a href=\"https://x/#t\">https://x/#t</a></p>";
  const std::string text = message_of(mail, 1'700'000'000'000);
  const std::string head = text.substr(0, text.find("\r\n\r\n"));
  for (const char c : head) EXPECT_TRUE(c == '\r' || c == '\n' || (c >= ' ' && c <= '~'));
  EXPECT_THAT(head, HasSubstr("Date: Tue, 14 Nov 2023 22:13:20 +0000"));
  EXPECT_THAT(head, Not(HasSubstr("\r\nBcc")));
  EXPECT_THAT(head, Not(HasSubstr("\r\nX-Bad")));
  for (const std::string_view line : split(text, '\n')) EXPECT_LE(line.size(), 200U);
  EXPECT_THAT(text, HasSubstr(base64_encode("Hello & https://x/#t\n")));
}

TEST(Message, PlainTextOfBrokenHtmlEnds) {
  EXPECT_EQ(plain_text("a<br>b<p>c</p>"), "a\nb\nc\n");
  EXPECT_EQ(plain_text("<style>x{}</style>y"), "y\n");
  std::string bad;
  for (int i = 0; i < 20'000; ++i) bad += "<style>";
  EXPECT_EQ(plain_text(bad + "<"), "\n");
}

TEST(MailServer, PasswordsNeedTls) {
  const auto parse = [](std::string_view url, StartTls tls, std::string user = {}) {
    return parse_mail_server(url, tls, std::move(user), "secret");
  };
  EXPECT_EQ(parse("smtp://mail.example", StartTls::required)->port, 587);
  EXPECT_EQ(parse("smtps://mail.example/", StartTls::never, "me")->port, 465);
  EXPECT_EQ(parse("smtp://[::1]:25", StartTls::never)->host, "[::1]");
  EXPECT_EQ(parse("smtp://mail.example", StartTls::offered, "me").error().field(), "mail.user");
  for (const char* bad :
       {"mail.example", "http://x", "smtp://", "smtp://x:0", "smtp://x y", "smtp://a@b"})
    EXPECT_EQ(parse(bad, StartTls::never).error().field(), "mail.server") << bad;
}

}  // namespace
}  // namespace mlgate::notify
