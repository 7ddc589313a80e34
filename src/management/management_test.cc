// The behaviour of the management interface, as its clients meet it.
#include "management/fixture_internal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>

namespace mlgate::management {
namespace {

class ManagementTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(client.create_service().status, 201); }
  Answer at(std::string_view method, std::string_view path, std::string_view body = {},
            const Client::Headers& headers = {}) {
    return client.at(method, path, body, headers);
  }
  Client client;
};

constexpr std::string_view kApi =
    R"({"properties":{"displayName":"Echo","path":"/api/x",)"
    R"("serviceUrl":"http://127.0.0.1:9000","protocols":["http","https"]}})";

TEST_F(ManagementTest, HeadIs404UntilTheEntityIsThere) {
  const std::pair<std::string_view, std::string_view> entities[] = {
      {"/apis/a", kApi},
      {"/products/p", R"({"properties":{"displayName":"P"}})"},
      {"/subscriptions/s", R"({"properties":{"displayName":"S","scope":"/apis"}})"},
      {"/groups/g", R"({"properties":{"displayName":"G"}})"},
      {"/users/u", R"({"properties":{"firstName":"A","lastName":"B","email":"u@x.y",)"
                   R"("password":"longenough"}})"},
      {"/apis/a/policies/policy", R"({"properties":{"value":"<policies/>"}})"},
      {"/apis/a/operations/o",
       R"({"properties":{"displayName":"O","method":"GET","urlTemplate":"/o"}})"}};
  for (const auto& [path, body] : entities) {
    EXPECT_EQ(at("HEAD", path).status, 404) << path;
    const Answer created = at("PUT", path, body);
    EXPECT_EQ(created.status, 201) << path << created.text;
    EXPECT_EQ(created.header("Retry-After"), "0");
    const Answer head = at("HEAD", path);
    EXPECT_EQ(head.status, 200) << path;
    EXPECT_TRUE(head.text.empty());
    EXPECT_EQ(head.etag(), created.etag()) << path;
    const Answer again = at("PUT", path, body);
    EXPECT_EQ(again.status, 200) << path << again.text;
    EXPECT_EQ(again.etag(), path == "/users/u" ? again.etag() : created.etag()) << path;
    EXPECT_EQ(at("PUT", path, body, {{"If-Match", "\"AAAAAAAAAAA=\""}}).status, 412) << path;
    EXPECT_EQ(at("PUT", path, body, {{"If-Match", "*"}}).status, 200) << path;
    EXPECT_EQ(at("PUT", path, body, {{"If-None-Match", "*"}}).status, 412) << path;
    const Answer fresh = at("GET", path);
    EXPECT_EQ(at("PUT", path, body, {{"If-Match", fresh.etag()}}).status, 200) << path;
    EXPECT_EQ(at("GET", path, "", {{"If-None-Match", at("GET", path).etag()}}).status, 304);
  }
  for (auto it = std::rbegin(entities); it != std::rend(entities); ++it) {
    EXPECT_EQ(at("DELETE", it->first, "", {{"If-Match", "\"x\""}}).status, 412) << it->first;
    const std::string path(it->first);
    const std::string all = path == "/products/p" ? path + "?deleteSubscriptions=true" : path;
    EXPECT_EQ(at("DELETE", all).status, 200) << path;
    EXPECT_EQ(at("DELETE", all).status, 204) << path;
  }
}

TEST_F(ManagementTest, IfMatchStarCreates) {
  EXPECT_EQ(at("PUT", "/apis/a", kApi, {{"If-Match", "*"}}).status, 201);
  EXPECT_EQ(at("PUT", "/apis/b", kApi, {{"If-Match", "\"AAAAAAAAAAE=\""}}).status, 412);
}

TEST_F(ManagementTest, AChangeMovesTheETagAndAPutOfTheSameDoesNot) {
  const Answer one = at("PUT", "/apis/a", kApi);
  const Answer two = at("PATCH", "/apis/a", R"({"properties":{"description":"new"}})");
  EXPECT_EQ(two.status, 200);
  EXPECT_NE(one.etag(), two.etag());
  EXPECT_EQ(two.property("description").as_string(), "new");
  EXPECT_EQ(two.property("path").as_string(), "api/x");
  const Answer three = at("PATCH", "/apis/a", R"({"properties":{"description":null}})");
  EXPECT_TRUE(three.property("description").is_null());
  EXPECT_EQ(at("PATCH", "/apis/none", "{}").status, 404);
}

