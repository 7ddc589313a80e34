#include "control/snapshot_builder.h"

#include "base/text.h"
#include "control/service_state.h"

namespace mlgate::control {

bool is_own_address(const gateway::Backend& backend,
                    std::span<const OwnAddress> addresses) noexcept {
  for (const auto& own : addresses) {
    if (own.port != 0 && own.port != backend.port) continue;
    const std::string_view pattern = own.host;
    if (!pattern.starts_with("*.")) {
      if (equals_ignoring_case(pattern, backend.host)) return true;
      continue;
    }
    const auto suffix = pattern.substr(1);
    if (backend.host.size() > suffix.size() &&
        equals_ignoring_case(
            std::string_view(backend.host).substr(backend.host.size() - suffix.size()), suffix)) {
      return true;
    }
  }
  return false;
}

SnapshotBuilder::SnapshotBuilder(BuilderOptions options, policy::Limits& limits)
    : options_(std::move(options)), limits_(limits), catalog_(policy::builtin_policies()) {}

SnapshotBuilder::~SnapshotBuilder() = default;

void SnapshotBuilder::name_hosts(Kept& kept, const apim::Service& service) const {
  kept.hosts = {service.name + "." + options_.gateway_domain};
  for (const auto& host : service.hostnames) {
    if (equals_ignoring_case(host.type, "Proxy")) kept.hosts.push_back(host.host);
  }
  kept.is_default = options_.default_service.empty()
                        ? service.is_default
                        : equals_ignoring_case(options_.default_service, service.name);
}

std::vector<Error> SnapshotBuilder::check_hosts(const Services& services) const {
  std::vector<Error> errors;
  std::map<std::string, const Kept*> taken;
  for (const auto& [number, kept] : services) {
    for (const auto& host : kept.hosts) {
      const auto [at, fresh] = taken.try_emplace(to_lower(host), &kept);
      if (fresh || at->second == &kept) continue;
      const auto name_of = [this](const Kept& one) {
        return one.hosts.front().substr(
            0, one.hosts.front().size() - options_.gateway_domain.size() - 1);
      };
      errors.emplace_back(Errc::conflict,
                          "the host name '" + host + "' of service '" + name_of(kept) +
                              "' is taken by service '" + name_of(*at->second) + "'",
                          "hostnameConfigurations");
    }
  }
  return errors;
}

std::vector<NamedQuota> SnapshotBuilder::quotas_of(apim::EntityNumber service,
                                                   std::string_view counter_key) const {
  const auto found = services_.find(service);
  return found == services_.end() ? std::vector<NamedQuota>{}
                                  : found->second.state->quotas_of(counter_key);
}

std::vector<Error> SnapshotBuilder::apply(apim::EntityNumber number,
                                          const apim::ModelDelta& delta) {
  std::vector<Error> errors;
  if (delta.service_gone) {
    remove(number);
    return errors;
  }
  const auto found = services_.find(number);
  Kept next = found == services_.end() ? Kept{} : found->second;
  if (!next.state) next.state = std::make_shared<ServiceState>(options_, limits_, catalog_);
  if (delta.service) {
    // Host names are checked before anything is taken over.
    name_hosts(next, *delta.service);
    Services all = services_;
    all[number] = next;
    errors = check_hosts(all);
    if (!errors.empty()) return errors;
  }
  next.part = next.state->apply(delta, errors);
  if (next.part) services_[number] = std::move(next);
  return errors;
}

std::vector<Error> SnapshotBuilder::update(const apim::ServiceModel& model) {
  if (model.service.deleted_ms) {
    remove(model.service.number);
    return {};
  }
  const auto found = services_.find(model.service.number);
  return apply(model.service.number, found == services_.end()
                                         ? apim::delta_of(model)
                                         : found->second.state->difference(model));
}

std::vector<Error> SnapshotBuilder::replace(std::span<const apim::ServiceModel> models) {
  std::vector<apim::ModelDelta> deltas;
  for (const auto& model : models)
    if (!model.service.deleted_ms) deltas.push_back(apim::delta_of(model));
  return replace(deltas);
}

std::vector<Error> SnapshotBuilder::replace(std::span<const apim::ModelDelta> instances) {
  std::vector<Error> errors;
  Services next;
  for (const auto& delta : instances) {
    Kept kept;
    kept.state = std::make_shared<ServiceState>(options_, limits_, catalog_);
    name_hosts(kept, *delta.service);
    kept.part = kept.state->apply(delta, errors);
    if (kept.part) next[delta.service->number] = std::move(kept);
  }
  if (errors.empty()) errors = check_hosts(next);
  if (errors.empty()) services_ = std::move(next);
  return errors;
}

void SnapshotBuilder::remove(apim::EntityNumber service) { services_.erase(service); }

std::shared_ptr<const gateway::Snapshot> SnapshotBuilder::snapshot() {
  auto out = std::make_shared<gateway::Snapshot>();
  out->version = ++version_;
  for (const auto& [number, kept] : services_) {
    out->services.push_back(kept.part);
    for (const auto& host : kept.hosts) out->hosts.try_emplace(host, kept.part.get());
    if (kept.is_default && !out->default_service) out->default_service = kept.part.get();
  }
  // Numbers grow with the order of creation, so the first is the one created first.
  if (!out->default_service && options_.default_service.empty() && !out->services.empty()) {
    out->default_service = out->services.front().get();
  }
  return out;
}

}  // namespace mlgate::control
