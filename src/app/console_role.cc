#include "app/console_role.h"

#include "base/text.h"

#include <utility>

namespace mlgate::app {
namespace {

constexpr std::size_t kNoBody = 1'024;
constexpr std::size_t kSignInBytesMax = 8 << 10;

std::vector<std::string> host_names(const Settings& settings) {
  std::vector<std::string> out;
  for (const std::string& host : settings.list("console.hosts")) out.push_back(to_lower(host));
  return out;
}

Json facts_of(const Settings& settings, const ConsoleRole::Parts& parts,
              const ConsoleRole::Addresses& at) {
  Json aliases = Json::array();
  if (settings.flag("services.in_process")) {
    for (const std::string& alias : settings.list("services.aliases")) aliases.push(Json(alias));
    for (const char* host : {"localhost", "127.0.0.1", "[::1]"}) {
      for (const std::string& url : {at.services_http, at.services_https})
        aliases.push(Json(host + url.substr(url.rfind(':'))));
    }
  }
  return Json::object({{"subscriptionId", Json(settings.text("arm.subscription_id"))},
                       {"gatewayUrl", Json(at.gateway)},
                       {"servicesUrl", Json(at.services_http)},
                       {"servicesTlsUrl", Json(at.services_https)},
                       {"blobUrl", Json(at.blob_http)},
                       {"inProcess", std::move(aliases)},
                       {"studio", Json(parts.studio != nullptr)}});
}

}  // namespace

ConsoleRole::ConsoleRole(const Settings& settings, Parts parts, const Addresses& addresses)
    : parts_(parts),
      console_(addresses.console),
      rrs_body_max_(std::size_t(settings.integer("services.max_body"))),
      guard_(parts.people, host_names(settings)),
      api_(parts.people, guard_, facts_of(settings, parts, addresses)),
      people_api_({.people = parts.people,
                   .guard = guard_,
                   .accounts = parts.accounts,
                   .outbox = parts.outbox}),
      data_api_(parts.management.repository(), guard_, addresses.gateway_place,
                [this](const apim::Service& service, std::string_view kind,
                       std::string_view query) { return report(service, kind, query); }),
      subscription_id_(settings.text("arm.subscription_id")),
      try_it_(parts.management.repository(), guard_, addresses.gateway_place, parts.call_gateway),
      site_(portal::embedded_assets()),
      usage_events_({.counted = parts_.counted_calls,
                     .refuse = [this](const http::Request& r) { return refuse(r); },
                     .post = parts_.post}) {}

http::Response ConsoleRole::page(const http::Request& request) const {
  if (guard_.knows_host(request)) return site_.handle(request);
  return portal::console_failure(421, "MisdirectedRequest",
                                 "The console does not answer under this host name. Names that it "
                                 "is to answer to are told by the setting console.hosts.");
}

std::optional<http::Response> ConsoleRole::refuse(const http::Request& request) const {
  const auto session = guard_.check(request);
  if (!session) return portal::console_failure(session.error());
  if (session->person.role != identity::PersonRole::administrator) {
    return portal::console_failure(403, "AuthorizationFailed",
                                   "This is for administrators of the console.");
  }
  return std::nullopt;
}

http::Dispatcher::Route ConsoleRole::usage_events_route(const http::ErrorWriter& error) {
  return {.owns =
              [](std::string_view method, std::string_view path) {
                return method == "GET" && path == portal::kUsageEventsPath;
              },
          .body_bytes_max = kNoBody,
          .service = &usage_events_,
          .blocking = {},
          .error = error,
          .admit = {}};
}

http::Dispatcher::Route ConsoleRole::management_route(const http::ErrorWriter& error) {
  return {.owns =
              [this](auto, std::string_view path) {
                return parts_.management.owns(path) && management::Management::needs_token(path);
              },
          .body_bytes_max = management::Management::kBodyBytesMax,
          .service = nullptr,
          .blocking =
              [this](const http::Request& r) {
                if (!portal::SessionGuard::is_by_session(r)) return parts_.management.handle(r);
                if (auto refused = refuse(r)) return *std::move(refused);
                return parts_.management.handle_as_administrator(r);
              },
          .error = error,
          .admit =
              [this](const http::Request& r) {
                return portal::SessionGuard::is_by_session(r) ? refuse(r)
                                                              : parts_.management.admit(r);
              }};
}

http::Dispatcher::Route ConsoleRole::studio_route(const http::ErrorWriter& error) {
  return {
      .owns = [](auto, std::string_view path) { return path != "/" && studio::Studio::owns(path); },
      .body_bytes_max = studio::Studio::kBodyBytesMax,
      .service = nullptr,
      .blocking =
          [this](const http::Request& r) {
            if (!portal::SessionGuard::is_by_session(r)) return parts_.studio->handle(r);
            if (auto refused = refuse(r)) return *std::move(refused);
            return parts_.studio->handle_as_owner(r);
          },
      .error = error,
      .admit =
          [this](const http::Request& r) {
            return portal::SessionGuard::is_by_session(r) ? refuse(r) : parts_.studio->admit(r);
          }};
}

// The web-service interface knows tokens only: the owner's request goes on with that of the
// workspace.
http::Response ConsoleRole::with_workspace_token(const http::Request& request) const {
  const auto parts = split(request.path, '/');
  const auto directory = parts_.registry->directory();
  const webservice::Workspace* workspace =
      parts.size() > 2 ? directory->find_workspace(to_lower(parts[2])) : nullptr;
  if (!workspace) return portal::console_failure(404, "NotFound", "There is no such workspace.");
  const std::string bearer = "Bearer " + workspace->primary_token;
  http::Fields headers = *request.headers;
  headers.erase("authorization");
  headers.add("Authorization", bearer);
  http::Request passed = request;
  passed.headers = &headers;
  return parts_.services->handle(passed);
}

http::Dispatcher::Route ConsoleRole::services_route(const http::ErrorWriter& error) {
  return {
      .owns = [](auto, std::string_view path) { return webservice::ServiceManagement::owns(path); },
      .body_bytes_max = webservice::ServiceManagement::kBodyBytesMax,
      .service = nullptr,
      .blocking =
          [this](const http::Request& r) {
            if (!portal::SessionGuard::is_by_session(r)) return parts_.services->handle(r);
            if (auto refused = refuse(r)) return *std::move(refused);
            return with_workspace_token(r);
          },
      .error = error,
      .admit =
          [this](const http::Request& r) {
            return portal::SessionGuard::is_by_session(r) ? refuse(r) : parts_.services->admit(r);
          }};
}

http::Response ConsoleRole::report(const apim::Service& service, std::string_view kind,
                                   std::string_view query) {
  const std::string path = "/subscriptions/" + subscription_id_ + "/resourceGroups/" +
                           percent_encode(service.resource_group) +
                           "/providers/Microsoft.ApiManagement/service/" + service.name +
                           "/reports/" + std::string(kind);
  const std::string whole = "api-version=2022-08-01&" + std::string(query);
  const http::Fields none;
  return parts_.management.handle_as_administrator({.method = "GET",
                                                    .path = path,
                                                    .query = whole,
                                                    .scheme = "https",
                                                    .authority = "localhost",
                                                    .headers = &none});
}

void ConsoleRole::add_developer_routes(std::vector<Route>& routes, const http::ErrorWriter& error) {
  routes.push_back({.owns = [](auto, std::string_view path) { return portal::DataApi::owns(path); },
                    .body_bytes_max = portal::DataApi::kBodyBytesMax,
                    .service = nullptr,
                    .blocking = [this](const http::Request& r) { return data_api_.handle(r); },
                    .error = error,
                    .admit = {}});
  routes.push_back(
      {.owns = [](auto, std::string_view path) { return path == portal::TryIt::kPath; },
       .body_bytes_max = portal::TryIt::kBodyBytesMax,
       .service = nullptr,
       .blocking = [this](const http::Request& r) { return try_it_.handle(r); },
       .error = error,
       .admit = [this](const http::Request& r) { return try_it_.admit(r); }});
}

void ConsoleRole::add_routes(std::vector<http::Dispatcher::Route>& routes,
                             const http::ErrorWriter& error,
                             const http::ErrorWriter& service_error) {
  routes.push_back({.owns = [](auto, std::string_view path) { return portal::Site::owns(path); },
                    .body_bytes_max = kNoBody,
                    .service = nullptr,
                    .blocking = [this](const http::Request& r) { return page(r); },
                    .error = error,
                    .admit = {}});
  routes.push_back(
      {.owns = [](auto, std::string_view path) { return portal::ConsoleApi::owns(path); },
       .body_bytes_max = kSignInBytesMax,
       .service = nullptr,
       .blocking = [this](const http::Request& r) { return api_.handle(r); },
       .error = error,
       .admit = {}});
  routes.push_back(
      {.owns = [](auto, std::string_view path) { return portal::PeopleApi::is_preview(path); },
       .body_bytes_max = portal::PeopleApi::kPreviewBytesMax,
       .service = nullptr,
       .blocking = [this](const http::Request& r) { return people_api_.handle(r); },
       .error = error,
       .admit = [this](const http::Request& r) { return refuse(r); }});
  routes.push_back(
      {.owns = [](auto, std::string_view path) { return portal::PeopleApi::owns(path); },
       .body_bytes_max = portal::PeopleApi::kBodyBytesMax,
       .service = nullptr,
       .blocking = [this](const http::Request& r) { return people_api_.handle(r); },
       .error = error,
       .admit = {}});
  routes.push_back(usage_events_route(error));
  add_developer_routes(routes, error);
  routes.push_back(management_route(error));
  if (!parts_.studio) return;
  routes.push_back(studio_route(service_error));
  // Management paths lie below /workspaces as well and are the narrower ones.
  routes.push_back(services_route(service_error));
  routes.push_back({.owns =
                        [](auto, std::string_view path) {
                          return path.starts_with("/workspaces/") &&
                                 webservice::RequestResponse::owns(path);
                        },
                    .body_bytes_max = rrs_body_max_,
                    .service = parts_.scoring,
                    .blocking = {},
                    .error = service_error,
                    .admit = [this](const http::Request& r) { return parts_.scoring->admit(r); }});
}

namespace {

// "/apihelp/workspaces/{w}/webservices/{s}/endpoints/{e}" with "/score", "/jobs" or nothing behind.
bool is_help_path(const std::vector<std::string_view>& parts) {
  return (parts.size() == 8 || parts.size() == 9) && parts[0].empty() && parts[1] == "apihelp" &&
         parts[2] == "workspaces" && parts[4] == "webservices" && parts[6] == "endpoints" &&
         (parts.size() == 8 || parts[8] == "score" || parts[8] == "jobs");
}

}  // namespace

void ConsoleRole::add_help_route(std::vector<http::Dispatcher::Route>& routes,
                                 const http::ErrorWriter& error) const {
  const auto answer = [this](const http::Request& request) {
    const auto parts = split(request.path, '/');
    std::string target =
        console_ + "/studio/" + std::string(parts[3]) + "/webservices/" + std::string(parts[5]);
    if (parts.size() == 9) target += "/" + std::string(parts[8]);
    http::Response response;
    response.status = 302;
    response.set("Location", target);
    response.set("Cache-Control", "no-store");
    return response;
  };
  routes.push_back({.owns =
                        [](std::string_view method, std::string_view path) {
                          return (method == "GET" || method == "HEAD") &&
                                 is_help_path(split(path, '/'));
                        },
                    .body_bytes_max = kNoBody,
                    .service = nullptr,
                    .blocking = answer,
                    .error = error,
                    .admit = {}});
}

Result<std::string> ConsoleRole::first_run_path() {
  TRY(const bool first, parts_.people.needs_first());
  if (!first) return std::string();
  TRY(const std::string code, parts_.people.issue_first_code());
  // Behind the '#', so that no log and no Referer shows it.
  return "/first-run#" + code;
}

}  // namespace mlgate::app
