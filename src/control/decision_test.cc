// What a caller gets, decided from entities as people write them: match, keys, policies, exact
// answers.

#include "control/control.h"
#include "gateway/call.h"
#include "gateway/compose.h"

#include <gtest/gtest.h>

namespace mlgate::control {
namespace {

using gateway::Step;

class CountingSink final : public analytics::UsageSink {
 public:
  bool record(const analytics::UsageRecord& record) noexcept override {
    last = record;
    ++count;
    return true;
  }
  analytics::UsageRecord last;
  int count = 0;
};

apim::Api make_api(apim::EntityNumber number, std::string name, std::string path, std::string url) {
  apim::Api api;
  api.number = number;
  api.name = std::move(name);
  api.display_name = api.name + " display";
  api.path = std::move(path);
  api.service_url = std::move(url);
  api.protocols = {"https"};
  return api;
}

apim::Operation make_operation(apim::EntityNumber number, std::string api, std::string method,
                               std::string url_template) {
  apim::Operation operation;
  operation.number = number;
  operation.order = number;
  operation.name = "op" + std::to_string(number);
  operation.display_name = operation.name;
  operation.api = std::move(api);
  operation.method = std::move(method);
  operation.url_template = std::move(url_template);
  return operation;
}

apim::Subscription make_subscription(apim::EntityNumber number, apim::ScopeKind kind,
                                     std::string target) {
  apim::Subscription subscription;
  subscription.number = number;
  subscription.name = "sub" + std::to_string(number);
  subscription.scope = {kind, std::move(target)};
  subscription.state = apim::SubscriptionState::active;
  subscription.primary_key = "p" + std::to_string(number);
  subscription.secondary_key = "s" + std::to_string(number);
  subscription.start_ms = 0;
  return subscription;
}

apim::Policy make_policy(apim::EntityNumber number, apim::PolicyScope scope, std::string text) {
  apim::Policy policy;
  policy.number = number;
  policy.scope = std::move(scope);
  policy.text = std::move(text);
  return policy;
}

std::string inbound(std::string_view inner) {
  return "<policies><inbound>" + std::string(inner) + "<base/></inbound></policies>";
}

apim::ServiceModel demo() {
  apim::ServiceModel model;
  model.service.number = 1;
  model.service.name = "demo";
  model.service.is_default = true;
  model.service.hostnames = {{.host = "api.example.com"}};
  model.apis = {make_api(10, "echo-api", "echo", "http://backend.example/base"),
                make_api(11, "open-api", "open", "http://backend.example"),
                make_api(12, "free-api", "free/of/keys", "http://backend.example/a?fixed=1"),
                make_api(13, "nowhere", "nowhere", "")};
  model.apis[2].subscription_required = false;
  model.operations = {make_operation(20, "echo-api", "GET", "/resource"),
                      make_operation(21, "echo-api", "POST", "/jobs/{id}?api-version={v}"),
                      make_operation(22, "open-api", "GET", "/*"),
                      make_operation(23, "free-api", "GET", "/{a}"),
                      make_operation(24, "nowhere", "GET", "/x")};
  apim::Product starter;
  starter.number = 30;
  starter.name = "starter";
  starter.apis = {"echo-api"};
  apim::Product other;
  other.number = 31;
  other.name = "other";
  other.apis = {"free-api"};
  apim::Product open;
  open.number = 32;
  open.name = "open";
  open.subscription_required = false;
  open.apis = {"open-api"};
  model.products = {starter, other, open};
  apim::User user;
  user.number = 40;
  user.name = "jane";
  model.users = {user};
  model.subscriptions = {make_subscription(50, apim::ScopeKind::product, "starter"),
                         make_subscription(51, apim::ScopeKind::product, "other"),
                         make_subscription(52, apim::ScopeKind::api, "echo-api"),
                         make_subscription(53, apim::ScopeKind::all_apis, ""),
                         make_subscription(54, apim::ScopeKind::service, ""),
                         make_subscription(55, apim::ScopeKind::product, "starter"),
                         make_subscription(56, apim::ScopeKind::product, "starter"),
                         make_subscription(57, apim::ScopeKind::product, "starter")};
  model.subscriptions[0].owner = "jane";
  model.subscriptions[5].state = apim::SubscriptionState::suspended;
  model.subscriptions[6].expiration_ms = 500;
  model.subscriptions[7].owner_blocked = true;
  return model;
}

class Decision : public testing::Test {
 protected:
  void publish(const apim::ServiceModel& model) {
    const auto errors = control_.update(model);
    for (const auto& error : errors) ADD_FAILURE() << error.message();
  }
  Step begin(std::string_view method, std::string_view target,
             std::initializer_list<http::Field> headers = {}) {
    const auto now_ns = call_.x.now_ns;
    call_.reset();
    auto& request = call_.x.request;
    const auto question = std::min(target.find('?'), target.size());
    request.method = method;
    request.path = target.substr(0, question);
    request.query = target.substr(std::min(question + 1, target.size()));
    request.scheme = scheme_;
    request.authority = authority_;
    request.peer = "10.0.0.9";
    for (const auto& field : headers) request.headers.add(field.name, field.value);
    call_.x.now_ms = now_ms_;
    call_.x.now_ns = now_ns;
    call_.pin = handle_.pin();
    return gateway::begin(call_);
  }
  int status(std::string_view method, std::string_view target,
             std::initializer_list<http::Field> headers = {}) {
    return begin(method, target, headers) == Step::forward ? 0 : call_.x.response.status;
  }
  http::Field key(std::string_view value) { return {"Ocp-Apim-Subscription-Key", value}; }
  std::string header(std::string_view name) {
    const auto* found = policy::find_header(call_.x.response.headers, name);
    return found ? std::string(found->value) : "(none)";
  }

