// Errors that are not the body's fault: modules that fail while they score, models that cannot be
// loaded, a compute pool that has no room.
#include "webservice/rrs_test_support_internal.h"

#include <new>

namespace mlgate::webservice {
namespace {

using testing::Call;

using RrsFaults = testing::RrsTest;

constexpr std::string_view kRow = R"({"Inputs":{"input1":[{"Col2":"This is a good day"}]})";

constexpr std::string_view kLinkedTarget =
    R"({"Name":"Hashing bitsize","Value":"1"},)"
    R"j({"Name":"Target column(s)","LinkedGlobalParameter":"Target"})j";

// A selection of columns is known to be wrong only when it meets its table.
TEST_F(RrsFaults, AModuleThatFailsWhileScoringSaysWhyInItsOwnWords) {
  testing::GraphParts parts;
  parts.selection = testing::kSelectAll;
  parts.hashing = kLinkedTarget;
  const std::string target = [] {
    std::string text = R"(,"Parameters":[{"Name":"Target","Value":)";
    append_json_string(text, testing::kSelectCol2);
    return text + "}]";
  }();
  parts.service = target;
  parts.inputs = R"({"Id":"input1","PortId":"s:0"})";
  publish(parts);
  const auto body = [](std::string_view rule) {
    std::string selection = R"({"begin":"none","keepOrder":false,"rules":[)";
    selection += rule;
    std::string text =
        R"({"Inputs":{"input1":[{"Col1":5,"Col2":"a"}]},"GlobalParameters":{"Target":)";
    append_json_string(text, selection + "]}");
    return text + "}}";
  };
  const auto by_name = [&](std::string_view column) {
    return body(R"({"action":"include","kind":"names","names":[")" + std::string(column) + "\"]}");
  };
  EXPECT_EQ(send(call("", by_name("Col2"))).status, 200);
  const http::Response missing = send(call("", by_name("Col9")));
  EXPECT_EQ(missing.status, 400);
  EXPECT_EQ(missing.body,
            R"({"error":{"code":"ModuleExecutionError",)"
            R"("message":"Module execution encountered an error.",)"
            R"("details":[{"code":"ModuleExecutionError",)"
            R"("message":"Error 0001: Column with name or index \"Col9\" not found."}]}})");
  expect_error(call("", by_name("Col1")), 400, "ModuleExecutionError", "ModuleExecutionError",
               "Error 0017: Cannot process column \"Col1\" of type Int32.");
  expect_error(call("", body(R"({"action":"include","kind":"indices","indices":"2-9"})")), 400,
               "ModuleExecutionError", "ModuleExecutionError",
               "Error 0060: Column range \"2-9\" is invalid or out of range.");
  // What is wrong whatever the table is refused before anything runs.
  expect_error(call("", body(R"({"action":"take"})")), 400, "BadArgument", "UserParameterInvalid",
               "\"Target\"");
}

TEST_F(RrsFaults, AModelThatCannotBeLoadedIsAnInternalErrorUntilItIsPublishedAgain) {
  publish({});
  const Call made = call("", std::string(kRow) + "}");
  Call described;
  described.method = "GET";
  described.path = base() + "/swagger.json";
  fixture_.datasets = [](std::string_view) -> Result<table::Table> {
    return fail(Errc::not_found, "the dataset was deleted");
  };
  fixture_.open();
  RequestResponse after(*fixture_.registry, testing::run_inline, {});
  const auto broken = made.send(after);
  testing::expect_error(broken, 500, "InternalError", "ModuleLoadFailed",
                        "the dataset was deleted");
  EXPECT_NE(broken.body.find(R"("message":"Execution encountered an internal error.")"),
            std::string::npos);
  testing::expect_error(described.send(after), 500, "InternalError", "ModuleLoadFailed",
                        "the dataset was deleted");
  Call stranger = made;
  stranger.headers.clear();
  testing::expect_error(stranger.send(after), 401, "Unauthorized", "ScoreRequestUnauthorized");

  fixture_.datasets = testing::samples;
  fixture_.open();
  RequestResponse again(*fixture_.registry, testing::run_inline, {});
  EXPECT_EQ(made.send(again).status, 200);
}

// Fails as it is told.
class FailingScorer final : public ml::Scorer {
 public:
  using Outcome = std::function<Result<std::vector<table::Table>>()>;
  explicit FailingScorer(Outcome outcome) : outcome_(std::move(outcome)) {}
  const std::vector<ml::ScorerPort>& inputs() const noexcept override { return ports_; }
  const std::vector<ml::ScorerPort>& outputs() const noexcept override { return ports_; }
  const std::vector<ml::GlobalParameter>& global_parameters() const noexcept override {
    return globals_;
  }
  Result<std::vector<table::Table>> score(std::span<const table::Table>,
                                          const ml::Parameters&) const override {
    return outcome_();
  }
  bool row_wise() const noexcept override { return true; }

 private:
  Outcome outcome_;
  std::vector<ml::ScorerPort> ports_;
  std::vector<ml::GlobalParameter> globals_;
};

TEST(Score, FailuresOfAScorerHaveTheirClasses) {
  const auto outcome_of = [](FailingScorer::Outcome outcome) {
    Model model;
    model.scorer = std::make_shared<FailingScorer>(std::move(outcome));
    const auto scored = score(model, {}, AnswerForm::table, 1U << 20);
    return scored ? ServiceError{} : scored.error();
  };
  const ServiceError unknown =
      outcome_of([] { return fail(Errc::internal, "/var/lib/secret is missing"); });
  EXPECT_EQ(unknown.fault, Fault::unknown_error);
  EXPECT_EQ(error_response(unknown).body,
            R"({"error":{"code":"InternalError","message":"Execution encountered an internal )"
            R"(error.","details":[{"code":"UnknownError","message":"Unknown error."}]}})");
  EXPECT_EQ(error_response(unknown).status, 500);
  EXPECT_EQ(outcome_of([] { return fail(Errc::exhausted, "too much"); }).fault,
            Fault::out_of_memory);
  EXPECT_EQ(outcome_of([]() -> Result<std::vector<table::Table>> { throw std::bad_alloc(); }).fault,
            Fault::out_of_memory);
}

TEST_F(RrsFaults, AFullComputePoolIsTooManyRequestsAndKeepsNoPlace) {
  publish({});
  const auto full = [](const std::function<void()>&) { return false; };
  RrsOptions options;
  options.inline_cost_max = std::chrono::nanoseconds(0);
  RequestResponse busy(*fixture_.registry, full, options);
  const auto refused = call("", std::string(kRow) + "}").send(busy);
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.body, R"({"error":{"code":"ServiceUnavailable",)"
                          R"("message":"Service is temporarily unavailable.",)"
                          R"("details":[{"code":"TooManyConcurrentRequests",)"
                          R"("message":"Too many concurrent requests sent."}]}})");
  EXPECT_EQ(testing::header_of(refused, "Retry-After"), "1");
  EXPECT_EQ(endpoint_->load->in_flight.load(), 0);
}

}  // namespace
}  // namespace mlgate::webservice
