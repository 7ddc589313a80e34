// Services with other ports than one input and one output, the address by subscription, and the
// document that describes a service.
#include "webservice/rrs_test_support_internal.h"

#include <fstream>
#include <iterator>

namespace mlgate::webservice {
namespace {

using testing::Call;

using RrsPorts = testing::RrsTest;

// Select Columns serves input1 to output1, Feature Hashing serves input2 to output2.
testing::GraphParts two_ports() {
  testing::GraphParts parts;
  parts.hashing = R"({"Name":"Hashing bitsize","Value":"1"})";
  parts.inputs = R"({"Id":"input1","PortId":"s:0"},{"Id":"input2","PortId":"h:0"})";
  parts.outputs = R"({"Id":"output1","PortId":"s:0"},{"Id":"output2","PortId":"h:0"})";
  return parts;
}

constexpr std::string_view kFirst = R"("input1":{"ColumnNames":["Col1","Col2"],"Values":[[4,"a"],)"
                                    R"([5,null]]})";
constexpr std::string_view kSecond = R"("input2":[{"Col2":"This is a good day"}])";

std::string inputs(std::string_view one, std::string_view two = {}) {
  std::string body = R"({"Inputs":{)" + std::string(one);
  if (!two.empty()) body += "," + std::string(two);
  return body + "}}";
}

TEST_F(RrsPorts, SeveralInputsComeInAnyOrderAndOutputsLeaveInTheirs) {
  publish(two_ports());
  for (const std::string& body : {inputs(kFirst, kSecond), inputs(kSecond, kFirst)}) {
    EXPECT_EQ(
        send(call("", body)).body,
        R"({"Results":{"output1":{"type":"table","value":{"Values":[["a"],[null]]}},)"
        R"("output2":{"type":"table","value":{"Values":[["This is a good day","3","6"]]}}}})");
    EXPECT_EQ(send(call("details=true", body)).body,
              R"({"Results":{"output1":{"type":"table","value":{"ColumnNames":["Col2"],)"
              R"("ColumnTypes":["String"],"Values":[["a"],[null]]}},)"
              R"("output2":{"type":"table","value":{"ColumnNames":["Col2",)"
              R"("Col2_HashingFeature_1","Col2_HashingFeature_2"],)"
              R"("ColumnTypes":["String","Double","Double"],)"
              R"("Values":[["This is a good day","3","6"]]}}}})");
    EXPECT_EQ(send(call("format=swagger", body)).body,
              R"({"Results":{"output1":[{"Col2":"a"},{"Col2":null}],)"
              R"("output2":[{"Col2":"This is a good day","Col2_HashingFeature_1":"3",)"
              R"("Col2_HashingFeature_2":"6"}]}})");
  }
}

TEST_F(RrsPorts, EachOfSeveralInputsIsNeededAndNamedWhenItIsWrong) {
  publish(two_ports());
  expect_error(call("", inputs(kFirst)), 400, "BadArgument", "MissingRequestInput");
  expect_error(call("", inputs(kSecond)), 400, "BadArgument", "MissingRequestInput");
  expect_error(call("", inputs(kFirst, R"("input2":null)")), 400, "BadArgument",
               "MissingRequestInput");
  expect_error(call("", inputs(std::string(kFirst) + ",\"input3\":[]", kSecond)), 400,
               "BadArgument", "InvalidInputNames", "input3. Please map");
  expect_error(call("", inputs(kFirst, R"("input2":[{"Col2":"a"},{"Col2":[]}])")), 400,
               "BadUserArgument", "InputParseError",
               "input \"input2\", row 2, column \"Col2\": expected String, found an array");
  expect_error(call("", inputs(kFirst, kFirst)), 400, "BadUserArgument", "InputParseError",
               "input \"input1\": the input is given twice");
}

TEST_F(RrsPorts, OneInputMayFeedSeveralOutputs) {
  testing::GraphParts parts = two_ports();
  parts.inputs = R"({"Id":"input1","PortId":"s:0"})";
  publish(parts);
  EXPECT_EQ(send(call("", inputs(R"("input1":[{"Col1":1,"Col2":"This is a good day"}])"))).body,
            R"({"Results":{"output1":{"type":"table","value":{"Values":[["This is a good day"]]}},)"
            R"("output2":{"type":"table","value":{"Values":[["This is a good day","3","6"]]}}}})");
}

TEST_F(RrsPorts, AServiceWithoutInputsTakesEmptyOnes) {
  testing::GraphParts parts;
  parts.inputs = {};
  parts.outputs = R"({"Id":"output1","PortId":"s:0"})";
  publish(parts);
  for (const std::string_view body :
       {R"({"Inputs":{},"GlobalParameters":{}})", R"({"Inputs":null})", "{}"})
    EXPECT_EQ(send(call("", body)).body,
              R"({"Results":{"output1":{"type":"table","value":{"Values":[)"
              R"(["This is a good day"]]}}}})")
        << body;
  expect_error(call("", inputs(R"("input1":[])")), 400, "BadArgument", "InvalidInputNames",
               "input1. Please map");
}

constexpr std::string_view kSubscription = "0123456789abcdef0123456789abcdef";

TEST_F(RrsPorts, TheAddressBySubscriptionIsTheSameServiceWhereOneIsConfigured) {
  publish({});
  RrsOptions options;
  options.subscription_id = kSubscription;
  RequestResponse rrs(*fixture_.registry, testing::run_inline, options);
  Call made = call("", R"({"Inputs":{"input1":[{"Col2":"This is a good day"}]}})");
  const std::string expected = send(made).body;
  const std::string tail = "/services/" + endpoint_->id;
  const auto at = [&](std::string_view subscription, std::string_view end) {
    Call moved = made;
    moved.path = "/subscriptions/" + std::string(subscription) + tail + std::string(end);
    return moved;
  };
  const auto described = [&](std::string_view subscription) {
    Call asked = at(subscription, "/swagger.json");
    asked.method = "GET";
    asked.headers.clear();
    return asked;
  };
  EXPECT_TRUE(RequestResponse::owns(at(kSubscription, "/execute").path));
  for (const std::string_view id :
       {kSubscription, std::string_view("01234567-89AB-CDEF-0123-456789ABCDEF")}) {
    EXPECT_EQ(at(id, "/execute").send(rrs).body, expected) << id;
    const auto document = Json::parse(described(id).send(rrs).body);
    ASSERT_TRUE(document);
    EXPECT_EQ((*document)["basePath"].as_string(), base());
  }
  Call stranger = at(kSubscription, "/execute");
  stranger.headers.clear();
  testing::expect_error(stranger.send(rrs), 401, "Unauthorized", "ScoreRequestUnauthorized");
  const std::string other(32, '1');
  for (const std::string_view id : {std::string_view(other), std::string_view("x")}) {
    testing::expect_error(at(id, "/execute").send(rrs), 404, "NotFound",
                          "WebServiceIdNotFoundInWorkspace");
    testing::expect_error(described(id).send(rrs), 404, "NotFound",
                          "WebServiceIdNotFoundInWorkspace");
  }
  // Without a configured subscription there is no such address.
  expect_error(at(kSubscription, "/execute"), 404, "NotFound", "WebServiceIdNotFoundInWorkspace");
  expect_error(described(kSubscription), 404, "NotFound", "WebServiceIdNotFoundInWorkspace");
}

// The text with every place of `what` taken by `with`.
std::string replaced(std::string text, std::string_view what, std::string_view with) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size())
    text.replace(at, what.size(), with);
  return text;
}

