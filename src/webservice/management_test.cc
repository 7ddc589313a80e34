// The management interface of web services as R, Python and PowerShell clients use it.
#include "webservice/management.h"

#include "webservice/test_support.h"

#include <gtest/gtest.h>

namespace mlgate::webservice {
namespace {

using testing::Call;
using testing::header_of;

class ServiceManagementTest : public ::testing::Test {
 protected:
  ServiceManagementTest()
      : service_(fixture_.publish(testing::tutorial_graph(fixture_.catalogue))) {}

  http::Response send(std::string_view method, std::string_view rest, std::string_view body = {},
                      std::string_view token = {}) {
    Call call;
    call.method = method;
    call.path = "/workspaces/" + fixture_.workspace.id + "/webservices" + std::string(rest);
    call.body = body;
    const std::string shown = token.empty() ? fixture_.workspace.primary_token : std::string(token);
    call.headers = {{"Authorization", "Bearer  " + shown}};
    http::Fields fields;
    EXPECT_TRUE(ServiceManagement::owns(call.path));
    return ServiceManagement(*fixture_.registry, {}).handle(call.make(fields));
  }
  Json json(const http::Response& response, int status = 200) {
    EXPECT_EQ(response.status, status) << response.body;
    EXPECT_EQ(header_of(response, "Content-Type"), "application/json; charset=utf-8");
    auto parsed = Json::parse(response.body);
    EXPECT_TRUE(parsed) << response.body;
    return parsed ? *parsed : Json();
  }
  std::string detail(const http::Response& response, int status) {
    const Json body = json(response, status);
    const auto& details = body["error"]["details"].items();
    return details.empty() ? "" : std::string(details[0]["code"].as_string());
  }
  std::string endpoints(std::string_view rest = {}) const {
    return "/" + service_->id + "/endpoints" + std::string(rest);
  }

