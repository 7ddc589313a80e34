// The request/response service as its callers see it: examples byte for byte, and each documented
// error.
#include "webservice/rrs_test_support_internal.h"

#include <atomic>
#include <mutex>
#include <thread>

namespace mlgate::webservice {
namespace {

using testing::Call;
using testing::header_of;

constexpr std::string_view kTableBody =
    R"({"Inputs":{"input1":{"ColumnNames":["Col2"],"Values":[["This is a good day"]]}},)"
    R"("GlobalParameters":{}})";
constexpr std::string_view kRow = R"(["This is a good day","1","1","2","2","0","2","0","1"])";
constexpr std::string_view kBare =
    R"({"Results":{"output1":{"type":"table","value":{"Values":[["This is a good day","1",)"
    R"("1","2","2","0","2","0","1"]]}}}})";
constexpr std::string_view kDetailed =
    R"({"Results":{"output1":{"type":"table","value":{"ColumnNames":["Col2",)"
    R"("Col2_HashingFeature_1",)"
    R"("Col2_HashingFeature_2","Col2_HashingFeature_3","Col2_HashingFeature_4",)"
    R"("Col2_HashingFeature_5","Col2_HashingFeature_6","Col2_HashingFeature_7",)"
    R"("Col2_HashingFeature_8"],"ColumnTypes":["String","Double","Double","Double","Double",)"
    R"("Double","Double","Double","Double"],"Values":[["This is a good day","1","1","2","2","0",)"
    R"("2","0","1"]]}}}})";
constexpr std::string_view kSwagger =
    R"({"Results":{"output1":[{"Col2":"This is a good day","Col2_HashingFeature_1":"1",)"
    R"("Col2_HashingFeature_2":"1","Col2_HashingFeature_3":"2","Col2_HashingFeature_4":"2",)"
    R"("Col2_HashingFeature_5":"0","Col2_HashingFeature_6":"2","Col2_HashingFeature_7":"0",)"
    R"("Col2_HashingFeature_8":"1"}]}})";

class Rrs : public testing::RrsTest {
 protected:
  Rrs() { use(fixture_.publish(testing::tutorial_graph(fixture_.catalogue))); }

  Call call(std::string_view query = "api-version=2.0", std::string_view body = kTableBody) const {
    return RrsTest::call(query, body);
  }
  void expect_parse_error(std::string_view input, std::string_view part) {
    expect_error(call("api-version=2.0", R"({"Inputs":{"input1":)" + std::string(input) + "}}"),
                 400, "BadUserArgument", "InputParseError", part);
  }
};

TEST_F(Rrs, AnswersTheTutorialCallByteForByte) {
  const auto detailed = send(call("api-version=2.0&details=true"));
  EXPECT_EQ(detailed.status, 200);
  EXPECT_EQ(detailed.body, kDetailed);
  EXPECT_EQ(header_of(detailed, "Content-Type"), "application/json; charset=utf-8");
  EXPECT_EQ(send(call()).body, kBare);
  EXPECT_EQ(send(call("details=TRUE")).body, kDetailed);
  EXPECT_EQ(send(call("details=1&api-version=2.0&other=x")).body, kBare);
  EXPECT_EQ(send(call("api-version=2.0&format=swagger")).body, kSwagger);
  EXPECT_EQ(send(call("details=true&FORMAT=Swagger")).body, kSwagger);
  EXPECT_EQ(send(call("api-version=2.0&format=")).body, kBare);
  // An address escaped for HTML reaches the server like this.
  EXPECT_EQ(send(call("api-version=2.0&amp;format&#x3D;swagger")).body, kBare);
}

TEST_F(Rrs, TakesBothBodyShapesInBothModes) {
  for (const std::string_view body : {
           std::string_view(
               R"({"Inputs":{"input1":[{"Col2":"This is a good day"}]},"GlobalParameters":{}})"),
           std::string_view(R"({"Inputs":{"input1":{"Col2":"This is a good day"}}})"),
           std::string_view(
               R"({"GlobalParameters":null,)"
               R"("Inputs":{"input1":[{"col2":"This is a good day"}]},"Id":[1,{"a":null}]})"),
           std::string_view(R"({"Inputs":{"input1":{"Values":[["This is a good day"]],)"
                            R"("ColumnNames":["COL2"]}}})"),
           std::string_view(R"({"Inputs":{"input1":{"type":"table","ColumnNames":["Col2"],)"
                            R"("Values":[["This is a good day"]]}}})"),
       }) {
    EXPECT_EQ(send(call("api-version=2.0", body)).body, kBare) << body;
    EXPECT_EQ(send(call("api-version=2.0&format=swagger", body)).body, kSwagger) << body;
  }
}

TEST_F(Rrs, KeepsRowsInOrderAndEmptyTablesEmpty) {
  const auto two =
      send(call("", R"({"Inputs":{"input1":{"ColumnNames":["Col2"],"Values":[["good"],[null],)"
                    R"(["This is a good day"]]}}})"));
  EXPECT_EQ(two.body,
            R"({"Results":{"output1":{"type":"table","value":{"Values":[["good","0","1","0","0",)"
            R"("0","0","0","0"],)"
            R"([null,"0","0","0","0","0","0","0","0"],)" +
                std::string(kRow) + "]}}}}");
  const auto none = send(call("", R"({"Inputs":{"input1":{"ColumnNames":["Col2"],"Values":[]}}})"));
  EXPECT_EQ(none.body, R"({"Results":{"output1":{"type":"table","value":{"Values":[]}}}})");
  EXPECT_EQ(send(call("format=swagger", R"({"Inputs":{"input1":[]}})")).body,
            R"({"Results":{"output1":[]}})");
}

TEST_F(Rrs, ReadsCellsOfTextColumnsAsWritten) {
  const auto response = send(
      call("", R"({"Inputs":{"input1":{"ColumnNames":["Col2"],"Values":[[1.50],[true],[false],)"
               R"(["a\"\\\n\u00e9"],[NaN],[""]]}}})"));
  ASSERT_EQ(response.status, 200) << response.body;
  const auto json = Json::parse(response.body);
  ASSERT_TRUE(json);
  std::vector<std::string> cells;
  for (const Json& row : (*json)["Results"]["output1"]["value"]["Values"].items())
    cells.emplace_back(row.items()[0].as_string());
  EXPECT_EQ(cells,
            (std::vector<std::string>{"1.50", "True", "False", "a\"\\\n\xC3\xA9", "NaN", ""}));
}

