#include "base/crypto.h"
#include "portal/console_api.h"
#include "portal/people_api.h"
#include "portal/session_guard.h"
#include "portal/site.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace mlgate::portal {
namespace {

class TestClock final : public Clock {
 public:
  TimeMs now_ms() const noexcept override { return 1'700'000'000'000; }
  std::int64_t steady_ns() const noexcept override { return 0; }
};

std::string header_of(const http::Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers)
    if (key == name) return value;
  return {};
}

// A request and what it refers to.
struct Asked {
  std::string method = "GET", path, scheme = "http", authority = "localhost:8081", body;
  std::vector<std::pair<std::string, std::string>> headers;
  http::Fields fields;

  http::Request request() {
    fields.clear();
    for (const auto& [name, value] : headers) fields.add(name, value);
    return {.method = method,
            .path = path,
            .scheme = scheme,
            .authority = authority,
            .peer = "127.0.0.1",
            .headers = &fields,
            .body = body};
  }
};

class PortalTest : public testing::Test {
 protected:
  PortalTest()
      : folder_(std::filesystem::temp_directory_path() / ("portal-" + new_hex_id())),
        store_(make_store(folder_)) {}
  ~PortalTest() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  static std::unique_ptr<store::Store> make_store(const std::filesystem::path& folder) {
    std::filesystem::create_directory(folder);
    return store::open_sqlite(folder / "store.db").value();
  }
  static Asked post(const std::string& way, const Json& body) {
    Asked out{.method = "POST", .path = "/console/api/" + way, .body = body.dump()};
    out.headers = {{"Origin", "http://localhost:8081"}};
    return out;
  }
  http::Response send(Asked asked) { return api_.handle(asked.request()); }
  // The cookie "name=value" of a fresh administrator, and the session's CSRF value.
  std::pair<std::string, std::string> enter() {
    const Json body = Json::object({{"code", people_.issue_first_code().value()},
                                    {"email", "ann@example.org"},
                                    {"password", "correct horse"}});
    const http::Response entered = send(post("first-run", body));
    EXPECT_EQ(entered.status, 200) << entered.body;
    const std::string cookie = header_of(entered, "Set-Cookie");
    return {cookie.substr(0, cookie.find(';')),
            std::string(Json::parse(entered.body)->string_or("csrf"))};
  }

  TestClock clock_;
  std::filesystem::path folder_;
  std::unique_ptr<store::Store> store_;
  identity::People people_{*store_, clock_};
  SessionGuard guard_{people_, {"console.example"}};
  ConsoleApi api_{people_, guard_, Json::object({{"subscriptionId", "s"}})};
};

TEST_F(PortalTest, RoutesAreTheseAndNoOthers) {
  std::vector<std::string> routes;
  for (const ConsoleRoute& one : console_routes())
    routes.push_back(std::string(one.method) + " " + std::string(one.path));
  EXPECT_THAT(routes, testing::UnorderedElementsAre(
                          "GET /console/api/session", "POST /console/api/first-run",
                          "POST /console/api/sign-in", "POST /console/api/sign-in-link",
                          "POST /console/api/sign-out", "GET /console/api/usage-events"));
}

TEST(PeopleApi, RoutesAreTheseAndNoOthers) {
  std::vector<std::string> routes;
  for (const ConsoleRoute& one : people_routes())
    routes.push_back(std::string(one.method) + " " + std::string(one.path.substr(13)));
  EXPECT_THAT(routes,
              testing::UnorderedElementsAre("GET sign-up", "POST sign-up", "POST sign-up-confirm",
                                            "POST reset", "POST reset-finish", "POST invitation",
                                            "POST password", "POST close-account", "GET mails",
                                            "GET mail", "POST mail-retry", "POST mail-preview"));
}

TEST_F(PortalTest, AGuestLearnsOnlyWhetherThereIsAnAdministrator) {
  const Asked asked{.path = "/console/api/session"};
  EXPECT_EQ(send(asked).body, R"({"signedIn":false,"firstRun":true})");
  enter();
  EXPECT_EQ(send(asked).body, R"({"signedIn":false,"firstRun":false})");
}

