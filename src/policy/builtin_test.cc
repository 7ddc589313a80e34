#include "policy/catalog.h"
#include "policy/exchange.h"

#include <gtest/gtest.h>

namespace mlgate::policy {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

class Policies : public testing::Test {
 protected:
  // The one policy of `text` in that section.
  std::shared_ptr<const CompiledDocument> compile(std::string_view inner, Section section,
                                                  Scope scope = Scope::product) {
    const std::string name(to_text(section));
    auto compiled = compile_document(
        catalog_, "<policies><" + name + ">" + std::string(inner) + "</" + name + "></policies>",
        Format::xml, {.scope = scope, .entity = 42, .limits = &limits_});
    EXPECT_TRUE(compiled.document) << (compiled.errors.empty() ? "" : compiled.errors[0].message());
    return compiled.document;
  }
  Flow run(const CompiledDocument& document, Section section) {
    return document.sections[std::size_t(section)]->front().policy->apply(x_);
  }
  void call_of(std::uint64_t subscription, std::string_view api = "echo-api",
               std::string_view operation = "op") {
    const auto ms = x_.now_ms;
    const auto ns = x_.now_ns;
    x_.reset();
    x_.now_ms = ms;
    x_.now_ns = ns;
    x_.matched.subscription = subscription;
    x_.matched.api_name = api;
    x_.matched.api_display_name = "Echo API";
    x_.matched.operation_name = operation;
  }
  std::string header(std::string_view name) {
    const auto* found = find_header(x_.response.headers, name);
    return found ? std::string(found->value) : "(none)";
  }
  std::string promised(std::string_view name) {
    for (const auto& field : x_.response_additions) {
      if (field.name == name) return std::string(field.value);
    }
    return "(none)";
  }