TEST_F(Rrs, ToleratesHowClientsSpellIdsAndCredentials) {
  Call made = call();
  made.headers[0].second = "bearer   " + endpoint_->secondary_key;
  EXPECT_EQ(send(made).body, kBare);
  std::string dashed = endpoint_->id;
  for (const std::size_t at : {20U, 16U, 12U, 8U}) dashed.insert(at, "-");
  for (char& c : dashed) c = char(std::toupper(c));
  made.path = "/workspaces/" + fixture_.workspace.id + "/services/" + dashed + "/execute";
  EXPECT_EQ(send(made).body, kBare);
}

TEST_F(Rrs, ReadsTheCharsetsThatCallersSend) {
  const auto with = [&](std::string_view type, std::string body) {
    Call made = call("", body);
    made.headers[1].second = type;
    return send(made);
  };
  const std::string ascii(kTableBody);
  std::string utf16_le = "\xFF\xFE", utf16_be;
  for (const char c : ascii) {
    utf16_le += {c, '\0'};
    utf16_be += {'\0', c};
  }
  EXPECT_EQ(with("application/json; charset=utf-8", "\xEF\xBB\xBF" + ascii).body, kBare);
  EXPECT_EQ(with("text/json", ascii).body, kBare);
  EXPECT_EQ(with("application/json;charset=US-ASCII", ascii).body, kBare);
  EXPECT_EQ(with("application/json; charset=utf-16", utf16_le).body, kBare);
  EXPECT_EQ(with("application/json; charset=\"utf-16\"", utf16_be).body, kBare);
  const auto latin = with("application/json; charset=iso-8859-1",
                          "{\"Inputs\":{\"input1\":[{\"Col2\":\"caf\xE9\"}]}}");
  EXPECT_NE(latin.body.find("\"caf\xC3\xA9\""), std::string::npos) << latin.body;
  for (const auto& [type, body] : std::vector<std::pair<std::string, std::string>>{
           {"application/json; charset=koi8-r", ascii},
           {"application/json; charset=us-ascii",
            "{\"Inputs\":{\"input1\":[{\"Col2\":\"\xC3\xA9\"}]}}"},
           {"application/json; charset=utf-16", utf16_le + "x"},
           {"application/json", "{\"Inputs\":{\"input1\":[{\"Col2\":\"caf\xE9\"}]}}"}}) {
    Call made = call("", body);
    made.headers[1].second = type;
    expect_error(made, 400, "BadArgument", "RequestBodyInvalid");
  }
}

