#include "portal/data_api.h"

#include "base/text.h"
#include "portal/console_api.h"
#include "portal/data_internal.h"

#include <algorithm>
#include <array>

namespace mlgate::portal {
namespace {

constexpr std::string_view kRoot = "/data-api";
constexpr std::int64_t kPage = 50, kPageMax = 1'000;

struct DataRoute {
  std::string_view method, pattern;
  Answer (*handler)(DataCall&);
};
// The stock portal puts "/users/{id}" before what somebody who is signed in asks for; the rest of
// such a path is looked up here again.
constexpr std::array<DataRoute, 21> kRoutes{{
    {"GET", "", get_instance},
    {"GET", "apis", list_apis},
    {"GET", "apis/{}", get_api},
    {"GET", "apis/{}/operations", list_operations},
    {"GET", "apis/{}/operations/{}", get_operation},
    {"GET", "apis/{}/products", list_products_of_api},
    {"GET", "products", list_products},
    {"GET", "products/{}", get_product},
    {"GET", "products/{}/apis", list_apis_of_product},
    {"GET", "user", get_user},
    {"PATCH", "user", patch_user},
    {"GET", "subscriptions", list_subscriptions},
    {"GET", "subscriptions/{}", get_subscription},
    {"POST", "subscriptions/{}", post_subscription},
    {"PATCH", "subscriptions/{}", patch_subscription},
    {"POST", "subscriptions/{}/listSecrets", list_secrets},
    {"POST", "subscriptions/{}/regeneratePrimaryKey", regenerate_primary},
    {"POST", "subscriptions/{}/regenerateSecondaryKey", regenerate_secondary},
    {"GET", "reports/{}", get_report},
    // What stands behind "/users/{id}" when nothing more does.
    {"GET", "users/{}", get_user},
    {"PATCH", "users/{}", patch_user},
}};

using Segments = std::vector<std::string>;

Result<Segments> segments_of(std::string_view path) {
  Segments out;
  path.remove_prefix(std::min(kRoot.size() + 1, path.size()));
  if (path.ends_with('/')) path.remove_suffix(1);
  if (path.empty()) return out;
  for (const std::string_view part : split(path, '/')) {
    auto text = percent_decode(part);
    if (!text || text->empty() || !is_utf8(*text))
      return fail(Errc::not_found, "There is nothing here.");
    out.push_back(*std::move(text));
  }
  return out;
}

bool match(std::string_view pattern, const Segments& path, std::vector<std::string>& args) {
  if (pattern.empty()) return path.empty();
  const auto parts = split(pattern, '/');
  if (parts.size() != path.size()) return false;
  args.clear();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i] == "{}")
      args.push_back(path[i]);
    else if (parts[i] != path[i])
      return false;
  }
  return true;
}

// Takes "service/{name}" from the front of the path.
std::string take_service(Segments& path) {
  if (path.size() < 2 || path[0] != "service") return {};
  std::string name = std::move(path[1]);
  path.erase(path.begin(), path.begin() + 2);
  return name;
}

// Takes "users/{id}" from the front of the path, which has to be the caller's own.
Result<void> take_user(Segments& path, const Viewer& viewer) {
  if (path.size() < 2 || path[0] != "users") return {};
  if (!viewer.user) return fail(Errc::denied, "Sign in first.");
  if (!equals_ignoring_case(path[1], viewer.user->name))
    return fail(Errc::not_found, "User not found.");
  if (path.size() > 2) path.erase(path.begin(), path.begin() + 2);
  return {};
}

Result<std::int64_t> number(const http::Request& request, std::string_view name,
                            std::int64_t otherwise, std::int64_t min) {
  const auto text = http::query_parameter(request.query, name);
  if (!text) return otherwise;
  const auto value = parse_int(*text);
  if (!value || *value < min)
    return fail(Errc::invalid_argument,
                "'" + std::string(name) + "' has to be a whole number of at least " +
                    std::to_string(min) + ".",
                std::string(name));
  return *value;
}

}  // namespace

Answer list_answer(const DataCall& call, std::vector<Json> items) {
  TRY(const std::int64_t top, number(call.request, "$top", kPage, 1));
  TRY(const std::int64_t skip, number(call.request, "$skip", 0, 0));
  const auto count = std::int64_t(items.size());
  const std::int64_t first = std::min(skip, count);
  const std::int64_t last = first + std::min({top, kPageMax, count - first});
  Json page = Json::array();
  for (auto i = std::size_t(first); i < std::size_t(last); ++i) page.push(std::move(items[i]));
  Json body = Json::object({{"value", std::move(page)}, {"count", Json(count)}});
  if (last < count) {
    std::string next = std::string(call.request.path) + "?%24top=" + std::to_string(top) +
                       "&%24skip=" + std::to_string(last);
    if (const auto filter = http::query_parameter(call.request.query, "$filter"))
      next += "&%24filter=" + percent_encode(*filter);
    body.set("nextLink", Json(std::string(call.request.scheme) + "://" +
                              std::string(call.request.authority) + next));
  }
  return json_answer(200, body);
}

bool DataApi::owns(std::string_view path) {
  return path.starts_with(kRoot) && (path.size() == kRoot.size() || path[kRoot.size()] == '/');
}

http::Response DataApi::handle(const http::Request& request) {
  if (!guard_.knows_host(request)) {
    return console_failure(421, "MisdirectedRequest",
                           "The console does not answer under this host name.");
  }
  auto out = answer(request);
  return out ? *std::move(out) : console_failure(out.error());
}

Result<http::Response> DataApi::answer(const http::Request& request) {
  if (!request.header("authorization").empty())
    return fail(Errc::denied, "The data API takes the session of the console's pages.");
  TRY(Segments path, segments_of(request.path));
  TRY(const auto person, person_of(guard_, request));
  TRY(Visit visit, begin_visit(repository_, take_service(path), person));
  TRY_OK(take_user(path, visit.viewer));
  Call call{*this, request, std::move(visit), {}, Json::object()};
  std::string allow;
  for (const DataRoute& route : kRoutes) {
    if (!match(route.pattern, path, call.args)) continue;
    allow += (allow.empty() ? "" : ", ") + std::string(route.method);
    if (route.method != request.method) continue;
    if (!trim(request.body).empty()) {
      auto body = Json::parse(request.body);
      if (!body || !body->is_object())
        return fail(Errc::invalid_argument, "The body is not a JSON object.");
      call.body = *std::move(body);
    }
    return route.handler(call);
  }
  if (allow.empty()) return fail(Errc::not_found, "There is nothing here.");
  http::Response refused = console_failure(405, "MethodNotAllowed", "Use another method.");
  refused.set("Allow", allow);
  return refused;
}

}  // namespace mlgate::portal
