// Versions, revisions, backends and what policies do with them, decided from entities.

#include "control/control.h"
#include "gateway/call.h"
#include "gateway/compose.h"

#include <gtest/gtest.h>

namespace mlgate::control {
namespace {

using gateway::Step;

class NoSink final : public analytics::UsageSink {
 public:
  bool record(const analytics::UsageRecord&) noexcept override { return true; }
};

class Routing : public testing::Test {
 protected:
  Routing() {
    model_.service.number = 1;
    model_.service.name = "demo";
    model_.service.is_default = true;
  }
  apim::Api& add_api(std::string name, std::string path) {
    apim::Api api;
    api.number = next_++;
    api.name = std::move(name);
    api.path = std::move(path);
    api.service_url = "http://usual.example/base";
    api.protocols = {"http"};
    api.subscription_required = false;
    apim::Operation operation;
    operation.number = operation.order = next_++;
    operation.name = "any";
    operation.api = api.name;
    operation.method = "GET";
    operation.url_template = "/x";
    model_.operations.push_back(operation);
    model_.apis.push_back(api);
    return model_.apis.back();
  }
  void set_policy(const std::string& api, const std::string& inbound,
                  const std::string& backend = "<base/>") {
    apim::Policy policy;
    policy.number = next_;
    policy.version = next_++;
    policy.scope = {apim::PolicyScopeKind::api, api, ""};
    policy.text =
        "<policies><inbound>" + inbound + "</inbound><backend>" + backend + "</backend></policies>";
    std::erase_if(model_.policies,
                  [&](const apim::Policy& one) { return one.scope == policy.scope; });
    model_.policies.push_back(policy);
  }
  apim::Backend& add_backend(std::string name) {
    apim::Backend backend;
    backend.number = next_;
    backend.version = next_++;
    backend.url = "http://" + name + ".example";
    backend.name = std::move(name);
    model_.backends.push_back(backend);
    return model_.backends.back();
  }
  void publish() {
    for (const auto& error : control_.update(model_)) ADD_FAILURE() << error.message();
  }
  // 0: forwarded; else the status of the answer. `now_s` is the steady clock.
  int get(std::string_view target, std::initializer_list<http::Field> headers = {}) {
    call_.reset();
    auto& request = call_.x.request;
    const auto question = std::min(target.find('?'), target.size());
    request.method = "GET";
    request.path = target.substr(0, question);
    request.query = target.substr(std::min(question + 1, target.size()));
    request.scheme = "http";
    request.authority = "localhost:8080";
    request.peer = "10.0.0.9";
    for (const auto& field : headers) request.headers.add(field.name, field.value);
    call_.x.now_ms = 1000;
    call_.x.now_ns = now_s_ * 1'000'000'000;
    call_.pin = handle_.pin();
    return gateway::begin(call_) == Step::forward ? 0 : call_.x.response.status;
  }
  std::string backend() {
    return call_.plan.backend ? call_.plan.backend->host : std::string("none");
  }
  void answer(int status, std::string_view retry_after = {}) {
    call_.x.response.status = status;
    if (!retry_after.empty()) call_.x.response.headers.add("Retry-After", retry_after);
    (void)gateway::respond(call_);
    finish();
  }
  void finish() { gateway::finish(call_, {.request_bytes = 1, .response_bytes = 1}, sink_); }
  std::string header(std::string_view name) {
    const auto* found = policy::find_header(call_.x.response.headers, name);
    return found ? std::string(found->value) : "(none)";
  }