TEST_F(Rrs, RefusesUnknownKeysInTheDocumentedBytes) {
  Call made = call();
  made.headers[0].second = "Bearer nonsense";
  const auto response = send(made);
  EXPECT_EQ(response.status, 401);
  EXPECT_EQ(
      response.body,
      R"({"error":{"code":"Unauthorized","message":"Request is unauthorized to access resource.",)"
      R"("details":[{"code":"ScoreRequestUnauthorized",)"
      R"("message":"Invalid credentials provided."}]}})");
  made.headers.erase(made.headers.begin());
  expect_error(made, 401, "Unauthorized", "ScoreRequestUnauthorized");
  made.path = "/workspaces/x/services/y/execute";
  expect_error(made, 401, "Unauthorized", "ScoreRequestUnauthorized");
}

TEST_F(Rrs, ChecksIdsBehindAKnownKey) {
  const auto other = fixture_.publish(testing::tutorial_graph(fixture_.catalogue));
  const auto second = *fixture_.registry->create_workspace("Other", "o@example.com");
  const auto at = [&](std::string_view w, std::string_view s) {
    Call made = call();
    made.path = "/workspaces/" + std::string(w) + "/services/" + std::string(s) + "/execute";
    return made;
  };
  const std::string& w = fixture_.workspace.id;
  expect_error(at(w, other->endpoints[0]->id), 401, "Unauthorized", "ScoreRequestUnauthorized");
  expect_error(at(w, std::string(32, '0')), 404, "NotFound", "WebServiceNotFound");
  expect_error(at(w, "not-an-id"), 400, "BadArgument", "WebServiceIdInvalid");
  expect_error(at(second.id, endpoint_->id), 404, "NotFound", "WebServiceIdNotFoundInWorkspace");
  expect_error(at(std::string(32, '0'), endpoint_->id), 404, "NotFound", "WorkspaceNotFound");
}

TEST_F(Rrs, ChecksMethodVersionAndParametersInThatOrder) {
  Call wrong_method = call("api-version=1.0");
  wrong_method.method = "GET";
  wrong_method.headers.clear();
  expect_error(wrong_method, 405, "MethodNotAllowed", "MethodNotAllowed");
  EXPECT_EQ(header_of(send(wrong_method), "Allow"), "POST");
  expect_error(call("api-version=1.0", "broken"), 400, "BadArgument", "BadVersionCall", "1.0");
  expect_error(call("format=xml", "broken"), 400, "BadArgument", "InvalidQueryParameter", "format");
  Call score = call();
  score.path = base() + "/score";
  expect_error(score, 400, "BadArgument", "BadVersionCall");
  score.headers.clear();
  expect_error(score, 401, "Unauthorized", "ScoreRequestUnauthorized");
  Call nothing = call();
  nothing.path = base() + "/other";
  EXPECT_EQ(send(nothing).status, 404);
}

TEST_F(Rrs, RefusesBodiesThatAreNoRequest) {
  for (const std::string_view body :
       {"", " ", "x", "[]", "null", "{", R"({"Inputs":)",
        R"({"Inputs":{"input1":[{"Col2":"a"}]}})"
        " x",
        R"({"Inputs":{"input1":[{"Col2":tru}]}})", R"({"Inputs":{"input1":[{"Col2":01}]}})",
        R"({"Inputs":{"input1":[{"Col2":"a"}]},"other":nul})", R"({"Inputs":7})",
        R"({"Inputs":{"input1":[{"Col2":"a"}]},"Inputs":{}})",
        R"({"Inputs":{"input1":[{"Col2":"\ud800x"}]}})",
        R"({"Inputs":{"input1":[{"Col2":"a"}]},"GlobalParameters":[]})"}) {
    expect_error(call("", body), 400, "BadArgument", "RequestBodyInvalid");
  }
  std::string deep = R"({"Inputs":{"input1":[{"Col2":"a"}]},"other":)";
  deep += std::string(200, '[') + std::string(200, ']') + "}";
  expect_error(call("", deep), 400, "BadArgument", "RequestBodyInvalid");
}

TEST_F(Rrs, NamesInputsThatAreMissingOrUnknown) {
  for (const std::string_view body :
       {R"({})", R"({"Inputs":null})", R"({"Inputs":{}})", R"({"Inputs":{"input1":null}})",
        R"({"GlobalParameters":{}})"})
    expect_error(call("", body), 400, "BadArgument", "MissingRequestInput");
  expect_error(call("", R"({"Inputs":{"Input1":[],"input1":[{"Col2":"a"}],"x":{"y":[1]}}})"), 400,
               "BadArgument", "InvalidInputNames", "Input1, x. Please map");
}

