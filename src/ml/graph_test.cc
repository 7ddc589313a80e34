#include "ml/graph.h"

#include "ml/samples/samples.h"
#include "ml/scorer.h"

#include <gtest/gtest.h>

namespace mlgate::ml {
namespace {

using table::DataType;
using table::Table;

// The tutorial's experiment, as Studio stores it.
constexpr std::string_view kTutorial = R"({"Graph":{
  "ModuleNodes":[
    {"Id":"s-1","ModuleId":"Select",
     "ModuleParameters":[{"Name":"Select columns","Value":
"{\"begin\":\"none\",\"rules\":[{\"action\":\"include\",\"kind\":\"names\",\"names\":[\"Col2\"]}]}",
       "ValueType":"Literal"}],
     "InputPortsInternal":[{"DataSourceId":"reviews","Name":"Dataset","NodeId":"s-1"}],
     "OutputPortsInternal":[{"Name":"Results dataset","NodeId":"s-1"}]},
    {"Id":"f-2","ModuleId":"506.C9A82660-2D9C-411D-8122-4D9E0B3CE92A.v1-default-7",
     "ModuleParameters":[{"Name":"Hashing bitsize","Value":"3","ValueType":"Literal",
       "LinkedGlobalParameter":"bits"},{"Name":"N-grams","Value":2}],
     "InputPortsInternal":[{"DataSourceId":null,"Name":"Dataset","NodeId":"f-2"}],
     "OutputPortsInternal":[{"Name":"Transformed dataset","NodeId":"f-2"}],"Comment":"hash it"}],
  "EdgesInternal":[{"SourceOutputPortId":"s-1:Results dataset",
                    "DestinationInputPortId":"f-2:Dataset"}],
  "SerializedClientData":"<Positions/>"},
 "WebService":{"Inputs":[{"Id":"input1","PortId":"f-2:Dataset"}],
  "Outputs":[{"Id":"output1","PortId":"f-2:Transformed dataset"}],
  "Parameters":[{"Name":"bits","Value":"3"}],"SerializedClientData":"<Service/>"}})";

Table table_of(std::initializer_list<const char*> texts) {
  Table table;
  table::Column column = table::make_column("Col2", DataType::string);
  for (const char* text : texts) EXPECT_TRUE(append_parsed_cell(column, text));
  table.add(std::move(column));
  return table;
}

Result<Table> load(std::string_view id) {
  if (id != "reviews")
    return fail(Errc::not_found, "There is no dataset \"" + std::string(id) + "\".");
  Table table;
  table::Column rating = table::make_column("Col1", DataType::int32);
  EXPECT_TRUE(append_parsed_cell(rating, "5"));
  table.add(std::move(rating));
  table::Column text = table::make_column("Col2", DataType::string);
  EXPECT_TRUE(append_parsed_cell(text, "I loved this book"));
  table.add(std::move(text));
  return table;
}

std::string row_text(const Table& table, std::size_t row) {
  std::string all;
  for (const auto& column : table.columns) {
    if (!all.empty()) all += '|';
    append_cell_text(all, *column, row);
  }
  return all;
}

class Graphs : public testing::Test {
 protected:
  Graphs() {
    register_modules(catalogue_);
    tutorial_ = parse(kTutorial);
  }
  Graph parse(std::string_view text) const {
    Json json = Json::parse(text).value();
    const auto graph = Graph::parse(json);
    EXPECT_TRUE(graph) << graph.error().message();
    Graph out = graph.value_or(Graph());
    for (Node& node : out.nodes)
      if (node.module == "Select")
        node.module = catalogue_.find_name("Select Columns in Dataset")->info.family_id;
    return out;
  }
  std::vector<std::string> violations(const Graph& graph) const {
    std::vector<std::string> all;
    for (const Error& error : graph.validate(catalogue_))
      all.push_back(error.field() + " | " + error.message());
    return all;
  }
  Node* node(std::string_view id) {
    for (Node& node : tutorial_.nodes)
      if (node.id == id) return &node;
    return nullptr;
  }
  std::string refused() const {
    const auto scorer = compile_scorer(tutorial_, catalogue_, load);
    return scorer ? "" : scorer.error().message();
  }

  Catalogue catalogue_;
  Graph tutorial_;
};

