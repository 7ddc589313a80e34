#pragma once
// Compiles the entities of API management into what the gateway serves. Everything is checked;
// errors are collected, not only the first. A service with errors keeps what it served before.
// Parts whose entities did not change are shared with the snapshot before, so a change costs what
// it touches.
#include "apim/delta.h"
#include "apim/model.h"
#include "base/result.h"
#include "gateway/assemble.h"
#include "gateway/snapshot.h"
#include "policy/catalog.h"
#include "policy/limits.h"

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace mlgate::http {
class LocalService;
}

namespace mlgate::control {

// An address under which this program's own services answer: backends there are called in process.
struct OwnAddress {
  std::string host;        // Exact, or "*.suffix" for every name below it; compared without case.
  std::uint16_t port = 0;  // 0: any.
};

// A rule of a quota for one counter that administrators name.
struct NamedQuota {
  policy::QuotaRule rule;
  bool only_counted = false;  // Any name may be one; only counters that are there count.
};

struct BuilderOptions {
  std::string gateway_domain =
      "localhost";              // `{service}.{gateway_domain}` is a host of each service.
  std::string default_service;  // Wins over Service::is_default when not empty.
  gateway::PathCase path_case;
  std::vector<OwnAddress> own_addresses;
  http::LocalService* own_services = nullptr;  // Null: every backend is called over the network.
  // Breakers, health and turns of backends; outlives every snapshot.
  std::shared_ptr<gateway::BackendStates> backend_states =
      std::make_shared<gateway::BackendStates>();
  std::string ca_certificate;  // Our own CA, trusted for every backend; a file.
  std::string backend_ca;      // Further authorities; a file, empty: none.
};

class ServiceState;

// Thread: one at a time; no worker.
class SnapshotBuilder {
 public:
  // `limits` holds the counters and outlives every snapshot.
  SnapshotBuilder(BuilderOptions options, policy::Limits& limits);
  ~SnapshotBuilder();

  // Takes the changes of one service over. Errors name what they are about
  // ("apis/echo-api/serviceUrl"); with errors nothing changes. `number` is the service's; for one
  // that is not known the changes are the whole of it.
  std::vector<Error> apply(apim::EntityNumber number, const apim::ModelDelta& delta);
  bool knows(apim::EntityNumber number) const { return services_.contains(number); }
  // The same, from the service as it is to be.
  std::vector<Error> update(const apim::ServiceModel& model);
  // Takes over exactly these, all or none.
  std::vector<Error> replace(std::span<const apim::ServiceModel> models);
  std::vector<Error> replace(std::span<const apim::ModelDelta> instances);
  void remove(apim::EntityNumber service);
  std::vector<NamedQuota> quotas_of(apim::EntityNumber service, std::string_view counter_key) const;

  // The snapshot of all services taken over, with the next version number.
  std::shared_ptr<const gateway::Snapshot> snapshot();

 private:
  struct Kept {
    std::shared_ptr<ServiceState> state;
    std::shared_ptr<const gateway::ServicePart> part;
    std::vector<std::string> hosts;
    bool is_default = false;
  };
  using Services = std::map<apim::EntityNumber, Kept>;

  void name_hosts(Kept& kept, const apim::Service& service) const;
  std::vector<Error> check_hosts(const Services& services) const;

  BuilderOptions options_;
  policy::Limits& limits_;
  policy::PolicyCatalog catalog_;
  Services services_;
  std::uint64_t version_ = 0;
};

// Does `backend` lie on one of these addresses?
bool is_own_address(const gateway::Backend& backend,
                    std::span<const OwnAddress> addresses) noexcept;

}  // namespace mlgate::control