TEST_F(Rrs, NamesRowColumnAndExpectationOfABadCell) {
  expect_parse_error(R"({"ColumnNames":["Col2"],"Values":[["a"],["b","c"]]})",
                     "input \"input1\", row 2: expected 1 cells, found 2.");
  expect_parse_error(R"({"ColumnNames":["Col2"],"Values":[[]]})",
                     "row 1: expected 1 cells, found 0");
  expect_parse_error(R"({"ColumnNames":["Col2","Col9"],"Values":[]})",
                     "there is no column \"Col9\"");
  expect_parse_error(R"({"ColumnNames":["Col2","col2"],"Values":[]})", "\"col2\" is given twice");
  expect_parse_error(R"({"ColumnNames":[],"Values":[]})", "column \"Col2\" is missing");
  expect_parse_error(R"({"ColumnNames":["Col2"]})", "Values is missing");
  expect_parse_error(R"({"Values":[]})", "ColumnNames is missing");
  expect_parse_error(R"({"ColumnNames":["Col2"],"Values":[{"Col2":"a"}]})",
                     "row 1: expected an array");
  expect_parse_error(R"({"ColumnNames":[1],"Values":[]})", "has to be a string");
  expect_parse_error(R"([["a"]])", "row 1: expected an object");
  expect_parse_error(R"([{"Col2":"a"},{}])", "row 2: column \"Col2\" is missing");
  expect_parse_error(R"([{"Col2":"a","Col2":"b"}])", "row 1: column \"Col2\" is given twice");
  expect_parse_error(R"([{"Col2":"a","Col3":"b"}])", "there is no column \"Col3\"");
  expect_parse_error(R"([{"Col2":{}}])",
                     "row 1, column \"Col2\": expected String, found an object");
  expect_parse_error(R"([{"Col2":[1]}])", "expected String, found an array");
  expect_parse_error(R"("text")", "expected a table");
}

TEST_F(Rrs, StopsAtTheLimitsOfBodyAndMemory) {
  RrsOptions options;
  options.body_bytes_max = 64;
  RequestResponse small(*fixture_.registry, testing::run_inline, options);
  const auto response = call().send(small);
  EXPECT_EQ(response.status, 413);
  EXPECT_NE(response.body.find("RequestBodyTooLarge"), std::string::npos);
  EXPECT_NE(response.body.find("64"), std::string::npos);
  options = {};
  options.answer_bytes_max = 32;
  RequestResponse narrow(*fixture_.registry, testing::run_inline, options);
  const auto full = call().send(narrow);
  EXPECT_EQ(full.status, 413);
  EXPECT_NE(full.body.find("OutOfMemoryLimit"), std::string::npos);
}

TEST_F(Rrs, AnswersTheOtherPathsOfAService) {
  Call made = call("api-version=2.0", "");
  made.path = base() + "/jobs";
  expect_error(made, 501, "NotImplemented", "NotImplemented", made.path);
  made.method = "GET";
  expect_error(made, 405, "MethodNotAllowed", "MethodNotAllowed");
  made.path = base() + "/jobs/" + std::string(32, 'a');
  expect_error(made, 501, "NotImplemented", "NotImplemented", made.path);
  made.headers.clear();
  expect_error(made, 401, "Unauthorized", "ScoreRequestUnauthorized");
  Call echo;
  echo.path = "/echo/resource";
  echo.body = "abc";
  echo.headers = {{"Content-Type", "text/plain"}};
  EXPECT_TRUE(RequestResponse::owns(echo.path));
  const auto back = send(echo);
  EXPECT_EQ(back.status, 200);
  EXPECT_EQ(back.body, "abc");
  EXPECT_EQ(header_of(back, "Content-Type"), "text/plain");
}