  apim::ServiceModel model_;
  policy::Limits limits_;
  gateway::Publisher publisher_;
  Control control_{BuilderOptions{}, limits_, publisher_};
  gateway::SnapshotHandle handle_{publisher_};
  gateway::Call call_;
  NoSink sink_;
  apim::EntityNumber next_ = 2;
  std::int64_t now_s_ = 1000;
};

apim::BreakerRule breaker(std::int64_t count) {
  apim::BreakerRule rule;
  rule.count = count;
  rule.interval_ms = 60'000;
  rule.trip_ms = 30'000;
  rule.statuses = {{500, 599}};
  rule.reasons = {"timeout", "BackendConnectionFailure"};
  return rule;
}

TEST_F(Routing, VersionsInTheSegmentBehindThePath) {
  apim::VersionSet set;
  set.number = next_++;
  set.name = "orders-set";
  model_.version_sets = {set};
  add_api("orders", "orders").version_set = "orders-set";
  auto& v2 = add_api("orders-v2", "orders");
  v2.version_set = "orders-set";
  v2.api_version = "v2";
  auto& only = add_api("only-v1", "only");
  only.version_set = "orders-set";
  only.api_version = "v1";
  add_api("root", "").subscription_required = false;
  publish();
  EXPECT_EQ(get("/orders/x"), 0);
  EXPECT_EQ(call_.x.matched.api_name, "orders");
  EXPECT_EQ(get("/Orders/V2/x"), 0);
  EXPECT_EQ(call_.x.matched.api_name, "orders-v2");
  EXPECT_EQ(call_.plan.target, "/base/x");
  EXPECT_EQ(get("/orders/v2;rev=1/x"), 0);
  EXPECT_EQ(get("/orders/v3/x"), 404);
  EXPECT_EQ(get("/only/v1/x"), 0);
  EXPECT_EQ(get("/only/x"), 404) << "A version is missing, and shorter paths are not tried.";
  EXPECT_EQ(get("/x"), 0);
  EXPECT_EQ(call_.x.matched.api_name, "root");
}

TEST_F(Routing, VersionsInAQueryParameterOrHeader) {
  for (const bool query : {true, false}) {
    apim::VersionSet set;
    set.number = next_++;
    set.name = query ? "by-query" : "by-header";
    set.scheme = query ? apim::VersioningScheme::query : apim::VersioningScheme::header;
    set.query_name = "api-version";
    set.header_name = "X-Version";
    model_.version_sets.push_back(set);
    const std::string path = query ? "q" : "h";
    add_api(path, path).version_set = set.name;
    auto& second = add_api(path + "2", path);
    second.version_set = set.name;
    second.api_version = "2024-01-01";
    auto& strict = add_api(path + "strict", "strict-" + path);
    strict.version_set = set.name;
    strict.api_version = "one";
  }
  publish();
  EXPECT_EQ(get("/q/x"), 0);
  EXPECT_EQ(call_.x.matched.api_name, "q");
  EXPECT_EQ(get("/q/x?API-Version=2024-01-01"), 0);
  EXPECT_EQ(call_.x.matched.api_name, "q2");
  EXPECT_EQ(get("/q/x?api-version=2024"), 404);
  EXPECT_EQ(get("/strict-q/x"), 404);
  EXPECT_EQ(get("/strict-q/x?api-version=ONE"), 404) << "Values are compared exactly.";
  EXPECT_EQ(get("/strict-q/x?api-version=one"), 0);
  EXPECT_EQ(get("/h/x", {{"x-version", "2024-01-01"}}), 0);
  EXPECT_EQ(call_.x.matched.api_name, "h2");
  EXPECT_EQ(get("/h/x", {{"X-Version", "nope"}}), 404);
  EXPECT_EQ(get("/strict-h/x"), 404);
}

TEST_F(Routing, RevisionsAreChosenByNumberAndAnsweredOnlyOnline) {
  auto& first = add_api("orders", "orders");
  first.family = first.number;
  const auto family = first.number;
  auto& second = add_api("orders;rev=2", "orders");
  second.revision = "2";
  second.is_current = false;
  second.family = family;
  second.service_url = "http://second.example";
  set_policy("orders;rev=2", "<set-header name='X-Revision'><value>2</value></set-header>");
  publish();
  EXPECT_EQ(get("/orders/x"), 0);
  EXPECT_EQ(backend(), "usual.example");
  EXPECT_EQ(get("/orders;rev=2/x"), 0);
  EXPECT_EQ(backend(), "second.example");
  EXPECT_TRUE(policy::find_header(call_.x.request.headers, "X-Revision"));
  EXPECT_EQ(get("/orders;rev=3/x"), 404);
  model_.apis[1].is_online = false;
  model_.apis[1].version = 7;
  publish();
  EXPECT_EQ(get("/orders;rev=2/x"), 404);
}

TEST_F(Routing, PoliciesChooseTheBackend) {
  add_api("a", "a");
  auto& other = add_backend("other");
  other.headers = {{"X-Key", {"k"}}, {"X-Many", {"1", "2"}}};
  other.query = {{"code", {"s 1"}}};
  other.authorization_scheme = "Basic";
  other.authorization_parameter = "abc";
  set_policy("a",
             "<set-backend-service backend-id='Other'/>"
             "<set-backend-service base-url='http://late.example'/>");
  publish();
  ASSERT_EQ(get("/a/x?code=mine&b=1", {{"Authorization", "Bearer t"}, {"X-Key", "theirs"}}), 0);
  EXPECT_EQ(backend(), "other.example") << "A base URL does not override a backend.";
  EXPECT_EQ(call_.plan.target, "/x?b=1&code=s%201");
  EXPECT_EQ(policy::find_header(call_.x.request.headers, "Authorization")->value, "Basic abc");
  EXPECT_EQ(policy::find_header(call_.x.request.headers, "X-Key")->value, "k");
  EXPECT_EQ(policy::find_header(call_.x.request.headers, "X-Many")->value, "1,2");
  set_policy("a", "<set-backend-service base-url='https://late.example:444/p?q=1'/>");
  publish();
  ASSERT_EQ(get("/a/x?b=1"), 0);
  EXPECT_EQ(call_.plan.backend->origin, "https://late.example:444");
  EXPECT_EQ(call_.plan.target, "/p/x?q=1&b=1");
  set_policy("a", "<set-backend-service backend-id='gone'/>");
  const auto errors = control_.update(model_);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_NE(errors[0].message().find("Backend with id 'gone' could not be found."),
            std::string::npos);
  EXPECT_EQ(get("/a/x"), 0) << "What was served stays.";
}

TEST_F(Routing, ABreakerOpensAtItsCountAndClosesAfterItsTime) {
  add_api("a", "a");
  add_backend("b").rules = {breaker(3)};
  set_policy("a", "<set-backend-service backend-id='b'/>");
  publish();
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(get("/a/x"), 0);
    answer(503);
  }
  ASSERT_EQ(get("/a/x"), 0);
  answer(404);
  ASSERT_EQ(get("/a/x"), 0);
  gateway::fail_backend(call_, gateway::BackendFailure::timeout, "b.example");
  finish();
  EXPECT_EQ(get("/a/x"), 503);
  EXPECT_EQ(call_.x.response.body,
            R"({ "statusCode": 503, "message": "Backend is temporarily unavailable." })");
  EXPECT_EQ(call_.x.response.body.size(), 71U);
  EXPECT_EQ(header("Retry-After"), "30");
  EXPECT_FALSE(call_.x.error.raised) << "An open breaker is no error.";
  now_s_ += 29;
  model_.backends[0].version = 99;
  publish();
  EXPECT_EQ(get("/a/x"), 503) << "A reload forgets nothing.";
  now_s_ += 1;
  EXPECT_EQ(get("/a/x"), 0);
  answer(500);
  EXPECT_EQ(get("/a/x"), 0) << "Closed with empty counters.";
}

TEST_F(Routing, FailuresOutsideTheIntervalDoNotTripAndRetryAfterIsHonoured) {
  add_api("a", "a");
  auto rule = breaker(2);
  rule.accept_retry_after = true;
  add_backend("b").rules = {rule};
  set_policy("a", "<set-backend-service backend-id='b'/>");
  publish();
  ASSERT_EQ(get("/a/x"), 0);
  answer(500);
  now_s_ += 60;
  ASSERT_EQ(get("/a/x"), 0);
  answer(500);
  ASSERT_EQ(get("/a/x"), 0);
  answer(503, "5");
  EXPECT_EQ(get("/a/x"), 503);
  EXPECT_EQ(header("Retry-After"), "5");
  now_s_ += 5;
  EXPECT_EQ(get("/a/x"), 0);
}

TEST_F(Routing, AShareOfFailuresTripsOnceTenCallsWereSeen) {
  add_api("a", "a");
  auto rule = breaker(1);
  rule.count.reset();
  rule.percentage = 50;
  add_backend("b").rules = {rule};
  set_policy("a", "<set-backend-service backend-id='b'/>");
  publish();
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(get("/a/x"), 0) << i;
    answer(i % 2 == 0 ? 200 : 500);
  }
  EXPECT_EQ(get("/a/x"), 503);
}

