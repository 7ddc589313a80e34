#include "base/text.h"
#include "ml/graph.h"

#include <algorithm>
#include <set>
#include <unordered_map>

namespace mlgate::ml {
namespace {

std::unexpected<Error> bad_graph(std::string text, std::string field) {
  return fail(Errc::invalid_argument, std::move(text), std::move(field));
}

// "{workspace}.{family}.{version}" gives the family; a text without dots is the family.
std::string family_of(std::string_view module_id) {
  const auto parts = split(module_id, '.');
  return std::string(parts.size() >= 2 ? parts[1] : parts[0]);
}

std::vector<std::string> port_names(const Json& ports) {
  std::vector<std::string> names;
  for (const Json& port : ports.items()) names.emplace_back(port.string_or("Name"));
  return names;
}

class Reader {
 public:
  explicit Reader(const Json& json)
      : graph_json_(json["Graph"].is_object()             ? json["Graph"]
                    : json["ExperimentGraph"].is_object() ? json["ExperimentGraph"]
                                                          : json),
        service_json_(json["WebService"].is_object() ? json["WebService"]
                                                     : graph_json_["WebService"]) {}

  Result<Graph> read() {
    if (!graph_json_.is_object()) return bad_graph("The graph is not a JSON object.", "Graph");
    const std::size_t nodes =
        graph_json_["ModuleNodes"].items().size() + graph_json_["DataSourceNodes"].items().size();
    if (nodes > Graph::kNodesMax || graph_json_["EdgesInternal"].items().size() > Graph::kEdgesMax)
      return fail(Errc::exhausted, "The graph is larger than " + std::to_string(Graph::kNodesMax) +
                                       " nodes or " + std::to_string(Graph::kEdgesMax) + " edges.");
    for (const Json& node : graph_json_["DataSourceNodes"].items()) {
      TRY_OK(read_dataset(node));
    }
    for (const Json& node : graph_json_["ModuleNodes"].items()) {
      TRY_OK(read_node(node));
    }
    TRY_OK(read_edges());
    TRY_OK(read_port_datasets());
    TRY_OK(read_service_ports("Inputs", true, graph_.service_inputs));
    TRY_OK(read_service_ports("Outputs", false, graph_.service_outputs));
    TRY_OK(read_globals());
    graph_.layout = graph_json_["SerializedClientData"];
    graph_.service_layout = service_json_["SerializedClientData"];
    return std::move(graph_);
  }

 private:
  struct Port {
    std::string node;
    std::size_t number = 0;
  };

  void add(Node node) {
    by_id_.emplace(node.id, graph_.nodes.size());
    if (!node.dataset_id.empty()) node_of_dataset_.emplace(node.dataset_id, node.id);
    graph_.nodes.push_back(std::move(node));
  }

  Result<void> read_dataset(const Json& json) {
    Node node;
    node.dataset_id = json.string_or("DataSourceId");
    node.id = json.string_or("Id", node.dataset_id);
    node.comment = json.string_or("Comment");
    if (node.dataset_id.empty())
      return bad_graph("A dataset node has no DataSourceId.", "Graph.DataSourceNodes");
    add(std::move(node));
    return {};
  }

  Result<void> read_node(const Json& json) {
    const std::string_view module_id = json.string_or("ModuleId");
    if (module_id.empty() && !json.string_or("DataSourceId").empty()) return read_dataset(json);
    Node node;
    node.id = json.string_or("Id");
    if (node.id.empty()) return bad_graph("A module node has no Id.", "Graph.ModuleNodes");
    if (module_id.empty())
      return bad_graph("Node \"" + node.id + "\" has no ModuleId.", "Graph.ModuleNodes");
    node.module_id = module_id;
    node.module = family_of(module_id);
    node.comment = json.string_or("Comment");
    node.input_names = port_names(json["InputPortsInternal"]);
    node.output_names = port_names(json["OutputPortsInternal"]);
    for (const Json& parameter : json["ModuleParameters"].items()) {
      const std::string name(parameter.string_or("Name"));
      if (name.empty())
        return bad_graph("Node \"" + node.id + "\" has a parameter without a Name.",
                         "Graph.ModuleNodes");
      if (const Json& value = parameter["Value"]; !value.is_null()) node.parameters[name] = value;
      const std::string_view linked = parameter.string_or("LinkedGlobalParameter");
      if (!linked.empty()) node.global_parameters[name] = linked;
    }
    add(std::move(node));
    return {};
  }