TEST_F(Graphs, ParseReadsTheStudioShape) {
  ASSERT_EQ(tutorial_.nodes.size(), 3u);
  EXPECT_EQ(node("reviews")->dataset_id, "reviews");
  EXPECT_EQ(node("f-2")->module, "C9A82660-2D9C-411D-8122-4D9E0B3CE92A");
  EXPECT_EQ(node("f-2")->comment, "hash it");
  EXPECT_EQ(node("f-2")->global_parameters.at("Hashing bitsize"), "bits");
  ASSERT_EQ(tutorial_.edges.size(), 2u);
  EXPECT_EQ(tutorial_.service_inputs[0].name, "input1");
  EXPECT_EQ(tutorial_.service_outputs[0].node, "f-2");
  EXPECT_EQ(tutorial_.layout.as_string(), "<Positions/>");
  EXPECT_TRUE(violations(tutorial_).empty());
}

TEST_F(Graphs, WritingAndReadingKeepEverything) {
  const Json written = tutorial_.to_json();
  const auto again = Graph::parse(written);
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(again->to_json().dump(), written.dump());
  EXPECT_EQ(again->nodes.size(), 3u);
  EXPECT_EQ(again->edges.size(), 2u);
  EXPECT_EQ(written["Graph"]["ModuleNodes"].items()[1].string_or("ModuleId"),
            "506.C9A82660-2D9C-411D-8122-4D9E0B3CE92A.v1-default-7");
  EXPECT_EQ(written["Graph"]["ModuleNodes"].items()[0]["InputPortsInternal"].items()[0].string_or(
                "DataSourceId"),
            "reviews");
}

TEST_F(Graphs, TwoNodesOfOneDatasetStayTwo) {
  const Graph graph =
      parse(R"({"DataSourceNodes":[{"Id":"a","DataSourceId":"d"},{"Id":"b","DataSourceId":"d"}],
    "ModuleNodes":[{"Id":"f","ModuleId":"C9A826602D9C411D81224D9E0B3CE92A"}],
    "EdgesInternal":[{"SourceOutputPortId":"b:0","DestinationInputPortId":"f:0"}]})");
  const auto again = Graph::parse(graph.to_json());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->nodes.size(), 3u);
  ASSERT_EQ(again->edges.size(), 1u);
  EXPECT_EQ(again->edges[0].from_node, "b");
}

TEST_F(Graphs, ParseRefusesWhatIsNotAGraph) {
  for (const char* bad :
       {"[]", R"({"ModuleNodes":[{"ModuleId":"x"}]})", R"({"ModuleNodes":[{"Id":"x"}]})",
        R"({"EdgesInternal":[{"SourceOutputPortId":"a:0","DestinationInputPortId":"b:0"}]})",
        R"({"ModuleNodes":[{"Id":"x","ModuleId":"m"}],"WebService":{"Inputs":[
                             {"Id":"i","PortId":"x:Nope"}]}})",
        R"({"DataSourceNodes":[{"Id":"d"}]})"}) {
    EXPECT_FALSE(Graph::parse(Json::parse(bad).value())) << bad;
  }
}

TEST_F(Graphs, AnEdgeJoinsPortsOfOneType) {
  ModuleInfo info;
  info.name = "Train Model";
  info.family_id = "5CC7053EAF30411FA3E9CB8ACFE0D3C9";
  info.inputs = {{"Untrained model", "Learner"}, {"Dataset"}};
  info.outputs = {{"Trained model", "Learner"}};
  catalogue_.add({info, [](const Parameters&) -> Result<std::unique_ptr<const Module>> {
                    return fail(Errc::unsupported, "no more than a declaration");
                  }});
  const Graph graph = parse(R"({"DataSourceNodes":[{"Id":"d","DataSourceId":"reviews"}],
    "ModuleNodes":[{"Id":"t","ModuleId":"5CC7053EAF30411FA3E9CB8ACFE0D3C9"},
                   {"Id":"f","ModuleId":"C9A826602D9C411D81224D9E0B3CE92A"}],
    "EdgesInternal":[{"SourceOutputPortId":"d:0","DestinationInputPortId":"t:0"},
                     {"SourceOutputPortId":"d:0","DestinationInputPortId":"t:1"},
                     {"SourceOutputPortId":"t:0","DestinationInputPortId":"f:0"}],
    "WebService":{"Outputs":[{"Id":"model","PortId":"t:0"}]}})");
  std::vector<std::string> about_types;
  for (const std::string& one : violations(graph)) {
    if (one.contains("type")) about_types.push_back(one);
  }
  EXPECT_EQ(about_types,
            (std::vector<std::string>{
                "edges.0 | Node \"t\": input port 0 takes the type Learner, not Dataset.",
                "edges.2 | Node \"f\": input port 0 takes the type Dataset, not Learner.",
                "serviceOutputs.model | Web service output \"model\" is connected to a port of the "
                "type Learner; it has to be a Dataset."}));
}

