// The developer portal's interface and its Try It, on a real store: what each viewer sees, what he
// may change, and that a call that is tried goes to the gateway and nowhere else.
#include "apim/codec.h"
#include "apim/editor.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/text.h"
#include "management/documents.h"
#include "net/worker.h"
#include "portal/data_api.h"
#include "portal/try_it.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace mlgate::portal {
namespace {

using identity::PersonRole;

// Stands for the gateway: remembers the call that came.
class Gateway final : public http::Handler {
 public:
  net::Awaitable<void> handle(http::ServerCall& call) override {
    const http::RequestHead& head = call.head();
    seen = std::string(head.method) + " " + std::string(call.scheme()) + "://" +
           std::string(head.authority) + std::string(head.target);
    key = head.fields.get("Ocp-Apim-Subscription-Key");
    peer = call.peer();
    http::Response answer;
    answer.set("X-Answer", "yes");
    answer.body = "1 1 2 2 0 2 0 1";
    (void)co_await http::respond(call, answer);
  }
  http::Response protocol_error(int /*status*/, std::string_view /*what*/) override { return {}; }

  std::string seen, key, peer;
};

struct Someone {  // Nobody signed in: empty texts.
  std::string cookie, csrf;
};

struct Told {
  int status = 0;
  Json body;
  std::string_view code() const { return body["error"].string_or("code"); }
  std::vector<std::string> ids() const {
    std::vector<std::string> out;
    for (const Json& one : body["value"].items()) out.emplace_back(one.string_or("id"));
    return out;
  }
};

class DeveloperPortalTest : public testing::Test {
 protected:
  DeveloperPortalTest()
      : folder_(std::filesystem::temp_directory_path() / ("developer-" + new_hex_id())) {
    std::filesystem::create_directory(folder_);
    vault_.emplace(store::Vault::open(folder_ / "master.key").value());
    store_ = store::open_sqlite(folder_ / "store.db").value();
    documents_.emplace(*store_);
    secrets_.emplace(*vault_);
    repository_.emplace(*documents_, *secrets_, system_clock(), apim::Publish());
    people_.emplace(*store_, system_clock());
    guard_.emplace(*people_, std::vector<std::string>());
    data_.emplace(*repository_, *guard_, place_,
                  [this](const apim::Service&, std::string_view kind, std::string_view query) {
                    reported_ = std::string(kind) + "?" + percent_decode(query).value();
                    return http::Response{.status = 200, .reason = {}, .headers = {}, .body = "{}"};
                  });
    try_it_.emplace(*repository_, *guard_, place_, [this](http::InnerRequest request) {
      return http::call_inner(worker_, gateway_, std::move(request), {});
    });
    worker_.start();
    make_instance();
  }
  ~DeveloperPortalTest() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  void change(const std::function<Result<void>(apim::Transaction&)>& what) {
    apim::Errors errors;
    const auto done = repository_->transact("demo", what, errors);
    ASSERT_TRUE(done) << done.error().message() << (errors.empty() ? "" : errors[0].message());
  }
  // The default content, a product "hidden" that is not published, and "inner" for testers, each
  // with an API of its own.
  void make_instance() {
    change([](apim::Transaction& tx) -> Result<void> {
      apim::Editor editor(tx, "demo");
      apim::Service service;
      service.name = "demo";
      service.publisher_name = "Demo";
      service.publisher_email = "boss@example.org";
      TRY_OK(editor.put(service, nullptr));
      service.is_default = true;
      TRY_OK(apim::create_default_content(tx, service, {}));
      apim::Group testers;
      testers.name = testers.display_name = "testers";
      TRY_OK(editor.put(testers, nullptr));
      for (const char* name : {"hidden", "inner"}) {
        apim::Product product;
        product.name = product.display_name = name;
        product.published = product.name == "inner";
        TRY_OK(editor.put(product, nullptr));
        apim::Api api;
        api.name = api.path = api.display_name = std::string(name) + "-api";
        api.protocols = {"http"};
        api.service_url = "http://10.0.0.1/secret";
        TRY_OK(editor.put(api, nullptr));
        TRY_OK(editor.link(product, api));
        if (product.published) {
          TRY_OK(editor.link(product, testers));
        }
      }
      apim::Operation operation;
      operation.api = "echo-api";
      operation.name = "deep";
      operation.display_name = "Deep";
      operation.method = "GET";
      operation.url_template = "/deep/{one}/{*rest}?q={q}";
      operation.properties = Json::object();
      return editor.put(operation, nullptr);
    });
  }