  policy::Limits limits_;
  gateway::Publisher publisher_;
  Control control_{BuilderOptions{}, limits_, publisher_};
  gateway::SnapshotHandle handle_{publisher_};
  gateway::Call call_;
  CountingSink sink_;
  TimeMs now_ms_ = 1000;
  std::string scheme_ = "https", authority_ = "localhost:8443";
};

TEST_F(Decision, WithoutAnyServiceEverythingIsNotFound) {
  EXPECT_EQ(status("GET", "/echo/resource"), 404);
  EXPECT_EQ(call_.x.response.body, R"({ "statusCode": 404, "message": "Resource not found" })");
}

TEST_F(Decision, WhatMatchesNothingIsNotFound) {
  publish(demo());
  for (const auto* target : {"/", "/nope", "/echo", "/echo/nope", "/echo/resource/more",
                             "/echores/ource", "/../echo/resource", "/echo;rev=2/resource"}) {
    EXPECT_EQ(status("GET", target, {key("p50")}), 404) << target;
  }
  EXPECT_EQ(status("POST", "/echo/resource", {key("p50")}), 404)
      << "A wrong method is 404, not 405.";
  EXPECT_EQ(status("POST", "/echo/jobs/1", {key("p50")}), 404) << "A query parameter is missing.";
  EXPECT_EQ(call_.x.response.reason, "Resource Not Found");
  EXPECT_EQ(call_.x.response.body.size(), 54u);
  EXPECT_EQ(header("Content-Type"), "application/json");
  EXPECT_EQ(call_.x.error.source, "configuration");
  EXPECT_EQ(call_.x.error.reason, "OperationNotFound");
  scheme_ = "http";
  EXPECT_EQ(status("GET", "/echo/resource", {key("p50")}), 404)
      << "The scheme is not in protocols.";
}

TEST_F(Decision, PathsAreComparedWithoutCaseAndRevisionsByNumber) {
  publish(demo());
  EXPECT_EQ(status("GET", "/ECHO/Resource/", {key("p50")}), 0);
  EXPECT_EQ(status("GET", "/echo;rev=1/resource", {key("p50")}), 0);
  EXPECT_EQ(call_.plan.target, "/base/resource");
  EXPECT_EQ(status("GET", "/free/of/keys/v"), 0);
  EXPECT_EQ(status("GET", "/free/of"), 404);
}

TEST_F(Decision, AMissingKeyIsAnsweredToTheByte) {
  publish(demo());
  EXPECT_EQ(status("GET", "/echo/resource"), 401);
  EXPECT_EQ(call_.x.response.reason, "Access Denied");
  EXPECT_EQ(
      call_.x.response.body,
      R"({ "statusCode": 401, "message": "Access denied due to missing subscription key. Make )"
      R"(sure to include subscription key when making requests to an API." })");
  EXPECT_EQ(call_.x.response.body.size(), 152u);
  EXPECT_EQ(header("WWW-Authenticate"),
            R"(AzureApiManagementKey realm="https://localhost:8443/echo",)"
            R"(name="Ocp-Apim-Subscription-Key",type="header")");
  EXPECT_EQ(call_.x.error.reason, "SubscriptionKeyNotFound");
  EXPECT_EQ(status("GET", "/echo/resource?subscription-key=", {key("")}), 401);
  EXPECT_EQ(call_.x.error.reason, "SubscriptionKeyNotFound") << "An empty key counts as absent.";
}

