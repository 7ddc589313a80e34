// A call that was decided once allocates nothing the second time: the buffers of its worker are
// there already.
#include "base/count_allocations.h"
#include "control/control.h"
#include "gateway/call.h"
#include "gateway/compose.h"

#include <gtest/gtest.h>

namespace mlgate::control {
namespace {

apim::ServiceModel one_api() {
  apim::ServiceModel model;
  model.service.number = 1;
  model.service.name = "demo";
  model.service.is_default = true;
  apim::Api api;
  api.number = 2;
  api.name = "ml";
  api.path = "azureml-demo";
  api.service_url = "http://backend.example:8080/base";
  api.protocols = {"http", "https"};
  model.apis = {api};
  apim::Operation operation;
  operation.number = 3;
  operation.name = "execute";
  operation.api = "ml";
  operation.method = "POST";
  operation.url_template = "/workspaces/{w}/services/{s}/execute?api-version={v}&details={d}";
  model.operations = {operation};
  apim::Product product;
  product.number = 4;
  product.name = "starter";
  product.apis = {"ml"};
  model.products = {product};
  apim::Subscription subscription;
  subscription.number = 5;
  subscription.name = "sub";
  subscription.scope = {apim::ScopeKind::product, "starter"};
  subscription.state = apim::SubscriptionState::active;
  subscription.primary_key = "0123456789abcdef0123456789abcdef";
  model.subscriptions = {subscription};
  apim::Policy policy;
  policy.number = 6;
  policy.scope = {apim::PolicyScopeKind::product, "starter", ""};
  policy.text =
      "<policies><inbound><rate-limit calls='1000' renewal-period='60' "
      "remaining-calls-header-name='X-Left'/><quota calls='100000' bandwidth='1000000' "
      "renewal-period='0'/><set-header "
      "name='X-A'><value>1</value></set-header></inbound></policies>";
  model.policies = {policy};
  return model;
}

class NoSink final : public analytics::UsageSink {
 public:
  bool record(const analytics::UsageRecord&) noexcept override { return true; }
};

TEST(Allocations, ACallInSteadyStateMakesNone) {
  count_allocations();
  policy::Limits limits;
  gateway::Publisher publisher;
  Control control(BuilderOptions{}, limits, publisher);
  ASSERT_TRUE(control.update(one_api()).empty());
  gateway::SnapshotHandle handle(publisher);
  gateway::Call call;
  gateway::Watching watching;
  watching.join_traces = true;
  call.options.watching = &watching;
  gateway::RequestIds ids;
  NoSink sink;
  char buffer[4096];
  std::size_t made = 0;
  for (int round = 0; round < 700; ++round) {
    // The ring of admission times grows to what is in use; by then it has.
    const std::size_t before = allocations;
    auto& request = call.x.request;
    request.method = "POST";
    request.path = "/azureml-demo/workspaces/a%20b/services/c/execute";
    request.query = "api-version=2.0&details=true";
    request.scheme = "https";
    request.authority = "localhost:8443";
    request.peer = "127.0.0.1";
    request.headers.add("Host", "localhost:8443");
    request.headers.add("Ocp-Apim-Subscription-Key", "0123456789abcdef0123456789abcdef");
    request.headers.add("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    call.pin = handle.pin();
    call.x.now_ns = round;
    gateway::begin_watching(call, ids);
    ASSERT_TRUE(call.watch.context.joined());
    ASSERT_EQ(gateway::begin(call), gateway::Step::forward);
    ASSERT_TRUE(gateway::compose_forward_head(call, {}, buffer));
    call.x.response.status = 200;
    call.x.response.headers.add("Content-Type", "application/json");
    ASSERT_EQ(gateway::respond(call), gateway::Step::forward);
    gateway::finish(call, {.request_bytes = 1, .response_bytes = 1}, sink);
    call.reset();
    if (round >= 600) made += allocations - before;
  }
  EXPECT_EQ(made, 0u);
  EXPECT_GT(allocations, 0u) << "The counter works.";
}

}  // namespace
}  // namespace mlgate::control
