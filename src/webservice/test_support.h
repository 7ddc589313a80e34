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

// Col1 (rating) and Col2 (text).
inline Result<table::Table> reviews(std::string_view dataset) {
  if (dataset != "reviews") return fail(Errc::not_found, "there is no such dataset");
  table::Table table;
  table::Column rating = table::make_column("Col1", table::DataType::int32);
  table::Column text = table::make_column("Col2", table::DataType::string);
  table::append_parsed_cell(rating, "5");
  table::append_parsed_cell(text, "This is a good day");
  table.add(std::move(rating));
  table.add(std::move(text));
  return table;
}

inline constexpr std::string_view kSelectCol2 =
    R"({"begin":"none","keepOrder":false,"rules":[{"action":"include","kind":"names",)"
    R"("names":["Col2"]}]})";

// Dataset -> Select Columns (Col2) -> Feature Hashing, ports around the last one. `hashing` are
// further members of the parameter "Hashing bitsize", `service` further members of WebService.
inline ml::Graph tutorial_graph(const ml::Catalogue& catalogue, std::string_view hashing = {},
                                std::string_view service = {}) {
  std::string selection;
  append_json_string(selection, kSelectCol2);
  const ml::ModuleInfo& select = catalogue.find_name("Select Columns in Dataset")->info;
  const ml::ModuleInfo& hash = catalogue.find_name("Feature Hashing")->info;
  const std::string text =
      R"({"Graph":{"DataSourceNodes":[{"Id":"d","DataSourceId":"reviews"}],"ModuleNodes":[)"
      R"({"Id":"s","ModuleId":")" +
      select.family_id + R"(","ModuleParameters":[{"Name":")" + select.parameters.at(0).name +
      R"(","Value":)" + selection +
      R"(}]},)"
      R"({"Id":"h","ModuleId":")" +
      hash.family_id + R"(","ModuleParameters":[{"Name":"Hashing bitsize","Value":"3")" +
      std::string(hashing) +
      R"(}]}],"EdgesInternal":[)"
      R"({"SourceOutputPortId":"d:0","DestinationInputPortId":"s:0"},)"
      R"({"SourceOutputPortId":"s:0","DestinationInputPortId":"h:0"}]},)"
      R"("WebService":{"Inputs":[{"Id":"input1","PortId":"h:0"}],)"
      R"("Outputs":[{"Id":"output1","PortId":"h:0"}])" +
      std::string(service) + "}}";
  auto json = Json::parse(text);
  CHECK(json.has_value());
  auto graph = ml::Graph::parse(*json);
  CHECK(graph.has_value());
  return *std::move(graph);
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
  ml::DatasetLoader datasets = reviews;
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