TEST_F(Rrs, DescribesItselfWithoutAKey) {
  Call made;
  made.method = "GET";
  made.path = base() + "/swagger.json";
  const auto response = send(made);
  ASSERT_EQ(response.status, 200);
  const auto json = Json::parse(response.body);
  ASSERT_TRUE(json);
  EXPECT_EQ((*json)["host"].as_string(), "localhost:8445");
  EXPECT_EQ((*json)["basePath"].as_string(), base());
  const auto& paths = (*json)["paths"].members();
  ASSERT_EQ(paths.size(), 5U);
  EXPECT_EQ(paths[0].first, "/swagger.json");
  EXPECT_EQ(paths[1].first, "/execute?api-version=2.0&format=swagger");
  EXPECT_EQ(paths[1].second.members()[0].first, "post");
  EXPECT_EQ((*json)["definitions"]["ExecutionRequest"]["example"].dump(),
            R"({"Inputs":{"input1":[{"Col2":""}]},"GlobalParameters":{}})");
  EXPECT_EQ((*json)["definitions"]["output1Item"]["properties"]["Col2_HashingFeature_8"].dump(),
            R"({"type":"number","format":"double"})");
  for (const std::string_view prefix : {"/apihelp", ""}) {
    made.path = std::string(prefix) + "/workspaces/" + fixture_.workspace.id + "/webservices/" +
                service_->id + "/endpoints/" + endpoint_->id + "/apidocument";
    EXPECT_TRUE(RequestResponse::owns(made.path));
    const auto document = send(made);
    EXPECT_EQ(document.body.find_first_of("<>&"), std::string::npos);
    const auto same = Json::parse(document.body);
    ASSERT_TRUE(same);
    EXPECT_EQ(*same, *json);
  }
}

class RrsGlobals : public Rrs {
 protected:
  RrsGlobals() {
    use(fixture_.publish(testing::graph_with_bits(fixture_.catalogue, R"(,"Value":"3")")));
  }
  Call with(std::string_view globals) {
    return call("", R"({"Inputs":{"input1":[{"Col2":"This is a good day"}]},"GlobalParameters":)" +
                        std::string(globals) + "}");
  }
};

TEST_F(RrsGlobals, AppliesGivenValuesAndDefaults) {
  constexpr std::string_view four =
      R"({"Results":{"output1":{"type":"table","value":{"Values":[["This is a good day","1",)"
      R"("3","2","3"]]}}}})";
  for (const std::string_view same :
       {"{}", "null", R"({"Bits":""})", R"({"Bits":"3"})", R"({"Bits":3})", R"({"Bits":null})"})
    EXPECT_EQ(send(with(same)).body, kBare) << same;
  EXPECT_EQ(send(with(R"({"Bits":"2"})")).body, four);
  EXPECT_EQ(send(with(R"({"Bits":2})")).body, four);
}

TEST_F(RrsGlobals, RefusesUnknownNamesAndBadValues) {
  expect_error(with(R"({"bits":2})"), 400, "BadArgument", "UnexpectedParameter");
  expect_error(with(R"({"Bits":32})"), 400, "BadArgument", "UserParameterInvalid",
               "\"Bits\": Parameter \"Hashing bitsize\" value should be in the range of [1, 31].");
  expect_error(with(R"({"Bits":"x"})"), 400, "BadArgument", "UserParameterInvalid", "Bits");
  expect_error(with(R"({"Bits":[1]})"), 400, "BadArgument", "UserParameterInvalid", "Bits");
  expect_error(with(R"({"Bits":25})"), 413, "MemoryQuotaViolation", "OutOfMemoryLimit");
}

TEST_F(RrsGlobals, NeedsValuesWithoutDefault) {
  use(fixture_.publish(testing::graph_with_bits(fixture_.catalogue, {})));
  expect_error(with("{}"), 400, "BadArgument", "MissingRequiredGlobalParameters");
  expect_error(with(R"({"Bits":""})"), 400, "BadArgument", "MissingRequiredGlobalParameters");
  EXPECT_EQ(send(with(R"({"Bits":3})")).body, kBare);
}

// Work of the compute pool that the test lets run when it wants.
class Gate {
 public:
  bool post(std::function<void()> work) {
    const std::lock_guard lock(mutex_);
    work_.push_back(std::move(work));
    return true;
  }
  std::size_t waiting() {
    const std::lock_guard lock(mutex_);
    return work_.size();
  }
  void run_all() {
    std::vector<std::function<void()>> all;
    {
      const std::lock_guard lock(mutex_);
      all.swap(work_);
    }
    for (auto& work : all) work();
  }

 private:
  std::mutex mutex_;
  std::vector<std::function<void()>> work_;
};