// The whole document, members in order, for every data type, two ports and parameters of each kind.
TEST_F(RrsPorts, TheDocumentOfAServiceIsTheOneOnFile) {
  testing::GraphParts parts = two_ports();
  parts.dataset = "typed";
  parts.selection = testing::kSelectAll;
  parts.hashing = R"({"Name":"Hashing bitsize","LinkedGlobalParameter":"Bits"},)"
                  R"j({"Name":"Target column(s)","LinkedGlobalParameter":"Target"})j";
  std::string parameters = R"(,"Parameters":[{"Name":"Bits","Value":1},{"Name":"Target","Value":)";
  append_json_string(parameters, replaced(std::string(testing::kSelectCol2), "Col2", "Text"));
  parameters += "}]";
  parts.service = parameters;
  publish(parts);
  Call made;
  made.method = "GET";
  made.path = base() + "/swagger.json";
  const http::Response response = send(made);
  EXPECT_EQ(response.status, 200);
  const std::string document = replaced(
      replaced(response.body, fixture_.workspace.id, "{workspace}"), endpoint_->id, "{endpoint}");
  std::ifstream file(MLGATE_SOURCE_DIR "/tests/golden/typed_swagger.json");
  const auto on_file = Json::parse(std::string(std::istreambuf_iterator<char>(file), {}));
  ASSERT_TRUE(on_file);
  EXPECT_EQ(document, on_file->dump());
}

}  // namespace
}  // namespace mlgate::webservice