TEST_F(ManagementTest, ListsOf250ComeInThreePages) {
  for (int i = 0; i < 250; ++i) {
    const std::string name = "g" + std::to_string(1'000 + i);
    ASSERT_EQ(
        at("PUT", "/groups/" + name, R"({"properties":{"displayName":")" + name + "\"}}").status,
        201);
  }
  const std::string wanted = "$filter=startswith(name,'g1')";
  std::vector<std::string> names;
  std::vector<std::size_t> sizes;
  Answer page = at("GET", "/groups?" + wanted);
  for (;;) {
    ASSERT_EQ(page.status, 200) << page.text;
    EXPECT_EQ(page.body.int_or("count", 0), 250);
    const auto some = page.names();
    sizes.push_back(some.size());
    names.insert(names.end(), some.begin(), some.end());
    const std::string next(page.body.string_or("nextLink"));
    if (next.empty()) break;
    EXPECT_TRUE(next.starts_with("https://localhost:8444/subscriptions/")) << next;
    page = client.call("GET", next.substr(22));
  }
  EXPECT_EQ(sizes, (std::vector<std::size_t>{100, 100, 50}));
  EXPECT_EQ(page.body.find("nextLink"), nullptr);
  EXPECT_EQ(names.size(), 250U);
  EXPECT_TRUE(std::ranges::is_sorted(names));
  EXPECT_EQ(std::ranges::adjacent_find(names), names.end());

  const Answer slice = at("GET", "/groups?" + wanted + "&$top=100&$skip=200");
  EXPECT_EQ(slice.names().size(), 50U);
  EXPECT_EQ(slice.body.find("nextLink"), nullptr);
  EXPECT_EQ(at("GET", "/groups?$top=0").code(), "ValidationError");
  EXPECT_EQ(at("GET", "/groups?$top=x").status, 400);
  EXPECT_EQ(at("GET", "/groups?$skip=-1").targets(), std::vector<std::string>{"$skip"});
  EXPECT_EQ(at("GET", "/groups?$skip=9999").names().size(), 0U);
}

