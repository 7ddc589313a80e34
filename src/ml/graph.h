#pragma once
// An experiment as a graph of modules and datasets. Parsed from and written to Studio's graph JSON
// (azureml-web-services.md 4.3: ModuleNodes, EdgesInternal, WebService), validated before it is
// kept to run.
#include "base/json.h"
#include "ml/module.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mlgate::ml {

struct Node {
  std::string id;          // Module node: "{guid}-{n}".
  std::string dataset_id;  // Set for a saved dataset; then module is empty.
  std::string module;      // Family id.
  Parameters parameters;
  // Parameters set as web-service parameters: parameter name -> name in GlobalParameters.
  std::map<std::string, std::string, std::less<>> global_parameters;
  // As sent, so that nothing of a stored experiment is lost: the whole ModuleId, port names, the
  // comment.
  std::string module_id;
  std::vector<std::string> input_names, output_names;
  std::string comment;
};

struct Edge {
  std::string from_node;
  std::size_t from_port = 0;
  std::string to_node;
  std::size_t to_port = 0;
};

struct ServicePort {  // A Web service input or output: its name and the module port it is joined
                      // to.
  std::string name;   // "input1", "output1".
  std::string node;
  std::size_t port = 0;
};

struct GlobalParameter {
  std::string name;
  std::optional<Json> default_value;  // Absent: the caller must give it.
};

struct Graph {
  static constexpr std::size_t kNodesMax = 10'000;
  static constexpr std::size_t kEdgesMax = 100'000;

  std::vector<Node> nodes;
  std::vector<Edge> edges;
  std::vector<ServicePort> service_inputs, service_outputs;
  std::vector<GlobalParameter> global_parameters;
  // SerializedClientData of the graph and of the web service (positions, comments); kept as sent.
  Json layout, service_layout;

  // {"Graph":{"ModuleNodes":[…],"DataSourceNodes":[{"Id","DataSourceId"}],"EdgesInternal":[…],
  // "SerializedClientData":…},"WebService":{"Inputs":[{"Id","PortId"}],"Outputs":[…],
  // "Parameters":[{"Name","Value"}],…}}. "ExperimentGraph" may stand for "Graph"; without either,
  // the object is the graph itself. A port is "node:port", the port by its name in the node's port
  // list or by its number. A dataset is an entry of DataSourceNodes (or of ModuleNodes, with a
  // DataSourceId and no ModuleId), or only a DataSourceId at an input port. A ModuleId is
  // "{workspace}.{family}.{version}" or the family id alone.
  static Result<Graph> parse(const Json& json);
  Json to_json() const;
  // Module and dataset ids exist, ports exist, parameters are in range, no cycle; an input port
  // takes one data edge and, besides it, at most one service input. All violations, each naming
  // node and port or parameter.
  std::vector<Error> validate(const Catalogue& catalogue) const;
};

// Loads a dataset by id while a graph is run or compiled.
using DatasetLoader = std::function<Result<table::Table>(std::string_view dataset_id)>;

struct NodeRun {
  enum class State : unsigned char { not_started, running, finished, failed };
  State state = State::not_started;
  std::string error;  // "Error 0001: …" when failed.
  std::int64_t started_ms = 0, ended_ms = 0;
  std::vector<table::Table> outputs;
};
struct GraphRun {
  bool finished = false;  // Every node finished.
  std::map<std::string, NodeRun> nodes;
};
// Runs every node in order of its data; `progress` is called at each change of a node's state.
GraphRun run_graph(const Graph& graph, const Catalogue& catalogue, const DatasetLoader& datasets,
                   const std::function<void(std::string_view node, const NodeRun&)>& progress);

}  // namespace mlgate::ml
