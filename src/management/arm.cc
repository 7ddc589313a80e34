// What stands around the instances: the one subscription, the tenant, resource providers, resource
// groups.
#include "base/text.h"
#include "management/handlers_internal.h"

#include <algorithm>

namespace mlgate::management {
namespace {

constexpr std::string_view kGroups = "arm.resourcegroup";
constexpr std::string_view kProvider = "Microsoft.ApiManagement";
constexpr std::size_t kGroupNameMax = 90;

http::Response value_answer(Json list) {
  return json_answer(200, Json::object({{"value", std::move(list)}}));
}

std::string subscription_path(const Environment& env) {
  return "/subscriptions/" + env.options.subscription_id;
}

Json subscription_json(const Environment& env) {
  return Json::object({{"id", subscription_path(env)},
                       {"subscriptionId", env.options.subscription_id},
                       {"tenantId", env.options.tenant_id},
                       {"displayName", env.options.subscription_name},
                       {"state", "Enabled"},
                       {"authorizationSource", "RoleBased"},
                       {"subscriptionPolicies", Json::object({{"spendingLimit", "Off"}})},
                       {"managedByTenants", Json::array()}});
}

Json provider_json(const Environment& env, std::string_view name) {
  Json types = Json::array();
  if (equals_ignoring_case(name, kProvider))
    types.push(Json::object(
        {{"resourceType", "service"},
         {"locations", Json::array()},
         {"apiVersions", Json::array({Json("2024-05-01"), Json("2022-08-01"), Json("2021-08-01")})},
         {"capabilities", "SupportsTags, SupportsLocation"}}));
  return Json::object({{"id", subscription_path(env) + "/providers/" + std::string(name)},
                       {"namespace", name},
                       {"registrationPolicy", "RegistrationRequired"},
                       {"registrationState", "Registered"},
                       {"resourceTypes", std::move(types)}});
}

Json group_json(const Environment& env, const Json& kept) {
  const std::string name(kept.string_or("name"));
  return Json::object({{"id", subscription_path(env) + "/resourceGroups/" + name},
                       {"name", name},
                       {"type", "Microsoft.Resources/resourceGroups"},
                       {"location", kept.string_or("location")},
                       {"tags", kept["tags"]},
                       {"properties", Json::object({{"provisioningState", "Succeeded"}})}});
}

Result<std::optional<Json>> load_group(const Environment& env, std::string_view name) {
  if (name.empty() || name.size() > kGroupNameMax) return std::nullopt;
  TRY(const auto document, env.store.get(kGroups, to_lower(name)));
  if (!document) return std::nullopt;
  TRY(Json json, Json::parse(document->body));
  return json;
}

http::Response group_not_found(std::string_view name) {
  return error_answer(404, "ResourceGroupNotFound",
                      "Resource group '" + std::string(name) + "' could not be found.");
}

bool is_group_name(std::string_view name) {
  return !name.empty() && name.size() <= kGroupNameMax && !name.ends_with('.') &&
         std::ranges::all_of(name, [](char c) {
           return is_alpha(c) || is_digit(c) ||
                  std::string_view("-_.()").find(c) != std::string_view::npos;
         });
}

Result<void> keep_group(const Environment& env, const Json& group) {
  TRY_OK(
      env.store.commit({{std::string(kGroups), to_lower(group.string_or("name")), group.dump()}}));
  return {};
}

}  // namespace

Result<std::string> resource_group_name(Environment& env, std::string_view name) {
  TRY(const auto group, load_group(env, name));
  if (!group)
    return fail(Errc::not_found, "Resource group '" + std::string(name) + "' could not be found.");
  return std::string(group->string_or("name"));
}

http::Response list_arm_subscriptions(Call& call) {
  Json body = Json::object({{"value", Json::array({subscription_json(call.env)})}});
  body.set("count", Json::object({{"type", "Total"}, {"value", 1}}));
  return json_answer(200, body);
}

http::Response get_arm_subscription(Call& call) {
  return json_answer(200, subscription_json(call.env));
}

http::Response list_locations(Call& call) {
  return value_answer(
      Json::array({Json::object({{"id", subscription_path(call.env) + "/locations/local"},
                                 {"name", "local"},
                                 {"displayName", "Local"},
                                 {"regionalDisplayName", "Local"}})}));
}

http::Response list_tenants(Call& call) {
  return value_answer(
      Json::array({Json::object({{"id", "/tenants/" + call.env.options.tenant_id},
                                 {"tenantId", call.env.options.tenant_id},
                                 {"displayName", call.env.options.subscription_name},
                                 {"tenantCategory", "Home"}})}));
}

http::Response list_providers(Call& call) {
  return value_answer(Json::array(
      {provider_json(call.env, kProvider), provider_json(call.env, "Microsoft.Resources")}));
}

http::Response get_provider(Call& call) {
  const bool known = equals_ignoring_case(call.args.back(), kProvider);
  return json_answer(200, provider_json(call.env, known ? kProvider : call.args.back()));
}

http::Response register_provider(Call& call) { return get_provider(call); }

http::Response list_resource_groups(Call& call) {
  const auto documents = call.env.store.list(kGroups, "");
  if (!documents) return error_answer(documents.error());
  Json list = Json::array();
  for (const store::Document& document : *documents) {
    const auto group = Json::parse(document.body);
    if (group) list.push(group_json(call.env, *group));
  }
  return value_answer(std::move(list));
}

http::Response get_resource_group(Call& call) {
  const auto group = load_group(call.env, call.args.back());
  if (!group) return error_answer(group.error());
  if (!*group) return group_not_found(call.args.back());
  return json_answer(200, group_json(call.env, **group));
}

http::Response head_resource_group(Call& call) {
  const auto group = load_group(call.env, call.args.back());
  if (!group) return error_answer(group.error());
  return empty_answer(*group ? 204 : 404);
}

http::Response put_resource_group(Call& call) {
  const std::string& name = call.args.back();
  const auto body = body_of(call.request);
  if (!body) return error_answer(400, "InvalidRequestContent", body.error().message());
  if (!is_group_name(name))
    return error_answer(400, "InvalidResourceGroup",
                        "The resource group name '" + name + "' is not valid.");
  const auto before = load_group(call.env, name);
  if (!before) return error_answer(before.error());
  std::string_view location = body->string_or("location");
  if (location.empty() && *before) location = (*before)->string_or("location");
  if (location.empty())
    return error_answer(400, "LocationRequired", "The location property is required.");
  const Json& tags = (*body)["tags"];
  const Json group =
      Json::object({{"name", *before ? (*before)->string_or("name") : std::string_view(name)},
                    {"location", location},
                    {"tags", tags.is_object() ? tags : Json::object()}});
  if (auto kept = keep_group(call.env, group); !kept) return error_answer(kept.error());
  return json_answer(*before ? 200 : 201, group_json(call.env, group));
}

http::Response patch_resource_group(Call& call) {
  const auto body = body_of(call.request);
  if (!body) return error_answer(400, "InvalidRequestContent", body.error().message());
  auto before = load_group(call.env, call.args.back());
  if (!before) return error_answer(before.error());
  if (!*before) return group_not_found(call.args.back());
  Json group = **before;
  if (const Json& tags = (*body)["tags"]; tags.is_object()) group.set("tags", tags);
  if (auto kept = keep_group(call.env, group); !kept) return error_answer(kept.error());
  return json_answer(200, group_json(call.env, group));
}

// The instances of the group are deleted with it, softly as always.
http::Response delete_resource_group(Call& call) {
  const std::string& name = call.args.back();
  const auto group = load_group(call.env, name);
  if (!group) return error_answer(group.error());
  if (!*group) return group_not_found(name);
  const auto services = call.env.repository.services();
  if (!services) return error_answer(services.error());
  for (const apim::Service& service : *services) {
    if (!equals_ignoring_case(service.resource_group, name)) continue;
    if (auto done = soft_delete_service(call.env, service.name); !done)
      return error_answer(done.error());
  }
  const auto done = call.env.store.commit({{std::string(kGroups), to_lower(name), std::nullopt}});
  return done ? empty_answer(200) : error_answer(done.error());
}

http::Response list_resources_of_group(Call& call) {
  const auto name = resource_group_name(call.env, call.args.back());
  if (!name) return group_not_found(call.args.back());
  const auto services = call.env.repository.services();
  if (!services) return error_answer(services.error());
  Json list = Json::array();
  for (const apim::Service& service : *services) {
    if (!equals_ignoring_case(service.resource_group, *name)) continue;
    const std::string id = subscription_path(call.env) + "/resourceGroups/" + *name +
                           "/providers/" + std::string(kServiceType) + "/" + service.name;
    list.push(Json::object({{"id", id},
                            {"name", service.name},
                            {"type", kServiceType},
                            {"location", service.location},
                            {"tags", service.tags}}));
  }
  return value_answer(std::move(list));
}

}  // namespace mlgate::management
