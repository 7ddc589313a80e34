#include "ml/scorer.h"

#include "ml/graph_index.h"
#include "ml/modules/modules_internal.h"

#include <algorithm>
#include <new>

namespace mlgate::ml {
namespace {

using table::Schema;
using table::Table;

constexpr std::size_t kNone = GraphIndex::kNone;

// One module of the part that serves. Tables live in numbered slots.
struct Step {
  // For the inputs' schemas; and as made from the base parameters, for calls that change something
  // upstream.
  std::unique_ptr<const Module> bound, plain;
  std::vector<std::size_t> inputs;
  std::size_t first_output = 0, outputs = 0;
  bool dynamic = false;  // Depends on a service input; what does not has run already.
  // For steps with web service parameters: how to make the module again.
  std::function<Result<std::unique_ptr<const Module>>(const Parameters&)> make;
  Parameters parameters;
  std::map<std::string, std::string, std::less<>> globals;  // Parameter -> name of the global one.
};

class CompiledScorer final : public Scorer {
 public:
  const std::vector<ScorerPort>& inputs() const noexcept override { return inputs_; }
  const std::vector<ScorerPort>& outputs() const noexcept override { return outputs_; }
  const std::vector<GlobalParameter>& global_parameters() const noexcept override {
    return globals_;
  }
  bool row_wise() const noexcept override { return row_wise_; }

  Result<std::vector<Table>> score(std::span<const Table> tables,
                                   const Parameters& globals) const override {
    TRY_OK(check(tables));
    try {
      return run(tables, globals);
    } catch (const std::bad_alloc&) {
      return std::unexpected(module_error(39, "Error while completing operation: out of memory."));
    }
  }

 private:
  friend class Compiler;

  Result<void> check(std::span<const Table> tables) const {
    if (tables.size() != inputs_.size())
      return fail(Errc::internal, "as many tables as inputs are needed");
    for (std::size_t i = 0; i < tables.size(); ++i) {
      const auto fits = [](const auto& column, const table::ColumnSchema& wanted) {
        return column->type == wanted.type;
      };
      if (!std::ranges::equal(tables[i].columns, inputs_[i].schema, fits))
        return fail(Errc::internal,
                    "the table of input \"" + inputs_[i].name + "\" does not have its schema");
    }
    return {};
  }

  Result<std::vector<Table>> run(std::span<const Table> tables, const Parameters& globals) const {
    std::vector<const Table*> slots(slots_);
    for (std::size_t i = 0; i < tables.size(); ++i) slots[i] = &tables[i];
    for (const auto& [slot, table] : constants_) slots[slot] = &table;
    std::vector<std::vector<Table>> results(steps_.size());
    std::vector<bool> changed(globals.empty() ? 0 : slots_);
    for (std::size_t s = 0; s < steps_.size(); ++s) {
      const Step& step = steps_[s];
      if (globals.empty()) {
        if (!step.dynamic) continue;
        TRY(results[s], run_module(*(step.bound ? step.bound : step.plain), step, slots));
      } else {
        TRY(const bool ran, run_changed(step, globals, slots, changed, results[s]));
        if (!ran) continue;
      }
      for (std::size_t o = 0; o < results[s].size(); ++o)
        slots[step.first_output + o] = &results[s][o];
    }
    std::vector<Table> outputs;
    outputs.reserve(output_slots_.size());
    for (const std::size_t slot : output_slots_) outputs.push_back(*slots[slot]);
    return outputs;
  }

  static Result<std::vector<Table>> run_module(const Module& module, const Step& step,
                                               std::span<const Table* const> slots) {
    if (step.inputs.size() == 1) return module.run(std::span(slots[step.inputs[0]], 1));
    std::vector<Table> inputs;
    for (const std::size_t slot : step.inputs) inputs.push_back(*slots[slot]);
    return module.run(inputs);
  }

  // With web service parameters: makes the module again where one of its own is given, and leaves
  // the bound form aside behind it, because schemas may have changed. False when the step has
  // nothing to do.
  static Result<bool> run_changed(const Step& step, const Parameters& globals,
                                  std::span<const Table* const> slots, std::vector<bool>& changed,
                                  std::vector<Table>& results) {
    Parameters parameters;
    for (const auto& [name, global] : step.globals) {
      const auto given = globals.find(global);
      if (given == globals.end()) continue;
      if (parameters.empty()) parameters = step.parameters;
      parameters.insert_or_assign(name, given->second);
    }
    const bool upstream =
        std::ranges::any_of(step.inputs, [&](std::size_t slot) { return bool(changed[slot]); });
    const bool own = !parameters.empty();
    if (!step.dynamic && !own && !upstream) return false;
    std::unique_ptr<const Module> made;
    if (own) {
      TRY(made, step.make(parameters));
    }
    const Module* module = made ? made.get() : upstream ? step.plain.get() : step.bound.get();
    if (module == nullptr) module = step.plain.get();
    TRY(results, run_module(*module, step, slots));
    if (own || upstream)
      std::fill_n(changed.begin() + std::ptrdiff_t(step.first_output), step.outputs, true);
    return true;
  }

