#pragma once
// Batch jobs of the program: the ledger and the service, which every process of the folder has, and
// the engine that works jobs off, for those that play the role `worker`.
#include "app/blob_role.h"
#include "app/data_folder.h"
#include "app/settings.h"
#include "batch/engine.h"
#include "batch/service.h"
#include "net/dial_guard.h"
#include "webservice/registry.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace mlgate::app {

// What to tell at start when results will be linked to by an address that callers cannot reach.
std::optional<std::string> links_warning(const Settings& settings);

class BatchRole {
 public:
  struct Parts {  // All outlive the role.
    store::Store& store;
    const store::Vault& vault;
    const ml::Catalogue& catalogue;
    ml::DatasetLoader datasets;
    webservice::Registry& registry;
    BlobRole& blob;
    net::ComputePool& pool;
    const net::DialGuard& guard;
    ssl_ctx_st* tls = nullptr;
    // Of the blob endpoint of this process; 0 when another one has it.
    std::uint16_t blob_http_port = 0, blob_https_port = 0;
  };
  BatchRole(const Settings& settings, const DataFolder& data, const Parts& parts);

  batch::BatchService& service() noexcept { return *service_; }
  // Begins to work jobs off.
  Result<void> start_engine();
  void stop();

 private:
  batch::EngineOptions engine_options_;
  store::Store& store_;
  std::unique_ptr<batch::Ledger> ledger_;
  std::unique_ptr<blob::HttpCaller> http_;
  std::unique_ptr<blob::BlobOpener> opener_;
  std::unique_ptr<batch::Runner> runner_;
  std::unique_ptr<batch::BatchService> service_;
  std::unique_ptr<batch::Engine> engine_;
};

}  // namespace mlgate::app
