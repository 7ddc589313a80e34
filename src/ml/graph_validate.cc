#include "ml/graph.h"
#include "ml/graph_index.h"
#include "ml/parameters.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_set>

namespace mlgate::ml {
namespace {

// Collects every violation of one graph.
class Validator {
 public:
  Validator(const Graph& graph, const Catalogue& catalogue)
      : graph_(graph), catalogue_(catalogue), index_(graph) {}

  std::vector<Error> check() {
    check_sizes();
    for (const Node& node : graph_.nodes) check_node(node);
    check_edges();
    if (index_.order().size() < graph_.nodes.size()) check_cycles();
    check_service_ports(graph_.service_inputs, true);
    check_service_ports(graph_.service_outputs, false);
    check_globals();
    return std::move(errors_);
  }

 private:
  void report(std::string text, std::string field) {
    errors_.emplace_back(Errc::invalid_argument, std::move(text), std::move(field));
  }

  static std::string named(const Node& node) { return "Node \"" + node.id + "\""; }

  void check_sizes() {
    if (graph_.nodes.size() > Graph::kNodesMax || graph_.edges.size() > Graph::kEdgesMax)
      errors_.emplace_back(Errc::exhausted, "The graph has too many nodes or edges.", "Graph");
  }

  const ModuleInfo* info_of(const Node& node) const noexcept {
    const ModuleType* type = catalogue_.find_family(node.module);
    return type != nullptr ? &type->info : nullptr;
  }

  void check_node(const Node& node) {
    const std::string field = "nodes." + node.id;
    if (node.id.empty()) report("A node has no id.", "nodes");
    if (!ids_.insert(node.id).second) report("Two nodes have the id \"" + node.id + "\".", field);
    if (!node.dataset_id.empty()) {
      if (!node.module.empty()) report(named(node) + " is both a dataset and a module.", field);
      return;
    }
    const ModuleType* type = catalogue_.find_family(node.module);
    if (type == nullptr) {
      report(named(node) + ": there is no module \"" + node.module + "\".", field);
      return;
    }
    if (check_parameters(node, *type)) {
      // What only the module itself can see, for instance two parameters that do not go together.
      const auto made = type->make(node.parameters);
      if (!made) report(named(node) + ": " + made.error().message(), field + ".parameters");
    }
  }

  bool check_parameters(const Node& node, const ModuleType& type) {
    const std::size_t before = errors_.size();
    const auto field = [&](const std::string& name) {
      return "nodes." + node.id + ".parameters." + name;
    };
    for (const auto& [name, value] : node.parameters) {
      const ParameterInfo* info = find_parameter(type.info, name);
      if (info == nullptr) {
        report(named(node) + ": " + type.info.name + " has no parameter \"" + name + "\".",
               field(name));
      } else if (const auto checked = check_parameter(*info, value); !checked) {
        report(named(node) + ": " + checked.error().message(), field(name));
      }
    }
    for (const auto& [name, global] : node.global_parameters)
      check_link(node, find_parameter(type.info, name), global, field(name));
    return errors_.size() == before;
  }

  void check_link(const Node& node, const ParameterInfo* info, const std::string& global,
                  const std::string& field) {
    const auto found = std::ranges::find(graph_.global_parameters, global, &GlobalParameter::name);
    if (info == nullptr) {
      report(named(node) + ": the web service parameter \"" + global +
                 "\" is linked to a parameter that the module does not have.",
             field);
    } else if (found == graph_.global_parameters.end()) {
      report(named(node) + ": there is no web service parameter \"" + global + "\".", field);
    } else if (found->default_value) {
      if (const auto checked = check_parameter(*info, *found->default_value); !checked)
        report(named(node) + ": default of \"" + global + "\": " + checked.error().message(),
               field);
    }
  }

  // The type of a port; none when it is not there, which is reported, or its module is unknown,
  // which has been.
  std::optional<std::string_view> check_port(const std::string& id, std::size_t port, bool input,
                                             const std::string& field) {
    const std::size_t at = index_.find(id);
    if (at == GraphIndex::kNone) {
      report("There is no node \"" + id + "\".", field);
      return {};
    }
    const Node& node = graph_.nodes[at];
    if (!node.dataset_id.empty()) {
      if (!input && port == 0) return kDatasetType;
    } else {
      const ModuleInfo* info = info_of(node);
      if (info == nullptr) return {};
      const std::vector<PortInfo>& ports = input ? info->inputs : info->outputs;
      if (port < ports.size()) return ports[port].type;
    }
    report(named(node) + " has no " + (input ? "input" : "output") + " port " +
               std::to_string(port) + ".",
           field);
    return {};
  }

  void check_edges() {
    std::set<std::pair<std::string_view, std::size_t>> taken;
    for (std::size_t i = 0; i < graph_.edges.size(); ++i) {
      const Edge& edge = graph_.edges[i];
      const std::string field = "edges." + std::to_string(i);
      const auto from = check_port(edge.from_node, edge.from_port, false, field);
      const auto to = check_port(edge.to_node, edge.to_port, true, field);
      if (from && to && *from != *to)
        report("Node \"" + edge.to_node + "\": input port " + std::to_string(edge.to_port) +
                   " takes the type " + std::string(*to) + ", not " + std::string(*from) + ".",
               field);
      if (!taken.emplace(edge.to_node, edge.to_port).second)
        report("Node \"" + edge.to_node + "\": input port " + std::to_string(edge.to_port) +
                   " has more than one connection.",
               field);
    }
  }

  void check_cycles() {
    std::unordered_set<std::size_t> ordered(index_.order().begin(), index_.order().end());
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i)
      if (!ordered.contains(i))
        report(named(graph_.nodes[i]) + " depends on its own output, or on a node that does.",
               "nodes." + graph_.nodes[i].id);
  }

  void check_service_ports(const std::vector<ServicePort>& ports, bool input) {
    const std::string list = input ? "serviceInputs" : "serviceOutputs";
    const std::string kind = input ? "Web service input" : "Web service output";
    std::set<std::string_view> names;
    std::set<std::pair<std::string_view, std::size_t>> taken;
    for (const ServicePort& port : ports) {
      const std::string field = list + "." + port.name;
      if (port.name.empty()) report("A " + kind + " has no name.", list);
      if (!names.insert(port.name).second)
        report("Two of the kind " + kind + " have the name \"" + port.name + "\".", field);
      if (port.node.empty()) {
        report(kind + " \"" + port.name + "\" is not connected.", field);
        continue;
      }
      const auto type = check_port(port.node, port.port, input, field);
      if (type && *type != kDatasetType)
        report(kind + " \"" + port.name + "\" is connected to a port of the type " +
                   std::string(*type) + "; it has to be a Dataset.",
               field);
      if (input && !taken.emplace(port.node, port.port).second)
        report("Node \"" + port.node + "\": input port " + std::to_string(port.port) +
                   " has more than one Web service input.",
               field);
    }
  }

  void check_globals() {
    std::set<std::string_view> names;
    for (const GlobalParameter& parameter : graph_.global_parameters)
      if (!names.insert(parameter.name).second)
        report("Two web service parameters have the name \"" + parameter.name + "\".",
               "globalParameters." + parameter.name);
  }

  const Graph& graph_;
  const Catalogue& catalogue_;
  GraphIndex index_;
  std::unordered_set<std::string_view> ids_;
  std::vector<Error> errors_;
};

}  // namespace

std::vector<Error> Graph::validate(const Catalogue& catalogue) const {
  return Validator(*this, catalogue).check();
}

}  // namespace mlgate::ml
