#pragma once
// Looks of a graph that validation, runner and scorer share: nodes by id, what feeds each input
// port, and an order in which every node comes after the nodes that feed it.
#include "ml/graph.h"

#include <cstddef>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mlgate::ml {

class GraphIndex {
 public:
  static constexpr std::size_t kNone = std::size_t(-1);
  struct Source {
    std::size_t node = kNone;  // kNone: nothing is connected.
    std::size_t port = 0;
  };

  // Edges with nodes that are not there are left out. The graph has to outlive the index.
  explicit GraphIndex(const Graph& graph);

  std::size_t find(std::string_view id) const noexcept;  // kNone when there is none.
  Source source(std::size_t node, std::size_t port) const noexcept;
  // By port number; ports behind the last connected one are left out.
  const std::vector<Source>& sources(std::size_t node) const noexcept { return inputs_[node]; }
  // Nodes by number, in the order of their data; nodes on a cycle or behind one are left out.
  const std::vector<std::size_t>& order() const noexcept { return order_; }

 private:
  std::unordered_map<std::string_view, std::size_t> by_id_;
  std::vector<std::vector<Source>> inputs_;
  std::vector<std::size_t> order_;
};

}  // namespace mlgate::ml
