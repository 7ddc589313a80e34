#include "portal/visit.h"

#include "apim/codec.h"
#include "base/text.h"

#include <algorithm>

namespace mlgate::portal {
namespace {

std::string gateway_host(const GatewayPlace& gateway, const apim::Service& service) {
  return service.is_default ? gateway.domain : to_lower(service.name) + "." + gateway.domain;
}

Result<apim::Service> find_instance(apim::Repository& repository, std::string_view name) {
  if (!name.empty()) {
    auto reader = repository.reader();
    TRY(const auto found, apim::find_service(reader, name));
    if (found && !found->deleted_ms) return *found;
  } else {
    TRY(const auto all, repository.services());
    const auto found = std::ranges::find_if(all, &apim::Service::is_default);
    if (found != all.end()) return *found;
  }
  return fail(Errc::not_found, "There is no such service instance.");
}

}  // namespace

Result<std::optional<identity::Person>> person_of(const SessionGuard& guard,
                                                  const http::Request& request) {
  if (SessionGuard::cookie(request).empty()) return std::nullopt;
  auto session = guard.check(request);
  if (session) return std::move(session->person);
  if (request.method == "GET" && session.error().code() == Errc::denied) return std::nullopt;
  return std::unexpected(session.error());
}

Result<Visit> begin_visit(apim::Repository& repository, std::string_view service,
                          const std::optional<identity::Person>& person) {
  TRY(apim::Service instance, find_instance(repository, service));
  const bool closed = instance.properties.string_or("developerPortalStatus") == "Disabled";
  if (closed && (!person || person->role != identity::PersonRole::administrator))
    return fail(Errc::not_found, "There is no such service instance.");
  TRY(Viewer viewer, viewer_of(repository, instance.name, person));
  return Visit{std::move(instance), std::move(viewer)};
}

Result<ApiAddress> address_of(apim::Repository& repository, const GatewayPlace& gateway,
                              const apim::Service& service, const apim::Api& api) {
  const bool tls = std::ranges::find(api.protocols, "https") != api.protocols.end() ||
                   std::ranges::find(api.protocols, "wss") != api.protocols.end();
  ApiAddress out;
  out.scheme = tls ? "https" : "http";
  out.authority = gateway_host(gateway, service) + ":" +
                  std::to_string(tls ? gateway.https_port : gateway.http_port);
  if (!api.path.empty()) out.path = "/" + api.path;
  if (!api.version_set || api.api_version.empty()) return out;
  auto reader = repository.reader();
  TRY(const auto set,
      apim::find<apim::VersionSet>(reader, {service.name, "", std::string(*api.version_set)}));
  if (!set) return out;
  switch (set->scheme) {
    case apim::VersioningScheme::segment:
      out.path += "/" + api.api_version;
      break;
    case apim::VersioningScheme::query:
      out.query = percent_encode(set->query_name) + "=" + percent_encode(api.api_version);
      break;
    case apim::VersioningScheme::header:
      out.header = set->header_name;
      out.header_value = api.api_version;
      break;
  }
  return out;
}

std::string gateway_url(const GatewayPlace& gateway, const apim::Service& service) {
  return "https://" + gateway_host(gateway, service) + ":" + std::to_string(gateway.https_port);
}

}  // namespace mlgate::portal