TEST_F(Graphs, ValidateReportsEveryViolation) {
  Graph& graph = tutorial_;
  node("f-2")->parameters["Hashing bitsize"] = Json("40");
  node("f-2")->parameters["Colour"] = Json("red");
  node("f-2")->global_parameters["N-grams"] = "no such";
  graph.nodes.push_back({.id = "x",
                         .dataset_id = {},
                         .module = "feed",
                         .parameters = {},
                         .global_parameters = {},
                         .module_id = {},
                         .input_names = {},
                         .output_names = {},
                         .comment = {}});
  graph.edges.push_back({"reviews", 0, "f-2", 0});
  graph.edges.push_back({"reviews", 1, "f-2", 3});
  graph.edges.push_back({"f-2", 0, "s-1", 1});
  graph.service_inputs.push_back({"input1", "f-2", 0});
  graph.service_outputs.push_back({"", "", 0});
  const auto all = violations(graph);
  const auto has = [&](std::string_view text) {
    for (const auto& violation : all)
      if (violation.contains(text)) return true;
    return false;
  };
  EXPECT_TRUE(has("nodes.f-2.parameters.Hashing bitsize | Node \"f-2\": Error 0008"));
  EXPECT_TRUE(has("nodes.f-2.parameters.Colour | Node \"f-2\": Feature Hashing has no parameter"));
  EXPECT_TRUE(has("there is no web service parameter \"no such\""));
  EXPECT_TRUE(has("nodes.x | Node \"x\": there is no module \"feed\""));
  EXPECT_TRUE(has("edges.2 | Node \"f-2\": input port 0 has more than one connection."));
  EXPECT_TRUE(has("edges.3 | Node \"reviews\" has no output port 1."));
  EXPECT_TRUE(has("edges.3 | Node \"f-2\" has no input port 3."));
  EXPECT_TRUE(has("Node \"s-1\" depends on its own output"));
  EXPECT_TRUE(has("Node \"f-2\" depends on its own output"));
  EXPECT_TRUE(has("Two of the kind Web service input have the name \"input1\"."));
  EXPECT_TRUE(has("input port 0 has more than one Web service input."));
  EXPECT_TRUE(has("Web service output \"\" is not connected."));
  // Running it all the same ends, and starts nothing on the cycle.
  const GraphRun run = run_graph(graph, catalogue_, load, nullptr);
  EXPECT_FALSE(run.finished);
  EXPECT_EQ(run.nodes.at("f-2").state, NodeRun::State::not_started);
}

TEST_F(Graphs, RunGivesEveryNodeItsTables) {
  std::string seen;
  const GraphRun run =
      run_graph(tutorial_, catalogue_, load, [&](std::string_view id, const NodeRun& state) {
        seen += std::string(id) + (state.state == NodeRun::State::running ? "> " : ". ");
      });
  EXPECT_TRUE(run.finished);
  EXPECT_EQ(seen, "reviews> reviews. s-1> s-1. f-2> f-2. ");
  EXPECT_EQ(run.nodes.at("s-1").outputs[0].columns.size(), 1u);
  EXPECT_EQ(row_text(run.nodes.at("f-2").outputs[0], 0), "I loved this book|0|1|1|2|1|0|2|0");
  EXPECT_GE(run.nodes.at("f-2").ended_ms, run.nodes.at("f-2").started_ms);
}

TEST_F(Graphs, RunFailsTheNodeAndNotWhatIsBehindIt) {
  node("s-1")->parameters["Select columns"] =
      Json(R"({"rules":[{"kind":"names","names":["Col9"]}]})");
  const GraphRun run = run_graph(tutorial_, catalogue_, load, nullptr);
  EXPECT_FALSE(run.finished);
  EXPECT_EQ(run.nodes.at("s-1").state, NodeRun::State::failed);
  EXPECT_EQ(run.nodes.at("s-1").error, "Error 0001: Column with name or index \"Col9\" not found.");
  EXPECT_EQ(run.nodes.at("f-2").state, NodeRun::State::not_started);
}