TEST_F(Decision, AnInvalidKeyIsAnsweredToTheByte) {
  publish(demo());
  for (const auto* bad : {"nope", "p51", "p55", "p56", "p57"}) {
    EXPECT_EQ(status("GET", "/echo/resource", {key(bad)}), 401) << bad;
    EXPECT_EQ(
        call_.x.response.body,
        R"({ "statusCode": 401, "message": "Access denied due to invalid subscription key. Make )"
        R"(sure to provide a valid key for an active subscription." })");
    EXPECT_EQ(call_.x.response.body.size(), 143u);
    EXPECT_EQ(call_.x.error.reason, "SubscriptionKeyInvalid");
    EXPECT_EQ(call_.x.matched.subscription, 0u);
  }
}

TEST_F(Decision, EveryScopeOpensWhatItShould) {
  publish(demo());
  for (const auto* good : {"p50", "s50", "p52", "s52", "p53", "p54"}) {
    EXPECT_EQ(status("GET", "/echo/resource", {key(good)}), 0) << good;
  }
  EXPECT_EQ(status("GET", "/echo/resource", {key("p50")}), 0);
  EXPECT_EQ(call_.x.matched.product_name, "starter");
  EXPECT_EQ(call_.x.matched.user_name, "jane");
  EXPECT_EQ(call_.x.matched.user, 40u);
  EXPECT_EQ(status("GET", "/echo/resource", {key("p52")}), 0);
  EXPECT_EQ(call_.x.matched.product_name, "") << "A key of the API has no product context.";
  now_ms_ = 499;
  EXPECT_EQ(status("GET", "/echo/resource", {key("p56")}), 0) << "Not yet expired.";
}

TEST_F(Decision, HeaderBeatsQueryAndTheFirstHeaderCounts) {
  publish(demo());
  EXPECT_EQ(status("GET", "/echo/resource?subscription-key=p50"), 0);
  EXPECT_EQ(status("GET", "/echo/resource?Subscription-Key=p%350"), 0);
  EXPECT_EQ(status("GET", "/echo/resource?subscription-key=p50", {key("nope")}), 401);
  EXPECT_EQ(status("GET", "/echo/resource", {key("p50"), key("nope")}), 0);
  EXPECT_EQ(status("GET", "/echo/resource", {key("nope"), key("p50")}), 401);
}

TEST_F(Decision, OpenProductsAndFreeApisNeedNoKey) {
  publish(demo());
  EXPECT_EQ(status("GET", "/open/any/thing"), 0);
  EXPECT_EQ(call_.x.matched.product_name, "open");
  EXPECT_EQ(call_.x.matched.subscription, 0u);
  EXPECT_EQ(status("GET", "/open/any", {key("nope")}), 0) << "An invalid key is anonymous there.";
  EXPECT_EQ(status("GET", "/free/of/keys/v"), 0);
  EXPECT_EQ(call_.x.matched.product_name, "");
  EXPECT_EQ(status("GET", "/free/of/keys/v", {key("p51")}), 0);
  EXPECT_EQ(call_.x.matched.product_name, "other") << "A valid key gives its context.";
  EXPECT_EQ(call_.x.matched.subscription, 51u);
}