TEST_F(Routing, APoolIsSharedByWeightAndFallsOverByPriority) {
  add_api("a", "a");
  for (const auto* name : {"one", "two", "spare"}) add_backend(name).rules = {breaker(1)};
  auto& pool = add_backend("pool");
  pool.is_pool = true;
  pool.url.clear();
  pool.members = {{"one", 3, 1}, {"two", 1, 1}, {"spare", 1, 2}};
  set_policy("a", "<set-backend-service backend-id='pool'/>");
  publish();
  std::map<std::string, int> seen;
  for (int i = 0; i < 40; ++i) {
    ASSERT_EQ(get("/a/x"), 0);
    ++seen[backend()];
    answer(200);
  }
  EXPECT_EQ(seen["one.example"], 30);
  EXPECT_EQ(seen["two.example"], 10);
  for (const auto* host : {"one.example", "two.example"}) {
    for (;;) {
      ASSERT_EQ(get("/a/x"), 0);
      const bool hit = backend() == host;
      answer(hit ? 500 : 200);
      if (hit) break;
    }
  }
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(get("/a/x"), 0);
    EXPECT_EQ(backend(), "spare.example");
    answer(i == 4 ? 500 : 200);
  }
  EXPECT_EQ(get("/a/x"), 503);
  EXPECT_EQ(call_.x.response.body,
            R"({ "statusCode": 503, "message": "Backend pool is temporarily unavailable." })");
  EXPECT_EQ(call_.x.response.body.size(), 76U);
  EXPECT_EQ(header("Retry-After"), "30");
  now_s_ += 30;
  EXPECT_EQ(get("/a/x"), 0);
  EXPECT_NE(backend(), "spare.example");
}