TEST_F(Graphs, RunNeedsConnectedInputsWithRows) {
  Graph graph =
      parse(R"({"ModuleNodes":[{"Id":"f","ModuleId":"C9A826602D9C411D81224D9E0B3CE92A"}]})");
  EXPECT_EQ(run_graph(graph, catalogue_, load, nullptr).nodes.at("f").error,
            "Error 0003: Input \"Dataset\" is null or empty.");
  const auto empty = [](std::string_view) -> Result<Table> { return table_of({}); };
  EXPECT_EQ(run_graph(tutorial_, catalogue_, empty, nullptr).nodes.at("f-2").error,
            "Error 0003: Input \"Dataset\" is null or empty.");
}

TEST_F(Graphs, ScorerOfTheTutorial) {
  const auto scorer = compile_scorer(tutorial_, catalogue_, load);
  ASSERT_TRUE(scorer) << scorer.error().message();
  ASSERT_EQ((*scorer)->inputs().size(), 1u);
  EXPECT_EQ((*scorer)->inputs()[0].schema.size(), 1u);
  EXPECT_EQ((*scorer)->inputs()[0].schema[0].name, "Col2");
  EXPECT_EQ((*scorer)->outputs()[0].schema.size(), 9u);
  EXPECT_EQ((*scorer)->outputs()[0].schema[8].name, "Col2_HashingFeature_8");
  EXPECT_TRUE((*scorer)->row_wise());
  const Table input = table_of({"This is a good day"});
  const auto outputs = (*scorer)->score(std::span(&input, 1), {});
  ASSERT_TRUE(outputs);
  EXPECT_TRUE(outputs->front().validate());
  EXPECT_EQ(row_text(outputs->front(), 0), "This is a good day|1|1|2|2|0|2|0|1");
  const Table none = table_of({});
  const auto no_rows = (*scorer)->score(std::span(&none, 1), {});
  ASSERT_TRUE(no_rows);
  EXPECT_EQ(no_rows->front().rows, 0u);
  EXPECT_EQ(no_rows->front().columns.size(), 9u);
}

TEST_F(Graphs, ScorerTakesWebServiceParameters) {
  const auto scorer = compile_scorer(tutorial_, catalogue_, load);
  ASSERT_TRUE(scorer);
  const Table input = table_of({"This is a good day"});
  const auto four = (*scorer)->score(std::span(&input, 1), {{"bits", Json("2")}});
  ASSERT_TRUE(four);
  EXPECT_EQ(row_text(four->front(), 0), "This is a good day|1|3|2|3");
  EXPECT_EQ((*scorer)->score(std::span(&input, 1), {{"bits", Json("0")}}).error().message(),
            "Error 0004: Parameter \"Hashing bitsize\" value should be greater than 0.");
  const auto huge = (*scorer)->score(std::span(&input, 1), {{"bits", Json(30)}});
  EXPECT_EQ(huge.error().code(), Errc::exhausted);
}

TEST_F(Graphs, ScorerRebuildsWhatComesBehindAChangedModule) {
  Graph graph = parse(kTutorial);
  graph.nodes.push_back(
      {.id = "all-3",
       .dataset_id = {},
       .module = catalogue_.find_name("Select Columns in Dataset")->info.family_id,
       .parameters = {},
       .global_parameters = {},
       .module_id = {},
       .input_names = {},
       .output_names = {},
       .comment = {}});
  graph.edges.push_back({"f-2", 0, "all-3", 0});
  graph.service_outputs[0] = {"output1", "all-3", 0};
  const auto scorer = compile_scorer(graph, catalogue_, load);
  ASSERT_TRUE(scorer) << scorer.error().message();
  const Table input = table_of({"This is a good day"});
  EXPECT_EQ(row_text((*scorer)->score(std::span(&input, 1), {{"bits", Json("2")}})->front(), 0),
            "This is a good day|1|3|2|3");
  EXPECT_EQ(row_text((*scorer)->score(std::span(&input, 1), {})->front(), 0),
            "This is a good day|1|1|2|2|0|2|0|1");
}