  std::vector<ScorerPort> inputs_, outputs_;
  std::vector<GlobalParameter> globals_;
  std::vector<Step> steps_;
  std::size_t slots_ = 0;  // Slots 0 … inputs-1 are the service inputs.
  std::vector<std::pair<std::size_t, Table>> constants_;
  std::vector<std::size_t> output_slots_;
  bool row_wise_ = false;
};

// Builds a CompiledScorer from a valid graph.
class Compiler {
 public:
  Compiler(const Graph& graph, const Catalogue& catalogue, const DatasetLoader& datasets)
      : graph_(graph), catalogue_(catalogue), datasets_(datasets), index_(graph) {}

  Result<std::shared_ptr<const Scorer>> compile() {
    states_.resize(graph_.nodes.size());
    mark_serving();
    for (const std::size_t node : index_.order()) {
      if (!states_[node].serving && !states_[node].schema_only) continue;
      TRY_OK(compile_node(node));
    }
    TRY_OK(add_service_ports());
    scorer_->globals_ = graph_.global_parameters;
    scorer_->slots_ = slots_;
    keep_constants();
    scorer_->row_wise_ = row_wise();
    return std::shared_ptr<const Scorer>(std::move(scorer_));
  }

 private:
  struct NodeState {
    bool serving = false;      // Lies between service inputs (or datasets) and outputs.
    bool schema_only = false;  // Lies upstream of a service input.
    bool dynamic = false;
    std::size_t first_slot = 0;
    std::vector<Schema> schemas;
  };

  // The service input joined to a port, by number, or kNone.
  std::size_t service_input(std::size_t node, std::size_t port) const noexcept {
    const auto& inputs = graph_.service_inputs;
    for (std::size_t i = 0; i < inputs.size(); ++i)
      if (inputs[i].port == port && inputs[i].node == graph_.nodes[node].id) return i;
    return kNone;
  }

  // Nodes are marked from the outputs back; a service input cuts off what is upstream of its port,
  // of which only the schema is wanted.
  void mark_serving() {
    for (const ServicePort& output : graph_.service_outputs)
      states_[index_.find(output.node)].serving = true;
    for (const ServicePort& input : graph_.service_inputs) {
      const auto source = index_.source(index_.find(input.node), input.port);
      if (source.node != kNone) states_[source.node].schema_only = true;
    }
    const auto& order = index_.order();
    for (auto node = order.rbegin(); node != order.rend(); ++node) {
      const NodeState& state = states_[*node];
      const auto& sources = index_.sources(*node);
      for (std::size_t port = 0; port < sources.size(); ++port) {
        if (sources[port].node == kNone) continue;
        NodeState& source = states_[sources[port].node];
        if (state.serving && service_input(*node, port) == kNone) source.serving = true;
        if (state.serving || state.schema_only) source.schema_only = true;
      }
    }
  }

  Result<void> compile_node(std::size_t number) {
    const Node& node = graph_.nodes[number];
    if (!node.dataset_id.empty()) return compile_dataset(number);
    const ModuleType* type = catalogue_.find_family(node.module);
    if (type == nullptr)
      return fail(Errc::not_found, "There is no module \"" + node.module + "\".");
    const std::size_t ports = type->info.inputs.size();
    std::vector<Schema> schemas;
    for (std::size_t port = 0; port < ports; ++port) {
      const auto source = index_.source(number, port);
      if (source.node == kNone || source.port >= states_[source.node].schemas.size())
        return std::unexpected(no_data(number, port, type->info));
      schemas.push_back(states_[source.node].schemas[source.port]);
    }
    Parameters parameters = base_parameters(node);
    TRY(auto module, type->make(parameters));
    NodeState& state = states_[number];
    TRY(state.schemas, module->infer(schemas));
    if (!state.serving) return {};
    Step step;
    TRY(step.bound, module->bind(schemas));
    step.plain = std::move(module);
    for (std::size_t port = 0; port < ports; ++port) add_input(step, number, port);
    step.dynamic = state.dynamic;
    state.first_slot = step.first_output = take_slots(state.schemas.size());
    step.outputs = state.schemas.size();
    if (!node.global_parameters.empty()) {
      step.make = type->make;
      step.parameters = std::move(parameters);
      step.globals = node.global_parameters;
    }
    if (!step.dynamic) {
      TRY_OK(run_static(step, type->info));
    }
    scorer_->steps_.push_back(std::move(step));
    return {};
  }

  Result<void> run_static(const Step& step, const ModuleInfo& info) {
    std::vector<const Table*> slots(slots_);
    for (const auto& [slot, table] : scorer_->constants_) slots[slot] = &table;
    for (std::size_t port = 0; port < step.inputs.size(); ++port)
      if (info.needs_rows && slots[step.inputs[port]]->rows == 0)
        return std::unexpected(input_is_empty(info.inputs[port].name));
    TRY(std::vector<Table> results,
        CompiledScorer::run_module(step.bound ? *step.bound : *step.plain, step, slots));
    for (std::size_t o = 0; o < results.size(); ++o)
      scorer_->constants_.emplace_back(step.first_output + o, std::move(results[o]));
    return {};
  }