TEST_F(PortalTest, TheFirstRunNeedsItsCode) {
  ASSERT_TRUE(people_.issue_first_code());
  const Json body = Json::object(
      {{"code", "guess"}, {"email", "ann@example.org"}, {"password", "correct horse"}});
  EXPECT_EQ(send(post("first-run", body)).status, 401);
  EXPECT_TRUE(people_.needs_first().value());
}

TEST_F(PortalTest, TheCookieIsOutOfReachOfScriptsAndOtherSites) {
  const Json body = Json::object({{"code", people_.issue_first_code().value()},
                                  {"email", "ann@example.org"},
                                  {"password", "correct horse"}});
  Asked asked = post("first-run", body);
  asked.scheme = "https";
  asked.authority = "localhost:8444";
  asked.headers = {{"Origin", "https://localhost:8444"}};
  const std::string cookie = header_of(send(asked), "Set-Cookie");
  EXPECT_TRUE(cookie.starts_with("__Host-mlgate-session-8444=")) << cookie;
  for (const char* attribute : {"; Path=/", "; HttpOnly", "; SameSite=Strict", "; Secure"})
    EXPECT_THAT(cookie, testing::HasSubstr(attribute));
  EXPECT_THAT(cookie, testing::Not(testing::HasSubstr("Domain")));
}

TEST_F(PortalTest, ASessionReadsWithItsCookieAndWritesWithMore) {
  const auto [cookie, csrf] = enter();
  Asked read{.path = "/subscriptions", .headers = {{"Cookie", "x=1; " + cookie}}};
  EXPECT_TRUE(SessionGuard::is_by_session(read.request()));
  EXPECT_EQ(guard_.check(read.request())->person.email, "ann@example.org");

  Asked write = read;
  write.method = "DELETE";
  EXPECT_FALSE(guard_.check(write.request()));
  write.headers.push_back({"Origin", "http://localhost:8081"});
  EXPECT_FALSE(guard_.check(write.request()));
  write.headers.push_back({"X-MLGate-Csrf", csrf});
  EXPECT_TRUE(guard_.check(write.request()));
  write.headers[1].second = "http://evil.example";
  EXPECT_FALSE(guard_.check(write.request()));
  write.headers[1].second = "http://localhost:8081";
  write.headers[2].second = csrf.substr(1);
  EXPECT_FALSE(guard_.check(write.request()));
}

TEST_F(PortalTest, ACredentialOfAnotherKindIsNotMixedWithTheSession) {
  const auto [cookie, csrf] = enter();
  Asked asked{.path = "/subscriptions",
              .headers = {{"Cookie", cookie}, {"Authorization", "Bearer abc"}}};
  EXPECT_FALSE(SessionGuard::is_by_session(asked.request()));
}

TEST_F(PortalTest, AnswersUnderItsOwnNamesOnly) {
  const auto [cookie, csrf] = enter();
  Asked asked{.path = "/console/api/session", .headers = {{"Cookie", cookie}}};
  asked.authority = "rebound.example:8081";
  EXPECT_EQ(send(asked).status, 421);
  EXPECT_FALSE(guard_.check(asked.request()));
  asked.authority = "Console.Example:8081";
  EXPECT_EQ(send(asked).status, 200);
}

TEST_F(PortalTest, SigningInFromAnotherSiteIsRefused) {
  enter();
  const Json body = Json::object({{"email", "ann@example.org"}, {"password", "correct horse"}});
  EXPECT_EQ(send(post("sign-in", body)).status, 200);
  Asked asked = post("sign-in", body);
  asked.headers = {{"Origin", "http://evil.example"}};
  EXPECT_EQ(send(asked).status, 403);
  asked.headers.clear();
  EXPECT_EQ(send(asked).status, 403);
}

TEST_F(PortalTest, EachSignInIsASessionOfItsOwnAndSignOutEndsIt) {
  const auto [cookie, csrf] = enter();
  const Json body = Json::object({{"email", "ann@example.org"}, {"password", "correct horse"}});
  Asked again = post("sign-in", body);
  again.headers.push_back({"Cookie", cookie});
  EXPECT_THAT(header_of(send(again), "Set-Cookie"), testing::Not(testing::HasSubstr(cookie)));

  Asked out{.method = "POST", .path = "/console/api/sign-out"};
  out.headers = {{"Cookie", cookie}, {"Origin", "http://localhost:8081"}};
  EXPECT_EQ(send(out).status, 401);
  out.headers.push_back({"X-MLGate-Csrf", csrf});
  const http::Response done = send(out);
  EXPECT_EQ(done.status, 204);
  EXPECT_THAT(header_of(done, "Set-Cookie"), testing::HasSubstr("Max-Age=0"));
  Asked after{.path = "/console/api/session", .headers = {{"Cookie", cookie}}};
  EXPECT_EQ(send(after).body, R"({"signedIn":false,"firstRun":false})");
}