TEST_F(ManagementTest, FiltersFollowTheirGrammar) {
  const auto names = [&](std::string_view collection, std::string_view filter) {
    const Answer answer = at("GET", std::string(collection) + "?$filter=" + percent_encode(filter));
    EXPECT_EQ(answer.status, 200) << filter << answer.text;
    return answer.names();
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(names("/products", "name eq 'STARTER'"), Names{"starter"});
  EXPECT_EQ(names("/products", "properties/displayName ne 'Starter'"), Names{"unlimited"});
  EXPECT_EQ(names("/products", "not (contains(name,'star'))"), Names{"unlimited"});
  EXPECT_EQ(names("/products", "substringof('lim',name)"), Names{"unlimited"});
  EXPECT_EQ(names("/products", "substringof(name,'lim')"), Names{"unlimited"});
  EXPECT_EQ(
      names("/products", "name eq 'starter' or (name ge 'u' and state eq 'published')").size(), 2U);
  EXPECT_EQ(names("/apis", "isCurrent eq true"), Names{"echo-api"});
  EXPECT_EQ(names("/subscriptions", "scope eq '/products/starter'").size(), 1U);
  EXPECT_EQ(
      names("/subscriptions", "scope eq '" + std::string(Client::kService) + "/products/starter'")
          .size(),
      1U);
  EXPECT_EQ(names("/subscriptions", "endswith(scope,'/products/starter')").size(), 1U);
  EXPECT_EQ(names("/subscriptions", "ownerId eq '/users/1'").size(), 2U);
  EXPECT_EQ(names("/users", "registrationDate ge datetime'2020-01-01T00:00:00Z'"), Names{"1"});
  EXPECT_EQ(names("/users", "registrationDate lt 2020-01-01T00:00:00Z"), Names{});
  EXPECT_EQ(names("/groups", "displayName eq 'it''s'"), Names{});
  for (const char* bad :
       {"color eq 'x'", "name eq", "name eq 'x", "name like 'x'", "f(name,'x')", "(name eq 'x'",
        "name eq 'x' name", "state ne 'published'", "name eq x", "contains(name)", "and", "()"}) {
    const Answer answer = at("GET", "/products?$filter=" + percent_encode(bad));
    EXPECT_EQ(answer.status, 400) << bad;
    EXPECT_EQ(answer.targets(), std::vector<std::string>{"$filter"}) << bad;
    EXPECT_NE(answer.text.find("position"), std::string::npos) << bad;
  }
  EXPECT_EQ(at("GET", "/products?$filter=" + std::string(3'000, '(')).status, 400);
}

TEST_F(ManagementTest, ANewInstanceHasTheDefaultContent) {
  EXPECT_EQ(at("GET", "/products").names(), (std::vector<std::string>{"starter", "unlimited"}));
  const Answer starter = at("GET", "/products/starter");
  EXPECT_EQ(starter.property("subscriptionsLimit").as_int(), 1);
  EXPECT_EQ(starter.property("approvalRequired").as_bool(), false);
  EXPECT_EQ(starter.property("state").as_string(), "published");
  EXPECT_EQ(at("GET", "/groups").names(),
            (std::vector<std::string>{"administrators", "developers", "guests"}));
  for (const char* product : {"starter", "unlimited"}) {
    const std::string path = "/products/" + std::string(product);
    EXPECT_EQ(at("GET", path + "/groups").names().size(), 3U);
    EXPECT_EQ(at("GET", path + "/apis").names(), std::vector<std::string>{"echo-api"});
    EXPECT_EQ(at("GET", path + "/subscriptions").names().size(), 1U);
    EXPECT_EQ(at("HEAD", path + "/apis/echo-api").status, 204);
  }
  const Answer api = at("GET", "/apis/echo-api");
  EXPECT_EQ(api.property("path").as_string(), "echo");
  EXPECT_EQ(api.property("serviceUrl").as_string(), "http://localhost:8082/echo");
  const Answer master = at("GET", "/subscriptions/master");
  EXPECT_EQ(master.property("scope").as_string(), std::string(Client::kService) + "/");
  EXPECT_EQ(master.property("displayName").as_string(), "Built-in all-access subscription");
  EXPECT_EQ(at("GET", "/users/1").property("email").as_string(), "a@b.c");
  EXPECT_EQ(at("GET", "/policies/policy?format=xml").property("value").as_string(),
            "<policies><inbound /><backend><forward-request /></backend><outbound /></policies>");
  EXPECT_EQ(at("DELETE", "/groups/guests").code(), "ValidationError");
  EXPECT_EQ(at("DELETE", "/users/1").code(), "ValidationError");
  EXPECT_EQ(at("DELETE", "/subscriptions/master").code(), "ValidationError");
  EXPECT_EQ(client.published, std::vector<std::string>{"demoazureml"});
}

TEST_F(ManagementTest, KeysAreInThePutAndInListSecretsOnly) {
  const Answer created =
      at("PUT", "/subscriptions/s1",
         R"({"properties":{"scope":"/products/starter","displayName":"s1","state":"active"}})");
  ASSERT_EQ(created.status, 201) << created.text;
  const std::string primary(created.property("primaryKey").as_string());
  EXPECT_EQ(primary.size(), 32U);
  EXPECT_TRUE(created.property("ownerId").is_null());
  EXPECT_FALSE(created.property("startDate").is_null());
  EXPECT_TRUE(created.property("expirationDate").is_null());
  EXPECT_EQ(created.property("scope").as_string(),
            std::string(Client::kService) + "/products/starter");

  EXPECT_EQ(at("GET", "/subscriptions/s1").text.find(primary), std::string::npos);
  EXPECT_EQ(at("GET", "/subscriptions").text.find(primary), std::string::npos);
  EXPECT_EQ(
      at("PATCH", "/subscriptions/s1", R"({"properties":{"stateComment":"x"}})").text.find(primary),
      std::string::npos);
  EXPECT_EQ(at("POST", "/subscriptions/s1/listSecrets").body.string_or("primaryKey"), primary);
  for (const auto& document : client.store().list("apim.entity", "").value())
    EXPECT_EQ(document.body.find(primary), std::string::npos) << document.key;

  const Answer before = at("POST", "/subscriptions/s1/listSecrets");
  EXPECT_EQ(at("POST", "/subscriptions/s1/regeneratePrimaryKey").status, 204);
  const Answer after = at("POST", "/subscriptions/s1/listSecrets");
  EXPECT_NE(after.body.string_or("primaryKey"), primary);
  EXPECT_EQ(after.body.string_or("secondaryKey"), before.body.string_or("secondaryKey"));

  const std::string mine(after.body.string_or("secondaryKey"));
  const Answer taken =
      at("PUT", "/subscriptions/s2",
         R"({"properties":{"scope":"/apis","displayName":"s2","primaryKey":")" + mine + "\"}}");
  EXPECT_EQ(taken.status, 400);
  EXPECT_EQ(taken.targets(), std::vector<std::string>{"primaryKey"});
  // A key that was replaced is free again.
  EXPECT_EQ(
      at("PUT", "/subscriptions/s2",
         R"({"properties":{"scope":"/apis","displayName":"s2","primaryKey":")" + primary + "\"}}")
          .status,
      201);
}

TEST_F(ManagementTest, SubscriptionStatesMoveTheirDates) {
  const std::string path = "/subscriptions/s1";
  const Answer made = at("PUT", path, R"({"properties":{"scope":"/apis","displayName":"s"}})");
  EXPECT_EQ(made.property("state").as_string(), "submitted");
  EXPECT_TRUE(made.property("startDate").is_null());
  client.clock.now += 1'000;
  const Answer active = at("PATCH", path, R"({"properties":{"state":"active"}})");
  const std::string start(active.property("startDate").as_string());
  EXPECT_EQ(start, to_iso8601(client.clock.now));
  client.clock.now += 1'000;
  const Answer cancelled = at("PATCH", path, R"({"properties":{"state":"cancelled"}})");
  EXPECT_EQ(cancelled.property("endDate").as_string(), to_iso8601(client.clock.now));
  const Answer again = at("PATCH", path, R"({"properties":{"state":"active"}})");
  EXPECT_TRUE(again.property("endDate").is_null());
  EXPECT_EQ(again.property("startDate").as_string(), start);
  EXPECT_EQ(
      at("PUT", "/subscriptions/s3",
         R"({"properties":{"scope":"/products/none","displayName":"s","ownerId":"/users/9"}})")
          .targets(),
      (std::vector<std::string>{"scope", "ownerId"}));
  EXPECT_EQ(at("PATCH", "/subscriptions/master", R"({"properties":{"state":"suspended"}})").status,
            400);
}

TEST_F(ManagementTest, ValidationErrorsComeAllAtOnce) {
  const Answer refused =
      at("PUT", "/apis/a", R"({"properties":{"path":"echo","protocols":[],"serviceUrl":"x"}})");
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.code(), "ValidationError");
  EXPECT_EQ(refused.message(), "One or more fields contain incorrect values:");
  EXPECT_EQ(refused.targets(),
            (std::vector<std::string>{"displayName", "serviceUrl", "protocols"}));
  EXPECT_EQ(at("PUT", "/apis/a", R"({"properties":{"displayName":"A","path":"/Echo/"}})").targets(),
            std::vector<std::string>{"path"});
  EXPECT_EQ(at("PUT", "/apis/a", "{").code(), "InvalidRequestContent");
  EXPECT_EQ(at("PUT", "/apis/a%3Ab", kApi).targets(), std::vector<std::string>{"name"});
  EXPECT_EQ(at("GET", "/apis/a").text,
            R"({"error":{"code":"ResourceNotFound","message":"Api not found.","details":null}})");
}

TEST_F(ManagementTest, NamesAreUniqueWithoutRegardToCase) {
  ASSERT_EQ(at("PUT", "/apis/MyApi", kApi).status, 201);
  EXPECT_EQ(at("PUT", "/apis/myapi", kApi).status, 200);
  EXPECT_EQ(at("GET", "/APIS/MYAPI").body.string_or("id"),
            std::string(Client::kService) + "/apis/MyApi");
}

TEST_F(ManagementTest, DeletingAnApiTakesWhatBelongsToIt) {
  ASSERT_EQ(at("PUT", "/subscriptions/mine",
               R"({"properties":{"scope":"/apis/echo-api","displayName":"m"}})")
                .status,
            201);
  ASSERT_EQ(at("PUT", "/apis/echo-api/policies/policy", R"({"properties":{"value":"<policies/>"}})")
                .status,
            201);
  EXPECT_EQ(at("DELETE", "/apis/echo-api?deleteRevisions=true").status, 200);
  EXPECT_EQ(at("GET", "/subscriptions/mine").status, 404);
  EXPECT_EQ(at("GET", "/products/starter/apis").names().size(), 0U);
  EXPECT_EQ(at("GET", "/apis/echo-api/operations").code(), "ResourceNotFound");
  ASSERT_EQ(at("PUT", "/apis/echo-api", kApi).status, 201);
  EXPECT_EQ(at("GET", "/apis/echo-api/operations").names().size(), 0U);
  EXPECT_EQ(at("GET", "/apis/echo-api/policies/policy").status, 404);
}

TEST_F(ManagementTest, ProductsKeepTheirSubscriptionsUntilTold) {
  const Answer kept = at("DELETE", "/products/starter");
  EXPECT_EQ(kept.status, 400);
  EXPECT_EQ(kept.message(),
            "Product has subscriptions. Delete them first or pass deleteSubscriptions=true.");
  EXPECT_EQ(at("DELETE", "/products/starter?deleteSubscriptions=true").status, 200);
  EXPECT_EQ(at("GET", "/subscriptions").names().size(), 2U);
}

TEST_F(ManagementTest, AnApiIsInOneOpenProductAtMost) {
  ASSERT_EQ(at("PUT", "/products/open1",
               R"({"properties":{"displayName":"O","subscriptionRequired":false}})")
                .status,
            201);
  ASSERT_EQ(at("PUT", "/products/open2",
               R"({"properties":{"displayName":"O","subscriptionRequired":false}})")
                .status,
            201);
  EXPECT_EQ(at("GET", "/products/open1/subscriptions").names().size(), 0U);
  EXPECT_EQ(at("PUT", "/products/open1/apis/echo-api").status, 201);
  EXPECT_EQ(at("PUT", "/products/open2/apis/echo-api").status, 400);
  EXPECT_EQ(at("HEAD", "/products/open2/apis/echo-api").status, 404);
  EXPECT_EQ(
      at("PATCH", "/products/starter", R"({"properties":{"subscriptionRequired":false}})").status,
      400);
}

TEST_F(ManagementTest, LinksAreAnotherViewOfAssociations) {
  ASSERT_EQ(at("PUT", "/apis/a", kApi).status, 201);
  const Answer put = at("PUT", "/products/starter/apis/a");
  EXPECT_EQ(put.status, 201);
  EXPECT_EQ(put.body.string_or("type"), "Microsoft.ApiManagement/service/products/apis");
  EXPECT_EQ(put.body.string_or("id"), std::string(Client::kService) + "/products/starter/apis/a");
  EXPECT_EQ(at("PUT", "/products/starter/apis/a").status, 200);
  const Answer link = at("GET", "/products/starter/apiLinks/a");
  EXPECT_EQ(link.property("apiId").as_string(), std::string(Client::kService) + "/apis/a");
  const std::string body =
      R"({"properties":{"apiId":")" + std::string(Client::kService) + R"(/apis/a"}})";
  EXPECT_EQ(at("PUT", "/products/starter/apiLinks/mine", body).code(), "Conflict");
  EXPECT_EQ(at("PUT", "/products/unlimited/apiLinks/mine", body).status, 201);
  EXPECT_EQ(at("HEAD", "/products/unlimited/apis/a").status, 204);
  EXPECT_EQ(at("DELETE", "/products/unlimited/apiLinks/mine").status, 200);
  EXPECT_EQ(at("DELETE", "/products/unlimited/apiLinks/mine").status, 204);
  EXPECT_EQ(at("DELETE", "/products/starter/apis/a").status, 200);
  EXPECT_EQ(at("DELETE", "/products/starter/apis/a").status, 204);
  EXPECT_EQ(at("PUT", "/products/starter/apis/none").message(), "Api not found.");
  EXPECT_EQ(at("PUT", "/products/none/apis/a").message(), "Product not found.");
  EXPECT_EQ(at("GET", "/apis/echo-api/products").names().size(), 2U);
}

TEST_F(ManagementTest, UsersAndGroups) {
  const std::string_view user =
      R"({"properties":{"firstName":"A","lastName":"B","email":"A@b.c"}})";
  EXPECT_EQ(at("PUT", "/users/u", user).targets(), std::vector<std::string>{"email"});
  ASSERT_EQ(at("PUT", "/users/u",
               R"({"properties":{"firstName":"A","lastName":"B","email":"u@b.c",)"
               R"("password":"verysecret"}})")
                .status,
            201);
  EXPECT_EQ(at("GET", "/users/u").text.find("verysecret"), std::string::npos);
  ASSERT_EQ(at("PUT", "/groups/team", R"({"properties":{"displayName":"Team"}})").status, 201);
  EXPECT_EQ(at("HEAD", "/groups/team/users/u").status, 404);
  EXPECT_EQ(at("PUT", "/groups/team/users/u").status, 201);
  EXPECT_EQ(at("PUT", "/groups/team/users/u").status, 200);
  EXPECT_EQ(at("HEAD", "/groups/team/users/u").status, 204);
  EXPECT_EQ(at("GET", "/users/u/groups").names(), (std::vector<std::string>{"developers", "team"}));
  EXPECT_EQ(at("PUT", "/groups/administrators/users/u").status, 400);
  ASSERT_EQ(at("PUT", "/subscriptions/s",
               R"({"properties":{"scope":"/apis","displayName":"s","ownerId":"/users/u",)"
               R"("state":"active"}})")
                .status,
            201);
  EXPECT_EQ(at("GET", "/users/u/subscriptions").names(), std::vector<std::string>{"s"});
  EXPECT_EQ(at("PATCH", "/users/u", R"({"properties":{"email":"v@b.c"}})")
                .property("identities")
                .items()[0]
                .string_or("id"),
            "v@b.c");

  ASSERT_EQ(at("PATCH", "/users/u", R"({"properties":{"state":"blocked"}})").status, 200);
  const auto model = client.management().repository().load_service("demoazureml").value();
  const auto mine = std::ranges::find(model.subscriptions, "s", &apim::Subscription::name);
  EXPECT_TRUE(mine->owner_blocked);
  EXPECT_EQ(mine->state, apim::SubscriptionState::active);

  EXPECT_EQ(at("DELETE", "/users/u").status, 200);
  const Answer orphan = at("GET", "/subscriptions/s");
  EXPECT_TRUE(orphan.property("ownerId").is_null());
  EXPECT_EQ(orphan.property("state").as_string(), "suspended");
  EXPECT_EQ(at("GET", "/groups/team/users").names().size(), 0U);
}

TEST_F(ManagementTest, PoliciesAreDescribedAsTheyAreChecked) {
  const Answer all = at("GET", "/policyDescriptions");
  ASSERT_EQ(all.status, 200);
  const auto find = [](const Answer& answer, std::string_view name) {
    for (const Json& one : answer.body["value"].items())
      if (one.string_or("name") == name) return one["properties"];
    return Json();
  };
  const Json quota = find(all, "quota");
  EXPECT_EQ(quota["sections"].dump(), R"(["inbound"])");
  EXPECT_EQ(quota["scope"].dump(), "2") << "a quota is a product's";
  EXPECT_FALSE(quota.string_or("description").empty());
  EXPECT_EQ(quota["children"].items()[0].string_or("name"), "api");
  const Json header = find(all, "set-header");
  const Json& action = header["attributes"].items()[1];
  EXPECT_EQ(action.string_or("name"), "exists-action");
  EXPECT_EQ(action["values"].dump(), R"(["override","skip","append","delete"])");
  EXPECT_TRUE(header["children"].items()[0]["text"].as_bool());
  EXPECT_TRUE(find(all, "limit-concurrency")["holdsPolicies"].as_bool());
  EXPECT_TRUE(find(at("GET", "/policyDescriptions?scope=Tenant"), "quota").is_null());
  EXPECT_EQ(find(at("GET", "/policyDescriptions?scope=product"), "quota").dump(), quota.dump());
  EXPECT_EQ(at("GET", "/policyDescriptions?scope=everywhere").targets(),
            std::vector<std::string>{"scope"});
}

TEST_F(ManagementTest, PoliciesAreKeptByteForByteAndCheckedBeforeTheyAreWritten) {
  const std::string raw =
      "<policies>\\r\\n\\t<inbound><set x=\\\"@(a[\\\"b\\\"])\\\" /></inbound></policies>";
  ASSERT_EQ(at("PUT", "/apis/echo-api/policies/policy",
               R"({"properties":{"format":"rawxml","value":")" + raw + "\"}}")
                .status,
            201);
  EXPECT_EQ(at("GET", "/apis/echo-api/policies/policy?format=rawxml").property("value").as_string(),
            "<policies>\r\n\t<inbound><set x=\"@(a[\"b\"])\" /></inbound></policies>");
  EXPECT_EQ(at("GET", "/apis/echo-api/policies/policy").property("value").as_string(),
            "<policies>\r\n\t<inbound><set x=\"@(a[&quot;b&quot;])\" /></inbound></policies>");
  const Answer refused = at("PUT", "/apis/echo-api/policies/policy",
                            R"({"properties":{"value":"<policies><wrong/></policies>"}})");
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.targets(), std::vector<std::string>{"wrong"});
  EXPECT_EQ(at("GET", "/apis/echo-api/policies").names().size(), 1U);
  EXPECT_EQ(at("GET", "/apis/echo-api/policies/policy").body.string_or("type"),
            "Microsoft.ApiManagement/service/apis/policies");
  EXPECT_EQ(at("PUT", "/apis/echo-api/operations/create-resource/policies/policy",
               R"({"properties":{"value":"<policies/>"}})")
                .status,
            201);
  EXPECT_EQ(
      at("PUT", "/products/starter/policies/policy", R"({"properties":{"value":"<policies/>"}})")
          .status,
      200);
  EXPECT_EQ(at("PUT", "/products/none/policies/policy", R"({"properties":{"value":"<policies/>"}})")
                .message(),
            "Product not found.");
  EXPECT_EQ(at("PUT", "/policies/other", R"({"properties":{"value":"<policies/>"}})").status, 400);
  EXPECT_EQ(at("DELETE", "/policies/policy").status, 200);
  EXPECT_EQ(at("GET", "/policies/policy").code(), "ResourceNotFound");
}

