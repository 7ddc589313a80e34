// Service instances: made, read, changed, softly deleted, restored and purged.
#include "apim/entities.h"
#include "base/text.h"
#include "management/entity_internal.h"
#include "management/handlers_internal.h"

#include <algorithm>

namespace mlgate::management {
namespace {

constexpr std::string_view kSoftDeleted =
    "Api service was soft-deleted. In order to create the new service with the same name, you have "
    "to "
    "either undelete the service or purge it.";

std::string id_of(const Call& call, const apim::Service& service) {
  return "/subscriptions/" + call.env.options.subscription_id + "/resourceGroups/" +
         service.resource_group + "/providers/" + std::string(kServiceType) + "/" + service.name;
}

std::string built_in_host(const Call& call, std::string_view service) {
  return to_lower(service) + "." + call.env.options.gateway_domain;
}

std::string gateway_url(const Call& call, const apim::Service& service) {
  const std::string host =
      service.is_default ? call.env.options.gateway_domain : built_in_host(call, service.name);
  return "https://" + host + ":" + std::to_string(call.env.options.gateway_port);
}

Json hosts_json(const Call& call, const apim::Service& service) {
  const auto one = [](std::string_view type, std::string_view host, bool is_default, bool negotiate,
                      std::string_view source) {
    return Json::object({{"type", type},
                         {"hostName", host},
                         {"keyVaultId", nullptr},
                         {"certificate", nullptr},
                         {"negotiateClientCertificate", negotiate},
                         {"defaultSslBinding", is_default},
                         {"certificateSource", source}});
  };
  const bool own_default = std::ranges::any_of(
      service.hostnames, [](const apim::HostName& host) { return host.default_ssl_binding; });
  Json hosts = Json::array();
  hosts.push(one("Proxy", built_in_host(call, service.name), !own_default, false, "BuiltIn"));
  for (const apim::HostName& host : service.hostnames)
    hosts.push(one(host.type, host.host, host.default_ssl_binding,
                   host.negotiate_client_certificate, "Custom"));
  return hosts;
}

void set_urls(const Call& call, const apim::Service& service, Json& out) {
  const std::string gateway = gateway_url(call, service);
  const std::string& console = call.env.options.console_url;
  out.set("gatewayUrl", gateway);
  out.set("gatewayRegionalUrl", gateway);
  out.set("portalUrl", console);
  out.set("developerPortalUrl", console + "/developer");
  out.set("managementApiUrl", console);
  out.set("scmUrl", console);
}

Json properties_json(const Call& call, const apim::Service& service) {
  Json out = Json::object();
  out.set("publisherEmail", service.publisher_email);
  out.set("publisherName", service.publisher_name);
  out.set("notificationSenderEmail", service.notification_sender_email.empty()
                                         ? apim::default_sender(built_in_host(call, service.name))
                                         : service.notification_sender_email);
  out.set("provisioningState", service.deleted_ms ? "Deleted" : "Succeeded");
  out.set("targetProvisioningState", "");
  out.set("createdAtUtc", to_iso8601(service.created_ms));
  set_urls(call, service, out);
  out.set("hostnameConfigurations", hosts_json(call, service));
  Json addresses = Json::array();
  for (const std::string& one : call.env.options.public_addresses) addresses.push(one);
  out.set("publicIPAddresses", std::move(addresses));
  out.set("privateIPAddresses", nullptr);
  out.set("additionalLocations", nullptr);
  out.set("virtualNetworkConfiguration", nullptr);
  out.set("customProperties", Json::object());
  out.set("virtualNetworkType", "None");
  out.set("certificates", nullptr);
  out.set("disableGateway", !service.enabled);
  out.set("enableClientCertificate", false);
  out.set("natGatewayState", "Disabled");
  out.set("apiVersionConstraint", Json::object({{"minApiVersion", nullptr}}));
  out.set("publicNetworkAccess", "Enabled");
  out.set("privateEndpointConnections", nullptr);
  out.set("platformVersion", "stv2.1");
  out.set("legacyPortalStatus", "Enabled");
  out.set("developerPortalStatus", "Enabled");
  for (const auto& [name, value] : service.properties.members()) out.set(name, value);
  return out;
}

// Every instance has to be looked at in a group that is there.
Result<std::string> group_of(Call& call) { return resource_group_name(call.env, call.arg(0)); }

http::Response group_not_found(const Error& error) {
  if (error.code() != Errc::not_found) return error_answer(error);
  return error_answer(404, "ResourceGroupNotFound", error.message());
}

bool is_expired(const apim::Service& service, TimeMs now) {
  return service.deleted_ms && *service.deleted_ms + apim::kPurgeAfterMs <= now;
}

struct Put {
  std::string group;
  Json body;
  bool created = false;
  bool soft_deleted = false;
};

Result<void> create_service(const Call& call, const std::string& name, Put& put,
                            apim::Transaction& tx) {
  put.created = true;
  TRY_OK(check_preconditions(call.request, 0));
  if (auto wrong = apim::check_service_name(name)) tx.errors.push_back(*std::move(wrong));
  apim::Service next = apim::parse_service(put.body, nullptr, built_in_host(call, name), tx.errors);
  next.name = name;
  next.resource_group = put.group;
  TRY_OK(tx.check());
  TRY_OK(apim::Editor(tx, name).put(next, nullptr));
  return apim::create_default_content(tx, next, call.env.options.default_content);
}

Result<void> change_service(const Call& call, const apim::Service& before, const Put& put,
                            apim::Transaction& tx) {
  TRY_OK(check_preconditions(call.request, before.version));
  if (!equals_ignoring_case(before.resource_group, put.group))
    return fail(Errc::conflict, "A service with the name '" + before.name +
                                    "' exists already in another resource group.");
  apim::Service next =
      apim::parse_service(put.body, &before, built_in_host(call, before.name), tx.errors);
  next.name = before.name;
  TRY_OK(tx.check());
  return apim::Editor(tx, before.name).put(std::move(next), &before);
}

Result<void> put_in_transaction(const Call& call, const std::string& name, Put& put,
                                apim::Transaction& tx) {
  put.created = put.soft_deleted = false;
  const bool restore = put.body["properties"].bool_or("restore", false);
  TRY(const auto before, apim::find_service(tx, name));
  if (before && !before->deleted_ms) return change_service(call, *before, put, tx);
  if (before && !is_expired(*before, tx.now())) {
    if (restore) return apim::Editor(tx, name).restore(*before);
    put.soft_deleted = true;
    return fail(Errc::conflict, std::string(kSoftDeleted));
  }
  if (before) {
    TRY_OK(apim::Editor(tx, name).purge());
  }
  return create_service(call, name, put, tx);
}

http::Response answer_service(const Call& call, const std::string& name, int status) {
  auto reader = call.reader();
  const auto service = apim::find_service(reader, name);
  if (!service) return error_answer(service.error());
  if (!*service) return error_answer(404, "ResourceNotFound", "Service not found.");
  return with_etag(json_answer(status, service_json(call, **service)), (*service)->version);
}

http::Response list_of(const Call& call, std::string_view group) {
  const auto services = call.env.repository.services();
  if (!services) return error_answer(services.error());
  Json list = Json::array();
  for (const apim::Service& service : *services)
    if (group.empty() || equals_ignoring_case(service.resource_group, group))
      list.push(service_json(call, service));
  return json_answer(200, Json::object({{"value", std::move(list)}}));
}

Json deleted_json(const Call& call, const apim::Service& service) {
  const std::string id = "/subscriptions/" + call.env.options.subscription_id +
                         "/providers/Microsoft.ApiManagement/locations/" + service.location +
                         "/deletedservices/" + service.name;
  const TimeMs deleted = service.deleted_ms.value_or(0);
  return Json::object({{"id", id},
                       {"name", service.name},
                       {"type", "Microsoft.ApiManagement/deletedservices"},
                       {"location", service.location},
                       {"properties", Json::object({{"serviceId", id_of(call, service)},
                                                    {"scheduledPurgeDate",
                                                     to_iso8601(deleted + apim::kPurgeAfterMs)},
                                                    {"deletionDate", to_iso8601(deleted)}})}});
}

Result<std::optional<apim::Service>> find_deleted(const Call& call, apim::Reader& reader,
                                                  std::string_view location,
                                                  std::string_view name) {
  TRY(auto service, apim::find_service(reader, name));
  if (!service || !service->deleted_ms || is_expired(*service, call.env.clock.now_ms()) ||
      !equals_ignoring_case(replace_all(service->location, " ", ""),
                            replace_all(location, " ", "")))
    return std::nullopt;
  return service;
}

}  // namespace

Json service_json(const Call& call, const apim::Service& service) {
  Json out = Json::object();
  out.set("etag", etag_of(service.version).substr(1, 12));
  out.set("id", id_of(call, service));
  out.set("name", service.name);
  out.set("type", kServiceType);
  out.set("tags", service.tags);
  out.set("location", service.location);
  out.set("properties", properties_json(call, service));
  out.set("sku", Json::object({{"name", service.sku}, {"capacity", service.capacity}}));
  out.set("identity", service.identity);
  out.set("zones", service.zones);
  out.set("systemData", Json::object({{"createdAt", to_iso8601(service.created_ms)}}));
  return out;
}

http::Response list_services(Call& call) { return list_of(call, ""); }

http::Response list_services_of_group(Call& call) {
  const auto group = group_of(call);
  return group ? list_of(call, *group) : group_not_found(group.error());
}

http::Response check_service_name_available(Call& call) {
  const auto body = body_of(call.request);
  if (!body) return error_answer(400, "InvalidRequestContent", body.error().message());
  const std::string name(body->string_or("name"));
  const auto answer = [](bool available, std::string_view reason, std::string_view message) {
    return json_answer(
        200,
        Json::object({{"nameAvailable", available}, {"reason", reason}, {"message", message}}));
  };
  if (const auto wrong = apim::check_service_name(name))
    return answer(false, "Invalid", wrong->message());
  auto reader = call.reader();
  const auto service = apim::find_service(reader, name);
  if (!service) return error_answer(service.error());
  if (*service && !is_expired(**service, call.env.clock.now_ms()))
    return answer(false, "AlreadyExists",
                  name + " is already in use. Please select a different name.");
  return answer(true, "Valid", "");
}

http::Response get_service(Call& call) {
  if (is_not_modified(call, call.service.version))
    return with_etag(empty_answer(304), call.service.version);
  return with_etag(json_answer(200, service_json(call, call.service)), call.service.version);
}

http::Response put_service(Call& call) {
  auto group = group_of(call);
  if (!group) return group_not_found(group.error());
  auto body = body_of(call.request);
  if (!body) return error_answer(400, "InvalidRequestContent", body.error().message());
  Put put{*std::move(group), *std::move(body)};
  const std::string& name = call.arg(1);
  apim::Errors errors;
  const auto done = call.env.repository.transact(
      name, [&](apim::Transaction& tx) { return put_in_transaction(call, name, put, tx); }, errors);
  if (put.soft_deleted)
    return error_answer(409, "ServiceAlreadyExistsInSoftDeletedState", kSoftDeleted);
  if (!done && done.error().code() == Errc::conflict)
    return error_answer(409, "ServiceAlreadyExists", done.error().message());
  if (!done) return error_answer(done.error(), errors);
  return answer_service(call, name, put.created ? 201 : 200);
}

http::Response patch_service(Call& call) {
  const auto body = body_of(call.request);
  if (!body) return error_answer(400, "InvalidRequestContent", body.error().message());
  apim::Errors errors;
  const auto done = call.transact(
      [&](apim::Transaction& tx) -> Result<void> {
        TRY(const auto before, apim::find_service(tx, call.service.name));
        if (!before) return fail(Errc::not_found, "Service not found.");
        TRY_OK(check_preconditions(call.request, before->version));
        Json merged = service_json(call, *before);
        merged.merge_patch(*body);
        apim::Service next =
            apim::parse_service(merged, &*before, built_in_host(call, before->name), tx.errors);
        next.name = before->name;
        TRY_OK(tx.check());
        return apim::Editor(tx, before->name).put(std::move(next), &*before);
      },
      errors);
  if (!done) return error_answer(done.error(), errors);
  return answer_service(call, call.service.name, 200);
}

Result<void> soft_delete_service(Environment& env, const std::string& name) {
  apim::Errors errors;
  return env.repository.transact(
      name,
      [&](apim::Transaction& tx) -> Result<void> {
        TRY(const auto service, apim::find_service(tx, name));
        if (!service || service->deleted_ms) return {};
        return apim::Editor(tx, name).soft_delete(*service);
      },
      errors);
}

http::Response delete_service(Call& call) {
  if (auto held = check_preconditions(call.request, call.service.version); !held)
    return error_answer(held.error());
  const auto done = soft_delete_service(call.env, call.service.name);
  return done ? empty_answer(200) : error_answer(done.error());
}

// Actions that have nothing to do here: the service is as it should be already.
http::Response post_unchanged_service(Call& call) { return get_service(call); }

http::Response list_deleted_services(Call& call) {
  auto reader = call.reader();
  const auto services = apim::find_services(reader);
  if (!services) return error_answer(services.error());
  Json list = Json::array();
  for (const apim::Service& service : *services)
    if (service.deleted_ms && !is_expired(service, call.env.clock.now_ms()))
      list.push(deleted_json(call, service));
  return json_answer(200, Json::object({{"value", std::move(list)}}));
}

http::Response get_deleted_service(Call& call) {
  auto reader = call.reader();
  const auto service = find_deleted(call, reader, call.arg(0), call.arg(1));
  if (!service) return error_answer(service.error());
  if (!*service) return error_answer(404, "ResourceNotFound", "Deleted service not found.");
  return json_answer(200, deleted_json(call, **service));
}

http::Response purge_deleted_service(Call& call) {
  apim::Errors errors;
  bool existed = false;
  const auto done = call.env.repository.transact(
      call.arg(1),
      [&](apim::Transaction& tx) -> Result<void> {
        TRY(const auto service, find_deleted(call, tx, call.arg(0), call.arg(1)));
        existed = service.has_value();
        if (!service) return {};
        return apim::Editor(tx, call.arg(1)).purge();
      },
      errors);
  if (!done) return error_answer(done.error(), errors);
  return empty_answer(existed ? 200 : 204);
}

}  // namespace mlgate::management