TEST_F(PortalTest, GuessesAreBraked) {
  enter();
  const Json body = Json::object({{"email", "ann@example.org"}, {"password", "wrong password"}});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(send(post("sign-in", body)).status, 401);
  EXPECT_EQ(send(post("sign-in", body)).status, 429);
}

class SiteTest : public testing::Test {
 protected:
  http::Response get(const std::string& path, const std::string& name = "X",
                     const std::string& value = "") {
    Asked asked{.path = path, .headers = {{name, value}}};
    return site_.handle(asked.request());
  }
  const std::vector<Asset> files_{
      {"index.html", "text/html; charset=utf-8", "\"1\"", "<html>", {}, {}},
      {"ui/a-1.js", "text/javascript; charset=utf-8", "\"2\"", "plain", "gz", "br"}};
  Site site_{files_};
};

TEST_F(SiteTest, PathsOfPagesAreOnePageAndOthersAreNotOurs) {
  for (const char* path : {"/", "/first-run", "/studio", "/studio/w/experiments/e"}) {
    EXPECT_TRUE(Site::owns(path)) << path;
    EXPECT_EQ(get(path).body, "<html>") << path;
  }
  for (const char* path :
       {"", "/subscriptions", "/api/workspaces", "/console/api/session", "/studios", "/unknown"})
    EXPECT_FALSE(Site::owns(path)) << path;
  EXPECT_EQ(get("/ui/none.js").status, 404);
  EXPECT_EQ(get("/ui/../index.html").status, 404);
}

TEST_F(SiteTest, TakesTheBestCodingThatTheCallerKnows) {
  EXPECT_EQ(get("/ui/a-1.js", "Accept-Encoding", "gzip, deflate, br").body, "br");
  EXPECT_EQ(get("/ui/a-1.js", "Accept-Encoding", "gzip").body, "gz");
  EXPECT_EQ(get("/ui/a-1.js", "Accept-Encoding", "br;q=0, gzip;q=0.5").body, "gz");
  const http::Response plain = get("/ui/a-1.js");
  EXPECT_EQ(plain.body, "plain");
  EXPECT_EQ(header_of(plain, "Content-Encoding"), "");
  EXPECT_EQ(header_of(plain, "Vary"), "Accept-Encoding");
}

TEST_F(SiteTest, FilesAreKeptForEverAndPagesAreAskedFor) {
  EXPECT_THAT(header_of(get("/ui/a-1.js"), "Cache-Control"), testing::HasSubstr("immutable"));
  EXPECT_EQ(header_of(get("/"), "Cache-Control"), "no-cache");
  EXPECT_EQ(get("/", "If-None-Match", "\"1\"").status, 304);
  EXPECT_EQ(get("/", "If-None-Match", "W/\"1\", \"9\"").status, 304);
  EXPECT_EQ(get("/", "If-None-Match", "\"9\"").status, 200);
}

TEST_F(SiteTest, NoScriptButOursRuns) {
  const std::string policy = header_of(get("/"), "Content-Security-Policy");
  EXPECT_THAT(policy, testing::HasSubstr("script-src 'self';"));
  EXPECT_THAT(policy, testing::HasSubstr("frame-ancestors 'none'"));
}

TEST(EmbeddedPages, HoldThePageAndRunNoInlineScript) {
  const Site site(embedded_assets());
  Asked asked{.path = "/"};
  const http::Response page = site.handle(asked.request());
  ASSERT_EQ(page.status, 200);
  EXPECT_THAT(page.body, testing::HasSubstr("id=\"root\""));
  for (std::size_t at = page.body.find("<script"); at != std::string::npos;
       at = page.body.find("<script", at + 1)) {
    const std::string tag = page.body.substr(at, page.body.find('>', at) - at);
    EXPECT_THAT(tag, testing::HasSubstr(" src=\"/ui/")) << tag;
  }
}

}  // namespace
}  // namespace mlgate::portal