TEST_F(Routing, UnhealthyMembersArePassedOver) {
  add_api("a", "a");
  add_backend("one").health_check = apim::HealthCheck{};
  add_backend("two");
  auto& pool = add_backend("pool");
  pool.is_pool = true;
  pool.members = {{"one", {}, 0}, {"two", {}, 0}};
  set_policy("a", "<set-backend-service backend-id='pool'/>");
  publish();
  const auto part = publisher_.current()->services[0]->backends.find("one")->second;
  part->state->note_check(false, 2, 1);
  part->state->note_check(false, 2, 1);
  for (int i = 0; i < 4; ++i) {
    ASSERT_EQ(get("/a/x"), 0);
    EXPECT_EQ(backend(), "two.example");
  }
  part->state->note_check(true, 2, 1);
  bool back = false;
  for (int i = 0; i < 4; ++i) {
    ASSERT_EQ(get("/a/x"), 0);
    back = back || backend() == "one.example";
  }
  EXPECT_TRUE(back);
}

TEST_F(Routing, NamedValuesStandInPoliciesAndABadOneChangesNothing) {
  add_api("a", "a");
  apim::NamedValue value;
  value.number = next_++;
  value.name = "nv";
  value.display_name = "limit";
  value.value = "1";
  model_.named_values = {value};
  set_policy("a",
             "<rate-limit-by-key calls='{{limit}}' renewal-period='10' "
             "counter-key='@(context.Request.IpAddress)'/>");
  publish();
  EXPECT_EQ(get("/a/x"), 0);
  EXPECT_EQ(get("/a/x"), 429);
  model_.named_values[0].value = "2";
  model_.named_values[0].version = 2;
  publish();
  EXPECT_EQ(get("/a/x"), 0);
  EXPECT_EQ(get("/a/x"), 429);
  model_.named_values[0].value = "many";
  model_.named_values[0].version = 3;
  EXPECT_FALSE(control_.update(model_).empty());
  now_s_ += 10;
  EXPECT_EQ(get("/a/x"), 0);
  EXPECT_EQ(get("/a/x"), 0);
  EXPECT_EQ(get("/a/x"), 429);
}