TEST_F(Rrs, RunsLargeCallsOnTheComputePoolWithTheSameAnswer) {
  std::string body =
      R"({"Inputs":{"input1":{"ColumnNames":["Col2"],"Values":[["This is a good day"])";
  for (int i = 0; i < 20'000; ++i) body += R"(,["This is a good day"])";
  body += "]}}}";
  std::vector<std::thread> threads;
  const auto on_thread = [&](std::function<void()> work) {
    threads.emplace_back(std::move(work));
    return true;
  };
  RequestResponse pooled(*fixture_.registry, on_thread, {});
  const auto response = call("", body).send(pooled);
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(threads.size(), 1U);
  EXPECT_EQ(response.status, 200);
  RrsOptions all_inline;
  all_inline.inline_body_bytes_max = all_inline.body_bytes_max;
  all_inline.inline_cost_max = std::chrono::hours(1);
  const auto refuse = [](const std::function<void()>&) { return false; };
  RequestResponse direct(*fixture_.registry, refuse, all_inline);
  EXPECT_EQ(call("", body).send(direct).body, response.body);
  const auto full = call("", body);
  RequestResponse busy(*fixture_.registry, refuse, {});
  const auto refused = full.send(busy);
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(header_of(refused, "Retry-After"), "1");
  EXPECT_EQ(endpoint_->load->in_flight.load(), 0);
}

TEST_F(Rrs, GivesUpOnCallsThatTakeTooLong) {
  Gate gate;
  RrsOptions options;
  options.inline_cost_max = std::chrono::nanoseconds(0);
  options.time_max = std::chrono::milliseconds(1);
  RequestResponse late(
      *fixture_.registry, [&](auto work) { return gate.post(std::move(work)); }, options);
  const auto response = call().send(late);
  EXPECT_EQ(response.status, 408);
  EXPECT_NE(response.body.find("ScoreRequestTimeout"), std::string::npos);
  EXPECT_EQ(gate.waiting(), 1U);
}

TEST_F(Rrs, AnswersWhileTheServiceIsPublishedAgain) {
  std::atomic<bool> stop = false;
  std::atomic<int> wrong = 0, answered = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 2; ++i) {
    callers.emplace_back([&] {
      while (!stop || answered < 10) {
        if (send(call()).body != kBare) ++wrong;
        ++answered;
      }
    });
  }
  for (int i = 0; i < 10; ++i)
    fixture_.publish(testing::tutorial_graph(fixture_.catalogue), service_->id);
  stop = true;
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GE(answered, 10);
  const auto graphs = fixture_.store->list("ml.service_graph", "");
  ASSERT_TRUE(graphs);
  EXPECT_EQ(graphs->size(), 1U);  // Of the publications, only the one that serves is kept.
}

net::Awaitable<void> collect(RequestResponse& rrs, const http::Request& request,
                             std::vector<http::Response>& answers) {
  answers.push_back(co_await rrs.serve(request));
}

TEST_F(Rrs, LimitsTheCallsAtOnceOfAnEndpoint) {
  EndpointSettings settings;
  settings.throttle = ThrottleLevel::low;
  const auto low = *fixture_.registry->put_endpoint(*service_, "low", settings);
  EXPECT_EQ(low->concurrent_max, 4);
  Gate gate;
  RrsOptions options;
  options.inline_cost_max = std::chrono::nanoseconds(0);
  RequestResponse rrs(
      *fixture_.registry, [&](auto work) { return gate.post(std::move(work)); }, options);
  Call made = call();
  made.path = "/workspaces/" + fixture_.workspace.id + "/services/" + low->id + "/execute";
  made.headers[0].second = "Bearer " + low->primary_key;
  net::Poller poller;
  std::vector<http::Response> answers;
  http::Fields fields;
  const http::Request request = made.make(fields);
  net::TaskGroup tasks(poller.executor());
  for (int i = 0; i < 5; ++i) net::spawn(tasks, collect(rrs, request, answers));
  poller.run_until([&] { return !answers.empty(); });
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].status, 503);
  EXPECT_EQ(header_of(answers[0], "Retry-After"), "1");
  EXPECT_NE(answers[0].body.find("Request was throttled for low endpoint. The maximum concurrency "
                                 "for the endpoint is 4."),
            std::string::npos)
      << answers[0].body;
  gate.run_all();
  poller.run_until([&] { return tasks.running() == 0; });
  ASSERT_EQ(answers.size(), 5U);
  for (std::size_t i = 1; i < answers.size(); ++i) EXPECT_EQ(answers[i].body, kBare);
  EXPECT_EQ(low->load->in_flight.load(), 0);
}

}  // namespace
}  // namespace mlgate::webservice
