// What jobs read and write: formats, ports, places, parameters, rows that cannot be scored; and
// what is refused at the door.
#include "batch/test_site.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace mlgate::batch {
namespace {

using testing::kStorage;
using testing::Operation;
using testing::reviews;
using testing::Site;
using testing::tutorial_graph;
using webservice::testing::graph_with_bits;

TEST(Batch, TheResultIsTheSameHoweverTheInputIsCut) {
  const std::string input = reviews(500);
  std::string expected;
  for (const std::size_t part_bytes : {std::size_t{8} << 20, std::size_t{4'000}, std::size_t{97}}) {
    for (const std::size_t threads : {1U, 4U}) {
      Site site(part_bytes);
      site.start(threads);
      site.put("box", "in.csv", input);
      const Json status = site.wait(site.run(Site::body("in.csv", "out.csv")));
      ASSERT_EQ(status.string_or("StatusCode"), "Finished") << status.dump();
      const auto result = site.get("box", "out.csv");
      ASSERT_TRUE(result);
      if (expected.empty()) expected = *result;
      EXPECT_EQ(*result, expected) << part_bytes << " " << threads;
    }
  }
  EXPECT_EQ(std::ranges::count(expected, '\r'), 501);
}

TEST(Batch, ABadRowFailsTheJobWithItsNumberOrIsSkippedAndReported) {
  std::string input = reviews(100);
  input += "100,\xff\xfe\r\n101,fine\r\n";
  for (const std::size_t part_bytes : {std::size_t{8} << 20, std::size_t{97}}) {
    Site site(part_bytes);
    site.start();
    site.put("box", "in.csv", input);
    const Json failed = site.wait(site.run(Site::body("in.csv", "out.csv")));
    EXPECT_EQ(failed.string_or("StatusCode"), "Failed");
    EXPECT_NE(failed.string_or("Details").find("Row 101, column \"Col2\""), std::string_view::npos)
        << failed.dump();
    EXPECT_EQ(failed.string_or("Details").find("Storage=true"), std::string_view::npos);
    EXPECT_FALSE(site.get("box", "out.csv"));

    const Json skipped = site.wait(site.run(Site::body("in.csv", "out.csv"), "onRowError=skip"));
    EXPECT_EQ(skipped.string_or("StatusCode"), "Finished") << skipped.dump();
    const std::string result = *site.get("box", "out.csv");
    EXPECT_NE(result.find("fine,"), std::string::npos);
    EXPECT_EQ(std::ranges::count(result, '\r'), 102);
    const auto report = site.get("box", "out.csv.errors.csv");
    ASSERT_TRUE(report);
    EXPECT_TRUE(report->starts_with("Row,Column,Message\r\n101,Col2,")) << *report;
    EXPECT_EQ(std::ranges::count(*report, '\n'), 2) << *report;

    // Nothing is skipped this time, and the report says so.
    site.put("box", "good.csv", reviews(10));
    site.wait(site.run(Site::body("good.csv", "out.csv"), "onRowError=skip"));
    EXPECT_EQ(*site.get("box", "out.csv.errors.csv"), "Row,Column,Message\r\n");
  }
}

TEST(Batch, FilesWithoutRowsAndWithoutAnything) {
  Site site;
  site.start();
  site.put("box", "rowless.csv", "Col2\r\n");
  EXPECT_EQ(site.wait(site.run(Site::body("rowless.csv", "a.tsv"))).string_or("StatusCode"),
            "Finished");
  EXPECT_TRUE(site.get("box", "a.tsv")->starts_with("Col2\tCol2_HashingFeature_1\t"));
  site.put("box", "empty.csv", "");
  EXPECT_EQ(site.wait(site.run(Site::body("empty.csv", "b.csv"))).string_or("StatusCode"),
            "Finished");
}

TEST(Batch, ArffInAndOut) {
  for (const std::size_t part_bytes : {std::size_t{8} << 20, std::size_t{70}}) {
    Site site(part_bytes);
    site.start();
    std::string input = "@relation r\n@attribute Col2 string\n@data\n";
    for (int i = 0; i < 20; ++i) input += "'This is a good day'\n% comment\n";
    site.put("box", "in.arff", input);
    const Json status = site.wait(site.run(Site::body("in.arff", "out.arff")));
    ASSERT_EQ(status.string_or("StatusCode"), "Finished") << status.dump();
    const std::string result = *site.get("box", "out.arff");
    EXPECT_TRUE(result.ends_with("'This is a good day',1,1,2,2,0,2,0,1\n")) << result;
    EXPECT_EQ(std::ranges::count(result, '\''), 40);
  }
}

ml::Graph graph_with_three_bits(const ml::Catalogue& catalogue) {
  return graph_with_bits(catalogue, R"(,"Value":"3")");
}

TEST(Batch, GlobalParametersAreApplied) {
  Site site(97, {}, graph_with_three_bits);
  site.start();
  std::string input = "Col2\n";
  for (int i = 0; i < 20; ++i) input += "This is a good day\n";
  site.put("box", "in.csv", input);
  std::string body = Site::body("in.csv", "out.csv");
  body.replace(body.rfind("{}"), 2, R"({"Bits":2})");
  const Json status = site.wait(site.run(body));
  ASSERT_EQ(status.string_or("StatusCode"), "Finished") << status.dump();
  std::string expected =
      "Col2,Col2_HashingFeature_1,Col2_HashingFeature_2,Col2_HashingFeature_3,"
      "Col2_HashingFeature_4\r\n";
  for (int i = 0; i < 20; ++i) expected += "This is a good day,1,3,2,3\r\n";
  EXPECT_EQ(*site.get("box", "out.csv"), expected);
}

TEST(Batch, TsvInAndOut) {
  for (const std::size_t part_bytes : {std::size_t{8} << 20, std::size_t{60}}) {
    Site site(part_bytes);
    site.start();
    std::string input = "id\tCol2\n";
    for (int i = 0; i < 9; ++i) input += std::to_string(i) + "\tThis is, a good day\n";
    site.put("box", "in.tsv", input);
    const Json status = site.wait(site.run(Site::body("in.tsv", "out.tsv")));
    ASSERT_EQ(status.string_or("StatusCode"), "Finished") << status.dump();
    const std::string result = *site.get("box", "out.tsv");
    EXPECT_EQ(std::ranges::count(result, '\n'), 10) << result;
    EXPECT_NE(result.find("\r\nThis is, a good day\t"), std::string::npos) << result;
  }
}

// Two chains side by side: two inputs, two outputs, and rows that cannot be cut alike.
ml::Graph graph_of_two(const ml::Catalogue& catalogue) {
  ml::Graph graph = tutorial_graph(catalogue);
  ml::Node other = *std::ranges::find(graph.nodes, "h", &ml::Node::id);
  other.id = "h2";
  graph.nodes.push_back(other);
  graph.edges.push_back({"s", 0, "h2", 0});
  graph.service_inputs.push_back({"input2", "h2", 0});
  graph.service_outputs.push_back({"output2", "h2", 0});
  return graph;
}

std::string body_of_two(const std::string& inputs, const std::string& outputs) {
  return R"({"Inputs":{)" + inputs + R"(},"Outputs":{)" + outputs + "}}";
}

std::string port(const std::string& name, const std::string& blob) {
  return '"' + name + R"(":{"ConnectionString":"UseDevelopmentStorage=true","RelativeLocation":)" +
         R"("box/)" + blob + R"("})";
}

TEST(Batch, AServiceOfSeveralInputsAndOutputsIsScoredWhole) {
  Site site(97, {}, graph_of_two);
  site.start();
  site.put("box", "a.csv", reviews(30));
  site.put("box", "b.csv", "Col2\nThis is a good day\n");
  // Outputs in another order than the service's.
  const std::string job =
      site.run(body_of_two(port("input2", "b.csv") + "," + port("input1", "a.csv"),
                           port("output2", "y.csv") + "," + port("output1", "x.csv")));
  const Json status = site.wait(job);
  ASSERT_EQ(status.string_or("StatusCode"), "Finished") << status.dump();
  EXPECT_EQ(std::ranges::count(*site.get("box", "x.csv"), '\r'), 31);
  EXPECT_TRUE(site.get("box", "y.csv")->ends_with("\r\nThis is a good day,1,1,2,2,0,2,0,1\r\n"));
  EXPECT_EQ(status["Results"]["output1"].string_or("RelativeLocation"), "box/x.csv");
  EXPECT_EQ(status["Results"]["output2"].string_or("RelativeLocation"), "box/y.csv");
  // A row that cannot be read fails the job, whatever the policy: no row can be left out of one
  // input alone.
  site.put("box", "b.csv", "Col2\n\xff\n");
  const Json failed =
      site.wait(site.run(body_of_two(port("input1", "a.csv") + "," + port("input2", "b.csv"),
                                     port("output1", "x.csv")),
                         "onRowError=skip"));
  EXPECT_EQ(failed.string_or("StatusCode"), "Failed");
  EXPECT_NE(failed.string_or("Details").find("Input input2 (box/b.csv): Row 1"),
            std::string_view::npos)
      << failed.dump();
}

TEST(Batch, AnInputThatIsMissingIsNamed) {
  Site site(97, {}, graph_of_two);
  const auto code = [&](const std::string& body) {
    const http::Response answer = site.call(Operation::submit, {}, body);
    EXPECT_EQ(answer.status, 400) << answer.body;
    return std::string(
        Json::parse(answer.body)->find("error")->find("details")->items()[0].string_or("code"));
  };
  EXPECT_EQ(code(body_of_two(port("input1", "a.csv"), "")), "BatchJobInputsNotSpecified");
  EXPECT_EQ(code(R"({"Input":{"ConnectionString":"UseDevelopmentStorage=true",)"
                 R"("RelativeLocation":"box/a.csv"}})"),
            "BatchJobInputsNotSpecified");
}

TEST(Batch, AParameterWithoutADefaultHasToBeGiven) {
  Site site(97, {}, [](const ml::Catalogue& catalogue) { return graph_with_bits(catalogue, ""); });
  const http::Response answer = site.call(Operation::submit, {}, Site::body("in.csv", "out.csv"));
  EXPECT_EQ(answer.status, 400);
  EXPECT_NE(answer.body.find("MissingRequiredGlobalParameters"), std::string::npos) << answer.body;
}

TEST(Batch, ABodyThatIsTooLargeIsRefused) {
  Site site;
  const http::Response answer =
      site.call(Operation::submit, {}, std::string((std::size_t{1} << 20) + 1, ' '));
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(Json::parse(answer.body)->find("error")->find("details")->items()[0].string_or("code"),
            "RequestBodyTooLarge");
}

TEST(Batch, TheListComesInPages) {
  Site site;
  std::vector<std::string> jobs;
  for (int i = 0; i < 5; ++i) jobs.push_back(site.submit(Site::body("in.csv", "out.csv")));
  std::ranges::sort(jobs);  // Later jobs have smaller ids, and those of one millisecond any order.
  const auto page = [&](const std::string& query) {
    std::vector<std::string> ids;
    const Json list = *Json::parse(site.monitor({}, query));
    for (const Json& job : list.items()) ids.emplace_back(job.string_or("Id"));
    return ids;
  };
  EXPECT_EQ(page("limit=2"), std::vector(jobs.begin(), jobs.begin() + 2));
  EXPECT_EQ(page("limit=2&after=" + jobs[1]), std::vector(jobs.begin() + 2, jobs.begin() + 4));
  EXPECT_EQ(page("after=" + jobs[3]), std::vector(jobs.begin() + 4, jobs.end()));
  EXPECT_TRUE(page("after=" + jobs[4]).empty());
  for (const char* wrong : {"limit=0", "limit=1001", "limit=x"})
    EXPECT_NE(site.monitor({}, wrong).find("InvalidQueryParameter"), std::string::npos) << wrong;
}

TEST(Batch, WithoutOutputsTheResultIsInTheWorkspacesContainer) {
  Site site;
  site.start();
  site.put("box", "in.csv", "Col2\nx\n");
  const std::string job = site.run(R"({"Input":{"ConnectionString":"UseDevelopmentStorage=true",)"
                                   R"("RelativeLocation":"box/in.csv"}})");
  const Json status = site.wait(job);
  ASSERT_EQ(status.string_or("StatusCode"), "Finished") << status.dump();
  EXPECT_EQ(status["Results"]["output1"].string_or("RelativeLocation"),
            site.fixture.workspace.id + "/" + job + "/output1.csv");
  EXPECT_TRUE(site.get(site.fixture.workspace.id, job + "/output1.csv"));
}

TEST(Batch, ResultsInTheWorkspacesContainerGoWhenTheirRecordExpires) {
  Site site;
  site.put("box", "in.csv", "Col2\nx\n\xff\n");
  const std::string body = R"({"Input":{"ConnectionString":"UseDevelopmentStorage=true",)"
                           R"("RelativeLocation":"box/in.csv"}})";
  const TimeMs later = system_clock().now_ms() + 3'600'000;
  for (const bool deleted_before : {false, true}) {
    site.start();
    const std::string job = site.run(body, "onRowError=skip");
    ASSERT_EQ(site.wait(job).string_or("StatusCode"), "Finished");
    const std::string result = job + "/output1.csv";
    if (deleted_before) {
      EXPECT_EQ(site.call(Operation::remove, job).status, 200);
    }
    ASSERT_TRUE(site.ledger.sweep(later - 7'200'000));
    EXPECT_TRUE(site.get(site.fixture.workspace.id, result)) << "a link to it may be in use";
    ASSERT_TRUE(site.ledger.sweep(later));
    EXPECT_TRUE(site.await([&] { return site.ledger.litter()->empty(); }));
    EXPECT_FALSE(site.get(site.fixture.workspace.id, result));
    EXPECT_FALSE(site.get(site.fixture.workspace.id, result + ".errors.csv"));
    site.engine.reset();
  }
  EXPECT_TRUE(site.get("box", "in.csv"));
  EXPECT_EQ(*site.flaky->size_of(kLeft), 0U);
}

TEST(Batch, InputsThatWereUploadedForTheJobGoWithItsEnd) {
  Site site;
  site.put("box", "good.csv", "Col2\nx\n");
  site.put("box", "bad.csv", "Col2\n\xff\n");
  site.put("box", "cancelled.csv", "Col2\nx\n");
  site.put("box", "kept.csv", "Col2\nx\n");
  const std::string cancelled =
      site.submit(Site::body("cancelled.csv", "c.csv"), "deleteInputs=true");
  EXPECT_EQ(site.call(Operation::remove, cancelled).status, 200);
  site.start();
  EXPECT_EQ(site.wait(site.run(Site::body("good.csv", "a.csv"), "deleteInputs=true"))
                .string_or("StatusCode"),
            "Finished");
  EXPECT_EQ(site.wait(site.run(Site::body("bad.csv", "b.csv"), "deleteInputs=true"))
                .string_or("StatusCode"),
            "Failed");
  site.wait(site.run(Site::body("kept.csv", "d.csv")));
  EXPECT_TRUE(site.await([&] { return site.ledger.litter()->empty(); }));
  for (const char* name : {"good.csv", "bad.csv", "cancelled.csv"})
    EXPECT_FALSE(site.get("box", name)) << name;
  EXPECT_TRUE(site.get("box", "kept.csv"));
  EXPECT_TRUE(site.get("box", "a.csv"));
  EXPECT_EQ(
      site.call(Operation::submit, {}, Site::body("kept.csv", "e.csv"), "deleteInputs=1").status,
      400);
}

TEST(Batch, FailuresSayWhatIsMissing) {
  Site site;
  site.start();
  const auto details = [&](const std::string& json) {
    const Json status = site.wait(site.run(json));
    EXPECT_EQ(status.string_or("StatusCode"), "Failed");
    return std::string(status.string_or("Details"));
  };
  EXPECT_TRUE(details(Site::body("nothing.csv", "o.csv"))
                  .starts_with("Unable to access the provided Azure blob - box/nothing.csv.  Azure "
                               "error message: The blob does not exist. (BlobNotFound)"));
  site.put("box", "other.csv", "Col1\nx\n");
  EXPECT_NE(details(Site::body("other.csv", "o.csv")).find("There is no column \"Col2\""),
            std::string::npos);
  site.put("box", "in.csv", "Col2\nx\n");
  std::string elsewhere = Site::body("in.csv", "o.csv");
  elsewhere.replace(elsewhere.rfind("/box/"), 5, "/missing/");
  EXPECT_NE(details(elsewhere).find("The container does not exist. (ContainerNotFound)"),
            std::string::npos);
  const std::string wrong_key = Site::body("in.csv", "o.csv");
  std::string changed = wrong_key;
  changed.replace(changed.find(kStorage), kStorage.size(),
                  "AccountName=devstoreaccount1;AccountKey=c2VjcmV0");
  const std::string refused = details(changed);
  EXPECT_NE(refused.find("does not accept the account key"), std::string::npos) << refused;
  EXPECT_EQ(refused.find("c2VjcmV0"), std::string::npos);
}

struct Refusal {
  const char *body, *code, *text;
};
class Submit : public ::testing::TestWithParam<Refusal> {};

TEST_P(Submit, IsRefusedWithTheDocumentedCode) {
  Site site;
  const http::Response answer = site.call(Operation::submit, {}, GetParam().body);
  EXPECT_EQ(answer.status, 400) << answer.body;
  const Json error = *Json::parse(answer.body);
  const Json& detail = error["error"]["details"].items()[0];
  EXPECT_EQ(detail.string_or("code"), GetParam().code) << answer.body;
  EXPECT_NE(detail.string_or("message").find(GetParam().text), std::string_view::npos)
      << answer.body;
}

#define REF(location) \
  R"({"ConnectionString":"UseDevelopmentStorage=true","RelativeLocation":")" location R"("})"

INSTANTIATE_TEST_SUITE_P(
    Bodies, Submit,
    ::testing::Values(
        Refusal{"", "RequestBodyInvalid", ""}, Refusal{"[]", "RequestBodyInvalid", ""},
        Refusal{"{}", "MissingRequestInput", ""},
        Refusal{R"({"Input":)" REF("box/a.csv") R"(,"Inputs":{"input1":)" REF("box/a.csv") "}}",
                "DuplicateInputInBatchCall", ""},
        Refusal{R"({"Inputs":{"other":)" REF("box/a.csv") "}}", "InvalidInputNames", "other"},
        Refusal{R"({"Inputs":{"input1":)" REF("box/a.csv") R"(,"x":)" REF("box/a.csv") "}}",
                "BatchJobInputsTooManySpecified", "input1"},
        Refusal{R"({"Input":{}})", "MissingInputBlobInformation", ""},
        Refusal{R"({"Input":)" REF("") "}", "ContainerIsEmpty", ""},
        Refusal{R"({"Input":)" REF("B/a.csv") "}", "ContainerSegmentInvalid", ""},
        Refusal{R"({"Input":)" REF("box/") "}", "InputBlobRelativeLocationInvalid", ""},
        Refusal{R"({"Input":)" REF("box/a.txt") "}", "InvalidBlobExtension",
                "\".csv, .tsv, .arff\""},
        Refusal{R"({"Input":{"ConnectionString":"AccountName=a;AccountKey=***",)"
                R"("RelativeLocation":"box/a.csv"}})",
                "InvalidBlobConnectionString", "input1: AccountKey is not base64"},
        Refusal{R"({"Input":{"ConnectionString":"UseDevelopmentStorage=true",)"
                R"("BaseLocation":"http://x/","RelativeLocation":"box/a.csv"}})",
                "InvalidBlob", "box/a.csv"},
        Refusal{R"({"Input":)" REF("box/a.csv") R"(,"Outputs":{"x":)" REF("box/b.csv") "}}",
                "InvalidOutputOverrideName", "x"},
        Refusal{R"({"Input":)" REF("box/a.csv") R"(,"Outputs":{"output1":null}})",
                "MissingOutputOverrideSpecification", "output1"},
        Refusal{R"({"Input":)" REF("box/a.csv") R"(,"GlobalParameters":{"no":"1"}})",
                "UnexpectedParameter", ""}));

}  // namespace
}  // namespace mlgate::batch