  Someone sign_in(std::string_view email, PersonRole role = PersonRole::developer) {
    const auto person = people_->create(email, "correct horse battery", role).value();
    const auto session = people_->begin_session(person).value();
    return {"mlgate-session-8081=" + session.token, session.csrf};
  }
  http::Response request(const Someone& who, std::string_view method, std::string_view url,
                         std::string_view body, std::string_view origin) {
    http::Fields fields;
    if (!who.cookie.empty()) fields.add("Cookie", who.cookie);
    if (!who.csrf.empty()) fields.add("X-MLGate-Csrf", who.csrf);
    fields.add("Origin", origin);
    const std::size_t mark = url.find('?');
    const http::Request asked{.method = method,
                              .path = url.substr(0, mark),
                              .query = mark == url.npos ? "" : url.substr(mark + 1),
                              .scheme = "http",
                              .authority = "localhost:8081",
                              .peer = "192.0.2.7",
                              .headers = &fields,
                              .body = body};
    return url == TryIt::kPath ? try_it_->handle(asked) : data_->handle(asked);
  }
  Told ask(const Someone& who, std::string_view method, std::string_view path,
           std::string_view body = {}) {
    const std::string url =
        path == TryIt::kPath ? std::string(path) : "/data-api/service/demo" + std::string(path);
    const http::Response answer = request(who, method, url, body, "http://localhost:8081");
    const auto json = Json::parse(answer.body);
    return {answer.status, json ? *json : Json()};
  }
  Told subscribe(const Someone& who, std::string_view id, std::string_view product = "starter") {
    return ask(who, "POST", "/subscriptions/" + std::string(id),
               R"({"scope":"/products/)" + std::string(product) + R"(","name":"Mine"})");
  }
  Told send(const Someone& who, std::string_view members) {
    return ask(who, "POST", TryIt::kPath, R"({"service":"demo",)" + std::string(members) + "}");
  }

