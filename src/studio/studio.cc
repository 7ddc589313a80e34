#include "studio/studio.h"

#include "base/crypto.h"
#include "studio/studio_internal.h"
#include "webservice/ids.h"

#include <algorithm>
#include <span>

namespace mlgate::studio {
namespace {

// Whom a route lets in.
enum class Access : unsigned char { token, link, any_token };

std::vector<std::string_view> segments(std::string_view path) {
  std::vector<std::string_view> out;
  for (const std::string_view part : split(path, '/'))
    if (!part.empty()) out.push_back(part);
  return out;
}

}  // namespace

// Patterns are below /api. {w} is the workspace, whose token the caller has to show; {} are
// arguments.
struct Studio::Route {
  std::string_view method, pattern;
  Handler handler;
  Access access = Access::token;
};

const std::vector<Studio::Route>& Studio::routes() {
  static const std::vector<Route> all = {
      {"GET", "workspaces", &Studio::list_workspaces, Access::any_token},
      {"GET", "workspaces/{w}", &Studio::get_workspace},
      {"PATCH", "workspaces/{w}", &Studio::patch_workspace},
      {"POST", "workspaces/{w}/tokens/{}/regenerate", &Studio::regenerate_token},
      {"GET", "workspaces/{w}/users", &Studio::list_users},
      {"POST", "workspaces/{w}/invitations", &Studio::not_offered},
      {"GET", "workspaces/{w}/modules", &Studio::list_modules},
      {"POST", "workspaces/{w}/modules/custom", &Studio::not_offered},
      {"GET", "workspaces/{w}/modules/custom", &Studio::empty_list},
      {"GET", "workspaces/{w}/trainedmodels", &Studio::empty_list},
      {"POST", "workspaces/{w}/trainedmodels", &Studio::not_offered},
      {"GET", "workspaces/{w}/transformmodules", &Studio::empty_list},
      {"POST", "workspaces/{w}/transformmodules", &Studio::not_offered},
      {"GET", "workspaces/{w}/annotations", &Studio::empty_list},
      {"GET", "workspaces/{w}/projectcontainers", &Studio::empty_list},
      {"GET", "workspaces/{w}/notebooks", &Studio::empty_list},
      {"GET", "workspaces/{w}/gateways", &Studio::empty_list},
      {"GET", "workspaces/{w}/packages", &Studio::not_offered},
      {"POST", "workspaces/{w}/packages", &Studio::not_offered},
      {"PUT", "workspaces/{w}/packages", &Studio::not_offered},

      {"GET", "workspaces/{w}/datasources", &Studio::list_datasets},
      {"POST", "workspaces/{w}/datasources", &Studio::create_dataset},
      {"GET", "workspaces/{w}/datasources/{}", &Studio::get_dataset},
      {"DELETE", "workspaces/{w}/datasources/family/{}", &Studio::remove_family},
      {"POST", "resourceuploads/workspaces/{w}", &Studio::begin_upload},
      {"POST", "blobuploads/workspaces/{w}", &Studio::add_block},
      {"GET", "datasets/{}/{}", &Studio::signed_dataset, Access::link},

      {"GET", "workspaces/{w}/experiments", &Studio::list_experiments},
      {"POST", "workspaces/{w}/experiments", &Studio::create_experiment},
      {"GET", "workspaces/{w}/experiments/{}", &Studio::get_experiment},
      {"POST", "workspaces/{w}/experiments/{}", &Studio::save_experiment},
      {"DELETE", "workspaces/{w}/experiments/{}", &Studio::remove_experiment},
      {"POST", "workspaces/{w}/experiments/{}/run", &Studio::run_experiment},
      {"GET", "workspaces/{w}/experiments/{}/outputdata/{}/{}", &Studio::output_data},
      {"GET", "workspaces/{w}/experiments/{}/preview/{}/{}", &Studio::output_preview},
      {"GET", "workspaces/{w}/experiments/{}/webservicedefinition", &Studio::service_definition},
      {"POST", "workspaces/{w}/experiments/{}/webservice", &Studio::publish},
      {"GET", "workspaces/{w}/experiments/{}/webservice", &Studio::publication},
  };
  return all;
}

Studio::Studio(Parts parts, Datasets& datasets, StudioOptions options)
    : parts_(std::move(parts)),
      options_(std::move(options)),
      datasets_(datasets),
      experiments_({.store = parts_.store,
                    .catalogue = parts_.catalogue,
                    .clock = parts_.clock,
                    .datasets = dataset_loader(datasets),
                    .post_compute = parts_.post_compute}),
      link_key_(parts_.vault.derive("studio.dataset-links")) {}

Result<void> Studio::open() { return experiments_.open(); }

bool Studio::owns(std::string_view path) {
  return path == "/" || path == "/api" || path.starts_with("/api/");
}

// What a request leads to: a route and its call, or an answer at once.
struct Studio::Choice {
  Call call;
  const Route* route = nullptr;
  http::Response answer;
};

namespace {

http::Response wrong_method(const std::string& allow, std::string_view message) {
  http::Response refused = error_response(405, "MethodNotAllowed", message);
  refused.set("Allow", allow);
  return refused;
}

http::Response root_answer(std::string_view method) {
  if (method != "GET" && method != "HEAD") return wrong_method("GET, HEAD", "Use GET.");
  return json_response(Json::object({{"name", Json("mlgate")}, {"api", Json("/api")}}));
}

// The arguments and the workspace's id when the pattern fits.
struct Fit {
  std::array<std::string, 4> arguments;
  std::optional<webservice::Id> workspace;
};

std::optional<Fit> fit(std::string_view pattern_text, std::span<const std::string_view> path) {
  const auto pattern = segments(pattern_text);
  if (pattern.size() != path.size()) return std::nullopt;
  Fit out;
  std::size_t argument = 0;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (pattern[i] == "{}") {
      auto decoded = percent_decode(path[i]);
      if (!decoded) return std::nullopt;
      out.arguments[argument++] = *std::move(decoded);
    } else if (pattern[i] == "{w}") {
      out.workspace = webservice::Id::parse(path[i]);
    } else if (!equals_ignoring_case(pattern[i], path[i])) {
      return std::nullopt;
    }
  }
  return out;
}

}  // namespace

