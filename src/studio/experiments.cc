#include "studio/experiments.h"

#include "base/crypto.h"
#include "base/text.h"

#include <algorithm>
#include <array>

namespace mlgate::studio {
namespace {

using NodeState = ml::NodeRun::State;

constexpr std::string_view kCollection = "studio.experiment";
constexpr std::array<std::string_view, 4> kStates{"InDraft", "Running", "Finished", "Failed"};
constexpr std::array<std::string_view, 4> kNodeStates{"NotStarted", "Running", "Finished",
                                                      "Failed"};

template <class E, std::size_t N>
E state_from(const std::array<std::string_view, N>& names, std::string_view text, E otherwise) {
  const auto at = std::find(names.begin(), names.end(), text);
  return at == names.end() ? otherwise : E(at - names.begin());
}

std::string to_document(const Experiment& experiment) {
  Json nodes = Json::array();
  for (const NodeStatus& node : experiment.nodes) {
    nodes.push(Json::object({{"id", node.node},
                             {"state", kNodeStates[std::size_t(node.state)]},
                             {"error", node.error},
                             {"started", node.started_ms},
                             {"ended", node.ended_ms}}));
  }
  const Json out = Json::object({{"id", experiment.id},
                                 {"workspace", experiment.workspace_id},
                                 {"name", experiment.name},
                                 {"summary", experiment.summary},
                                 {"creator", experiment.creator},
                                 {"category", experiment.category},
                                 {"parent", experiment.parent_id},
                                 {"state", name_of(experiment.state)},
                                 {"detail", experiment.state_detail},
                                 {"run", experiment.run_id},
                                 {"created", experiment.created_ms},
                                 {"started", experiment.started_ms},
                                 {"ended", experiment.ended_ms},
                                 {"service", experiment.service_id},
                                 {"endpoint", experiment.endpoint_id},
                                 {"nodes", std::move(nodes)},
                                 {"graph", experiment.graph},
                                 {"webService", experiment.web_service}});
  return out.dump();
}

Result<Experiment> from_document(const store::Document& document) {
  TRY(const Json json, Json::parse(document.body));
  Experiment out;
  out.id = json.string_or("id");
  out.workspace_id = json.string_or("workspace");
  out.name = json.string_or("name");
  out.summary = json.string_or("summary");
  out.creator = json.string_or("creator");
  out.category = json.string_or("category");
  out.parent_id = json.string_or("parent");
  out.state = state_from(kStates, json.string_or("state"), ExperimentState::in_draft);
  out.state_detail = json.string_or("detail");
  out.run_id = json.string_or("run");
  out.created_ms = json.int_or("created", 0);
  out.started_ms = json.int_or("started", 0);
  out.ended_ms = json.int_or("ended", 0);
  out.service_id = json.string_or("service");
  out.endpoint_id = json.string_or("endpoint");
  for (const Json& node : json["nodes"].items()) {
    out.nodes.push_back({std::string(node.string_or("id")), std::string(node.string_or("error")),
                         state_from(kNodeStates, node.string_or("state"), NodeState::not_started),
                         node.int_or("started", 0), node.int_or("ended", 0)});
  }
  out.graph = json["graph"];
  out.web_service = json["webService"];
  out.version = document.version;
  return out;
}

NodeStatus status_of(std::string_view id, const ml::NodeRun& run) {
  return {std::string(id), run.error, run.state, run.started_ms, run.ended_ms};
}

std::unexpected<Error> no_experiment(std::string_view id) {
  return fail(Errc::not_found, "Experiment '" + std::string(id) + "' was not found.");
}

void apply(const ExperimentEdit& edit, Experiment& experiment) {
  if (edit.name) experiment.name = *edit.name;
  if (edit.summary) experiment.summary = *edit.summary;
  if (edit.category) experiment.category = *edit.category;
  if (edit.parent_id) experiment.parent_id = *edit.parent_id;
  if (edit.graph) experiment.graph = *edit.graph;
  if (edit.web_service) experiment.web_service = *edit.web_service;
}

void make_draft(Experiment& experiment) {
  experiment.state = ExperimentState::in_draft;
  experiment.state_detail.clear();
  experiment.run_id.clear();
  experiment.nodes.clear();
  experiment.started_ms = experiment.ended_ms = 0;
}

}  // namespace

std::string_view name_of(ExperimentState state) noexcept { return kStates[std::size_t(state)]; }

Experiments::Experiments(Parts parts) : parts_(std::move(parts)) {}

Result<void> Experiments::open() {
  TRY(const auto documents, parts_.store.list(kCollection, ""));
  for (const auto& document : documents) {
    TRY(Experiment experiment, from_document(document));
    if (experiment.state != ExperimentState::running) continue;
    experiment.state = ExperimentState::failed;
    experiment.state_detail = "The run was interrupted because the program ended.";
    experiment.ended_ms = parts_.clock.now_ms();
    TRY_OK(commit(std::move(experiment), store::Expect::version));
  }
  return {};
}

Result<Experiment> Experiments::commit(Experiment experiment, store::Expect expect) {
  std::vector<store::Write> writes(1);
  writes[0].collection = kCollection;
  writes[0].key = experiment.id;
  writes[0].body = to_document(experiment);
  writes[0].expect = expect;
  writes[0].version = experiment.version;
  TRY(experiment.version, parts_.store.commit(std::move(writes)));
  return experiment;
}

// States of a run that goes on are in memory only.
void Experiments::show_progress(Experiment& experiment) const {
  if (experiment.state != ExperimentState::running) return;
  const std::lock_guard lock(mutex_);
  const auto found = runs_.find(experiment.id);
  if (found == runs_.end() || found->second.run_id != experiment.run_id) return;
  experiment.nodes.clear();
  for (const auto& [id, status] : found->second.nodes) experiment.nodes.push_back(status);
}

Result<std::vector<Experiment>> Experiments::list(std::string_view workspace_id) const {
  TRY(const auto documents, parts_.store.list(kCollection, std::string(workspace_id) + "."));
  std::vector<Experiment> out;
  for (const auto& document : documents) {
    TRY(Experiment experiment, from_document(document));
    show_progress(experiment);
    out.push_back(std::move(experiment));
  }
  std::sort(out.begin(), out.end(), [](const Experiment& a, const Experiment& b) {
    return a.created_ms != b.created_ms ? a.created_ms > b.created_ms : a.id < b.id;
  });
  return out;
}

Result<Experiment> Experiments::get(std::string_view workspace_id, std::string_view id) const {
  TRY(const auto document, parts_.store.get(kCollection, id));
  if (!document) return no_experiment(id);
  TRY(Experiment experiment, from_document(*document));
  if (experiment.workspace_id != workspace_id) return no_experiment(id);
  show_progress(experiment);
  return experiment;
}

Result<Experiment> Experiments::create(std::string_view workspace_id, const ExperimentEdit& edit,
                                       std::string_view creator) {
  Experiment experiment;
  experiment.id = std::string(workspace_id) + ".f-id." + new_hex_id();
  experiment.workspace_id = workspace_id;
  experiment.creator = creator;
  experiment.category = "user";
  experiment.created_ms = parts_.clock.now_ms();
  experiment.graph = Json::object();
  experiment.web_service = Json::object();
  apply(edit, experiment);
  if (trim(experiment.name).empty()) {
    experiment.name = "Experiment created on " + to_iso8601(experiment.created_ms).substr(0, 10);
  }
  TRY_OK(graph_of(experiment));
  return commit(std::move(experiment), store::Expect::absent);
}

Result<Experiment> Experiments::save(std::string_view workspace_id, std::string_view id,
                                     const ExperimentEdit& edit,
                                     std::optional<std::uint64_t> version) {
  TRY(Experiment experiment, get(workspace_id, id));
  if (version && *version != experiment.version)
    return fail(Errc::precondition_failed, "The experiment was changed meanwhile.");
  if (experiment.state == ExperimentState::running)
    return fail(Errc::conflict, "The experiment is running. Wait until the run has ended.");
  const Json graph = experiment.graph, web_service = experiment.web_service;
  apply(edit, experiment);
  if (trim(experiment.name).empty())
    return fail(Errc::invalid_argument, "A name is needed.", "Description");
  // Web service ports do not change what modules compute, only what is published.
  if (experiment.graph != graph) {
    make_draft(experiment);
  }
  if (experiment.graph != graph || experiment.web_service != web_service) {
    TRY_OK(graph_of(experiment));
  }
  return commit(std::move(experiment), store::Expect::version);
}

Result<void> Experiments::remove(std::string_view workspace_id, std::string_view id) {
  TRY(const Experiment experiment, get(workspace_id, id));
  if (experiment.state == ExperimentState::running)
    return fail(Errc::conflict, "The experiment is running. Wait until the run has ended.");
  std::vector<store::Write> writes(1);
  writes[0].collection = kCollection;
  writes[0].key = experiment.id;
  TRY_OK(parts_.store.commit(std::move(writes)));
  const std::lock_guard lock(mutex_);
  runs_.erase(experiment.id);
  ended_.remove(experiment.id);
  return {};
}

Result<ml::Graph> Experiments::graph_of(const Experiment& experiment) {
  return ml::Graph::parse(Json::object(
      {{"ExperimentGraph", experiment.graph}, {"WebService", experiment.web_service}}));
}

Result<std::vector<Error>> Experiments::problems(const Experiment& experiment) const {
  TRY(const ml::Graph graph, graph_of(experiment));
  std::vector<Error> out;
  if (graph.nodes.empty())
    out.emplace_back(Errc::invalid_argument, "The experiment has no modules.", "Graph");
  for (Error& error : graph.validate(parts_.catalogue)) out.push_back(std::move(error));
  return out;
}

Result<Experiment> Experiments::start(std::string_view workspace_id, std::string_view id) {
  TRY(Experiment experiment, get(workspace_id, id));
  if (experiment.state == ExperimentState::running)
    return fail(Errc::conflict, "The experiment is running already.");
  TRY(ml::Graph graph, graph_of(experiment));
  make_draft(experiment);
  experiment.state = ExperimentState::running;
  experiment.run_id = new_hex_id();
  experiment.started_ms = parts_.clock.now_ms();
  for (const auto& node : graph.nodes) {
    NodeStatus status;
    status.node = node.id;
    experiment.nodes.push_back(std::move(status));
  }
  TRY(experiment, commit(std::move(experiment), store::Expect::version));
  {
    const std::lock_guard lock(mutex_);
    Run& run = runs_[experiment.id];
    run = Run{};
    run.run_id = experiment.run_id;
    for (const NodeStatus& node : experiment.nodes) run.nodes.emplace(node.node, node);
    ended_.remove(experiment.id);
  }
  const auto work = [this, experiment,
                     shared = std::make_shared<const ml::Graph>(std::move(graph))] {
    run(experiment, *shared);
  };
  if (parts_.post_compute(work)) return experiment;
  Experiment refused = experiment;
  make_draft(refused);
  TRY_OK(commit(std::move(refused), store::Expect::version));
  return fail(Errc::unavailable, "Too much work is waiting. Run the experiment again later.");
}

void Experiments::run(const Experiment& experiment, const ml::Graph& graph) {
  const auto progress = [&](std::string_view node, const ml::NodeRun& state) {
    const std::lock_guard lock(mutex_);
    const auto found = runs_.find(experiment.id);
    if (found == runs_.end() || found->second.run_id != experiment.run_id) return;
    found->second.nodes.insert_or_assign(std::string(node), status_of(node, state));
  };
  end_run(experiment, ml::run_graph(graph, parts_.catalogue, parts_.datasets, progress));
}

void Experiments::end_run(Experiment experiment, ml::GraphRun result) {
  experiment.state = result.finished ? ExperimentState::finished : ExperimentState::failed;
  experiment.ended_ms = parts_.clock.now_ms();
  experiment.nodes.clear();
  for (const auto& [id, node] : result.nodes) {
    experiment.nodes.push_back(status_of(id, node));
    if (node.state == NodeState::failed && experiment.state_detail.empty())
      experiment.state_detail = node.error;
  }
  keep_outputs(experiment.id, experiment.run_id, result);
  // Nobody else writes a running experiment, so this fails only with the store; then the next start
  // of the program shows the run as interrupted.
  (void)commit(std::move(experiment), store::Expect::version);
}

void Experiments::keep_outputs(const std::string& id, const std::string& run_id,
                               ml::GraphRun& result) {
  const std::lock_guard lock(mutex_);
  Run& run = runs_[id];
  run.run_id = run_id;
  run.ended = true;
  for (auto& [node, state] : result.nodes) run.outputs[node] = std::move(state.outputs);
  ended_.remove(id);
  ended_.push_front(id);
  if (ended_.size() <= kKeptRuns) return;
  runs_.erase(ended_.back());
  ended_.pop_back();
}

Result<table::Table> Experiments::output(std::string_view workspace_id, std::string_view id,
                                         std::string_view node, std::string_view port) {
  TRY(const Experiment experiment, get(workspace_id, id));
  TRY(const ml::Graph graph, graph_of(experiment));
  const auto at = std::find_if(graph.nodes.begin(), graph.nodes.end(),
                               [&](const ml::Node& one) { return one.id == node; });
  if (at == graph.nodes.end())
    return fail(Errc::not_found, "Module '" + std::string(node) + "' was not found.");
  const auto named = std::find(at->output_names.begin(), at->output_names.end(), port);
  const auto number = named != at->output_names.end()
                          ? std::optional(std::uint64_t(named - at->output_names.begin()))
                          : parse_uint(port);
  const auto pick = [&](const std::vector<table::Table>& outputs) -> Result<table::Table> {
    if (number && *number < outputs.size()) return outputs[*number];
    return fail(Errc::not_found, "There is no output '" + std::string(port) + "' to be shown.");
  };
  const bool has_run =
      experiment.state == ExperimentState::finished || experiment.state == ExperimentState::failed;
  if (!has_run) return fail(Errc::not_found, "The experiment has to run first.");
  {
    const std::lock_guard lock(mutex_);
    const auto run = runs_.find(experiment.id);
    if (run != runs_.end() && run->second.ended && run->second.run_id == experiment.run_id)
      return pick(run->second.outputs[std::string(node)]);
  }
  ml::GraphRun again = ml::run_graph(graph, parts_.catalogue, parts_.datasets, {});
  keep_outputs(experiment.id, experiment.run_id, again);
  const std::lock_guard lock(mutex_);
  return pick(runs_[experiment.id].outputs[std::string(node)]);
}

Result<Experiment> Experiments::set_published(const Experiment& experiment, std::string service_id,
                                              std::string endpoint_id) {
  Experiment next = experiment;
  next.service_id = std::move(service_id);
  next.endpoint_id = std::move(endpoint_id);
  return commit(std::move(next), store::Expect::version);
}

}  // namespace mlgate::studio