TEST_F(Decision, KeyNamesAreTheApisOwn) {
  auto model = demo();
  model.apis[0].key_header = "X-Key";
  model.apis[0].key_query = "k";
  publish(model);
  EXPECT_EQ(status("GET", "/echo/resource", {{"x-key", "p50"}}), 0);
  EXPECT_EQ(status("GET", "/echo/resource?k=p50"), 0);
  EXPECT_EQ(status("GET", "/echo/resource", {key("p50")}), 401);
  EXPECT_NE(header("WWW-Authenticate").find("name=\"X-Key\""), std::string::npos);
}

TEST_F(Decision, TheTargetJoinsServiceUrlAndTheCallersBytes) {
  publish(demo());
  EXPECT_EQ(status("POST", "/echo/jobs/a%2Fb?x=1&api-version=2.0", {key("p50")}), 0);
  EXPECT_EQ(call_.plan.target, "/base/jobs/a%2Fb?x=1&api-version=2.0");
  EXPECT_EQ(call_.plan.path, "/base/jobs/a%2Fb");
  EXPECT_EQ(call_.plan.query, "x=1&api-version=2.0");
  EXPECT_EQ(call_.plan.backend->host, "backend.example");
  EXPECT_EQ(call_.plan.timeout_ms, 300'000u);
  ASSERT_EQ(call_.x.parameters.size(), 2u);
  EXPECT_EQ(call_.x.parameters[0].value, "a%2Fb");
  EXPECT_EQ(status("GET", "/free/of/keys/v?q=2"), 0);
  EXPECT_EQ(call_.plan.target, "/a/v?fixed=1&q=2");
  EXPECT_EQ(status("GET", "/open/x/../y/"), 0);
  EXPECT_EQ(call_.plan.target, "/y/");
  EXPECT_EQ(status("GET", "/open"), 0);
  EXPECT_EQ(call_.plan.target, "/");
}

TEST_F(Decision, AnApiWithoutABackendFails) {
  publish(demo());
  EXPECT_EQ(status("GET", "/nowhere/x", {key("p53")}), 500);
  EXPECT_EQ(call_.x.error.message, "No backend is configured.");
  EXPECT_EQ(call_.x.error.reason, "BackendConnectionFailure");
  EXPECT_EQ(call_.x.error.source, "forward-request");
  EXPECT_EQ(call_.x.error.section, "backend");
}

TEST_F(Decision, HostsChooseTheService) {
  auto other = demo();
  other.service.number = 2;
  other.service.name = "second";
  other.service.is_default = false;
  other.service.hostnames = {};
  other.apis = {make_api(60, "only", "only", "http://only.example")};
  other.operations = {make_operation(61, "only", "GET", "/")};
  other.products = {};
  other.apis[0].subscription_required = false;
  publish(demo());
  publish(other);
  authority_ = "second.localhost:8443";
  EXPECT_EQ(status("GET", "/only"), 0);
  authority_ = "SECOND.LOCALHOST.";
  EXPECT_EQ(status("GET", "/only/"), 0);
  for (const auto* host :
       {"api.example.com", "unknown.host:1", "[::1]:8443", "demo.localhost", ""}) {
    authority_ = host;
    EXPECT_EQ(status("GET", "/only"), 404) << host;
    EXPECT_EQ(status("GET", "/open/x"), 0) << host;
  }
  auto disabled = demo();
  disabled.service.enabled = false;
  publish(disabled);
  EXPECT_EQ(status("GET", "/open/x"), 404);
}

TEST_F(Decision, PoliciesOfTheProductRunInItsContextOnly) {
  auto model = demo();
  model.policies = {make_policy(70, {apim::PolicyScopeKind::product, "starter", ""},
                                inbound("<rate-limit calls='2' renewal-period='60' "
                                        "remaining-calls-header-name='X-Left'/>"))};
  publish(model);
  EXPECT_EQ(status("GET", "/echo/resource", {key("p50")}), 0);
  EXPECT_EQ(status("GET", "/echo/resource", {key("s50")}), 0) << "Both keys share one counter.";
  EXPECT_EQ(status("GET", "/echo/resource", {key("p50")}), 429);
  EXPECT_EQ(call_.x.error.source, "rate-limit");
  EXPECT_EQ(call_.x.error.scope, "product");
  EXPECT_EQ(call_.x.error.section, "inbound");
  EXPECT_EQ(call_.x.error.path, "rate-limit[1]");
  EXPECT_EQ(header("X-Left"), "0");
  EXPECT_EQ(header("Retry-After"), "60");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(status("GET", "/echo/resource", {key("p52")}), 0);
  // A reload keeps what was counted.
  model.service.version = 9;
  model.policies[0].version = 9;
  publish(model);
  EXPECT_EQ(status("GET", "/echo/resource", {key("p50")}), 429);
}

TEST_F(Decision, PromisedHeadersComeWithTheBackendsAnswer) {
  auto model = demo();
  model.policies = {make_policy(
      70, {apim::PolicyScopeKind::api, "echo-api", ""},
      "<policies><inbound><rate-limit calls='9' renewal-period='60' "
      "remaining-calls-header-name='X-Left'/></inbound>"
      "<outbound><set-header name='X-Out'><value>1</value></set-header>"
      "<set-header name='X-Left' exists-action='append'><value>of 9</value></set-header>"
      "</outbound></policies>")};
  publish(model);
  ASSERT_EQ(status("GET", "/echo/resource", {key("p50")}), 0);
  call_.x.response.status = 201;
  call_.x.response.headers.add("Connection", "close");
  call_.x.response.headers.add("Server", "s");
  EXPECT_EQ(gateway::respond(call_), Step::forward);
  EXPECT_EQ(call_.x.response.status, 201);
  EXPECT_EQ(header("X-Left"), "8,of 9");
  EXPECT_EQ(header("X-Out"), "1");
  EXPECT_EQ(header("Connection"), "(none)");
  EXPECT_EQ(header("Server"), "s");
}

TEST_F(Decision, ABackendSectionThatForwardsNothingAnswers200) {
  auto model = demo();
  model.policies = {make_policy(70, {apim::PolicyScopeKind::api, "echo-api", ""},
                                "<policies><backend/><outbound><set-header name='X-Out'>"
                                "<value>1</value></set-header></outbound></policies>")};
  publish(model);
  EXPECT_EQ(status("GET", "/echo/resource", {key("p50")}), 200);
  EXPECT_EQ(call_.x.response.body, "");
  EXPECT_EQ(header("X-Out"), "1");
}

TEST_F(Decision, OnErrorRunsOnceAndMayAddHeaders) {
  auto model = demo();
  model.policies = {
      make_policy(70, {apim::PolicyScopeKind::global, "", ""},
                  "<policies><on-error><set-header name='X-Err'><value>g</value>"
                  "</set-header></on-error></policies>"),
      make_policy(71, {apim::PolicyScopeKind::api, "echo-api", ""},
                  "<policies><on-error><base/><set-header name='X-Err' "
                  "exists-action='append'><value>a</value></set-header></on-error></policies>")};
  publish(model);
  EXPECT_EQ(status("GET", "/nope"), 404);
  EXPECT_EQ(header("X-Err"), "g");
  EXPECT_EQ(status("GET", "/echo/resource"), 401);
  EXPECT_EQ(header("X-Err"), "g,a");
  ASSERT_EQ(status("GET", "/echo/resource", {key("p50")}), 0);
  gateway::fail_backend(call_, gateway::BackendFailure::connect, "Error connecting to 10.0.0.7:80");
  EXPECT_EQ(call_.x.response.status, 500);
  EXPECT_EQ(header("X-Err"), "g,a");
  EXPECT_EQ(call_.x.error.message, "Error connecting to 10.0.0.7:80");
  gateway::client_gone(call_);
  EXPECT_EQ(header("X-Err"), "g,a");
  EXPECT_EQ(call_.x.error.reason, "BackendConnectionFailure");
}

TEST_F(Decision, BackendFailuresAre500OrAsHttpSays) {
  publish(demo());
  ASSERT_EQ(status("GET", "/echo/resource", {key("p50")}), 0);
  gateway::fail_backend(call_, gateway::BackendFailure::timeout, "b:1");
  EXPECT_EQ(call_.x.response.status, 500);
  EXPECT_EQ(call_.x.response.body.size(), 111u);
  EXPECT_EQ(call_.x.error.reason, "Timeout");
  ASSERT_EQ(status("GET", "/echo/resource", {key("p50")}), 0);
  call_.options.backend_failure_as_http = true;
  gateway::fail_backend(call_, gateway::BackendFailure::timeout, "b:1");
  EXPECT_EQ(call_.x.response.status, 504);
  ASSERT_EQ(status("GET", "/echo/resource", {key("p50")}), 0);
  call_.options.backend_failure_as_http = true;
  gateway::fail_backend(call_, gateway::BackendFailure::connect, "b:1");
  EXPECT_EQ(call_.x.response.status, 502);
  EXPECT_NE(call_.x.response.body.find("\"message\": \"Bad gateway\", \"activityId\": \""),
            std::string_view::npos);
  gateway::fail_too_large(call_);
  EXPECT_EQ(call_.x.response.body,
            R"({ "statusCode": 413, "message": "Request body is too large." })");
  EXPECT_EQ(call_.x.response.body.size(), 62u);
}

TEST_F(Decision, AnErrorStatusCanBeMadeAnError) {
  auto model = demo();
  model.policies = {
      make_policy(70, {apim::PolicyScopeKind::api, "echo-api", ""},
                  "<policies><backend><forward-request fail-on-error-status-code='true' "
                  "timeout='9'/></backend><on-error><set-header name='X-Err'><value>1"
                  "</value></set-header></on-error></policies>")};
  publish(model);
  ASSERT_EQ(status("GET", "/echo/resource", {key("p50")}), 0);
  EXPECT_EQ(call_.plan.timeout_ms, 9000u);
  call_.x.response.status = 503;
  EXPECT_EQ(gateway::respond(call_), Step::forward)
      << "The backend's body still goes to the caller.";
  EXPECT_EQ(call_.x.response.status, 503);
  EXPECT_EQ(header("X-Err"), "1");
  ASSERT_EQ(status("GET", "/echo/resource", {key("p50")}), 0);
  call_.x.response.status = 200;
  EXPECT_EQ(gateway::respond(call_), Step::forward);
  EXPECT_EQ(header("X-Err"), "(none)");
}

TEST_F(Decision, OwnAddressesAreCalledInProcess) {
  class Nothing final : public http::LocalService {
    http::Awaitable<http::Response> serve(const http::Request&) override {
      co_return http::Response();
    }
  } service;
  Control control({.own_addresses = {{"localhost", 8082}, {"*.services.azureml.net", 0}},
                   .own_services = &service},
                  limits_, publisher_);
  auto model = demo();
  model.apis[1].service_url = "http://localhost:8082/echo";
  model.apis[2].service_url = "https://ussouthcentral.services.azureml.net";
  EXPECT_TRUE(control.update(model).empty());
  EXPECT_EQ(status("GET", "/open/a/b"), 0);
  EXPECT_EQ(call_.plan.backend->kind, gateway::Backend::Kind::local);
  EXPECT_EQ(call_.plan.backend->local, &service);
  EXPECT_EQ(call_.plan.path, "/echo/a/b");
  EXPECT_EQ(status("GET", "/free/of/keys/v"), 0);
  EXPECT_EQ(call_.plan.backend->kind, gateway::Backend::Kind::local);
  EXPECT_EQ(status("GET", "/echo/resource", {key("p50")}), 0);
  EXPECT_EQ(call_.plan.backend->kind, gateway::Backend::Kind::http);
}

TEST_F(Decision, ABadChangeChangesNothingAndNamesEveryField) {
  publish(demo());
  auto bad = demo();
  bad.apis[0].service_url = "ftp://x";
  bad.apis[0].version = 2;
  bad.operations[2].url_template = "/{a";
  bad.operations[2].version = 2;
  bad.policies = {make_policy(70, {apim::PolicyScopeKind::product, "starter", ""},
                              "<policies><inbound><rate-limit/></inbound></policies>")};
  const auto errors = control_.update(bad);
  ASSERT_EQ(errors.size(), 4u);
  EXPECT_EQ(errors[0].field(), "products/starter/policies/policy/rate-limit");
  EXPECT_EQ(errors[2].field(), "apis/echo-api/serviceUrl");
  EXPECT_EQ(errors[3].field(), "apis/open-api");
  EXPECT_EQ(status("GET", "/open/x"), 0) << "The snapshot before is still served.";
}

TEST_F(Decision, UnchangedPartsAreShared) {
  auto model = demo();
  publish(model);
  const auto before = publisher_.current();
  model.apis[0].version = 5;
  publish(model);
  const auto after = publisher_.current();
  ASSERT_NE(before, after);
  const auto& old_service = *before->services[0];
  const auto& new_service = *after->services[0];
  EXPECT_NE(old_service.bindings[0], new_service.bindings[0]);
  EXPECT_EQ(old_service.bindings[1], new_service.bindings[1]);
  EXPECT_EQ(old_service.products[0], new_service.products[0]);
  EXPECT_EQ(old_service.keys, new_service.keys);
  model.subscriptions[0].version = 6;
  model.subscriptions[0].state = apim::SubscriptionState::cancelled;
  publish(model);
  EXPECT_NE(publisher_.current()->services[0]->keys, new_service.keys);
  EXPECT_EQ(publisher_.current()->services[0]->bindings[0], new_service.bindings[0]);
  EXPECT_EQ(status("GET", "/echo/resource", {key("p50")}), 401);
}

TEST_F(Decision, TheUsageRecordSaysWhatHappened) {
  publish(demo());
  ASSERT_EQ(status("GET", "/echo/resource?subscription-key=p50"), 0);
  call_.x.response.status = 200;
  EXPECT_EQ(gateway::respond(call_), Step::forward);
  gateway::finish(call_, {.request_bytes = 10, .response_bytes = 20, .total_ns = 30}, sink_);
  EXPECT_EQ(sink_.count, 1);
  EXPECT_EQ(sink_.last.response_code, 200);
  EXPECT_EQ(sink_.last.backend_response_code, 200);
  EXPECT_EQ(sink_.last.key_query_name, "subscription-key");
  EXPECT_EQ(sink_.last.api, 10u);
  EXPECT_EQ(sink_.last.product, 30u);
  EXPECT_EQ(sink_.last.subscription, 50u);
  EXPECT_EQ(sink_.last.user, 40u);
  EXPECT_EQ(sink_.last.backend_url, "http://backend.example");
  EXPECT_EQ(sink_.last.error_source, "");
}

TEST_F(Decision, BandwidthIsCountedAtTheEndOfTheCall) {
  auto model = demo();
  model.policies = {make_policy(70, {apim::PolicyScopeKind::product, "starter", ""},
                                inbound("<quota bandwidth='1' renewal-period='3600'/>"))};
  publish(model);
  ASSERT_EQ(status("GET", "/echo/resource", {key("p50")}), 0);
  gateway::finish(call_, {.request_bytes = 24, .response_bytes = 1000}, sink_);
  EXPECT_EQ(status("GET", "/echo/resource", {key("p50")}), 403);
  EXPECT_EQ(
      call_.x.response.body,
      R"({ "statusCode": 403, "message": "Out of bandwidth quota. Quota will be replenished in )"
      R"(00:59:59." })");
  EXPECT_EQ(call_.x.response.body.size(), 98u);
}

}  // namespace
}  // namespace mlgate::control
