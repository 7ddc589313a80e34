#include "control/snapshot_builder.h"

#include "base/text.h"
#include "control/service_compiler.h"

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

Result<SnapshotBuilder::Kept> SnapshotBuilder::compile(const apim::ServiceModel& model,
                                                       const Kept* before,
                                                       std::vector<Error>& errors) const {
  Kept out;
  out.part = ServiceCompiler(options_, limits_, catalog_, model,
                             before ? before->part.get() : nullptr, errors)
                 .compile();
  if (!out.part)
    return fail(Errc::invalid_argument, "service '" + model.service.name + "' is not valid");
  out.hosts.push_back(model.service.name + "." + options_.gateway_domain);
  for (const auto& host : model.service.hostnames) {
    if (equals_ignoring_case(host.type, "Proxy")) out.hosts.push_back(host.host);
  }
  out.is_default = options_.default_service.empty()
                       ? model.service.is_default
                       : equals_ignoring_case(options_.default_service, model.service.name);
  return out;
}

std::vector<Error> SnapshotBuilder::check_hosts(const Services& services) const {
  std::vector<Error> errors;
  std::map<std::string, const gateway::ServicePart*> taken;
  for (const auto& [number, kept] : services) {
    for (const auto& host : kept.hosts) {
      const auto [at, fresh] = taken.try_emplace(to_lower(host), kept.part.get());
      if (fresh || at->second == kept.part.get()) continue;
      errors.emplace_back(Errc::conflict,
                          "the host name '" + host + "' of service '" + kept.part->name +
                              "' is taken by service '" + at->second->name + "'",
                          "hostnameConfigurations");
    }
  }
  return errors;
}

std::vector<Error> SnapshotBuilder::update(const apim::ServiceModel& model) {
  if (model.service.deleted_ms) {
    remove(model.service.number);
    return {};
  }
  std::vector<Error> errors;
  const auto before = services_.find(model.service.number);
  auto kept = compile(model, before == services_.end() ? nullptr : &before->second, errors);
  if (!kept) return errors;
  Services next = services_;
  next[model.service.number] = *std::move(kept);
  errors = check_hosts(next);
  if (errors.empty()) services_ = std::move(next);
  return errors;
}

std::vector<Error> SnapshotBuilder::replace(std::span<const apim::ServiceModel> models) {
  std::vector<Error> errors;
  Services next;
  for (const auto& model : models) {
    if (model.service.deleted_ms) continue;
    const auto before = services_.find(model.service.number);
    auto kept = compile(model, before == services_.end() ? nullptr : &before->second, errors);
    if (kept) next[model.service.number] = *std::move(kept);
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