TEST_F(Routing, AKeyIsOneCounterInAllDocuments) {
  add_api("a", "a");
  add_api("b", "b");
  set_policy("a", "<rate-limit-by-key calls='3' renewal-period='60' counter-key='k'/>");
  set_policy("b",
             "<rate-limit-by-key calls='2' renewal-period='10' counter-key='k' "
             "remaining-calls-header-name='X-Left'/>");
  publish();
  EXPECT_EQ(get("/a/x"), 0);
  EXPECT_EQ(get("/b/x"), 0);
  EXPECT_EQ(get("/b/x"), 429) << "The call of the other API counts.";
  EXPECT_EQ(header("X-Left"), "0");
  EXPECT_EQ(header("Retry-After"), "10");
  EXPECT_EQ(get("/a/x"), 0);
  EXPECT_EQ(get("/a/x"), 429);
  EXPECT_EQ(header("Retry-After"), "60");
  now_s_ += 10;
  EXPECT_EQ(get("/b/x"), 0) << "Each policy judges by its own period.";
  EXPECT_EQ(get("/a/x"), 429);
}

TEST_F(Routing, AConditionCountsWhenTheResponseIsKnown) {
  add_api("a", "a");
  set_policy("a",
             "<rate-limit-by-key calls='1' renewal-period='60' counter-key='c' "
             "increment-condition='@(context.Response.StatusCode == 200)'/>"
             "<quota-by-key calls='2' renewal-period='300' counter-key='c' "
             "increment-condition='@(context.Response.StatusCode &gt;= 400)'/>");
  publish();
  ASSERT_EQ(get("/a/x"), 0);
  answer(404);
  ASSERT_EQ(get("/a/x"), 0);
  answer(200);
  EXPECT_EQ(get("/a/x"), 429);
  finish();
  now_s_ += 60;
  ASSERT_EQ(get("/a/x"), 0) << "One error was counted: the refusal is 429, too.";
  answer(200);
}

TEST_F(Routing, PlacesOfLimitConcurrencyAreGivenBackOnEveryWayOut) {
  add_api("a", "a");
  set_policy("a",
             "<limit-concurrency key='k' max-count='1'><set-variable name='v' value='1'/>"
             "</limit-concurrency>",
             "<limit-concurrency key='b' max-count='2'><forward-request/></limit-concurrency>");
  publish();
  ASSERT_EQ(get("/a/x"), 0);
  EXPECT_EQ(limits_.concurrency.running(), 1U) << "The backend section waits for its answer.";
  answer(200);
  EXPECT_EQ(limits_.concurrency.running(), 0U);
  ASSERT_EQ(get("/a/x"), 0);
  gateway::fail_backend(call_, gateway::BackendFailure::connect, "h:1");
  EXPECT_EQ(limits_.concurrency.running(), 0U);
  finish();
  ASSERT_EQ(get("/a/x"), 0);
  gateway::client_gone(call_);
  EXPECT_EQ(limits_.concurrency.running(), 0U);
  ASSERT_EQ(get("/a/x"), 0);
  call_.reset();
  EXPECT_EQ(limits_.concurrency.running(), 0U);
}