  PolicyCatalog catalog_ = builtin_policies();
  Limits limits_;
  Exchange x_;
};

TEST_F(Policies, RateLimitRefusesTheCallAfterTheLast) {
  const auto document = compile("<rate-limit calls='5' renewal-period='60' />", Section::inbound);
  for (int i = 0; i < 5; ++i) {
    call_of(1);
    EXPECT_EQ(run(*document, Section::inbound), Flow::next);
    EXPECT_TRUE(x_.response_additions.empty());
  }
  x_.now_ns = 3 * kSecond;
  call_of(1);
  EXPECT_EQ(run(*document, Section::inbound), Flow::error);
  EXPECT_EQ(x_.response.status, 429);
  EXPECT_EQ(x_.response.reason, "Too Many Requests");
  EXPECT_EQ(
      x_.response.body,
      R"({ "statusCode": 429, "message": "Rate limit is exceeded. Try again in 57 seconds." })");
  EXPECT_EQ(x_.response.body.size(), 84u);
  EXPECT_EQ(header("Retry-After"), "57");
  EXPECT_EQ(header("Content-Type"), "application/json");
  EXPECT_EQ(x_.error.reason, "RateLimitExceeded");
  call_of(2);
  EXPECT_EQ(run(*document, Section::inbound), Flow::next)
      << "Another caller has a counter of its own.";
  call_of(0);
  EXPECT_EQ(run(*document, Section::inbound), Flow::next) << "No subscription, no limit.";
  x_.now_ns = 60 * kSecond;
  call_of(1);
  EXPECT_EQ(run(*document, Section::inbound), Flow::next);
}

TEST_F(Policies, RateLimitNamesItsHeadersAndVariables) {
  const auto document = compile(
      "<rate-limit calls='2' renewal-period='10' retry-after-header-name='X-Again' "
      "retry-after-variable-name='again' remaining-calls-header-name='X-Left' "
      "remaining-calls-variable-name='left' total-calls-header-name='X-Total' />",
      Section::inbound);
  call_of(1);
  EXPECT_EQ(run(*document, Section::inbound), Flow::next);
  EXPECT_EQ(promised("X-Left"), "1");
  EXPECT_EQ(promised("X-Total"), "2");
  ASSERT_TRUE(x_.variable("left"));
  EXPECT_EQ(*x_.variable("left"), "1");
  call_of(1);
  EXPECT_EQ(run(*document, Section::inbound), Flow::next);
  call_of(1);
  EXPECT_EQ(run(*document, Section::inbound), Flow::error);
  EXPECT_EQ(header("X-Left"), "0");
  EXPECT_EQ(header("X-Again"), "10");
  EXPECT_EQ(header("Retry-After"), "(none)");
  EXPECT_EQ(*x_.variable("again"), "10");
}

TEST_F(Policies, RateLimitChildrenHaveCountersOfTheirOwn) {
  const auto document = compile(
      "<rate-limit calls='10' renewal-period='60'>"
      "<api name='echo api' calls='3' renewal-period='30'>"
      "<operation id='slow' name='ignored' calls='1' renewal-period='20'/></api></rate-limit>",
      Section::inbound);
  call_of(1, "echo-api", "slow");
  EXPECT_EQ(run(*document, Section::inbound), Flow::next);
  call_of(1, "echo-api", "slow");
  EXPECT_EQ(run(*document, Section::inbound), Flow::error);
  EXPECT_EQ(header("Retry-After"), "20");
  for (int i = 0; i < 2; ++i) {
    call_of(1, "echo-api", "fast");
    EXPECT_EQ(run(*document, Section::inbound), Flow::next);
  }
  call_of(1, "echo-api", "fast");
  EXPECT_EQ(run(*document, Section::inbound), Flow::error);
  EXPECT_EQ(header("Retry-After"), "30");
  call_of(1, "other-api", "fast");
  x_.matched.api_display_name = "Other";
  EXPECT_EQ(run(*document, Section::inbound), Flow::next);
}

TEST_F(Policies, QuotaAnswersWithTheTimeUntilItIsFullAgain) {
  const auto document = compile("<quota calls='1' renewal-period='36000' />", Section::inbound);
  call_of(1);
  EXPECT_EQ(run(*document, Section::inbound), Flow::next);
  x_.now_ms = (36'000 - (7 * 3600 + 80)) * 1000;
  call_of(1);
  EXPECT_EQ(run(*document, Section::inbound), Flow::error);
  EXPECT_EQ(x_.response.status, 403);
  EXPECT_EQ(x_.response.body, R"({ "statusCode": 403, "message": "Out of call volume quota. Quota )"
                              R"(will be replenished in 07:01:20." })");
  EXPECT_EQ(x_.response.body.size(), 100u);
  EXPECT_EQ(header("Retry-After"), "25280");
  EXPECT_EQ(x_.error.reason, "QuotaExceeded");
}

TEST_F(Policies, BandwidthQuotaCountsWhenTheCallHasEnded) {
  const auto document = compile("<quota bandwidth='1' renewal-period='0' />", Section::inbound);
  call_of(1);
  EXPECT_EQ(run(*document, Section::inbound), Flow::next);
  ASSERT_EQ(x_.charges.size(), 1u);
  x_.charges[0].quotas->add_bytes(x_.charges[0].rule, 1024, 0);
  call_of(1);
  EXPECT_EQ(run(*document, Section::inbound), Flow::error);
  EXPECT_EQ(x_.response.body, R"({ "statusCode": 403, "message": "Out of bandwidth quota." })");
  EXPECT_EQ(header("Retry-After"), "(none)") << "It is never renewed.";
}

class SetHeaderPolicy : public Policies {
 protected:
  std::string request_header(std::string_view name) {
    std::string out;
    for (const auto& field : x_.request.headers) {
      if (field.name == name) out += "[" + std::string(field.value) + "]";
    }
    return out;
  }
  void apply(std::string_view inner) {
    const auto document = compile(inner, Section::inbound);
    kept_.push_back(document);
    EXPECT_EQ(run(*document, Section::inbound), Flow::next);
  }
  std::vector<std::shared_ptr<const CompiledDocument>> kept_;
};

