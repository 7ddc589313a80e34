#pragma once
// Experiments: graphs that people build, run and publish. Each is one durable document. A run
// happens on the compute pool; its states are seen while it goes on, its outputs are kept in memory
// and made again when they are asked for later, because modules are pure.
#include "base/json.h"
#include "base/result.h"
#include "base/time.h"
#include "ml/graph.h"
#include "store/store.h"

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::studio {

enum class ExperimentState : unsigned char { in_draft, running, finished, failed };
std::string_view name_of(ExperimentState state) noexcept;

struct NodeStatus {
  std::string node, error;
  ml::NodeRun::State state = ml::NodeRun::State::not_started;
  TimeMs started_ms = 0, ended_ms = 0;
};

struct Experiment {
  std::string id, workspace_id, name, summary, creator, category, parent_id;
  Json graph, web_service;  // As sent: "ExperimentGraph" and "WebService".
  ExperimentState state = ExperimentState::in_draft;
  std::string state_detail, run_id;
  TimeMs created_ms = 0, started_ms = 0, ended_ms = 0;
  std::vector<NodeStatus> nodes;
  std::string service_id, endpoint_id;  // Of the last publication.
  std::uint64_t version = 0;            // Of the document.
};

struct ExperimentEdit {  // Absent: as it is.
  std::optional<std::string> name, summary, category, parent_id;
  std::optional<Json> graph, web_service;
};

// Hands work to the compute pool; false when its queue is full.
using PostCompute = std::function<bool(std::function<void()>)>;

// Threads: any but a worker. Stop: the compute pool ends before this.
class Experiments {
 public:
  static constexpr std::size_t kKeptRuns = 32;  // Runs whose outputs stay in memory.

  struct Parts {  // All outlive the experiments.
    store::Store& store;
    const ml::Catalogue& catalogue;
    const Clock& clock;
    ml::DatasetLoader datasets;
    PostCompute post_compute;
  };
  explicit Experiments(Parts parts);
  // A run that the end of the program cut off is shown as failed from here on.
  Result<void> open();

  Result<std::vector<Experiment>> list(std::string_view workspace_id) const;
  Result<Experiment> get(std::string_view workspace_id, std::string_view id) const;
  Result<Experiment> create(std::string_view workspace_id, const ExperimentEdit& edit,
                            std::string_view creator);
  // conflict while it runs; precondition_failed when `version` is given and not the document's. A
  // changed graph makes it a draft.
  Result<Experiment> save(std::string_view workspace_id, std::string_view id,
                          const ExperimentEdit& edit, std::optional<std::uint64_t> version);
  Result<void> remove(std::string_view workspace_id, std::string_view id);

  // The graph as modules read it; invalid_argument says where it is broken.
  static Result<ml::Graph> graph_of(const Experiment& experiment);
  // Everything that keeps it from running; empty when it can run.
  Result<std::vector<Error>> problems(const Experiment& experiment) const;
  // Begins a run and returns at once.
  Result<Experiment> start(std::string_view workspace_id, std::string_view id);
  // What came out of a module's port. `port` is its number or its name.
  Result<table::Table> output(std::string_view workspace_id, std::string_view id,
                              std::string_view node, std::string_view port);
  Result<Experiment> set_published(const Experiment& experiment, std::string service_id,
                                   std::string endpoint_id);

 private:
  struct Run {
    std::string run_id;
    std::map<std::string, NodeStatus> nodes;
    std::map<std::string, std::vector<table::Table>> outputs;
    bool ended = false;
  };

  Result<Experiment> commit(Experiment experiment, store::Expect expect);
  void show_progress(Experiment& experiment) const;
  void run(const Experiment& experiment, const ml::Graph& graph);
  void end_run(Experiment experiment, ml::GraphRun result);
  void keep_outputs(const std::string& id, const std::string& run_id, ml::GraphRun& result);

  Parts parts_;
  mutable std::mutex mutex_;
  std::map<std::string, Run, std::less<>> runs_;  // Guarded by mutex_; by experiment.
  std::list<std::string> ended_;  // Guarded; experiments with kept outputs, latest first.
};

}  // namespace mlgate::studio
