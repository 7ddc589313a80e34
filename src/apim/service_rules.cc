// Rules of instances: one default, host names that name one instance only, soft deletion, and what
// a new one is born with.
#include "apim/editor.h"
#include "apim/entities.h"
#include "apim/keys_internal.h"
#include "base/text.h"

#include <algorithm>
#include <array>

namespace mlgate::apim {
namespace {

constexpr std::string_view kGlobalPolicy =
    "<policies><inbound /><backend><forward-request /></backend><outbound /></policies>";
constexpr std::string_view kStarterPolicy =
    "<policies><inbound><rate-limit calls=\"5\" renewal-period=\"60\" />"
    "<quota calls=\"100\" renewal-period=\"604800\" /><base /></inbound>"
    "<backend><base /></backend><outbound><base /></outbound></policies>";

struct EchoOperation {
  std::string_view name, title, method, url_template, description;
};
constexpr std::array<EchoOperation, 6> kEchoOperations{{
    {"retrieve-resource", "Retrieve resource", "GET", "/resource",
     "Answers with what the request said."},
    {"retrieve-header-only", "Retrieve header only", "HEAD", "/resource",
     "Answers with the headers of the resource only."},
    {"create-resource", "Create resource", "POST", "/resource",
     "Answers with the body of the request."},
    {"modify-resource", "Modify Resource", "PUT", "/resource",
     "Answers with the body of the request."},
    {"remove-resource", "Remove resource", "DELETE", "/resource",
     "Answers that the resource is gone."},
    {"retrieve-resource-cached", "Retrieve resource (cached)", "GET", "/resource-cached",
     "Answers with what the request said; for policies that cache."},
}};

Product default_product(std::string_view name) {
  Product product;
  product.name = name;
  product.published = true;
  product.subscriptions_limit = 1;
  const bool starter = name == "starter";
  product.display_name = starter ? "Starter" : "Unlimited";
  product.description = starter
                            ? "Subscribers will be able to run 5 calls/minute up to a maximum of "
                              "100 calls/week."
                            : "Subscribers have completely unlimited access to the API. "
                              "Administrator approval is required.";
  product.approval_required = !starter;
  return product;
}

Result<void> create_people(Editor& editor, const Service& service, const DefaultContent& content) {
  for (const char* title : {"Administrators", "Developers", "Guests"}) {
    Group group;
    group.name = to_lower(title);
    group.display_name = title;
    group.type = GroupType::system;
    TRY_OK(editor.put(std::move(group), nullptr));
  }
  User user;
  user.name = kAdministratorUser;
  user.first_name = "Administrator";
  user.last_name = "User";
  user.email = service.publisher_email;
  user.identities = {{content.administrator_identity, service.publisher_email}};
  return editor.put(std::move(user), nullptr);
}

Result<void> create_echo_api(Editor& editor, const DefaultContent& content) {
  Api api;
  api.name = "echo-api";
  api.display_name = "Echo API";
  api.path = "echo";
  api.service_url = content.echo_url;
  api.protocols = {"https"};
  TRY_OK(editor.put(std::move(api), nullptr));
  for (const EchoOperation& one : kEchoOperations) {
    Operation operation;
    operation.api = "echo-api";
    operation.name = one.name;
    operation.display_name = one.title;
    operation.method = one.method;
    operation.url_template = one.url_template;
    operation.properties =
        Json::object({{"description", one.description},
                      {"request", Json::object({{"queryParameters", Json::array()},
                                                {"headers", Json::array()},
                                                {"representations", Json::array()}})},
                      {"responses", Json::array({Json::object({{"statusCode", 200},
                                                               {"representations", Json::array()},
                                                               {"headers", Json::array()}})})}});
    TRY_OK(editor.put(std::move(operation), nullptr));
  }
  return {};
}

Result<void> create_products(Transaction& tx, Editor& editor, const std::string& service) {
  TRY(const auto api, find<Api>(tx, {service, "", "echo-api"}));
  TRY(const auto groups, find_all<Group>(tx, service));
  for (const char* name : {"starter", "unlimited"}) {
    const Product product = default_product(name);
    TRY_OK(editor.put(product, nullptr));
    if (api) {
      TRY_OK(editor.link(product, *api));
    }
    for (const Group& group : groups) {
      TRY_OK(editor.link(product, group));
    }
  }
  return {};
}

}  // namespace

Result<void> Editor::check_host_names(const Service& next) {
  TRY(const auto services, find_services(tx_));
  for (const Service& other : services) {
    if (equals_ignoring_case(other.name, next.name)) continue;
    for (const HostName& mine : next.hostnames) {
      const bool taken = std::ranges::any_of(other.hostnames, [&](const HostName& theirs) {
        return equals_ignoring_case(mine.host, theirs.host);
      });
      if (taken)
        reject("hostnameConfigurations",
               "The host name '" + mine.host + "' belongs to another service.");
    }
  }
  return {};
}

Result<void> Editor::put(Service next, const Service* before) {
  TRY_OK(check_host_names(next));
  if (before == nullptr) {
    next.number = tx_.next_number();
    next.created_ms = tx_.now();
    TRY(const auto others, find_services(tx_));
    next.is_default = std::ranges::none_of(
        others, [](const Service& one) { return one.is_default && !one.deleted_ms; });
  }
  TRY_OK(tx_.write(service_mark_key(next.name), next.name));
  const std::string key = service_key(next.name);
  return tx_.write(key, encode(next, key, tx_.secrets()));
}

Result<void> Editor::soft_delete(Service service) {
  const Service before = service;
  service.deleted_ms = tx_.now();
  return put(std::move(service), &before);
}

Result<void> Editor::restore(Service service) {
  const Service before = service;
  service.deleted_ms.reset();
  TRY(const auto others, find_services(tx_));
  const bool taken = std::ranges::any_of(others, [&](const Service& one) {
    return one.is_default && !one.deleted_ms && !equals_ignoring_case(one.name, service.name);
  });
  service.is_default = service.is_default && !taken;
  return put(std::move(service), &before);
}

Result<void> Editor::purge() {
  TRY_OK(tx_.erase_all(instance_prefix(service_)));
  return tx_.erase(service_mark_key(service_));
}

Result<void> create_default_content(Transaction& tx, const Service& service,
                                    const DefaultContent& content) {
  Editor editor(tx, service.name);
  TRY_OK(create_people(editor, service, content));
  TRY_OK(create_echo_api(editor, content));
  TRY_OK(create_products(tx, editor, service.name));
  Subscription master;
  master.name = kMasterSubscription;
  master.display_name = "Built-in all-access subscription";
  master.scope = {ScopeKind::service, ""};
  master.state = SubscriptionState::active;
  TRY_OK(editor.put(std::move(master), nullptr));
  Policy global;
  global.text = kGlobalPolicy;
  TRY_OK(editor.put(std::move(global), nullptr));
  Policy starter;
  starter.scope = {PolicyScopeKind::product, "starter", ""};
  starter.text = kStarterPolicy;
  return editor.put(std::move(starter), nullptr);
}

}  // namespace mlgate::apim