  testing::Fixture fixture_;
  std::shared_ptr<const Service> service_;
};

TEST_F(ServiceManagementTest, ListsServicesAndEndpointsInTheShapeThatClientsRead) {
  const Json all = json(send("GET", ""));
  ASSERT_EQ(all.items().size(), 1U);
  EXPECT_EQ(all.items()[0], json(send("GET", "/" + service_->id)));
  EXPECT_EQ(all.items()[0]["Name"].as_string(), "SimpleFeatureHashingExperiment");
  EXPECT_EQ(all.items()[0]["DefaultEndpointName"].as_string(), "default");
  EXPECT_EQ(all.items()[0]["EndpointCount"].as_int(), 1);

  const Json list = json(send("GET", endpoints()));
  const Endpoint& endpoint = *service_->endpoints.front();
  EXPECT_EQ(list.items().at(0), json(send("GET", endpoints("/default"))));
  EXPECT_EQ(list.items().at(0), json(send("GET", endpoints("/" + endpoint.id))));
  const Json& one = list.items()[0];
  EXPECT_EQ(one["PrimaryKey"].as_string(), endpoint.primary_key);
  EXPECT_EQ(one["PrimaryKey"].as_string().size(), 88U);
  EXPECT_EQ(one["ApiLocation"].as_string(), "https://localhost:8445/workspaces/" +
                                                fixture_.workspace.id + "/services/" + endpoint.id);
  EXPECT_EQ(one["HelpLocation"].as_string(), "https://localhost:8445/apihelp/workspaces/" +
                                                 fixture_.workspace.id + "/webservices/" +
                                                 service_->id + "/endpoints/" + endpoint.id);
  EXPECT_EQ(one["MaxConcurrentCalls"].as_int(), 20);
}

TEST_F(ServiceManagementTest, AddsChangesAndRemovesEndpoints) {
  const Json made = json(send("PUT", endpoints("/extra"),
                              R"({"EndpointName":"extra","Description":"d","ThrottleLevel":"High",)"
                              R"("MaxConcurrentCalls":200,"Unknown":1})"));
  EXPECT_EQ(made["MaxConcurrentCalls"].as_int(), 200);
  EXPECT_NE(made["PrimaryKey"].as_string(), service_->endpoints.front()->primary_key);
  const Json low = json(
      send("PATCH", endpoints("/extra"), R"({"ThrottleLevel":"Low","MaxConcurrentCalls":50})"));
  EXPECT_EQ(low["MaxConcurrentCalls"].as_int(), 4);
  EXPECT_EQ(low["Description"].as_string(), "d");
  EXPECT_EQ(detail(send("PATCH", endpoints("/extra"), R"({"ThrottleLevel":"Middle"})"), 400),
            "BadParameterValue");
  EXPECT_EQ(detail(send("PUT", endpoints("/more"), R"({"MaxConcurrentCalls":201})"), 400),
            "BadParameterValue");
  EXPECT_EQ(detail(send("PUT", endpoints("/Not-Allowed"), "{}"), 400), "BadParameterValue");
  EXPECT_EQ(detail(send("PUT", endpoints("/abcdefghijklmnopqrstuvwxy"), "{}"), 400),
            "BadParameterValue");
  EXPECT_EQ(detail(send("PATCH", endpoints("/default"), "{}"), 400), "DefaultEndpointFixed");
  EXPECT_EQ(detail(send("DELETE", endpoints("/default")), 400), "DefaultEndpointFixed");
  EXPECT_EQ(json(send("PUT", endpoints("/default"),
                      R"({"MaxConcurrentCalls":200})"))["MaxConcurrentCalls"]
                .as_int(),
            200);
  EXPECT_EQ(send("DELETE", endpoints("/extra")).status, 204);
  EXPECT_EQ(detail(send("GET", endpoints("/extra")), 404), "EndpointNotFound");
}

TEST_F(ServiceManagementTest, BringsAnEndpointToTheLatestModelOnlyWhenAsked) {
  json(send("PUT", endpoints("/extra"), R"({"PreventUpdate":"true"})"));
  EXPECT_EQ(send("POST", endpoints("/extra/refresh"), R"({"OverwriteResources":"True"})").status,
            304);
  fixture_.publish(testing::tutorial_graph(fixture_.catalogue), service_->id);
  const Json behind = json(send("GET", endpoints("/extra")));
  EXPECT_EQ(behind["UpdateAvailable"].as_bool(), true);
  EXPECT_EQ(behind["Version"].as_int(), 1);
  EXPECT_EQ(detail(send("POST", endpoints("/extra/refresh")), 400), "UpdatePrevented");
  json(send("PATCH", endpoints("/extra"), R"({"PreventUpdate":false})"));
  // The old model is still there after a restart.
  fixture_.open();
  EXPECT_TRUE(
      fixture_.registry->directory()->find_endpoint(behind["Id"].as_string())->model->scorer);
  const Json current = json(send("POST", endpoints("/extra/refresh"), ""));
  EXPECT_EQ(current["Version"].as_int(), 2);
  EXPECT_EQ(current["UpdateAvailable"].as_bool(), false);
}

TEST_F(ServiceManagementTest, ReplacesOneKeyAtATime) {
  const Json before = json(send("GET", endpoints("/default")));
  const Json after = json(send("POST", endpoints("/default/regeneratePrimaryKey")));
  EXPECT_NE(after["PrimaryKey"], before["PrimaryKey"]);
  EXPECT_EQ(after["SecondaryKey"], before["SecondaryKey"]);
  EXPECT_FALSE(fixture_.registry->view().knows_key(before["PrimaryKey"].as_string()));
  EXPECT_TRUE(fixture_.registry->view().knows_key(after["PrimaryKey"].as_string()));
  const Json last = json(send("POST", endpoints("/default/regeneratesecondarykey")));
  EXPECT_EQ(last["PrimaryKey"], after["PrimaryKey"]);
  EXPECT_NE(last["SecondaryKey"], before["SecondaryKey"]);
  EXPECT_EQ(send("GET", endpoints("/default/regenerateprimarykey")).status, 405);
}

TEST_F(ServiceManagementTest, AcceptsTokensOfTheWorkspaceAndTheKeyOfAnEndpoint) {
  const auto other = *fixture_.registry->create_workspace("Other", "");
  const std::string key = service_->endpoints.front()->primary_key;
  EXPECT_EQ(send("GET", "", {}, fixture_.workspace.secondary_token).status, 200);
  for (const std::string& token : {std::string("x"), other.primary_token, key})
    EXPECT_EQ(detail(send("GET", "", {}, token), 401), "ManagementRequestUnauthorized");
  EXPECT_EQ(send("GET", endpoints("/default"), {}, key).status, 200);
  EXPECT_EQ(send("PUT", endpoints("/default"), "{}", key).status, 401);
  EXPECT_EQ(send("DELETE", endpoints("/default"), {}, key).status, 401);
  EXPECT_EQ(send("POST", endpoints("/default/regenerateprimarykey"), {}, key).status, 401);
  const Json made = json(send("PUT", endpoints("/extra"), "{}"));
  EXPECT_EQ(
      send("PATCH", endpoints("/extra"), R"({"Description":"x"})", made["PrimaryKey"].as_string())
          .status,
      200);
  EXPECT_EQ(send("PATCH", endpoints("/extra"), "{}", key).status, 401);
}

TEST_F(ServiceManagementTest, SaysWhyCodeCannotBePublishedAndDeletesServices) {
  const auto refused = send(
      "PUT", "/" + new_hex_id(),
      R"({"Name":"f","Type":"Code","CodeBundle":{"Language":"python-2.7-64","SourceCode":""}})");
  EXPECT_EQ(detail(refused, 400), "ModuleExecutionError");
  EXPECT_NE(refused.body.find("Python"), std::string::npos);
  const auto missing = send("GET", "/" + new_hex_id());
  EXPECT_EQ(detail(missing, 404), "WebServiceNotFound");
  EXPECT_NE(
      missing.body.find(
          "Invalid web service ID provided. Verify the web service ID is correct and try again."),
      std::string::npos);
  EXPECT_EQ(json(send("PUT", "/" + service_->id, R"({"Description":"better"})"))["Description"]
                .as_string(),
            "better");
  EXPECT_EQ(send("DELETE", "/" + service_->id).status, 204);
  EXPECT_EQ(send("GET", "/" + service_->id).status, 404);
  EXPECT_FALSE(fixture_.registry->view().find_endpoint(service_->endpoints.front()->id));
  const auto left = fixture_.store->list("ml.service_graph", "");
  ASSERT_TRUE(left);
  EXPECT_TRUE(left->empty());
}

TEST_F(ServiceManagementTest, KeepsNoKeyInClearText) {
  const auto documents = fixture_.store->list("ml.service", "");
  ASSERT_TRUE(documents);
  ASSERT_EQ(documents->size(), 1U);
  const Endpoint& endpoint = *service_->endpoints.front();
  EXPECT_EQ(documents->front().body.find(endpoint.primary_key), std::string::npos);
  const auto workspaces = fixture_.store->list("ml.workspace", "");
  ASSERT_TRUE(workspaces);
  EXPECT_EQ(workspaces->front().body.find(fixture_.workspace.primary_token), std::string::npos);
}

}  // namespace
}  // namespace mlgate::webservice