  // "node:port", the port a name of the node's list or a number.
  Result<Port> read_port(std::string_view text, bool input, const std::string& field) const {
    const auto colon = text.find(':');
    const std::string_view id = text.substr(0, colon);
    const std::string_view port =
        colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
    const auto found = by_id_.find(std::string(id));
    if (found == by_id_.end())
      return bad_graph("There is no node \"" + std::string(id) + "\".", field);
    const Node& node = graph_.nodes[found->second];
    const auto& names = input ? node.input_names : node.output_names;
    const auto name = std::ranges::find(names, port);
    if (!port.empty() && name != names.end())
      return Port{node.id, std::size_t(name - names.begin())};
    if (!node.dataset_id.empty() || port.empty()) return Port{node.id, 0};
    const auto number = parse_uint(port);
    if (!number || *number > 1000)
      return bad_graph("Node \"" + node.id + "\" has no port \"" + std::string(port) + "\".",
                       field);
    return Port{node.id, std::size_t(*number)};
  }

  Result<void> read_edges() {
    for (const Json& json : graph_json_["EdgesInternal"].items()) {
      TRY(Port from, read_port(json.string_or("SourceOutputPortId"), false, "Graph.EdgesInternal"));
      TRY(Port to,
          read_port(json.string_or("DestinationInputPortId"), true, "Graph.EdgesInternal"));
      graph_.edges.push_back({std::move(from.node), from.number, std::move(to.node), to.number});
    }
    return {};
  }

  // The dataset node with that dataset, made when there is none.
  const std::string& dataset_node(std::string_view dataset_id) {
    const auto known = node_of_dataset_.find(std::string(dataset_id));
    if (known != node_of_dataset_.end()) return known->second;
    Node node;
    node.id = node.dataset_id = dataset_id;
    add(node);
    return node_of_dataset_[node.id];
  }

  // A DataSourceId at an input port is an edge from that dataset, unless the port has an edge
  // already.
  Result<void> read_port_datasets() {
    std::set<std::pair<std::string, std::size_t>> joined;
    for (const Edge& edge : graph_.edges) joined.emplace(edge.to_node, edge.to_port);
    for (const Json& json : graph_json_["ModuleNodes"].items()) {
      const std::string id(json.string_or("Id"));
      const auto& ports = json["InputPortsInternal"].items();
      for (std::size_t i = 0; i < ports.size(); ++i) {
        const std::string_view dataset_id = ports[i].string_or("DataSourceId");
        if (dataset_id.empty() || !joined.emplace(id, i).second) continue;
        if (graph_.edges.size() >= Graph::kEdgesMax)
          return fail(Errc::exhausted, "The graph has too many edges.");
        graph_.edges.push_back({dataset_node(dataset_id), 0, id, i});
      }
    }
    return {};
  }

  Result<void> read_service_ports(std::string_view member, bool input,
                                  std::vector<ServicePort>& ports) const {
    for (const Json& json : service_json_[member].items()) {
      ServicePort port;
      port.name = json.string_or("Id", json.string_or("Name"));
      // Not joined to anything yet: kept, and refused by validation.
      if (const std::string_view at = json.string_or("PortId"); !at.empty()) {
        TRY(Port where, read_port(at, input, "WebService." + std::string(member)));
        port.node = std::move(where.node);
        port.port = where.number;
      }
      ports.push_back(std::move(port));
    }
    return {};
  }

  Result<void> read_globals() {
    for (const Json& json : service_json_["Parameters"].items()) {
      GlobalParameter parameter{std::string(json.string_or("Name")), std::nullopt};
      if (parameter.name.empty())
        return bad_graph("A web service parameter has no Name.", "WebService.Parameters");
      if (const Json& value = json["Value"]; !value.is_null()) parameter.default_value = value;
      graph_.global_parameters.push_back(std::move(parameter));
    }
    return {};
  }

  const Json& graph_json_;
  const Json& service_json_;
  Graph graph_;
  std::unordered_map<std::string, std::size_t> by_id_;
  std::unordered_map<std::string, std::string> node_of_dataset_;
};

Json text_or_null(std::string_view text) { return text.empty() ? Json() : Json(text); }

std::string port_name(const std::vector<std::string>& names, std::size_t port) {
  return port < names.size() && !names[port].empty() ? names[port] : std::to_string(port);
}

class Writer {
 public:
  explicit Writer(const Graph& graph) : graph_(graph) {
    for (const Node& node : graph.nodes) by_id_.emplace(node.id, &node);
    for (const Edge& edge : graph.edges) edges_to_[edge.to_node].push_back(&edge);
  }

