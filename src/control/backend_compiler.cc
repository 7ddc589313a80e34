#include "control/backend_compiler.h"

#include "base/text.h"
#include "net/backend_tls.h"

#include <algorithm>

namespace mlgate::control {
namespace {

constexpr std::int64_t kMsNs = 1'000'000;

void refuse(std::vector<Error>& errors, const apim::Backend& entity, const std::string& field,
            const std::string& message) {
  const std::string where = "backends/" + entity.name;
  errors.emplace_back(Errc::invalid_argument, where + ": " + message, where + "/" + field);
}

gateway::TripRule rule_of(const apim::BreakerRule& rule) {
  gateway::TripRule out;
  out.failures = std::uint32_t(rule.count.value_or(0));
  out.percentage = std::uint32_t(rule.percentage.value_or(0));
  out.interval_ns = rule.interval_ms * kMsNs;
  out.trip_ns = rule.trip_ms * kMsNs;
  out.accept_retry_after = rule.accept_retry_after;
  for (const auto& range : rule.statuses) out.statuses.push_back({int(range.min), int(range.max)});
  out.reasons = rule.reasons;
  return out;
}

// The certificate that the backend names first, by id or by thumbprint; nullptr when it names none.
const apim::Certificate* certificate_of(const apim::Backend& entity,
                                        const CertificateEntities& certificates,
                                        std::vector<Error>& errors) {
  for (const auto& id : entity.certificate_ids) {
    const auto name = to_lower(id.substr(id.rfind('/') == id.npos ? 0 : id.rfind('/') + 1));
    const auto found = certificates.find(name);
    if (found != certificates.end()) return &found->second;
    refuse(errors, entity, "credentials.certificateIds", "Certificate '" + id + "' not found.");
    return nullptr;
  }
  for (const auto& thumbprint : entity.thumbprints) {
    const auto found = std::ranges::find_if(certificates, [&](const auto& one) {
      return equals_ignoring_case(one.second.thumbprint, thumbprint);
    });
    if (found != certificates.end()) return &found->second;
    refuse(errors, entity, "credentials.certificate",
           "Certificate with thumbprint '" + thumbprint + "' not found.");
  }
  return nullptr;
}

void take_credentials(const apim::Backend& entity, gateway::BackendPart& part) {
  for (const auto& [name, values] : entity.headers) {
    std::string joined;
    for (const auto& value : values) joined += (joined.empty() ? "" : ",") + value;
    part.headers.emplace_back(name, std::move(joined));
  }
  if (!entity.authorization_scheme.empty())
    part.headers.emplace_back("Authorization",
                              entity.authorization_scheme + " " + entity.authorization_parameter);
  for (const auto& [name, values] : entity.query) {
    part.query_names.push_back(name);
    for (const auto& value : values)
      part.query +=
          (part.query.empty() ? "" : "&") + percent_encode(name) + "=" + percent_encode(value);
  }
}

void take_tls(const BuilderOptions& options, const apim::Backend& entity,
              const CertificateEntities& certificates, gateway::BackendPart& part,
              std::vector<Error>& errors) {
  const auto* certificate = certificate_of(entity, certificates, errors);
  if (entity.validate_chain && entity.validate_name && !certificate) return;
  auto made = net::make_backend_tls(
      {.verify_chain = entity.validate_chain,
       .verify_name = entity.validate_name,
       .certificate_pem = certificate ? certificate->certificate_pem : std::string(),
       .key_pem = certificate ? certificate->key_pem : std::string(),
       .ca_certificate = options.ca_certificate,
       .extra_ca = options.backend_ca});
  if (!made) {
    refuse(errors, entity, "credentials", made.error().message());
    return;
  }
  part.tls = *std::move(made);
  part.target.tls_context = part.tls->context.get();
}

void take_probe(const apim::Backend& entity, gateway::BackendPart& part) {
  if (!entity.health_check) {
    part.state->forget_checks();
    return;
  }
  const auto& check = *entity.health_check;
  auto probe = std::make_unique<gateway::HealthProbe>();
  probe->url = part.target.origin + part.target.path_prefix + check.path;
  probe->interval_ms = check.interval_ms;
  probe->timeout_ms = check.timeout_ms;
  probe->unhealthy_after = std::uint32_t(check.unhealthy_after);
  probe->healthy_after = std::uint32_t(check.healthy_after);
  for (const auto& range : check.statuses)
    probe->statuses.push_back({int(range.min), int(range.max)});
  part.probe = std::move(probe);
}

gateway::BackendPartPtr compile_single(const BuilderOptions& options, const apim::Backend& entity,
                                       const CertificateEntities& certificates,
                                       std::vector<Error>& errors) {
  auto part = std::make_shared<gateway::BackendPart>();
  part->number = entity.number;
  part->version = entity.version;
  part->name = entity.name;
  auto target = compile_url(options, entity.url);
  if (!target) {
    refuse(errors, entity, "url", target.error().message());
    return nullptr;
  }
  part->target = *std::move(target);
  part->state = options.backend_states->backend(entity.number);
  take_credentials(entity, *part);
  take_tls(options, entity, certificates, *part, errors);
  take_probe(entity, *part);
  for (const auto& rule : entity.rules) part->rules.push_back(rule_of(rule));
  return part;
}

gateway::BackendPartPtr compile_pool(const BuilderOptions& options, const apim::Backend& entity,
                                     const gateway::NameMap<gateway::BackendPartPtr>& parts,
                                     std::vector<Error>& errors) {
  auto part = std::make_shared<gateway::BackendPart>();
  part->number = entity.number;
  part->version = entity.version;
  part->name = entity.name;
  part->state = options.backend_states->backend(entity.number);
  part->turn = options.backend_states->pool(entity.number);
  // Missing or all-zero weights count as equal; a zero among others takes no traffic.
  const bool weighted = std::ranges::any_of(
      entity.members, [](const apim::PoolMember& one) { return one.weight.value_or(0) > 0; });
  for (const auto& member : entity.members) {
    const auto found = parts.find(member.backend);
    if (found == parts.end() || found->second->is_pool()) {
      refuse(errors, entity, "pool.services",
             "'" + member.backend + "' is no single backend of this service.");
      continue;
    }
    const auto weight = weighted ? std::uint32_t(member.weight.value_or(1)) : 1U;
    part->members.push_back({found->second, weight, std::uint32_t(member.priority)});
  }
  std::ranges::sort(part->members, {}, [](const gateway::PoolEntry& one) {
    return std::pair(one.priority, one.backend->number);
  });
  return part;
}

}  // namespace

Result<gateway::Backend> compile_url(const BuilderOptions& options, std::string_view url) {
  TRY(auto backend, gateway::parse_backend(url));
  if (options.own_services && is_own_address(backend, options.own_addresses)) {
    backend.kind = gateway::Backend::Kind::local;
    backend.local = options.own_services;
  } else {
    backend.in_use = options.backend_states->authority(backend.origin);
  }
  return backend;
}

gateway::NameMap<gateway::BackendPartPtr> compile_backends(
    const BuilderOptions& options, const BackendEntities& backends,
    const CertificateEntities& certificates,
    const gateway::NameMap<gateway::BackendPartPtr>& before, std::vector<Error>& errors) {
  gateway::NameMap<gateway::BackendPartPtr> out;
  for (const auto& [name, entity] : backends) {
    if (entity.is_pool) continue;
    const auto old = before.find(name);
    // A client certificate may have changed under its name.
    const bool same = old != before.end() && old->second->number == entity.number &&
                      old->second->version == entity.version && !old->second->tls &&
                      !old->second->is_pool();
    auto part = same ? old->second : compile_single(options, entity, certificates, errors);
    if (part) out.emplace(name, std::move(part));
  }
  for (const auto& [name, entity] : backends)
    if (entity.is_pool) out.emplace(name, compile_pool(options, entity, out, errors));
  return out;
}

}  // namespace mlgate::control