  Error no_data(std::size_t number, std::size_t port, const ModuleInfo& info) const {
    const std::size_t input = service_input(number, port);
    if (input == kNone) return input_is_empty(info.inputs[port].name);
    return {Errc::invalid_argument,
            "Web service input \"" + graph_.service_inputs[input].name +
                "\" has no schema: no data is connected to its port.",
            "serviceInputs." + graph_.service_inputs[input].name};
  }

  void add_input(Step& step, std::size_t number, std::size_t port) {
    const std::size_t input = service_input(number, port);
    if (input != kNone) {
      step.inputs.push_back(input);
      states_[number].dynamic = true;
      return;
    }
    const auto source = index_.source(number, port);
    const NodeState& from = states_[source.node];
    step.inputs.push_back(from.first_slot + source.port);
    if (from.dynamic) states_[number].dynamic = true;
  }

  Result<void> compile_dataset(std::size_t number) {
    NodeState& state = states_[number];
    TRY(Table table, datasets_(graph_.nodes[number].dataset_id));
    state.schemas = {table.schema()};
    if (!state.serving) return {};
    state.first_slot = take_slots(1);
    scorer_->constants_.emplace_back(state.first_slot, std::move(table));
    return {};
  }

  std::size_t take_slots(std::size_t count) {
    const std::size_t first = slots_;
    slots_ += count;
    return first;
  }

  // Values with which the module serves unless a caller gives others.
  Parameters base_parameters(const Node& node) const {
    Parameters parameters = node.parameters;
    for (const auto& [name, global] : node.global_parameters) {
      const auto found =
          std::ranges::find(graph_.global_parameters, global, &GlobalParameter::name);
      if (found != graph_.global_parameters.end() && found->default_value)
        parameters.insert_or_assign(name, *found->default_value);
    }
    return parameters;
  }

  Result<void> add_service_ports() {
    for (const ServicePort& port : graph_.service_inputs) {
      const std::size_t node = index_.find(port.node);
      const auto source = index_.source(node, port.port);
      if (source.node == kNone || source.port >= states_[source.node].schemas.size())
        return std::unexpected(
            no_data(node, port.port, catalogue_.find_family(graph_.nodes[node].module)->info));
      scorer_->inputs_.push_back({port.name, states_[source.node].schemas[source.port]});
    }
    for (const ServicePort& port : graph_.service_outputs) {
      const NodeState& state = states_[index_.find(port.node)];
      if (port.port >= state.schemas.size())
        return fail(Errc::internal, "a module has fewer outputs than it declares");
      scorer_->outputs_.push_back({port.name, state.schemas[port.port]});
      scorer_->output_slots_.push_back(state.first_slot + port.port);
    }
    return {};
  }

  // Tables that only steps which have run already read are let go, unless a call may run those
  // again.
  void keep_constants() {
    std::vector<bool> wanted(slots_);
    for (const std::size_t slot : scorer_->output_slots_) wanted[slot] = true;
    const bool may_rerun = std::ranges::any_of(
        scorer_->steps_, [](const Step& step) { return !step.dynamic && !step.globals.empty(); });
    for (const Step& step : scorer_->steps_)
      if (step.dynamic || may_rerun)
        for (const std::size_t slot : step.inputs) wanted[slot] = true;
    std::erase_if(scorer_->constants_, [&](const auto& entry) { return !wanted[entry.first]; });
  }

  bool row_wise() const {
    if (graph_.service_inputs.size() != 1) return false;
    for (const Step& step : scorer_->steps_)
      if (step.dynamic && !step.plain->row_wise()) return false;
    return std::ranges::all_of(graph_.service_outputs, [&](const ServicePort& port) {
      return states_[index_.find(port.node)].dynamic;
    });
  }

  const Graph& graph_;
  const Catalogue& catalogue_;
  const DatasetLoader& datasets_;
  GraphIndex index_;
  std::vector<NodeState> states_;
  std::size_t slots_ = graph_.service_inputs.size();
  std::shared_ptr<CompiledScorer> scorer_ = std::make_shared<CompiledScorer>();
};

Result<void> check_graph(const Graph& graph, const Catalogue& catalogue) {
  const std::vector<Error> errors = graph.validate(catalogue);
  if (!errors.empty()) {
    std::string text;
    for (const Error& error : errors) {
      if (!text.empty()) text += ' ';
      text += error.message();
    }
    return fail(errors.front().code(), std::move(text), errors.front().field());
  }
  if (graph.service_outputs.empty())
    return fail(Errc::invalid_argument, "The experiment has no Web service output.",
                "serviceOutputs");
  return {};
}

}  // namespace

Result<std::shared_ptr<const Scorer>> compile_scorer(const Graph& graph, const Catalogue& catalogue,
                                                     const DatasetLoader& datasets) {
  TRY_OK(check_graph(graph, catalogue));
  try {
    return Compiler(graph, catalogue, datasets).compile();
  } catch (const std::bad_alloc&) {
    return std::unexpected(module_error(39, "Error while completing operation: out of memory."));
  }
}

}  // namespace mlgate::ml