TEST_F(SetHeaderPolicy, ExistsActionsDoWhatTheySay) {
  x_.request.headers.add("X-A", "1");
  x_.request.headers.add("X-A", "2");
  apply("<set-header name='X-A' exists-action='append'><value>3</value></set-header>");
  EXPECT_EQ(request_header("X-A"), "[1,2,3]");
  apply("<set-header name='X-A' exists-action='skip'><value>4</value></set-header>");
  EXPECT_EQ(request_header("X-A"), "[1,2,3]");
  apply("<set-header name='X-A'><value> 5 </value><value>6</value></set-header>");
  EXPECT_EQ(request_header("X-A"), "[5,6]");
  apply("<set-header name='x-a' exists-action='delete' />");
  EXPECT_EQ(request_header("X-A"), "");
  apply("<set-header name='X-A' exists-action='skip'><value>7</value></set-header>");
  EXPECT_EQ(request_header("X-A"), "[7]");
  apply(
      "<set-header name='X-B' "
      "exists-action='append'><value>8</value><value>9</value></set-header>");
  EXPECT_EQ(request_header("X-B"), "[8,9]");
}

TEST_F(SetHeaderPolicy, CookiesAndTheirLikeRepeat) {
  apply("<set-header name='Cookie'><value>a=1</value><value>b=2</value></set-header>");
  EXPECT_EQ(request_header("Cookie"), "[a=1][b=2]");
  apply("<set-header name='Cookie' exists-action='append'><value>c=3</value></set-header>");
  EXPECT_EQ(request_header("Cookie"), "[a=1][b=2][c=3]");
}

TEST_F(SetHeaderPolicy, OutboundChangesTheResponseButNotItsServer) {
  x_.response.headers.add("Server", "nginx");
  auto document = compile("<set-header name='server' exists-action='delete'/>", Section::outbound);
  run(*document, Section::outbound);
  EXPECT_EQ(header("Server"), "nginx");
  document = compile("<set-header name='X-R'><value>r</value></set-header>", Section::on_error);
  run(*document, Section::on_error);
  EXPECT_EQ(header("X-R"), "r");
}

TEST_F(SetHeaderPolicy, HostSetByAPolicyIsRemembered) {
  apply("<set-header name='host'><value>inner.example</value></set-header>");
  EXPECT_TRUE(x_.request.host_overridden);
}

TEST_F(Policies, ForwardRequestCarriesItsTimeout) {
  auto document =
      compile("<forward-request timeout='7' fail-on-error-status-code='true'/>", Section::backend);
  EXPECT_EQ(run(*document, Section::backend), Flow::forward);
  EXPECT_EQ(x_.forward.timeout_ms, 7000u);
  EXPECT_TRUE(x_.forward.fail_on_error_status);
  document = compile("<forward-request timeout-ms='15'/>", Section::backend);
  run(*document, Section::backend);
  EXPECT_EQ(x_.forward.timeout_ms, 15u);
}

TEST_F(Policies, AnswersEscapeTheirMessagesAndFailuresCarryTheActivity) {
  answer_error(x_, 401, "Access Denied", "a \"b\"\n\\");
  EXPECT_EQ(x_.response.body, "{ \"statusCode\": 401, \"message\": \"a \\\"b\\\"\\u000a\\\\\" }");
  x_.request_id[0] = 0x0123456789abcdef;
  x_.request_id[1] = 0xfedcba9876543210;
  answer_failure(x_);
  EXPECT_EQ(x_.response.body, R"({ "statusCode": 500, "message": "Internal server error", )"
                              R"("activityId": "01234567-89ab-cdef-fedc-ba9876543210" })");
  EXPECT_EQ(x_.response.body.size(), 111u);
}

TEST_F(Policies, ACallAllocatesItsTextInTheArenaAndStartsAfresh) {
  std::string_view big = x_.arena.copy(std::string(100'000, 'a'));
  EXPECT_EQ(big.size(), 100'000u);
  EXPECT_EQ(x_.arena.join({"x", "", "y"}), "xy");
  x_.set_variable("v", "1");
  x_.reset();
  EXPECT_FALSE(x_.variable("v"));
}

}  // namespace
}  // namespace mlgate::policy
