// WebSocket APIs through the management interface: their one operation is made with them.
#include "management/fixture_internal.h"

#include <gtest/gtest.h>

namespace mlgate::management {
namespace {
class WebSocketApis : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(client_.create_service().status, 201);
    ASSERT_EQ(at("PUT", "/apis/talk", kTalk).status, 201);
  }
  Answer at(std::string_view method, std::string_view path, std::string_view body = {}) {
    return client_.at(method, path, body);
  }

  static constexpr std::string_view kTalk =
      R"({"properties":{"displayName":"T","path":"talk","type":"websocket",)"
      R"("serviceUrl":"wss://backend.example"}})";
  static constexpr std::string_view kHandshake = "/apis/talk/operations/onHandshake";
  Client client_;
};

TEST_F(WebSocketApis, HaveTheirOperationFromTheStart) {
  EXPECT_EQ(at("GET", "/apis/talk").property("protocols").items()[0].as_string(), "wss");
  EXPECT_EQ(at("GET", "/apis/talk/operations").names(), std::vector<std::string>{"onHandshake"});
  const Answer one = at("GET", kHandshake);
  EXPECT_EQ(one.property("displayName").as_string(), "OnHandshake");
  EXPECT_EQ(one.property("method").as_string(), "GET");
  EXPECT_EQ(one.property("urlTemplate").as_string(), "/*");
  // It is where policies go, and stays when the API changes.
  const std::string policy = std::string(kHandshake) + "/policies/policy";
  EXPECT_EQ(at("PUT", policy, R"({"properties":{"value":"<policies/>"}})").status, 201);
  EXPECT_EQ(at("PUT", "/apis/talk", kTalk).status, 200);
  EXPECT_EQ(at("GET", policy).status, 200);
  // A copy has it once, with its policies.
  EXPECT_EQ(at("PUT", "/apis/more",
               R"({"properties":{"sourceApiId":"/apis/talk","displayName":"M","path":"more"}})")
                .status,
            201);
  EXPECT_EQ(at("GET", "/apis/more/operations").names(), std::vector<std::string>{"onHandshake"});
  EXPECT_EQ(at("GET", "/apis/more/operations/onHandshake/policies/policy").status, 200);
}

TEST_F(WebSocketApis, HaveNoOtherOperationAndKeepThatOne) {
  const auto operation = [](std::string_view method) {
    return R"({"properties":{"displayName":"O","method":")" + std::string(method) +
           R"(","urlTemplate":"/*"}})";
  };
  EXPECT_EQ(at("PUT", "/apis/talk/operations/other", operation("GET")).targets(),
            std::vector<std::string>{"name"});
  EXPECT_EQ(at("PUT", kHandshake, operation("POST")).status, 400);
  EXPECT_EQ(at("DELETE", kHandshake).status, 400);
  // An exported template is applied again.
  EXPECT_EQ(at("PUT", kHandshake, operation("GET")).status, 200);
  EXPECT_EQ(at("GET", "/apis/talk/operations").names().size(), 1U);
  EXPECT_EQ(at("DELETE", "/apis/talk").status, 200);
}

TEST_F(WebSocketApis, AreNothingElse) {
  const auto put = [&](std::string_view name, std::string_view more) {
    return at("PUT", "/apis/" + std::string(name),
              R"({"properties":{"displayName":"X","path":")" + std::string(name) + "\"," +
                  std::string(more) + "}}")
        .targets();
  };
  using Targets = std::vector<std::string>;
  EXPECT_EQ(put("x", R"("type":"websocket","protocols":["wss","https"])"), Targets{"protocols"});
  EXPECT_EQ(put("talk", R"("type":"http","protocols":["wss"])"), Targets{"type"});
  EXPECT_EQ(put("plain", R"("type":"http")"), Targets{});
}

}  // namespace
}  // namespace mlgate::management