Studio::Choice Studio::choose(const http::Request& request, Caller caller) const {
  Choice out{
      {request, parts_.registry.directory(), nullptr, caller == Caller::owner, {}}, nullptr, {}};
  std::vector<std::string_view> path = segments(request.path);
  if (!path.empty()) path.erase(path.begin());  // "api".
  if (path.empty()) {
    out.answer = root_answer(request.method);
    return out;
  }
  Call& call = out.call;
  std::string allow;
  for (const Route& route : routes()) {
    auto fitting = fit(route.pattern, path);
    if (!fitting) continue;
    call.arguments = std::move(fitting->arguments);
    if (route.access == Access::token) {
      call.workspace =
          fitting->workspace ? call.directory->find_workspace(fitting->workspace->text()) : nullptr;
      const bool may = call.by_owner || (call.workspace && call.workspace->accepts(call.token()));
      if (!call.workspace || !may) {
        out.answer = unauthorized(request);
        return out;
      }
    }
    if (route.method == request.method) {
      out.route = &route;
      return out;
    }
    allow += (allow.empty() ? "" : ", ") + std::string(route.method);
  }
  out.answer = allow.empty()
                   ? error_response(404, "NotFound",
                                    "There is nothing at " + std::string(request.path) + ".")
                   : wrong_method(allow, "Use one of " + allow + ".");
  return out;
}

std::optional<http::Response> Studio::admit(const http::Request& head) const {
  Choice choice = choose(head, Caller::has_token);
  if (choice.route) return std::nullopt;
  return std::move(choice.answer);
}

http::Response Studio::answer(const http::Request& request, Caller caller) {
  Choice choice = choose(request, caller);
  return choice.route ? (this->*choice.route->handler)(choice.call) : std::move(choice.answer);
}

http::Response Studio::handle(const http::Request& request) {
  return answer(request, Caller::has_token);
}

http::Response Studio::handle_as_owner(const http::Request& request) {
  return answer(request, Caller::owner);
}

// Those that the caller's token opens, without their tokens.
http::Response Studio::list_workspaces(const Call& call) {
  Json out = Json::array();
  for (const auto& [id, workspace] : call.directory->workspaces) {
    if (!call.by_owner && !workspace->accepts(call.token())) continue;
    Json one = workspace_json(*workspace, options_.subscription_id);
    one.erase("AuthorizationToken");
    out.push(std::move(one));
  }
  if (out.items().empty() && !call.by_owner) return unauthorized(call.request);
  return json_response(out);
}

http::Response Studio::get_workspace(const Call& call) {
  return json_response(workspace_json(*call.workspace, options_.subscription_id));
}

http::Response Studio::patch_workspace(const Call& call) {
  const auto body = call.body();
  if (!body) return error_response(body.error());
  const auto member = [&](std::string_view name) -> std::optional<std::string> {
    const Json* value = body->find(name);
    if (!value || !value->is_string()) return std::nullopt;
    return std::string(value->as_string());
  };
  const auto changed = parts_.registry.update_workspace(call.workspace->id, member("FriendlyName"),
                                                        member("Description"));
  if (!changed) return error_response(changed.error());
  return json_response(workspace_json(*changed, options_.subscription_id));
}

http::Response Studio::regenerate_token(const Call& call) {
  const bool primary = call.arguments[0] == "primary";
  if (!primary && call.arguments[0] != "secondary")
    return error_response(404, "NotFound", "The tokens are named primary and secondary.");
  const auto changed = parts_.registry.regenerate_token(
      call.workspace->id, primary ? webservice::KeyKind::primary : webservice::KeyKind::secondary);
  if (!changed) return error_response(changed.error());
  return json_response(workspace_json(*changed, options_.subscription_id));
}

http::Response Studio::list_users(const Call& call) {
  Json users = Json::array();
  users.push(Json::object({{"Status", Json("Active")},
                           {"User", Json::object({{"Email", Json(call.workspace->owner_email)},
                                                  {"Name", Json(call.workspace->owner_email)},
                                                  {"Role", Json("Owner")},
                                                  {"UserId", Json(call.workspace->id)}})}}));
  return json_response(users);
}

http::Response Studio::list_modules(const Call&) {
  Json modules = Json::array();
  for (const auto& type : parts_.catalogue.types()) modules.push(module_json(type.info));
  return json_response(modules);
}

http::Response Studio::empty_list(const Call&) { return json_response(Json::array()); }

http::Response Studio::not_offered(const Call& call) {
  return error_response(501, "NotImplemented",
                        std::string(call.request.method) + " " + std::string(call.request.path) +
                            " is not offered by this server.");
}

}  // namespace mlgate::studio