TEST_F(Routing, AboveTheConcurrencyCallsAreRefusedAtOnce) {
  add_api("a", "a");
  set_policy("a", "",
             "<limit-concurrency key='b' max-count='1'><forward-request/>"
             "</limit-concurrency>");
  publish();
  ASSERT_TRUE(limits_.concurrency.enter(policy::mix_numbers(limits_.number_of("b"), 1), 1));
  EXPECT_EQ(get("/a/x"), 429);
  EXPECT_EQ(call_.x.response.body,
            R"({ "statusCode": 429, "message": "Concurrency limit is exceeded." })");
  EXPECT_EQ(call_.x.response.body.size(), 66U);
  EXPECT_EQ(call_.x.error.reason, "ConcurrencyLimitExceeded");
  EXPECT_EQ(header("Retry-After"), "(none)");
  limits_.concurrency.leave(policy::mix_numbers(limits_.number_of("b"), 1));
  EXPECT_EQ(get("/a/x"), 0);
}

TEST_F(Routing, ReturnResponseEndsTheCall) {
  add_api("a", "a");
  set_policy("a",
             "<return-response><set-status code='418' reason='Teapot'/><set-header "
             "name='X-A'><value>1</value></set-header><set-body>short</set-body>"
             "</return-response>");
  publish();
  EXPECT_EQ(get("/a/x"), 418);
  EXPECT_EQ(call_.x.response.reason, "Teapot");
  EXPECT_EQ(call_.x.response.body, "short");
  EXPECT_EQ(header("X-A"), "1");
}

TEST_F(Routing, ChangesOfEveryKindAreAppliedOneByOneAndABadOneIsTakenBack) {
  add_api("a", "a").subscription_required = true;
  publish();
  const auto apply = [&](const apim::ModelDelta& delta) { return control_.apply(1, delta); };
  apim::ModelDelta delta;
  apim::Product product;
  product.number = 90;
  product.name = "P";
  delta.products.put = {product};
  delta.links = {{"p", "a", true}};
  apim::User user;
  user.number = 91;
  user.name = "u";
  delta.users.put = {user};
  apim::Subscription subscription;
  subscription.number = 92;
  subscription.name = "s";
  subscription.owner = "u";
  subscription.scope = {apim::ScopeKind::product, "P"};
  subscription.state = apim::SubscriptionState::active;
  subscription.primary_key = "one";
  delta.subscriptions.put = {subscription};
  ASSERT_TRUE(apply(delta).empty());
  const auto with = [&](std::string_view key) {
    return get("/a/x", {{"Ocp-Apim-Subscription-Key", key}});
  };
  EXPECT_EQ(with("one"), 0);
  EXPECT_EQ(call_.x.matched.product, 90U);
  delta = {};
  subscription.primary_key = "two";
  delta.subscriptions.put = {subscription};
  ASSERT_TRUE(apply(delta).empty());
  EXPECT_EQ(with("one"), 401);
  EXPECT_EQ(with("two"), 0);
  delta = {};
  user.state = apim::UserState::blocked;
  delta.users.put = {user};
  ASSERT_TRUE(apply(delta).empty());
  EXPECT_EQ(with("two"), 401) << "Keys of a blocked user open nothing.";
  delta.users.put[0].state = apim::UserState::active;
  ASSERT_TRUE(apply(delta).empty());
  EXPECT_EQ(with("two"), 0);
  delta = {};
  subscription.primary_key = "three";
  delta.subscriptions.put = {subscription};
  delta.links = {{"p", "a", false}};
  auto bad = model_.apis[0];
  bad.service_url = "ftp://x";
  delta.apis.put = {bad};
  EXPECT_EQ(apply(delta).size(), 1U);
  EXPECT_EQ(with("two"), 0) << "Nothing of a bad change is left.";
  EXPECT_EQ(with("three"), 401);
  delta = {};
  delta.links = {{"p", "a", false}};
  ASSERT_TRUE(apply(delta).empty());
  EXPECT_EQ(with("two"), 401);
  delta = {};
  delta.apis.gone = {"a"};
  delta.operations.gone = {"a/any"};
  ASSERT_TRUE(apply(delta).empty());
  EXPECT_EQ(with("two"), 404);
}

}  // namespace
}  // namespace mlgate::control