TEST_F(ManagementTest, AChangeThatCannotBeServedIsTakenBack) {
  client.refuse_publish = Error(Errc::invalid_argument, "the URL cannot be used", "serviceUrl");
  const Answer refused = at("PUT", "/apis/a", kApi);
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.targets(), std::vector<std::string>{"serviceUrl"});
  client.refuse_publish.reset();
  EXPECT_EQ(at("GET", "/apis/a").status, 404);
  ASSERT_EQ(at("PUT", "/apis/a", kApi).status, 201);
  client.refuse_publish = Error(Errc::unavailable, "not served");
  EXPECT_EQ(at("DELETE", "/apis/a").status, 503);
  client.refuse_publish.reset();
  EXPECT_EQ(at("GET", "/apis/a").property("path").as_string(), "api/x");
}

TEST_F(ManagementTest, TheTutorial) {
  ASSERT_EQ(at("PUT", "/apis/azureml-demo",
               R"({"properties":{"displayName":"AzureML Demo API","path":"azureml-demo",)"
               R"("serviceUrl":"http://localhost:8082","protocols":["https"]}})")
                .status,
            201);
  ASSERT_EQ(at("PUT", "/products/starter/apis/azureml-demo").status, 201);
  struct Row {
    const char *name, *title, *method, *tail;
    std::vector<const char*> parameters;
  };
  const std::string base = "/workspaces/{workspace}/services/{service}";
  const Row rows[] = {
      {"rrs-execute",
       "RRS Execute",
       "POST",
       "/execute?api-version={apiversion}&details={details}",
       {"apiversion", "details"}},
      {"bes-submit", "BES Submit", "POST", "/jobs?api-version={apiversion}", {"apiversion"}},
      {"bes-start",
       "BES Start",
       "POST",
       "/jobs/{jobid}/start?api-version={apiversion}",
       {"jobid", "apiversion"}},
      {"bes-status",
       "BES Status",
       "GET",
       "/jobs/{jobid}?api-version={apiversion}",
       {"jobid", "apiversion"}},
      {"bes-delete",
       "BES Delete",
       "DELETE",
       "/jobs/{jobid}?api-version={apiversion}",
       {"jobid", "apiversion"}}};
  for (const Row& row : rows) {
    Json parameters = Json::array();
    for (const char* name : {"workspace", "service"})
      parameters.push(Json::object({{"name", name}, {"type", "string"}, {"required", true}}));
    for (const char* name : row.parameters)
      parameters.push(Json::object({{"name", name}, {"type", "string"}, {"required", true}}));
    const Json body = Json::object(
        {{"properties",
          Json::object({{"displayName", row.title},
                        {"method", row.method},
                        {"urlTemplate", base + row.tail},
                        {"templateParameters", parameters},
                        {"responses", Json::array({Json::object(
                                          {{"statusCode", 200}, {"description", "OK"}})})}})}});
    const Answer put = at("PUT", "/apis/azureml-demo/operations/" + std::string(row.name),
                          body.dump(), {{"If-Match", "*"}});
    ASSERT_EQ(put.status, 201) << put.text;
  }
  const Answer list = at("GET", "/apis/azureml-demo/operations");
  EXPECT_EQ(list.names(), (std::vector<std::string>{"rrs-execute", "bes-submit", "bes-start",
                                                    "bes-status", "bes-delete"}));
  EXPECT_EQ(list.body["value"].items()[0]["properties"].find("request"), nullptr);
  const Answer one = at("GET", "/apis/azureml-demo/operations/rrs-execute");
  EXPECT_TRUE(one.property("request")["queryParameters"].is_array());
  EXPECT_EQ(at("PUT", "/apis/azureml-demo/operations/twin",
               R"({"properties":{"displayName":"T","method":"GET","urlTemplate":")" + base +
                   R"(/jobs/{jobid}?api-version={apiversion}",)"
                   R"("templateParameters":[{"name":"workspace","type":"s"},)"
                   R"({"name":"service","type":"s"},{"name":"jobid","type":"s"},)"
                   R"({"name":"apiversion","type":"s"}]}})")
                .targets(),
            std::vector<std::string>{"urlTemplate"});

  const auto model = client.management().repository().load_service("demoazureml").value();
  EXPECT_EQ(model.service.name, "demoazureml");
  EXPECT_TRUE(model.service.is_default);
  EXPECT_EQ(model.apis.size(), 2U);
  EXPECT_EQ(model.operations.size(), 11U);
  const auto starter = std::ranges::find(model.products, "starter", &apim::Product::name);
  EXPECT_EQ(starter->apis, (std::vector<std::string>{"azureml-demo", "echo-api"}));
  for (const apim::Subscription& subscription : model.subscriptions)
    EXPECT_EQ(subscription.primary_key.size(), 32U);
  std::vector<apim::EntityNumber> numbers{model.service.number};
  for (const auto& one_api : model.apis) numbers.push_back(one_api.number);
  for (const auto& operation : model.operations) numbers.push_back(operation.number);
  for (const auto& subscription : model.subscriptions) numbers.push_back(subscription.number);
  std::ranges::sort(numbers);
  EXPECT_EQ(std::ranges::adjacent_find(numbers), numbers.end());
  EXPECT_GT(numbers.front(), 0U);
}

