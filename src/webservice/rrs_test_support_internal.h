#pragma once
// What the tests of the request/response service share: a published service, calls to it, and what
// is expected of an error answer.
#include "webservice/test_support.h"

#include <gtest/gtest.h>

#include <functional>

namespace mlgate::webservice::testing {

// A compute pool that does the work at once.
inline bool run_inline(const std::function<void()>& work) {
  work();
  return true;
}

// Status, class, detail code and a part of the detail message of an error answer.
inline void expect_error(const http::Response& response, int status, std::string_view code,
                         std::string_view detail, std::string_view part = {}) {
  EXPECT_EQ(response.status, status) << response.body;
  const auto json = Json::parse(response.body);
  ASSERT_TRUE(json) << response.body;
  const Json& error = (*json)["error"];
  EXPECT_EQ(error["code"].as_string(), code) << response.body;
  ASSERT_EQ(error["details"].items().size(), 1U) << response.body;
  EXPECT_EQ(error["details"].items()[0]["code"].as_string(), detail) << response.body;
  EXPECT_NE(error["details"].items()[0]["message"].as_string().find(part), std::string::npos)
      << response.body;
  EXPECT_EQ(header_of(response, "Content-Type"), "application/json; charset=utf-8");
  EXPECT_EQ(header_of(response, "x-ms-request-id").size(), 36U);
}

class RrsTest : public ::testing::Test {
 protected:
  void use(std::shared_ptr<const Service> service) {
    service_ = std::move(service);
    endpoint_ = service_->endpoints.front();
  }
  void publish(const GraphParts& parts) {
    use(fixture_.publish(graph_of(fixture_.catalogue, parts)));
  }
  std::string base() const {
    return "/workspaces/" + fixture_.workspace.id + "/services/" + endpoint_->id;
  }
  Call call(std::string_view query, std::string_view body) const {
    Call made;
    made.path = base() + "/execute";
    made.query = query;
    made.body = body;
    made.headers = {{"Authorization", "Bearer " + endpoint_->primary_key},
                    {"Content-Type", "application/json"}};
    return made;
  }
  http::Response send(const Call& made) { return made.send(rrs_); }
  void expect_error(const Call& made, int status, std::string_view code, std::string_view detail,
                    std::string_view part = {}) {
    testing::expect_error(send(made), status, code, detail, part);
  }

  Fixture fixture_;
  std::shared_ptr<const Service> service_;
  std::shared_ptr<const Endpoint> endpoint_;
  RequestResponse rrs_{*fixture_.registry, run_inline, {}};
};

}  // namespace mlgate::webservice::testing
