#pragma once
// Every handler there is, by subject; routes.cc says which path leads to which.
#include "management/call_internal.h"

namespace mlgate::management {

// The API that a path segment names: "echo-api", or "echo-api;rev=1" for its current revision.
Result<apim::Place> api_place(const Call& call, std::string_view segment);

// discovery.cc: no token needed.
http::Response get_metadata_endpoints(Call& call);
http::Response get_instance_discovery(Call& call);
http::Response get_openid_configuration(Call& call);
http::Response get_token_keys(Call& call);
http::Response post_token(Call& call);

// subscriptions of the cloud, providers, resource groups: arm.cc
http::Response list_arm_subscriptions(Call& call);
http::Response get_arm_subscription(Call& call);
http::Response list_locations(Call& call);
http::Response list_tenants(Call& call);
http::Response list_providers(Call& call);
http::Response get_provider(Call& call);
http::Response register_provider(Call& call);
http::Response list_resource_groups(Call& call);
http::Response get_resource_group(Call& call);
http::Response head_resource_group(Call& call);
http::Response put_resource_group(Call& call);
http::Response patch_resource_group(Call& call);
http::Response delete_resource_group(Call& call);
http::Response list_resources_of_group(Call& call);
// The name of a resource group as it was created; not_found "ResourceGroupNotFound" text otherwise.
Result<std::string> resource_group_name(Environment& env, std::string_view name);

// storage_accounts.cc
http::Response list_storage_accounts(Call& call);
http::Response list_storage_accounts_of_group(Call& call);
http::Response get_storage_account(Call& call);
http::Response put_storage_account(Call& call);
http::Response delete_storage_account(Call& call);
http::Response list_storage_keys(Call& call);
http::Response regenerate_storage_key(Call& call);

// services.cc
http::Response list_services(Call& call);
http::Response list_services_of_group(Call& call);
http::Response check_service_name_available(Call& call);
http::Response list_deleted_services(Call& call);
http::Response get_deleted_service(Call& call);
http::Response purge_deleted_service(Call& call);
http::Response get_service(Call& call);
http::Response put_service(Call& call);
http::Response patch_service(Call& call);
http::Response delete_service(Call& call);
http::Response post_unchanged_service(Call& call);
Json service_json(const Call& call, const apim::Service& service);
Result<void> soft_delete_service(Environment& env, const std::string& name);

// apis.cc, operations.cc
http::Response list_apis(Call& call);
http::Response get_api(Call& call);
http::Response put_api(Call& call);
http::Response patch_api(Call& call);
http::Response delete_api(Call& call);
http::Response list_api_revisions(Call& call);
http::Response list_products_of_api(Call& call);
http::Response list_operations(Call& call);
http::Response get_operation(Call& call);
http::Response put_operation(Call& call);
http::Response patch_operation(Call& call);
http::Response delete_operation(Call& call);

// products.cc, product_links.cc
http::Response list_products(Call& call);
http::Response get_product(Call& call);
http::Response put_product(Call& call);
http::Response patch_product(Call& call);
http::Response delete_product(Call& call);
http::Response list_product_apis(Call& call);
http::Response head_product_api(Call& call);
http::Response put_product_api(Call& call);
http::Response delete_product_api(Call& call);
http::Response list_product_groups(Call& call);
http::Response head_product_group(Call& call);
http::Response put_product_group(Call& call);
http::Response delete_product_group(Call& call);
http::Response list_api_links(Call& call);
http::Response get_api_link(Call& call);
http::Response put_api_link(Call& call);
http::Response delete_api_link(Call& call);
http::Response list_group_links(Call& call);
http::Response get_group_link(Call& call);
http::Response put_group_link(Call& call);
http::Response delete_group_link(Call& call);
http::Response list_product_subscriptions(Call& call);

// people.cc
http::Response list_groups(Call& call);
http::Response get_group(Call& call);
http::Response put_group(Call& call);
http::Response patch_group(Call& call);
http::Response delete_group(Call& call);
http::Response list_group_users(Call& call);
http::Response head_group_user(Call& call);
http::Response put_group_user(Call& call);
http::Response delete_group_user(Call& call);
http::Response list_users(Call& call);
http::Response get_user(Call& call);
http::Response put_user(Call& call);
http::Response patch_user(Call& call);
http::Response delete_user(Call& call);
http::Response list_user_groups(Call& call);
http::Response list_user_identities(Call& call);
http::Response list_user_subscriptions(Call& call);
http::Response get_user_subscription(Call& call);

// subscriptions.cc
http::Response list_subscriptions(Call& call);
http::Response get_subscription(Call& call);
http::Response put_subscription(Call& call);
http::Response patch_subscription(Call& call);
http::Response delete_subscription(Call& call);
http::Response list_subscription_secrets(Call& call);
http::Response regenerate_primary_key(Call& call);
http::Response regenerate_secondary_key(Call& call);

// debugging.cc
http::Response list_debug_credentials(Call& call);
http::Response invalidate_debug_credentials(Call& call);
http::Response list_trace(Call& call);
// versions.cc
http::Response list_version_sets(Call& call);
http::Response get_version_set(Call& call);
http::Response put_version_set(Call& call);
http::Response patch_version_set(Call& call);
http::Response delete_version_set(Call& call);
http::Response list_releases(Call& call);
http::Response get_release(Call& call);
http::Response put_release(Call& call);
http::Response patch_release(Call& call);
http::Response delete_release(Call& call);

// backends.cc
http::Response list_backends(Call& call);
http::Response get_backend(Call& call);
http::Response put_backend(Call& call);
http::Response patch_backend(Call& call);
http::Response delete_backend(Call& call);
http::Response reconnect_backend(Call& call);
http::Response list_certificates(Call& call);
http::Response get_certificate(Call& call);
http::Response put_certificate(Call& call);
http::Response delete_certificate(Call& call);
http::Response list_named_values(Call& call);
http::Response get_named_value(Call& call);
http::Response put_named_value(Call& call);
http::Response patch_named_value(Call& call);
http::Response delete_named_value(Call& call);
http::Response list_named_value_value(Call& call);

// policy_descriptions.cc
http::Response list_policy_descriptions(Call& call);
// policies.cc: the scope is in the path.
http::Response list_policies(Call& call);
http::Response get_policy(Call& call);
http::Response put_policy(Call& call);
http::Response delete_policy(Call& call);

// mail.cc: texts of mails, and who is told of what.
http::Response list_templates(Call& call);
http::Response get_template(Call& call);
http::Response put_template(Call& call);
http::Response patch_template(Call& call);
http::Response delete_template(Call& call);
http::Response list_notifications(Call& call);
http::Response get_notification(Call& call);
http::Response list_recipient_emails(Call& call);
http::Response head_recipient_email(Call& call);
http::Response put_recipient_email(Call& call);
http::Response delete_recipient_email(Call& call);
http::Response list_recipient_users(Call& call);
http::Response head_recipient_user(Call& call);
http::Response put_recipient_user(Call& call);
http::Response delete_recipient_user(Call& call);
http::Response send_user_password(Call& call);

// quotas.cc
http::Response list_quota_counters(Call& call);
http::Response patch_quota_counters(Call& call);
http::Response get_quota_period(Call& call);
http::Response patch_quota_period(Call& call);

// reports.cc: the kind is in the path.
http::Response get_report(Call& call);
http::Response get_request_report(Call& call);

}  // namespace mlgate::management
