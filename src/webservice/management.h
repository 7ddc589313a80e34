#pragma once
// The management interface of published services: /workspaces/{w}/webservices…, for the clients
// that list, publish and delete services and add endpoints. Callers show a workspace token, or, for
// one endpoint, its own key.
#include "http/message.h"
#include "webservice/batch_calls.h"
#include "webservice/errors.h"
#include "webservice/ids.h"
#include "webservice/registry.h"

#include <optional>
#include <string>
#include <string_view>

namespace mlgate::webservice {

struct ManagementOptions {
  // Scheme and authority that ApiLocation and HelpLocation begin with, for instance
  // "https://localhost:8445". Empty: the address that the request came to.
  std::string services_url, help_url;
  BatchCalls* batch = nullptr;  // Shows the endpoints' jobs; without it there are none.
};

// Plain blocking handler for the control pool; any thread, many at once.
class ServiceManagement {
 public:
  static constexpr std::size_t kBodyBytesMax = 64 << 20;

  ServiceManagement(Registry& registry, ManagementOptions options);

  static bool owns(std::string_view path);
  http::Response handle(const http::Request& request);
  // The answer to a request whose head shows no right to what it asks for.
  std::optional<http::Response> admit(const http::Request& head) const;

 private:
  struct Target;
  Target find(const http::Request& request) const;
  bool admitted(const http::Request& request, const Target& target) const;
  http::Response handle_services(const http::Request& request, const Target& target);
  http::Response handle_service(const http::Request& request, const Target& target);
  http::Response handle_endpoints(const http::Request& request, const Target& target);
  http::Response handle_endpoint(const http::Request& request, const Target& target);
  http::Response show_jobs(const http::Request& request, const Target& target);
  http::Response endpoint_action(const http::Request& request, const Target& target);
  http::Response put_service(const http::Request& request, const Target& target);
  http::Response put_endpoint(const http::Request& request, const Target& target);
  http::Response patch_endpoint(const http::Request& request, const Target& target);
  http::Response refresh_endpoint(const http::Request& request, const Target& target);
  bool authorized(const http::Request& request, const Workspace* workspace,
                  const Endpoint* endpoint) const;
  std::string endpoint_json(const http::Request& request, const Endpoint& endpoint,
                            const Service& service) const;

  Registry& registry_;
  ManagementOptions options_;
};

// The service as the management interface shows it.
std::string service_json(const Service& service);

}  // namespace mlgate::webservice
