#pragma once
// The control side of the gateway: takes entities over, publishes what they compile to, and keeps
// quota counters through restarts. Threads: any but a worker; callers are served one after another.
#include "control/snapshot_builder.h"
#include "gateway/publisher.h"

#include <mutex>
#include <span>
#include <vector>

namespace mlgate::control {

class Control {
 public:
  // Both outlive it.
  Control(BuilderOptions options, policy::Limits& limits, gateway::Publisher& publisher)
      : builder_(std::move(options), limits), publisher_(publisher) {}

  // Compiles and publishes. With errors the snapshot before stays; on return all new calls see the
  // new one.
  std::vector<Error> update(const apim::ServiceModel& model);
  std::vector<Error> apply(apim::EntityNumber service, const apim::ModelDelta& delta);
  bool knows(apim::EntityNumber service);
  std::vector<Error> replace(std::span<const apim::ServiceModel> models);
  // The same; each delta is the whole of an instance.
  std::vector<Error> replace(std::span<const apim::ModelDelta> instances);
  void remove(apim::EntityNumber service);
  // The quotas whose counters are known to administrators by that name.
  std::vector<NamedQuota> quotas_of(apim::EntityNumber service, std::string_view counter_key);

 private:
  std::mutex mutex_;
  SnapshotBuilder builder_;
  gateway::Publisher& publisher_;
};

}  // namespace mlgate::control