  const GatewayPlace place_{"localhost", 8080, 8443};
  const Someone guest_;
  std::filesystem::path folder_;
  std::optional<store::Vault> vault_;
  std::unique_ptr<store::Store> store_;
  std::optional<management::StoreDocuments> documents_;
  std::optional<management::VaultSecrets> secrets_;
  std::optional<apim::Repository> repository_;
  std::optional<identity::People> people_;
  std::optional<SessionGuard> guard_;
  std::optional<DataApi> data_;
  std::optional<TryIt> try_it_;
  net::Worker worker_{0};
  Gateway gateway_;
  std::string reported_;
};

TEST_F(DeveloperPortalTest, EverybodySeesWhatTheGroupsSay) {
  const Someone ann = sign_in("ann@example.org");
  const Someone boss = sign_in("root@example.org", PersonRole::administrator);
  using testing::ElementsAre;
  for (const Someone& who : {guest_, ann}) {
    EXPECT_THAT(ask(who, "GET", "/products").ids(), ElementsAre("starter", "unlimited"));
    EXPECT_THAT(ask(who, "GET", "/apis").ids(), ElementsAre("echo-api"));
    for (const char* path : {"/products/hidden", "/products/inner", "/products/hidden/apis",
                             "/apis/hidden-api", "/apis/inner-api", "/apis/inner-api/operations",
                             "/apis/inner-api/products", "/products/none"})
      EXPECT_EQ(ask(who, "GET", path).status, 404) << path;
  }
  EXPECT_THAT(ask(boss, "GET", "/products").ids(),
              ElementsAre("hidden", "inner", "starter", "unlimited"));
  EXPECT_EQ(ask(boss, "GET", "/apis/hidden-api").status, 200);

  // A group of her own opens more; what guests lose, they alone lose.
  const std::string user(ask(ann, "GET", "/user").body.string_or("id"));
  change([&](apim::Transaction& tx) -> Result<void> {
    apim::Editor editor(tx, "demo");
    TRY(const auto group, apim::find<apim::Group>(tx, {"demo", "", "testers"}));
    TRY(const auto member, apim::find<apim::User>(tx, {"demo", "", user}));
    TRY_OK(editor.link(*group, *member));
    return editor.unlink(apim::Relation::product_group, "starter", "guests");
  });
  EXPECT_THAT(ask(ann, "GET", "/apis").ids(), ElementsAre("echo-api", "inner-api"));
  EXPECT_THAT(ask(ann, "GET", "/apis/echo-api/products").ids(),
              ElementsAre("starter", "unlimited"));
  EXPECT_THAT(ask(guest_, "GET", "/products").ids(), ElementsAre("unlimited"));
  EXPECT_EQ(ask(guest_, "GET", "/products/starter").status, 404);
}

TEST_F(DeveloperPortalTest, ListsCanBeFilteredAndPaged) {
  const Someone boss = sign_in("root@example.org", PersonRole::administrator);
  const Told page = ask(boss, "GET", "/products?$top=1&$skip=1");
  EXPECT_THAT(page.ids(), testing::ElementsAre("inner"));
  EXPECT_EQ(page.body.int_or("count", 0), 4);
  EXPECT_THAT(std::string(page.body.string_or("nextLink")), testing::HasSubstr("skip=2"));
  EXPECT_THAT(ask(boss, "GET", "/apis?$filter=(contains(name,'ECHO'))").ids(),
              testing::ElementsAre("echo-api"));
  EXPECT_EQ(ask(boss, "GET", "/apis?$filter=name%20eq%20'x'").status, 400);
  EXPECT_EQ(ask(boss, "GET", "/apis?$top=none").status, 400);
}

TEST_F(DeveloperPortalTest, AnApiShowsItsAddressAndNotItsService) {
  const Told api = ask(guest_, "GET", "/apis/echo-api");
  EXPECT_EQ(api.body.string_or("gatewayUrl"), "https://localhost:8443/echo");
  EXPECT_EQ(api.body.string_or("name"), "Echo API");
  EXPECT_EQ(api.body.find("serviceUrl"), nullptr);
  const Told operations = ask(guest_, "GET", "/apis/echo-api/operations");
  EXPECT_EQ(operations.ids().size(), 7u);
  EXPECT_EQ(ask(guest_, "GET", "/apis/echo-api/operations/deep").body.string_or("urlTemplate"),
            "/deep/{one}/{*rest}?q={q}");
}

TEST_F(DeveloperPortalTest, AnApiCanBeTakenAwayAsADocument) {
  const Told document = ask(guest_, "GET", "/apis/echo-api?export=true");
  ASSERT_EQ(document.status, 200);
  EXPECT_EQ(document.body.string_or("openapi"), "3.0.1");
  EXPECT_EQ(document.body["servers"].items().at(0).string_or("url"), "https://localhost:8443/echo");
  EXPECT_EQ(ask(guest_, "GET", "/apis/inner-api?export=true").status, 404);
}

TEST_F(DeveloperPortalTest, APersonIsTheUserWithTheSameAddress) {
  const Someone ann = sign_in("ann.lee@example.org");
  const Told first = ask(ann, "GET", "/user");
  EXPECT_EQ(first.body.string_or("firstName"), "Ann");
  EXPECT_EQ(first.body.string_or("lastName"), "Lee");
  EXPECT_EQ(ask(ann, "GET", "/user").body.string_or("id"), first.body.string_or("id"));
  EXPECT_EQ(ask(ann, "PATCH", "/user", R"({"firstName":"Anna"})").body.string_or("firstName"),
            "Anna");
  EXPECT_EQ(ask(ann, "PATCH", "/user", R"({"firstName":""})").status, 400);
  const Someone boss = sign_in("root@example.org", PersonRole::administrator);
  EXPECT_EQ(ask(boss, "GET", "/user").body.string_or("id"), "1");
  // Not by its address: what user 1 holds is for administrators.
  EXPECT_EQ(ask(sign_in("boss@example.org"), "GET", "/subscriptions").status, 409);
  EXPECT_EQ(ask(guest_, "GET", "/user").status, 401);
  EXPECT_TRUE(ask(guest_, "GET", "").body["user"].is_null());
}

TEST_F(DeveloperPortalTest, WhoIsBlockedSeesWhatGuestsSee) {
  const Someone ann = sign_in("ann@example.org");
  ASSERT_EQ(subscribe(ann, "s1").status, 201);
  const std::string user(ask(ann, "GET", "/user").body.string_or("id"));
  change([&](apim::Transaction& tx) -> Result<void> {
    TRY(const auto before, apim::find<apim::User>(tx, {"demo", "", user}));
    apim::User next = *before;
    next.state = apim::UserState::blocked;
    return apim::Editor(tx, "demo").put(next, &*before);
  });
  EXPECT_EQ(ask(ann, "POST", "/subscriptions/s1/listSecrets").status, 401);
  EXPECT_EQ(subscribe(ann, "s2", "unlimited").status, 401);
  EXPECT_EQ(ask(ann, "GET", "/products").ids().size(), 2u);
}

TEST_F(DeveloperPortalTest, WhatTheProductAsksForIsWhatASubscriptionNeeds) {
  const Someone ann = sign_in("ann@example.org");
  const Told made = subscribe(ann, "s1");
  ASSERT_EQ(made.status, 201) << made.body.dump();
  EXPECT_EQ(made.body.string_or("state"), "active");
  EXPECT_EQ(made.body.string_or("name"), "Mine");
  EXPECT_EQ(subscribe(ann, "s1", "unlimited").status, 409) << "the id is taken";
  EXPECT_EQ(subscribe(ann, "s2").status, 409) << "one subscription each";
  EXPECT_EQ(subscribe(ann, "s3", "unlimited").body.string_or("state"), "submitted");
  EXPECT_EQ(subscribe(ann, "s4", "inner").status, 404);
  EXPECT_EQ(subscribe(guest_, "s5").status, 401);
  EXPECT_EQ(ask(ann, "POST", "/subscriptions/s6", R"({"scope":"/apis","name":"All"})").status, 400);

  EXPECT_EQ(ask(ann, "PATCH", "/subscriptions/s3", R"({"state":"active"})").status, 400);
  EXPECT_EQ(ask(ann, "PATCH", "/subscriptions/s1", R"({"name":"Other"})").body.string_or("name"),
            "Other");
  EXPECT_EQ(
      ask(ann, "PATCH", "/subscriptions/s1", R"({"state":"cancelled"})").body.string_or("state"),
      "cancelled");
  EXPECT_EQ(ask(ann, "PATCH", "/subscriptions/s1", R"({"state":"cancelled"})").status, 409);
  EXPECT_EQ(subscribe(ann, "s7").status, 201) << "there is room again";
  EXPECT_THAT(ask(ann, "GET", "/subscriptions").ids(), testing::ElementsAre("s1", "s3", "s7"));
}

TEST_F(DeveloperPortalTest, KeysAreTheOwnersAlone) {
  const Someone ann = sign_in("ann@example.org");
  const Someone bob = sign_in("bob@example.org");
  ASSERT_EQ(subscribe(bob, "bobs").status, 201);
  const std::string user(ask(bob, "GET", "/user").body.string_or("id"));
  for (const Someone& who : {ann, guest_, sign_in("r@example.org", PersonRole::administrator)}) {
    const int refused = who.cookie.empty() ? 401 : 404;
    EXPECT_EQ(ask(who, "GET", "/subscriptions/bobs").status, refused);
    EXPECT_EQ(ask(who, "POST", "/subscriptions/bobs/listSecrets").status, refused);
    EXPECT_EQ(ask(who, "POST", "/subscriptions/bobs/regeneratePrimaryKey").status, refused);
    EXPECT_EQ(ask(who, "PATCH", "/subscriptions/bobs", R"({"state":"cancelled"})").status, refused);
    EXPECT_EQ(ask(who, "GET", "/users/" + user + "/subscriptions").status, refused);
    EXPECT_EQ(ask(who, "GET", "/users/" + user).status, refused);
  }
  EXPECT_EQ(ask(bob, "GET", "/subscriptions").body.dump().find("Key"), std::string::npos);
  const Told before = ask(bob, "POST", "/users/" + user + "/subscriptions/bobs/listSecrets");
  ASSERT_EQ(before.status, 200);
  EXPECT_EQ(ask(bob, "POST", "/subscriptions/bobs/regeneratePrimaryKey").status, 204);
  const Told after = ask(bob, "POST", "/subscriptions/bobs/listSecrets");
  EXPECT_NE(before.body.string_or("primaryKey"), after.body.string_or("primaryKey"));
  EXPECT_EQ(before.body.string_or("secondaryKey"), after.body.string_or("secondaryKey"));
}

TEST_F(DeveloperPortalTest, ReportsAreOfOneself) {
  const Someone boss = sign_in("root@example.org", PersonRole::administrator);
  const std::string period = "/reports/ByEndpoint?$filter=timestamp%20ge%202026-01-01";
  EXPECT_EQ(ask(guest_, "GET", period).status, 401);
  EXPECT_EQ(ask(boss, "GET", "/users/1" + period + "&$top=5&interval=PT15M").status, 200);
  EXPECT_EQ(reported_,
            "byApi?$filter=timestamp ge 2026-01-01 and userId eq '/users/1'"
            "&interval=PT15M&$top=5");
  EXPECT_EQ(ask(boss, "GET", "/users/2" + period).status, 404);
  reported_.clear();
  for (const char* more :
       {"%20or%20userId%20eq%20'2'", "%20and%20userId%20eq%20'2'", "'", "%20and"})
    EXPECT_EQ(ask(boss, "GET", period + more).status, 400) << more;
  EXPECT_EQ(ask(boss, "GET", "/reports/ByUser").status, 404);
  EXPECT_EQ(reported_, "");
}

TEST_F(DeveloperPortalTest, WritesNeedThePageAndItsSession) {
  const Someone ann = sign_in("ann@example.org");
  Someone forged = ann;
  forged.csrf = "guess";
  EXPECT_EQ(subscribe(forged, "s1").status, 401);
  const std::string path = "/data-api/service/demo/subscriptions/s1";
  EXPECT_EQ(request(ann, "POST", path, "{}", "http://evil.example").status, 401);
  EXPECT_EQ(request(ann, "POST", std::string(TryIt::kPath), "{}", "http://evil.example").status,
            403);
  EXPECT_EQ(request(guest_, "POST", std::string(TryIt::kPath), "{}", "").status, 403);
  EXPECT_EQ(send(forged, R"("api":"echo-api","operation":"retrieve-resource")").status, 401);
  EXPECT_EQ(gateway_.seen, "");
}

TEST_F(DeveloperPortalTest, ATriedCallGoesToTheGatewayWithOnesOwnKey) {
  const Someone ann = sign_in("ann@example.org");
  ASSERT_EQ(subscribe(ann, "s1").status, 201);
  const std::string key(
      ask(ann, "POST", "/subscriptions/s1/listSecrets").body.string_or("secondaryKey"));
  const Told sent = send(ann, R"("api":"echo-api","operation":"deep","subscription":"s1",
      "key":"secondary","parameters":{"one":"a/b?c#d","rest":"x/y z","q":"1&2"},
      "query":[{"name":"more","value":"="},{"name":"","value":""}],
      "headers":[{"name":"X-A","value":" 1 "},{"name":"","value":""}])");
  ASSERT_EQ(sent.status, 200) << sent.body.dump();
  EXPECT_EQ(gateway_.seen,
            "GET https://localhost:8443/echo/deep/a%2Fb%3Fc%23d/x/y%20z?q=1%262&more=%3D");
  EXPECT_EQ(gateway_.key, key);
  EXPECT_EQ(gateway_.peer, "192.0.2.7") << "policies see who really calls";
  EXPECT_EQ(sent.body.string_or("requestedUrl"), gateway_.seen.substr(4));
  EXPECT_EQ(sent.body.int_or("status", 0), 200);
  EXPECT_EQ(sent.body.string_or("reason"), "OK");
  EXPECT_EQ(sent.body.string_or("content"), "1 1 2 2 0 2 0 1");
  EXPECT_EQ(sent.body["headers"].items().at(0).string_or("name"), "X-Answer");
  EXPECT_GT(sent.body["timeMs"].as_double().value_or(0), 0);
}

TEST_F(DeveloperPortalTest, NothingThatIsTriedLeadsElsewhere) {
  const Someone ann = sign_in("ann@example.org");
  const Someone bob = sign_in("bob@example.org");
  ASSERT_EQ(subscribe(bob, "bobs").status, 201);
  const std::string good = R"("api":"echo-api","operation":"retrieve-resource")";
  // Each refused, with its reason.
  for (const auto& [members, status] : std::vector<std::pair<std::string, int>>{
           {R"("api":"http://evil.example","operation":"x")", 404},
           {R"("api":"hidden-api","operation":"x")", 404},
           {R"("api":"echo-api","operation":"http://evil.example/")", 404},
           {R"("api":"echo-api","operation":"../../x")", 404},
           {good + R"(,"subscription":"bobs")", 404},
           {good + R"(,"subscription":"master")", 404},
           {good + R"(,"headers":[{"name":"Host","value":"evil.example"}])", 400},
           {good + R"(,"headers":[{"name":"X-A","value":"1\r\nHost: evil.example"}])", 400},
           {good + R"(,"headers":[{"name":":authority","value":"evil.example"}])", 400},
           {good + R"(,"headers":[{"name":"Transfer-Encoding","value":"chunked"}])", 400},
           {R"("api":"echo-api","operation":"deep","parameters":{"one":"","rest":"x"})", 400},
           {R"("api":"echo-api","operation":"deep","parameters":{"one":"..","rest":"x"})", 400},
           {R"("api":"echo-api","operation":"deep","parameters":{"one":"1","rest":"a/../../b"})",
            400}}) {
    EXPECT_EQ(send(ann, members).status, status) << members;
    EXPECT_EQ(gateway_.seen, "") << members;
  }
  // A host where a value belongs stays a value; members that nobody knows change nothing.
  const Told sent = send(
      ann, R"("api":"echo-api","operation":"deep","url":"http://evil.example","host":"evil.example",
      "scheme":"http","target":"http://evil.example/",
      "parameters":{"one":"http://evil.example","rest":"/evil.example","q":"@evil.example:1"})");
  EXPECT_EQ(sent.status, 200) << sent.body.dump();
  EXPECT_TRUE(gateway_.seen.starts_with("GET https://localhost:8443/echo/deep/http%3A%2F%2Fevil"))
      << gateway_.seen;
  EXPECT_EQ(gateway_.key, "");
  // Guests may try what they may see.
  EXPECT_EQ(send(guest_, good).status, 200);
  EXPECT_EQ(send(guest_, good + R"(,"subscription":"bobs")").status, 401);
}

TEST(FillTemplate, EveryGapHasItsOwnRules) {
  const Json given = Json::parse(R"({"A":"x y","rest":"p/q"})").value();
  const auto filled = fill_template("/v-{a}.csv/{*rest}?k={a}&n={none}", given);
  ASSERT_TRUE(filled) << filled.error().message();
  EXPECT_EQ(filled->path, "/v-x%20y.csv/p/q");
  EXPECT_EQ(filled->query, "k=x%20y&n=");
  const auto missing = fill_template("/{none}", given);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().field(), "none");
}

}  // namespace
}  // namespace mlgate::portal
