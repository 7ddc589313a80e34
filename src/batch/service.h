#pragma once
// The batch execution service: submit, start, status, cancel and delete in the dialect of the web
// services, and the richer view of jobs for those who run them. Every call works on the store, so
// it leaves the worker for the control pool; jobs are done by engines, here or in other processes.
#include "batch/job_board.h"
#include "batch/ledger.h"
#include "batch/liveness.h"
#include "blob/client.h"
#include "net/compute_pool.h"
#include "webservice/batch_calls.h"
#include "webservice/errors.h"
#include "webservice/registry.h"

#include <string>
#include <string_view>

namespace mlgate::batch {

struct ServiceOptions {
  std::size_t body_bytes_max = std::size_t{1} << 20;
  std::string own_account;                 // Of the embedded endpoint, for results without a place.
  RowErrors row_errors = RowErrors::fail;  // Unless the call says "onRowError=fail|skip".
  std::size_t running_max = 40;            // As the ledger's.
  std::size_t list_max = 1'000;            // Jobs in one answer.
};

// Used by all workers at once.
class BatchService final : public webservice::BatchCalls {
 public:
  struct Parts {  // All outlive the service.
    Ledger& ledger;
    webservice::Registry& registry;
    blob::BlobOpener& opener;
    store::Store& store;
    const Clock& clock;
    net::ComputePool& pool;
  };
  BatchService(Parts parts, ServiceOptions options);

  http::Awaitable<http::Response> serve(Call call, const http::Request& request) override;
  http::Response monitor(const webservice::Endpoint& endpoint, std::string_view job,
                         const http::Request& request) override;
  void endpoint_removed(std::string_view endpoint) override;
  // The same for what the registry does not know: a program may end between the removal of an
  // endpoint and of its jobs. To be called when the registry is loaded.
  Result<void> cancel_orphans();
  // What serve() does, on the calling thread.
  http::Response handle(const Call& call, const http::Request& request);

 private:
  http::Response submit(const Call& call, const http::Request& request);
  http::Response start(const Call& call);
  http::Response status(const Call& call);
  http::Response remove(const Call& call);
  Result<std::string> results_json(const JobSpec& spec);

  // Of all workers that seem to be alive.
  Result<std::uint64_t> threads_alive();

  Parts parts_;
  ServiceOptions options_;
  std::string host_;
  Liveness liveness_;  // What the board asks for; nobody is given up here.
  JobBoard board_;
};

}  // namespace mlgate::batch
