// Version sets, revisions, releases, backends and named values as clients of the interface see
// them.
#include "management/fixture_internal.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace mlgate::management {
namespace {

class BackendsTest : public testing::Test {
 protected:
  BackendsTest() { EXPECT_LT(client.create_service().status, 300); }
  Answer at(std::string_view method, std::string_view path, std::string_view body = {}) {
    return client.at(method, path, body);
  }
  Client client;
};

TEST_F(BackendsTest, CredentialsAreSealedAndInNoList) {
  constexpr std::string_view kBody =
      R"({"properties":{"url":"https://b.example","protocol":"http","credentials":{"header":)"
      R"({"X-Key":["hidden-header"]},)"
      R"("authorization":{"scheme":"Basic","parameter":"hidden-auth"}}}})";
  ASSERT_EQ(at("PUT", "/backends/b", kBody).status, 201);
  const Answer one = at("GET", "/backends/b");
  EXPECT_EQ(one.property("credentials")["authorization"].string_or("parameter"), "hidden-auth");
  EXPECT_EQ(at("GET", "/backends").text.find("hidden"), std::string::npos);
  for (const auto& document : client.store().list("apim.entity", "").value())
    EXPECT_EQ(document.body.find("hidden-"), std::string::npos) << document.key;
  // A change of something else keeps them.
  ASSERT_EQ(at("PATCH", "/backends/b", R"({"properties":{"title":"T"}})").status, 200);
  EXPECT_EQ(at("GET", "/backends/b").property("credentials")["header"]["X-Key"].items().size(), 1U);
  ASSERT_EQ(at("PATCH", "/backends/b", R"({"properties":{"credentials":null}})").status, 200);
  EXPECT_TRUE(at("GET", "/backends/b").property("credentials").is_null());
}

TEST_F(BackendsTest, EveryViolationOfABackendIsNamed) {
  const Answer wrong =
      at("PUT", "/backends/b",
         R"({"properties":{"url":"ftp://x","circuitBreaker":{"rules":[{"name":"r",)"
         R"("tripDuration":"soon","failureCondition":{"count":1,"percentage":2,)"
         R"("interval":"PT1M","statusCodeRanges":[{"min":100,"max":900}]}}]}}})");
  EXPECT_EQ(wrong.status, 400);
  const auto targets = wrong.targets();
  for (const char* field : {"url", "circuitBreaker.rules[0].tripDuration",
                            "circuitBreaker.rules[0].failureCondition.count",
                            "circuitBreaker.rules[0].failureCondition.statusCodeRanges"})
    EXPECT_NE(std::ranges::find(targets, field), targets.end()) << field;
  EXPECT_EQ(at("PUT", "/backends/p",
               R"({"properties":{"type":"Pool","pool":{"services":[{"id":"/backends/none"}]}}})")
                .targets(),
            std::vector<std::string>{"pool.services"});
}

TEST_F(BackendsTest, ASecretValueIsGivenToWhoAsksForItAlone) {
  ASSERT_EQ(at("PUT", "/namedValues/n",
               R"({"properties":{"displayName":"n-v","value":"hidden-text","secret":true}})")
                .status,
            201);
  EXPECT_EQ(at("GET", "/namedValues/n").text.find("hidden"), std::string::npos);
  EXPECT_EQ(at("GET", "/namedValues").text.find("hidden"), std::string::npos);
  EXPECT_EQ(at("POST", "/namedValues/n/listValue").body.string_or("value"), "hidden-text");
  ASSERT_EQ(at("PATCH", "/namedValues/n", R"({"properties":{"tags":["t"]}})").status, 200);
  EXPECT_EQ(at("POST", "/namedValues/n/listValue").body.string_or("value"), "hidden-text");
  ASSERT_EQ(at("PUT", "/policies/policy",
               R"({"properties":{"value":"<policies><inbound>{{n-v}}</inbound></policies>"}})")
                .status,
            200);
  const Answer refused = at("DELETE", "/namedValues/n");
  EXPECT_EQ(refused.status, 400);
  EXPECT_NE(refused.text.find("policies/policy"), std::string::npos);
}

TEST_F(BackendsTest, AReleaseMakesARevisionCurrentWithAllThatIsItsOwn) {
  ASSERT_EQ(at("PUT", "/apis/echo-api;rev=2", R"({"properties":{"sourceApiId":"/apis/echo-api"}})")
                .status,
            201);
  EXPECT_EQ(at("DELETE", "/apis/echo-api;rev=2/operations/create-resource").status, 200);
  EXPECT_EQ(
      at("PATCH", "/apis/echo-api;rev=2", R"({"properties":{"displayName":"Other"}})").targets(),
      std::vector<std::string>{"displayName"});
  ASSERT_EQ(at("PATCH", "/apis/echo-api", R"({"properties":{"path":"moved"}})").status, 200);
  EXPECT_EQ(at("GET", "/apis/echo-api;rev=2").property("path").as_string(), "moved");
  const Answer wrong =
      at("PUT", "/apis/echo-api/releases/r", R"({"properties":{"apiId":"/apis/echo-api;rev=9"}})");
  EXPECT_EQ(wrong.targets(), std::vector<std::string>{"apiId"});
  ASSERT_EQ(at("PUT", "/apis/echo-api/releases/r",
               R"({"properties":{"apiId":"/apis/echo-api;rev=2","notes":"n"}})")
                .status,
            201);
  EXPECT_EQ(at("GET", "/apis/echo-api").property("apiRevision").as_string(), "2");
  EXPECT_EQ(at("GET", "/apis/echo-api/operations/create-resource").status, 404);
  EXPECT_EQ(at("GET", "/apis/echo-api;rev=1/operations/create-resource").status, 200);
  EXPECT_EQ(at("GET", "/apis/echo-api/revisions").body["value"].items().size(), 2U);
  EXPECT_EQ(at("GET", "/apis/echo-api/releases").names(), std::vector<std::string>{"r"});
  EXPECT_EQ(at("DELETE", "/apis/echo-api").status, 400);
  EXPECT_EQ(at("DELETE", "/apis/echo-api?deleteRevisions=true").status, 200);
  EXPECT_EQ(at("GET", "/apis/echo-api;rev=1").status, 404);
}

TEST_F(BackendsTest, APathIsSharedByVersionsOfOneSetAlone) {
  ASSERT_EQ(at("PUT", "/apiVersionSets/s",
               R"({"properties":{"displayName":"S","versioningScheme":"Segment"}})")
                .status,
            201);
  const auto api = [](std::string_view version, std::string_view set) {
    return R"({"properties":{"displayName":"A","path":"p","apiVersion":")" + std::string(version) +
           R"(","apiVersionSetId":"/apiVersionSets/)" + std::string(set) + R"("}})";
  };
  ASSERT_EQ(at("PUT", "/apis/v1", api("v1", "s")).status, 201);
  ASSERT_EQ(at("PUT", "/apis/v2", api("v2", "s")).status, 201);
  EXPECT_EQ(at("PUT", "/apis/again", api("v2", "s")).targets(), std::vector<std::string>{"path"});
  EXPECT_EQ(at("PUT", "/apis/none", api("v2", "t")).status, 400);
  EXPECT_EQ(at("PUT", "/apis/plain", R"({"properties":{"displayName":"A","path":"P"}})").targets(),
            std::vector<std::string>{"path"});
  EXPECT_EQ(at("DELETE", "/apiVersionSets/s").status, 400);
  EXPECT_EQ(at("DELETE", "/apis/v1").status, 200);
  EXPECT_EQ(at("PUT", "/apis/again", api("v1", "s")).status, 201) << "The path is free again.";
  EXPECT_EQ(at("DELETE", "/apis/again").status, 200);
  EXPECT_EQ(at("DELETE", "/apis/v2").status, 200);
  EXPECT_EQ(at("GET", "/apiVersionSets/s").status, 404) << "It goes with the last of its APIs.";
}

}  // namespace
}  // namespace mlgate::management