// Two programs on one store: each change is checked against what the other wrote.
TEST_F(ManagementTest, ChangesOfTwoProgramsDoNotBreakTheRules) {
  Management other(client.store(), client.vault(), client.identity(), client.clock, {});
  const auto put = [](apim::Repository& repository, int index) {
    apim::Errors errors;
    return repository.transact(
        "demoazureml",
        [&](apim::Transaction& tx) -> Result<void> {
          apim::Api api;
          api.name = "api" + std::to_string(index) + "-" +
                     std::to_string(reinterpret_cast<std::uintptr_t>(&repository));
          api.display_name = "X";
          api.path = "same" + std::to_string(index);
          return apim::Editor(tx, "demoazureml").put(std::move(api), nullptr);
        },
        errors);
  };
  constexpr int kCount = 20;
  std::atomic<int> made = 0;
  const auto run = [&](apim::Repository& repository) {
    for (int i = 0; i < kCount; ++i)
      if (put(repository, i)) ++made;
  };
  std::thread theirs([&] { run(other.repository()); });
  run(client.management().repository());
  theirs.join();
  EXPECT_EQ(made, kCount);
  const auto model = client.management().repository().load_service("demoazureml").value();
  EXPECT_EQ(model.apis.size(), std::size_t{kCount} + 1);
  std::vector<apim::EntityNumber> numbers;
  for (const auto& api : model.apis) numbers.push_back(api.number);
  std::ranges::sort(numbers);
  EXPECT_EQ(std::ranges::adjacent_find(numbers), numbers.end());
}

