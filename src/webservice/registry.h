#pragma once
// Published services and their workspaces: durable in the store, compiled at start and at every
// change, and read by workers without waiting. The store is written first; what callers see
// follows, or nothing changes.
#include "base/result.h"
#include "base/time.h"
#include "ml/graph.h"
#include "store/store.h"
#include "webservice/directory.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::webservice {

struct Publication {
  std::string workspace_id;
  std::string
      service_id;  // Empty: a new service. Given: its default endpoint serves the new graph.
  std::string name, description, experiment_id;
  ml::Graph graph;
};

struct EndpointSettings {  // Absent: as it is, or the default for a new endpoint.
  std::optional<std::string> description, trace_level;
  std::optional<ThrottleLevel> throttle;
  std::optional<std::int64_t> concurrent_max;
  std::optional<bool> prevent_update;
};

enum class KeyKind : unsigned char { primary, secondary };

// Threads: view() on workers; everything else blocks (store, compiling) and belongs on the control
// pool.
class Registry {
 public:
  struct Parts {  // All outlive the registry.
    store::Store& store;
    const store::Vault& vault;
    const ml::Catalogue& catalogue;
    const Clock& clock;
    ml::DatasetLoader datasets;  // Of published graphs: has to know deleted datasets, too.
  };
  explicit Registry(Parts parts);

  // Reads and compiles all there is. A service whose model no longer compiles is kept and answers
  // with the reason.
  Result<void> load();

  // The index as the calling thread last saw it; valid until the thread asks again. Takes a lock
  // only after a change.
  const Directory& view() const;
  // The index, kept as long as it is held.
  std::shared_ptr<const Directory> directory() const;

  Result<Workspace> create_workspace(std::string_view name, std::string_view owner_email);
  Result<Workspace> update_workspace(std::string_view id, std::optional<std::string> name,
                                     std::optional<std::string> description);
  Result<Workspace> regenerate_token(std::string_view id, KeyKind which);

  // The service with its default endpoint first; invalid_argument says why the graph cannot serve.
  Result<std::shared_ptr<const Service>> publish(Publication publication);
  Result<std::shared_ptr<const Service>> update_service(std::string_view workspace_id,
                                                        std::string_view id,
                                                        std::optional<std::string> name,
                                                        std::optional<std::string> description);
  Result<void> remove_service(std::string_view workspace_id, std::string_view id);

  // Creates or changes an endpoint. invalid_argument names the field.
  Result<std::shared_ptr<const Endpoint>> put_endpoint(const Service& service,
                                                       std::string_view name,
                                                       const EndpointSettings& settings);
  Result<void> remove_endpoint(const Service& service, std::string_view endpoint_id);
  // Brings an endpoint to the model of the latest publication.
  Result<std::shared_ptr<const Endpoint>> refresh_endpoint(const Service& service,
                                                           std::string_view endpoint_id);
  Result<std::shared_ptr<const Endpoint>> regenerate_key(const Service& service,
                                                         std::string_view endpoint_id,
                                                         KeyKind which);

  // The JSON of what the endpoint's scorer was compiled from. Blocks on the store.
  Result<std::string> graph_text(const Endpoint& endpoint);

  // Whether a published graph uses the dataset, so that its content has to stay.
  Result<bool> uses_dataset(std::string_view dataset_id);

 private:
  using Models = std::map<std::uint64_t, std::shared_ptr<const Model>>;  // By version.

  std::shared_ptr<const Model> compile(const ml::Graph& graph) const;
  Result<std::shared_ptr<const Service>> read_service(const store::Document& document);
  Result<ml::Graph> read_graph(std::string_view service_id, std::uint64_t version);
  // Writes the service and what belongs to it, then shows it. `writes` are further documents of the
  // same commit.
  Result<std::shared_ptr<const Service>> commit_service(Service service,
                                                        std::vector<store::Write> writes);
  Result<Workspace> commit_workspace(Workspace workspace, store::Expect expect);
  // Replaces one endpoint of the current service, read anew under the lock.
  Result<std::shared_ptr<const Endpoint>> commit_endpoint(const Service& current,
                                                          Endpoint endpoint);
  std::vector<store::Write> drop_unused_models(const Service& before, const Service& after) const;
  Result<std::shared_ptr<const Service>> current(const Service& service) const;
  void show(std::shared_ptr<Directory> next);

  Parts parts_;
  std::mutex change_;  // One change at a time, from reading the store to showing the result.
  mutable std::mutex shown_mutex_;
  std::shared_ptr<const Directory> shown_;  // Guarded by shown_mutex_.
  std::atomic<std::uint64_t> shown_version_;
};

// Texts of these documents; registry_documents.cc.
std::string service_document(const Service& service, const store::Vault& vault);
std::string workspace_document(const Workspace& workspace, const store::Vault& vault);
Result<Workspace> parse_workspace(const store::Document& document, const store::Vault& vault);
// Endpoints without their models.
Result<Service> parse_service(const store::Document& document, const store::Vault& vault,
                              std::vector<Endpoint>& endpoints);

}  // namespace mlgate::webservice
