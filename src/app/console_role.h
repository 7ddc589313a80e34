#pragma once
// The console for people: wires the pages, sign-in and sessions to the interfaces that the pages
// are clients of. A request that shows a session of an administrator, and no other credential, is
// served with an administrator's rights, so that no secret has to be put into a browser.
#include "app/settings.h"
#include "app/usage_events.h"
#include "http/dispatcher.h"
#include "identity/people.h"
#include "management/management.h"
#include "portal/accounts.h"
#include "portal/console_api.h"
#include "portal/data_api.h"
#include "portal/people_api.h"
#include "portal/session_guard.h"
#include "portal/site.h"
#include "portal/try_it.h"
#include "studio/studio.h"
#include "webservice/management.h"
#include "webservice/registry.h"
#include "webservice/request_response.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mlgate::app {

// Threads: any that may block. Outlives the handlers that it makes routes for.
class ConsoleRole {
 public:
  struct Parts {  // All outlive it. The pointers are null in a process without their role.
    identity::People& people;
    management::Management& management;
    portal::Accounts& accounts;
    notify::Outbox& outbox;
    studio::Studio* studio = nullptr;
    webservice::Registry* registry = nullptr;
    webservice::ServiceManagement* services = nullptr;
    webservice::RequestResponse* scoring = nullptr;
    std::function<std::uint64_t()> counted_calls = [] { return std::uint64_t{0}; };
    std::function<bool(std::function<void()>)> post;  // To the control pool.
    portal::CallGateway call_gateway = {};            // Empty in a process without that role.
  };
  // What the pages are told of where things are.
  struct Addresses {
    std::string gateway, services_http, services_https, console, blob_http;
    portal::GatewayPlace gateway_place;
  };
  ConsoleRole(const Settings& settings, Parts parts, const Addresses& addresses);

  void add_routes(std::vector<http::Dispatcher::Route>& routes, const http::ErrorWriter& error,
                  const http::ErrorWriter& service_error);
  // Leads from the addresses that the web-service interface names as help pages to the pages.
  void add_help_route(std::vector<http::Dispatcher::Route>& routes,
                      const http::ErrorWriter& error) const;
  // The path of the page that makes the first administrator, its code in it; empty once there is
  // one.
  Result<std::string> first_run_path();

 private:
  using Route = http::Dispatcher::Route;
  // A file of the pages, under our own names only.
  http::Response page(const http::Request& request) const;
  // For requests of sessions: refuses those that may not; otherwise nothing.
  std::optional<http::Response> refuse(const http::Request& request) const;
  Route usage_events_route(const http::ErrorWriter& error);
  Route management_route(const http::ErrorWriter& error);
  void add_developer_routes(std::vector<Route>& routes, const http::ErrorWriter& error);
  // A usage report of the management interface.
  http::Response report(const apim::Service& service, std::string_view kind,
                        std::string_view query);
  Route studio_route(const http::ErrorWriter& error);
  Route services_route(const http::ErrorWriter& error);
  http::Response with_workspace_token(const http::Request& request) const;

  Parts parts_;
  std::string console_;
  std::size_t rrs_body_max_;
  portal::SessionGuard guard_;
  portal::ConsoleApi api_;
  portal::PeopleApi people_api_;
  portal::DataApi data_api_;
  std::string subscription_id_;
  portal::TryIt try_it_;
  portal::Site site_;
  UsageEvents usage_events_;
};

}  // namespace mlgate::app
