#include "base/time.h"
#include "ml/graph.h"
#include "ml/graph_index.h"
#include "ml/modules/modules_internal.h"

#include <new>

namespace mlgate::ml {
namespace {

class Runner {
 public:
  Runner(const Graph& graph, const Catalogue& catalogue, const DatasetLoader& datasets,
         const std::function<void(std::string_view, const NodeRun&)>& progress)
      : graph_(graph),
        catalogue_(catalogue),
        datasets_(datasets),
        progress_(progress),
        index_(graph) {
    for (const Node& node : graph.nodes) run_.nodes[node.id];
  }

  GraphRun run() {
    for (const std::size_t i : index_.order()) run_node(i);
    run_.finished = true;
    for (const auto& [id, node] : run_.nodes)
      run_.finished = run_.finished && node.state == NodeRun::State::finished;
    return std::move(run_);
  }

 private:
  void show(const Node& node, const NodeRun& state) const {
    if (progress_) progress_(node.id, state);
  }

  void run_node(std::size_t number) {
    const Node& node = graph_.nodes[number];
    NodeRun& state = run_.nodes[node.id];
    // A node behind one that failed is not started.
    if (!ready(number)) return;
    state.state = NodeRun::State::running;
    state.started_ms = system_clock().now_ms();
    show(node, state);
    Result<std::vector<table::Table>> outputs = guarded_outputs(number);
    state.ended_ms = system_clock().now_ms();
    if (outputs) {
      state.outputs = *std::move(outputs);
      state.state = NodeRun::State::finished;
    } else {
      state.error = outputs.error().message();
      state.state = NodeRun::State::failed;
    }
    show(node, state);
  }

  bool ready(std::size_t number) {
    for (const GraphIndex::Source& source : index_.sources(number))
      if (source.node != GraphIndex::kNone &&
          run_.nodes[graph_.nodes[source.node].id].state != NodeRun::State::finished)
        return false;
    return true;
  }

  // A table that does not fit into memory fails its node, not the program.
  Result<std::vector<table::Table>> guarded_outputs(std::size_t number) {
    try {
      return outputs_of(number);
    } catch (const std::bad_alloc&) {
      return std::unexpected(module_error(39, "Error while completing operation: out of memory."));
    }
  }

  Result<std::vector<table::Table>> outputs_of(std::size_t number) {
    const Node& node = graph_.nodes[number];
    if (!node.dataset_id.empty()) {
      TRY(table::Table table, datasets_(node.dataset_id));
      return std::vector<table::Table>{std::move(table)};
    }
    const ModuleType* type = catalogue_.find_family(node.module);
    if (type == nullptr)
      return fail(Errc::not_found, "There is no module \"" + node.module + "\".");
    TRY(const auto module, type->make(run_parameters(node)));
    std::vector<table::Table> inputs;
    for (std::size_t port = 0; port < type->info.inputs.size(); ++port) {
      const GraphIndex::Source source = index_.source(number, port);
      const table::Table* table = source.node == GraphIndex::kNone ? nullptr : output(source);
      if (table == nullptr || (type->info.needs_rows && table->rows == 0))
        return std::unexpected(input_is_empty(type->info.inputs[port].name));
      inputs.push_back(*table);
    }
    return module->run(inputs);
  }

  const table::Table* output(GraphIndex::Source source) {
    const NodeRun& from = run_.nodes[graph_.nodes[source.node].id];
    return source.port < from.outputs.size() ? &from.outputs[source.port] : nullptr;
  }

  // The node's own values; where it has none for a linked parameter, the default of the web service
  // parameter.
  Parameters run_parameters(const Node& node) const {
    Parameters parameters = node.parameters;
    for (const auto& [name, global] : node.global_parameters) {
      if (parameters.contains(name)) continue;
      for (const GlobalParameter& candidate : graph_.global_parameters)
        if (candidate.name == global && candidate.default_value)
          parameters[name] = *candidate.default_value;
    }
    return parameters;
  }

  const Graph& graph_;
  const Catalogue& catalogue_;
  const DatasetLoader& datasets_;
  const std::function<void(std::string_view, const NodeRun&)>& progress_;
  GraphIndex index_;
  GraphRun run_;
};

}  // namespace

GraphRun run_graph(const Graph& graph, const Catalogue& catalogue, const DatasetLoader& datasets,
                   const std::function<void(std::string_view node, const NodeRun&)>& progress) {
  return Runner(graph, catalogue, datasets, progress).run();
}

}  // namespace mlgate::ml
