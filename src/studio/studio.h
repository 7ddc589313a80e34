#pragma once
// The Studio interface below /api: workspaces, datasets, experiments, runs and publishing. Clients
// of the cloud's Studio call it, and so does the web Studio.
#include "http/message.h"
#include "studio/answers.h"
#include "studio/datasets.h"
#include "studio/experiments.h"
#include "webservice/registry.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::studio {

struct StudioOptions {
  std::string subscription_id;
  std::size_t preview_rows = 100;
};

// Plain blocking handler for the control pool; any thread, many at once. Stop: the compute pool
// ends first.
class Studio {
 public:
  static constexpr std::size_t kBodyBytesMax = 256 << 20;  // Uploads of datasets.

  struct Parts {  // All outlive the studio. The registry's dataset loader should be
                  // dataset_loader().
    store::Store& store;
    const store::Vault& vault;
    const ml::Catalogue& catalogue;
    const Clock& clock;
    webservice::Registry& registry;
    PostCompute post_compute;
  };
  Studio(Parts parts, Datasets& datasets, StudioOptions options);
  // Ends runs that a former program left.
  Result<void> open();

  // "/", /api and everything below it.
  static bool owns(std::string_view path);
  http::Response handle(const http::Request& request);
  // The same for a caller who has shown otherwise that all workspaces are his.
  http::Response handle_as_owner(const http::Request& request);
  // The answer to a request whose head shows no right to what it asks for, or that nothing serves.
  std::optional<http::Response> admit(const http::Request& head) const;

 private:
  struct Call;
  struct Route;
  struct Choice;
  enum class Caller : unsigned char { has_token, owner };
  Choice choose(const http::Request& request, Caller caller) const;
  http::Response answer(const http::Request& request, Caller caller);
  using Handler = http::Response (Studio::*)(const Call&);
  static const std::vector<Route>& routes();

  http::Response list_workspaces(const Call& call);
  http::Response get_workspace(const Call& call);
  http::Response patch_workspace(const Call& call);
  http::Response regenerate_token(const Call& call);
  http::Response list_users(const Call& call);
  http::Response list_modules(const Call& call);
  http::Response empty_list(const Call& call);
  http::Response not_offered(const Call& call);

  http::Response list_datasets(const Call& call);
  http::Response get_dataset(const Call& call);
  http::Response create_dataset(const Call& call);
  http::Response remove_family(const Call& call);
  http::Response begin_upload(const Call& call);
  http::Response add_block(const Call& call);
  http::Response signed_dataset(const Call& call);

  http::Response list_experiments(const Call& call);
  http::Response get_experiment(const Call& call);
  http::Response create_experiment(const Call& call);
  http::Response save_experiment(const Call& call);
  http::Response remove_experiment(const Call& call);
  http::Response run_experiment(const Call& call);
  http::Response output_data(const Call& call);
  http::Response output_preview(const Call& call);
  http::Response service_definition(const Call& call);
  http::Response publish(const Call& call);
  http::Response publication(const Call& call);

  http::Response start_run(const std::string& workspace_id, const std::string& id);
  Json describe(const http::Request& request, const Dataset& dataset) const;
  std::string signature(std::string_view dataset, std::string_view what,
                        std::string_view expiry) const;

  Parts parts_;
  StudioOptions options_;
  Datasets& datasets_;
  Experiments experiments_;
  std::string link_key_;
};

// Loads datasets for graphs of every workspace, deleted ones that a published service still needs
// included.
inline ml::DatasetLoader dataset_loader(Datasets& datasets) {
  return [&datasets](std::string_view id) { return datasets.load(id); };
}

}  // namespace mlgate::studio
