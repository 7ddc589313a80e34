#include "ml/graph_index.h"

namespace mlgate::ml {

GraphIndex::GraphIndex(const Graph& graph) : inputs_(graph.nodes.size()) {
  // No module has nearly as many ports; a larger number is refused by validation.
  constexpr std::size_t kPortsMax = 1024;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) by_id_.emplace(graph.nodes[i].id, i);
  std::vector<std::vector<std::size_t>> followers(graph.nodes.size());
  std::vector<std::size_t> waiting_for(graph.nodes.size());
  for (const Edge& edge : graph.edges) {
    const std::size_t from = find(edge.from_node), to = find(edge.to_node);
    if (from == kNone || to == kNone || edge.to_port >= kPortsMax) continue;
    if (inputs_[to].size() <= edge.to_port) inputs_[to].resize(edge.to_port + 1);
    inputs_[to][edge.to_port] = {from, edge.from_port};
    followers[from].push_back(to);
    ++waiting_for[to];
  }
  for (std::size_t i = 0; i < graph.nodes.size(); ++i)
    if (waiting_for[i] == 0) order_.push_back(i);
  for (std::size_t done = 0; done < order_.size(); ++done)
    for (const std::size_t follower : followers[order_[done]])
      if (--waiting_for[follower] == 0) order_.push_back(follower);
}

std::size_t GraphIndex::find(std::string_view id) const noexcept {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? kNone : found->second;
}

GraphIndex::Source GraphIndex::source(std::size_t node, std::size_t port) const noexcept {
  return port < inputs_[node].size() ? inputs_[node][port] : Source{};
}

}  // namespace mlgate::ml
