#pragma once
// What tests and benchmarks of this module share: a registry on a real store in a folder of its
// own, and the tutorial's service published in it.
#include "base/check.h"
#include "base/crypto.h"
#include "base/json.h"
#include "net/poller.h"
#include "webservice/registry.h"
#include "webservice/request_response.h"

#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mlgate::webservice::testing {

class TempFolder {
 public:
  TempFolder() {
    std::string path = (std::filesystem::temp_directory_path() / "mlgate.XXXXXX").string();
    if (::mkdtemp(path.data())) path_ = path;
  }
  TempFolder(const TempFolder&) = delete;
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string operator/(std::string_view name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

// A column of each data type.
inline table::Schema every_type() {
  using enum table::DataType;
  return {{"Text", string, {}},     {"Int", int32, {}},    {"Long", int64, {}},
          {"Real", real, {}},       {"Flag", boolean, {}}, {"When", date_time, {}},
          {"Values", time_span, {}}};
}

// "reviews" is Col1 (rating) and Col2 (text); "typed" has a column of each type.
inline Result<table::Table> samples(std::string_view dataset) {
  table::Schema schema;
  std::vector<std::string_view> row;
  if (dataset == "reviews") {
    schema = {{"Col1", table::DataType::int32, {}}, {"Col2", table::DataType::string, {}}};
    row = {"5", "This is a good day"};
  } else if (dataset == "typed") {
    schema = every_type();
    row = {"text", "1", "2", "3.5", "True", "5/30/2010 6:07:00 PM", "01:02:03"};
  } else {
    return fail(Errc::not_found, "there is no such dataset");
  }
  table::Table table;
  for (std::size_t i = 0; i < schema.size(); ++i) {
    table::Column column = table::make_column(schema[i].name, schema[i].type);
    CHECK(table::append_parsed_cell(column, row[i]));
    table.add(std::move(column));
  }
  return table;
}

inline constexpr std::string_view kSelectCol2 =
    R"({"begin":"none","keepOrder":false,"rules":[{"action":"include","kind":"names",)"
    R"("names":["Col2"]}]})";
inline constexpr std::string_view kSelectAll = R"({"begin":"all","keepOrder":false,"rules":[]})";

// What tests vary in the graph of graph_of. Its nodes are d (dataset), s (Select Columns) and h
// (Feature Hashing).
struct GraphParts {
  std::string_view dataset = "reviews";
  std::string_view selection = kSelectCol2;
  std::string_view hashing = R"({"Name":"Hashing bitsize","Value":"3"})";  // Parameters of h.
  std::string_view inputs = R"({"Id":"input1","PortId":"h:0"})";
  std::string_view outputs = R"({"Id":"output1","PortId":"h:0"})";
  std::string_view service;  // Further members of WebService.
};

// Dataset -> Select Columns -> Feature Hashing.
inline ml::Graph graph_of(const ml::Catalogue& catalogue, const GraphParts& parts) {
  const ml::ModuleInfo& select = catalogue.find_name("Select Columns in Dataset")->info;
  const ml::ModuleInfo& hash = catalogue.find_name("Feature Hashing")->info;
  std::string text = R"({"Graph":{"DataSourceNodes":[{"Id":"d","DataSourceId":")";
  text += parts.dataset;
  text += R"("}],"ModuleNodes":[{"Id":"s","ModuleId":")" + select.family_id;
  text += R"(","ModuleParameters":[{"Name":")" + select.parameters.at(0).name + R"(","Value":)";
  append_json_string(text, parts.selection);
  text += R"(}]},{"Id":"h","ModuleId":")" + hash.family_id + R"(","ModuleParameters":[)";
  text += parts.hashing;
  text +=
      R"(]}],"EdgesInternal":[{"SourceOutputPortId":"d:0","DestinationInputPortId":"s:0"},)"
      R"({"SourceOutputPortId":"s:0","DestinationInputPortId":"h:0"}]},"WebService":{"Inputs":[)";
  text += parts.inputs;
  text += R"(],"Outputs":[)";
  text += parts.outputs;
  text += "]";
  text += parts.service;
  text += "}}";
  auto json = Json::parse(text);
  CHECK(json.has_value());
  auto graph = ml::Graph::parse(*json);
  CHECK(graph.has_value());
  return *std::move(graph);
}

// Select Columns (Col2) and Feature Hashing, the ports of the service around the last one.
inline ml::Graph tutorial_graph(const ml::Catalogue& catalogue) { return graph_of(catalogue, {}); }

// The same with the bitsize as the web service parameter "Bits"; `value` is its default as a member
// of the parameter's object, such as `,"Value":"3"`.
inline ml::Graph graph_with_bits(const ml::Catalogue& catalogue, std::string_view value) {
  const std::string parameters = R"(,"Parameters":[{"Name":"Bits")" + std::string(value) + "}]";
  GraphParts parts;
  parts.hashing = R"({"Name":"Hashing bitsize","Value":"3","LinkedGlobalParameter":"Bits"})";
  parts.service = parameters;
  return graph_of(catalogue, parts);
}

struct Fixture {
  Fixture() : vault(*store::Vault::open(folder / "master.key")) {
    ml::register_modules(catalogue);
    store = *store::open_sqlite(folder / "store.db");
    open();
    workspace = *registry->create_workspace("Test", "owner@example.com");
  }
  void open() {
    registry = std::make_unique<Registry>(
        Registry::Parts{*store, vault, catalogue, system_clock(), datasets});
    CHECK(registry->load().has_value());
  }
  std::shared_ptr<const Service> publish(ml::Graph graph, std::string service_id = {}) {
    Publication publication;
    publication.workspace_id = workspace.id;
    publication.service_id = std::move(service_id);
    publication.name = "SimpleFeatureHashingExperiment";
    publication.graph = std::move(graph);
    auto service = registry->publish(std::move(publication));
    CHECK(service.has_value());
    return *service;
  }

  TempFolder folder;
  ml::Catalogue catalogue;
  ml::DatasetLoader datasets = samples;
  store::Vault vault;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<Registry> registry;
  Workspace workspace;
};

// One request with the text it refers to.
struct Call {
  std::string method = "POST", path, query, body;
  std::vector<std::pair<std::string, std::string>> headers;

  static net::Awaitable<void> deliver(http::LocalService& service, const http::Request& request,
                                      http::Response& response) {
    response = co_await service.serve(request);
  }
  http::Response send(http::LocalService& service) const {
    net::Poller poller;
    http::Fields fields;
    const http::Request request = make(fields);
    http::Response response;
    net::TaskGroup tasks(poller.executor());
    net::spawn(tasks, deliver(service, request, response));
    poller.run_until([&] { return tasks.running() == 0; });
    return response;
  }
  http::Request make(http::Fields& fields) const {
    for (const auto& [name, value] : headers) fields.add(name, value);
    http::Request request;
    request.method = method;
    request.path = path;
    request.query = query;
    request.scheme = "https";
    request.authority = "localhost:8445";
    request.peer = "127.0.0.1";
    request.headers = &fields;
    request.body = body;
    return request;
  }
};

inline std::string header_of(const http::Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers)
    if (key == name) return value;
  return {};
}

}  // namespace mlgate::webservice::testing
