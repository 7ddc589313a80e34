#include "base/text.h"
#include "management/handlers_internal.h"
#include "management/routes_internal.h"

#include <array>

namespace mlgate::management {
namespace {

constexpr auto kPublisher = identity::Role::publisher;
constexpr auto kAdministrator = identity::Role::administrator;

constexpr std::array kDiscovery{
    Route{"GET", "metadata/endpoints", get_metadata_endpoints},
    Route{"GET", "common/discovery/instance", get_instance_discovery},
    Route{"GET", "{}/.well-known/openid-configuration", get_openid_configuration},
    Route{"GET", "{}/v2.0/.well-known/openid-configuration", get_openid_configuration},
    Route{"GET", "{}/discovery/v2.0/keys", get_token_keys},
    Route{"GET", "{}/discovery/keys", get_token_keys},
    Route{"POST", "{}/oauth2/v2.0/token", post_token},
    Route{"POST", "{}/oauth2/token", post_token},
};

constexpr std::array kRoot{
    Route{"GET", "subscriptions", list_arm_subscriptions},
    Route{"GET", "tenants", list_tenants},
    Route{"GET", "providers", list_providers},
    Route{"GET", "providers/{}", get_provider},
};

constexpr std::array kArm{
    Route{"GET", "", get_arm_subscription},
    Route{"GET", "locations", list_locations},
    Route{"GET", "providers", list_providers},
    Route{"GET", "providers/{}", get_provider},
    Route{"POST", "providers/{}/register", register_provider, kPublisher},
    Route{"GET", "providers/Microsoft.ApiManagement/service", list_services},
    Route{"POST", "providers/Microsoft.ApiManagement/checkNameAvailability",
          check_service_name_available},
    Route{"GET", "providers/Microsoft.ApiManagement/deletedservices", list_deleted_services},
    Route{"GET", "providers/Microsoft.ApiManagement/locations/{}/deletedservices/{}",
          get_deleted_service},
    Route{"DELETE", "providers/Microsoft.ApiManagement/locations/{}/deletedservices/{}",
          purge_deleted_service, kAdministrator},
    Route{"GET", "resourceGroups", list_resource_groups},
    Route{"GET", "resourceGroups/{}", get_resource_group},
    Route{"HEAD", "resourceGroups/{}", head_resource_group},
    Route{"PUT", "resourceGroups/{}", put_resource_group, kAdministrator},
    Route{"PATCH", "resourceGroups/{}", patch_resource_group, kAdministrator},
    Route{"DELETE", "resourceGroups/{}", delete_resource_group, kAdministrator},
    Route{"GET", "resourceGroups/{}/resources", list_resources_of_group},
    Route{"GET", "resourceGroups/{}/providers/Microsoft.ApiManagement/service",
          list_services_of_group},
    Route{"PUT", "resourceGroups/{}/providers/Microsoft.ApiManagement/service/{}", put_service,
          kAdministrator},
    Route{"GET", "providers/Microsoft.Storage/storageAccounts", list_storage_accounts},
    Route{"GET", "resourceGroups/{}/providers/Microsoft.Storage/storageAccounts",
          list_storage_accounts_of_group},
    Route{"GET", "resourceGroups/{}/providers/Microsoft.Storage/storageAccounts/{}",
          get_storage_account},
    Route{"PUT", "resourceGroups/{}/providers/Microsoft.Storage/storageAccounts/{}",
          put_storage_account, kAdministrator},
    Route{"DELETE", "resourceGroups/{}/providers/Microsoft.Storage/storageAccounts/{}",
          delete_storage_account, kAdministrator},
    Route{"POST", "resourceGroups/{}/providers/Microsoft.Storage/storageAccounts/{}/listKeys",
          list_storage_keys, kAdministrator},
    Route{"POST", "resourceGroups/{}/providers/Microsoft.Storage/storageAccounts/{}/regenerateKey",
          regenerate_storage_key, kAdministrator},
};

constexpr std::array kService{
    Route{"GET", "", get_service},
    Route{"PATCH", "", patch_service, kAdministrator},
    Route{"DELETE", "", delete_service, kAdministrator},
    Route{"POST", "migrateToStv2", post_unchanged_service, kAdministrator},
    Route{"POST", "applynetworkconfigurationupdates", post_unchanged_service, kAdministrator},

    Route{"GET", "apis", list_apis},
    Route{"GET", "apis/{}", get_api},
    Route{"PUT", "apis/{}", put_api, kPublisher},
    Route{"PATCH", "apis/{}", patch_api, kPublisher},
    Route{"DELETE", "apis/{}", delete_api, kPublisher},
    Route{"GET", "apis/{}/revisions", list_api_revisions},
    Route{"GET", "apis/{}/products", list_products_of_api},
    Route{"GET", "apis/{}/operations", list_operations},
    Route{"GET", "apis/{}/operations/{}", get_operation},
    Route{"PUT", "apis/{}/operations/{}", put_operation, kPublisher},
    Route{"PATCH", "apis/{}/operations/{}", patch_operation, kPublisher},
    Route{"DELETE", "apis/{}/operations/{}", delete_operation, kPublisher},

    Route{"GET", "apis/{}/releases", list_releases},
    Route{"GET", "apis/{}/releases/{}", get_release},
    Route{"PUT", "apis/{}/releases/{}", put_release, kPublisher},
    Route{"PATCH", "apis/{}/releases/{}", patch_release, kPublisher},
    Route{"DELETE", "apis/{}/releases/{}", delete_release, kPublisher},

    Route{"GET", "apiVersionSets", list_version_sets},
    Route{"GET", "apiVersionSets/{}", get_version_set},
    Route{"PUT", "apiVersionSets/{}", put_version_set, kPublisher},
    Route{"PATCH", "apiVersionSets/{}", patch_version_set, kPublisher},
    Route{"DELETE", "apiVersionSets/{}", delete_version_set, kPublisher},

    Route{"GET", "backends", list_backends},
    // Credentials are for those who may change them.
    Route{"GET", "backends/{}", get_backend, kPublisher},
    Route{"PUT", "backends/{}", put_backend, kPublisher},
    Route{"PATCH", "backends/{}", patch_backend, kPublisher},
    Route{"DELETE", "backends/{}", delete_backend, kPublisher},
    Route{"POST", "backends/{}/reconnect", reconnect_backend, kPublisher},

    Route{"GET", "certificates", list_certificates},
    Route{"GET", "certificates/{}", get_certificate},
    Route{"PUT", "certificates/{}", put_certificate, kPublisher},
    Route{"DELETE", "certificates/{}", delete_certificate, kPublisher},

    Route{"GET", "namedValues", list_named_values},
    Route{"GET", "namedValues/{}", get_named_value},
    Route{"PUT", "namedValues/{}", put_named_value, kPublisher},
    Route{"PATCH", "namedValues/{}", patch_named_value, kPublisher},
    Route{"DELETE", "namedValues/{}", delete_named_value, kPublisher},
    Route{"POST", "namedValues/{}/listValue", list_named_value_value, kPublisher},

    Route{"GET", "products", list_products},
    Route{"GET", "products/{}", get_product},
    Route{"PUT", "products/{}", put_product, kPublisher},
    Route{"PATCH", "products/{}", patch_product, kPublisher},
    Route{"DELETE", "products/{}", delete_product, kPublisher},
    Route{"GET", "products/{}/apis", list_product_apis},
    Route{"HEAD", "products/{}/apis/{}", head_product_api},
    Route{"PUT", "products/{}/apis/{}", put_product_api, kPublisher},
    Route{"DELETE", "products/{}/apis/{}", delete_product_api, kPublisher},
    Route{"GET", "products/{}/groups", list_product_groups},
    Route{"HEAD", "products/{}/groups/{}", head_product_group},
    Route{"PUT", "products/{}/groups/{}", put_product_group, kPublisher},
    Route{"DELETE", "products/{}/groups/{}", delete_product_group, kPublisher},
    Route{"GET", "products/{}/apiLinks", list_api_links},
    Route{"GET", "products/{}/apiLinks/{}", get_api_link},
    Route{"PUT", "products/{}/apiLinks/{}", put_api_link, kPublisher},
    Route{"DELETE", "products/{}/apiLinks/{}", delete_api_link, kPublisher},
    Route{"GET", "products/{}/groupLinks", list_group_links},
    Route{"GET", "products/{}/groupLinks/{}", get_group_link},
    Route{"PUT", "products/{}/groupLinks/{}", put_group_link, kPublisher},
    Route{"DELETE", "products/{}/groupLinks/{}", delete_group_link, kPublisher},
    Route{"GET", "products/{}/subscriptions", list_product_subscriptions},

    Route{"GET", "groups", list_groups},
    Route{"GET", "groups/{}", get_group},
    Route{"PUT", "groups/{}", put_group, kPublisher},
    Route{"PATCH", "groups/{}", patch_group, kPublisher},
    Route{"DELETE", "groups/{}", delete_group, kPublisher},
    Route{"GET", "groups/{}/users", list_group_users},
    Route{"HEAD", "groups/{}/users/{}", head_group_user},
    Route{"PUT", "groups/{}/users/{}", put_group_user, kPublisher},
    Route{"DELETE", "groups/{}/users/{}", delete_group_user, kPublisher},

    Route{"GET", "users", list_users},
    Route{"GET", "users/{}", get_user},
    Route{"PUT", "users/{}", put_user, kPublisher},
    Route{"PATCH", "users/{}", patch_user, kPublisher},
    Route{"DELETE", "users/{}", delete_user, kPublisher},
    Route{"GET", "users/{}/groups", list_user_groups},
    Route{"GET", "users/{}/identities", list_user_identities},
    Route{"GET", "users/{}/subscriptions", list_user_subscriptions},
    Route{"GET", "users/{}/subscriptions/{}", get_user_subscription},

    Route{"GET", "subscriptions", list_subscriptions},
    Route{"GET", "subscriptions/{}", get_subscription},
    Route{"PUT", "subscriptions/{}", put_subscription, kPublisher},
    Route{"PATCH", "subscriptions/{}", patch_subscription, kPublisher},
    Route{"DELETE", "subscriptions/{}", delete_subscription, kPublisher},
    Route{"POST", "subscriptions/{}/listSecrets", list_subscription_secrets, kPublisher},
    Route{"POST", "subscriptions/{}/regeneratePrimaryKey", regenerate_primary_key, kPublisher},
    Route{"POST", "subscriptions/{}/regenerateSecondaryKey", regenerate_secondary_key, kPublisher},

    Route{"GET", "quotas/{}", list_quota_counters},
    Route{"PATCH", "quotas/{}", patch_quota_counters, kPublisher},
    Route{"GET", "quotas/{}/periods/{}", get_quota_period},
    Route{"PATCH", "quotas/{}/periods/{}", patch_quota_period, kPublisher},

    Route{"GET", "reports/byApi", get_report},
    Route{"GET", "reports/byUser", get_report},
    Route{"GET", "reports/byOperation", get_report},
    Route{"GET", "reports/byProduct", get_report},
    Route{"GET", "reports/bySubscription", get_report},
    Route{"GET", "reports/byTime", get_report},
    Route{"GET", "reports/byGeo", get_report},
    Route{"GET", "reports/byRequest", get_request_report},
    Route{"POST", "gateways/{}/listDebugCredentials", list_debug_credentials, kPublisher},
    Route{"POST", "gateways/{}/invalidateDebugCredentials", invalidate_debug_credentials,
          kPublisher},
    Route{"POST", "gateways/{}/listTrace", list_trace, kPublisher},

    Route{"GET", "templates", list_templates},
    Route{"GET", "templates/{}", get_template},
    Route{"PUT", "templates/{}", put_template, kPublisher},
    Route{"PATCH", "templates/{}", patch_template, kPublisher},
    Route{"DELETE", "templates/{}", delete_template, kPublisher},
    Route{"GET", "notifications", list_notifications},
    Route{"GET", "notifications/{}", get_notification},
    Route{"PUT", "notifications/{}", get_notification, kPublisher},
    Route{"GET", "notifications/{}/recipientEmails", list_recipient_emails},
    Route{"HEAD", "notifications/{}/recipientEmails/{}", head_recipient_email},
    Route{"PUT", "notifications/{}/recipientEmails/{}", put_recipient_email, kPublisher},
    Route{"DELETE", "notifications/{}/recipientEmails/{}", delete_recipient_email, kPublisher},
    Route{"GET", "notifications/{}/recipientUsers", list_recipient_users},
    Route{"HEAD", "notifications/{}/recipientUsers/{}", head_recipient_user},
    Route{"PUT", "notifications/{}/recipientUsers/{}", put_recipient_user, kPublisher},
    Route{"DELETE", "notifications/{}/recipientUsers/{}", delete_recipient_user, kPublisher},
    Route{"POST", "users/{}/confirmations/password/send", send_user_password, kPublisher},

    Route{"GET", "policies", list_policies},
    Route{"GET", "policyDescriptions", list_policy_descriptions},
    Route{"GET", "policies/{}", get_policy},
    Route{"PUT", "policies/{}", put_policy, kPublisher},
    Route{"DELETE", "policies/{}", delete_policy, kPublisher},
    Route{"GET", "products/{}/policies", list_policies},
    Route{"GET", "products/{}/policies/{}", get_policy},
    Route{"PUT", "products/{}/policies/{}", put_policy, kPublisher},
    Route{"DELETE", "products/{}/policies/{}", delete_policy, kPublisher},
    Route{"GET", "apis/{}/policies", list_policies},
    Route{"GET", "apis/{}/policies/{}", get_policy},
    Route{"PUT", "apis/{}/policies/{}", put_policy, kPublisher},
    Route{"DELETE", "apis/{}/policies/{}", delete_policy, kPublisher},
    Route{"GET", "apis/{}/operations/{}/policies", list_policies},
    Route{"GET", "apis/{}/operations/{}/policies/{}", get_policy},
    Route{"PUT", "apis/{}/operations/{}/policies/{}", put_policy, kPublisher},
    Route{"DELETE", "apis/{}/operations/{}/policies/{}", delete_policy, kPublisher},
};

}  // namespace

std::span<const Route> discovery_routes() { return kDiscovery; }
std::span<const Route> root_routes() { return kRoot; }
std::span<const Route> arm_routes() { return kArm; }
std::span<const Route> service_routes() { return kService; }

bool match(std::string_view pattern, std::span<const std::string> segments,
           std::vector<std::string>& captured) {
  captured.clear();
  if (pattern.empty()) return segments.empty();
  const auto parts = split(pattern, '/');
  if (parts.size() != segments.size()) return false;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i] == "{}")
      captured.push_back(segments[i]);
    else if (!equals_ignoring_case(parts[i], segments[i]))
      return false;
  }
  return true;
}

}  // namespace mlgate::management