TEST_F(ManagementTest, UnbuiltPathsAreToldApartFromUnknownOnes) {
  for (const char* path :
       {"/loggers", "/apis/echo-api/schemas", "/caches/b", "/workspaces/w/apis/a"}) {
    const Answer answer = at("GET", path);
    EXPECT_EQ(answer.status, 501) << path;
    EXPECT_EQ(answer.code(), "NotImplemented");
    EXPECT_NE(answer.message().find(path), std::string_view::npos);
  }
  EXPECT_EQ(at("GET", "/nothing").code(), "InvalidResourceType");
  EXPECT_EQ(at("GET", "/nothing").status, 404);
  EXPECT_EQ(
      at("PUT", "/apis/a", R"({"properties":{"format":"openapi","value":"x","path":"p"}})").status,
      501);
  EXPECT_EQ(at("GET", "/apis?tags=x").status, 501);
  EXPECT_EQ(at("POST", "/apis/echo-api").status, 405);
}

TEST_F(ManagementTest, TheCurrentRevisionCanBeNamed) {
  EXPECT_EQ(at("GET", "/apis/echo-api;rev=1").status, 200);
  EXPECT_EQ(at("GET", "/apis/echo-api;rev=2").status, 404);
  EXPECT_EQ(at("PUT", "/apis/echo-api;rev=2", kApi).targets(),
            std::vector<std::string>{"sourceApiId"});
  const Answer revisions = at("GET", "/apis/echo-api/revisions");
  ASSERT_EQ(revisions.body["value"].items().size(), 1U);
  EXPECT_EQ(revisions.body["value"].items()[0].string_or("apiId"), "/apis/echo-api;rev=1");
  EXPECT_EQ(revisions.body["value"].items()[0].find("properties"), nullptr);
}

}  // namespace
}  // namespace mlgate::management
