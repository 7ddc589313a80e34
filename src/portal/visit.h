#pragma once
// One request of the developer portal: which instance it is about, and whose eyes see it.
#include "apim/model.h"
#include "apim/repository.h"
#include "portal/catalogue.h"
#include "portal/developers.h"
#include "portal/session_guard.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mlgate::portal {

// Where the gateway of this program is reached. A port is 0 when it runs elsewhere.
struct GatewayPlace {
  std::string domain = "localhost";
  std::uint16_t http_port = 0, https_port = 0;
};

struct Visit {
  apim::Service service;
  Viewer viewer;

  Result<Catalogue> catalogue(apim::Repository& repository) const {
    return Catalogue::load(repository, service.name, viewer);
  }
};

// The session's person, or nobody. A reading request whose session has ended is a guest's; one that
// changes something is refused.
Result<std::optional<identity::Person>> person_of(const SessionGuard& guard,
                                                  const http::Request& request);

// Without a name it is the default instance. not_found when it is not there, or has no developer
// portal for this viewer.
Result<Visit> begin_visit(apim::Repository& repository, std::string_view service,
                          const std::optional<identity::Person>& person);

// How an API is called: what stands in front of the templates of its operations.
struct ApiAddress {
  std::string scheme;                // "https" where the API has it.
  std::string authority;             // With port.
  std::string path;                  // "/azureml-demo"; empty for an API at the root.
  std::string query;                 // "api-version=v2" of an API whose version stands there.
  std::string header, header_value;  // Of an API whose version stands in a header.

  std::string url() const { return scheme + "://" + authority + path; }
};
Result<ApiAddress> address_of(apim::Repository& repository, const GatewayPlace& gateway,
                              const apim::Service& service, const apim::Api& api);
// "https://localhost:8443"
std::string gateway_url(const GatewayPlace& gateway, const apim::Service& service);

}  // namespace mlgate::portal