TEST_F(Graphs, ScorerKeepsNothingUpstreamOfAnInput) {
  // Upstream, Select Columns would fail when it ran on a table without rows; only its schema is
  // asked for.
  int loads = 0;
  const auto scorer = compile_scorer(tutorial_, catalogue_, [&](std::string_view id) {
    ++loads;
    return load(id);
  });
  ASSERT_TRUE(scorer);
  EXPECT_EQ(loads, 1);
  const Table input = table_of({"a", "b"});
  EXPECT_TRUE((*scorer)->score(std::span(&input, 1), {}));
  EXPECT_EQ(loads, 1);
}

TEST_F(Graphs, ScorerWithoutInputsServesItsConstants) {
  tutorial_.service_inputs.clear();
  const auto scorer = compile_scorer(tutorial_, catalogue_, load);
  ASSERT_TRUE(scorer) << scorer.error().message();
  EXPECT_FALSE((*scorer)->row_wise());
  const auto outputs = (*scorer)->score({}, {});
  ASSERT_TRUE(outputs);
  EXPECT_EQ(row_text(outputs->front(), 0), "I loved this book|0|1|1|2|1|0|2|0");
  const auto other = (*scorer)->score({}, {{"bits", Json("1")}});
  ASSERT_TRUE(other);
  EXPECT_EQ(other->front().columns.size(), 3u);
}

TEST_F(Graphs, ScorerChecksTablesAgainstItsInputs) {
  const auto scorer = compile_scorer(tutorial_, catalogue_, load);
  const auto two_columns = load("reviews");
  EXPECT_FALSE((*scorer)->score(std::span(&*two_columns, 1), {}));
  EXPECT_FALSE((*scorer)->score({}, {}));
}

TEST_F(Graphs, ScorerRefusesGraphsThatCannotServe) {
  const Graph whole = tutorial_;
  tutorial_.service_outputs.clear();
  EXPECT_EQ(refused(), "The experiment has no Web service output.");
  tutorial_ = whole;
  std::erase_if(tutorial_.edges, [](const Edge& edge) { return edge.to_node == "f-2"; });
  EXPECT_EQ(refused(),
            "Web service input \"input1\" has no schema: no data is connected to its port.");
  tutorial_.service_inputs.clear();
  EXPECT_EQ(refused(), "Error 0003: Input \"Dataset\" is null or empty.");
  tutorial_ = whole;
  node("reviews")->dataset_id = "gone";
  EXPECT_EQ(refused(), "There is no dataset \"gone\".");
  tutorial_ = whole;
  node("f-2")->parameters["Hashing bitsize"] = Json("0");
  EXPECT_EQ(
      refused(),
      "Node \"f-2\": Error 0004: Parameter \"Hashing bitsize\" value should be greater than 0.");
}

TEST_F(Graphs, ScoringInChunksOfAnySizeGivesTheSameRows) {
  const auto scorer = compile_scorer(tutorial_, catalogue_, load);
  std::vector<std::string> texts;
  std::string_view rest = book_reviews_tsv();
  while (!rest.empty()) {
    const auto tab = rest.find('\t'), end = rest.find('\n');
    texts.emplace_back(rest.substr(tab + 1, end - tab - 1));
    rest.remove_prefix(end + 1);
  }
  ASSERT_GE(texts.size(), 1000u);
  std::vector<std::string> by_chunk;
  for (const std::size_t chunk : {1u, 7u, 2048u}) {
    std::string all;
    for (std::size_t first = 0; first < texts.size(); first += chunk) {
      Table input;
      table::Column column = table::make_column("Col2", DataType::string);
      for (std::size_t i = first; i < std::min(first + chunk, texts.size()); ++i)
        ASSERT_TRUE(append_parsed_cell(column, texts[i]));
      input.add(std::move(column));
      const auto outputs = (*scorer)->score(std::span(&input, 1), {});
      ASSERT_TRUE(outputs);
      for (std::size_t row = 0; row < outputs->front().rows; ++row)
        all += row_text(outputs->front(), row) + "\n";
    }
    by_chunk.push_back(std::move(all));
  }
  EXPECT_EQ(by_chunk[0], by_chunk[1]);
  EXPECT_EQ(by_chunk[0], by_chunk[2]);
}

}  // namespace
}  // namespace mlgate::ml