  Json write() const {
    Json modules = Json::array(), datasets = Json::array(), edges = Json::array();
    for (const Node& node : graph_.nodes) {
      if (node.dataset_id.empty()) {
        modules.push(module_node(node));
      } else {
        datasets.push(Json::object(
            {{"Id", node.id}, {"DataSourceId", node.dataset_id}, {"Comment", node.comment}}));
      }
    }
    for (const Edge& edge : graph_.edges)
      edges.push(
          Json::object({{"SourceOutputPortId", port_id(edge.from_node, edge.from_port, false)},
                        {"DestinationInputPortId", port_id(edge.to_node, edge.to_port, true)}}));
    Json graph = Json::object({{"ModuleNodes", std::move(modules)},
                               {"DataSourceNodes", std::move(datasets)},
                               {"EdgesInternal", std::move(edges)},
                               {"SerializedClientData", graph_.layout}});
    Json service = Json::object({{"Inputs", service_ports(graph_.service_inputs, true)},
                                 {"Outputs", service_ports(graph_.service_outputs, false)},
                                 {"Parameters", globals()},
                                 {"SerializedClientData", graph_.service_layout}});
    return Json::object({{"Graph", std::move(graph)}, {"WebService", std::move(service)}});
  }

 private:
  std::string port_id(const std::string& id, std::size_t port, bool input) const {
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) return id + ":" + std::to_string(port);
    const Node& node = *found->second;
    return id + ":" + port_name(input ? node.input_names : node.output_names, port);
  }

  Json module_node(const Node& node) const {
    Json parameters = Json::array();
    const auto add = [&](const std::string& name, const Json& value) {
      const auto linked = node.global_parameters.find(name);
      parameters.push(
          Json::object({{"Name", name},
                        {"Value", value},
                        {"ValueType", "Literal"},
                        {"LinkedGlobalParameter",
                         linked == node.global_parameters.end() ? Json() : Json(linked->second)}}));
    };
    for (const auto& [name, value] : node.parameters) add(name, value);
    for (const auto& [name, global] : node.global_parameters)
      if (!node.parameters.contains(name)) add(name, Json());
    Json outputs = Json::array();
    for (std::size_t i = 0; i < node.output_names.size(); ++i)
      outputs.push(Json::object({{"Name", port_name(node.output_names, i)}, {"NodeId", node.id}}));
    return Json::object({{"Id", node.id},
                         {"ModuleId", node.module_id.empty() ? node.module : node.module_id},
                         {"ModuleParameters", std::move(parameters)},
                         {"InputPortsInternal", input_ports(node)},
                         {"OutputPortsInternal", std::move(outputs)},
                         {"UsePreviousResults", true},
                         {"Comment", node.comment},
                         {"CommentCollapsed", true}});
  }

  Json input_ports(const Node& node) const {
    std::vector<std::string> datasets(node.input_names.size());
    if (const auto edges = edges_to_.find(node.id); edges != edges_to_.end()) {
      for (const Edge* edge : edges->second) {
        if (edge->to_port >= datasets.size()) datasets.resize(edge->to_port + 1);
        const auto from = by_id_.find(edge->from_node);
        if (from != by_id_.end()) datasets[edge->to_port] = from->second->dataset_id;
      }
    }
    Json ports = Json::array();
    for (std::size_t i = 0; i < datasets.size(); ++i)
      ports.push(Json::object({{"DataSourceId", text_or_null(datasets[i])},
                               {"TrainedModelId", nullptr},
                               {"TransformModuleId", nullptr},
                               {"Name", port_name(node.input_names, i)},
                               {"NodeId", node.id}}));
    return ports;
  }

  Json service_ports(const std::vector<ServicePort>& ports, bool input) const {
    Json json = Json::array();
    for (const ServicePort& port : ports)
      json.push(Json::object(
          {{"Id", port.name},
           {"PortId", port.node.empty() ? Json() : Json(port_id(port.node, port.port, input))}}));
    return json;
  }

  Json globals() const {
    Json json = Json::array();
    for (const GlobalParameter& parameter : graph_.global_parameters)
      json.push(Json::object(
          {{"Name", parameter.name}, {"Value", parameter.default_value.value_or(Json())}}));
    return json;
  }

  const Graph& graph_;
  std::unordered_map<std::string_view, const Node*> by_id_;
  std::unordered_map<std::string_view, std::vector<const Edge*>> edges_to_;
};

}  // namespace

Result<Graph> Graph::parse(const Json& json) { return Reader(json).read(); }

Json Graph::to_json() const { return Writer(*this).write(); }

}  // namespace mlgate::ml
