#include "control/service_compiler.h"

#include "base/text.h"
#include "policy/limits.h"

#include <algorithm>

namespace mlgate::control {

using apim::PolicyScopeKind;

namespace {

std::string stamp(const apim::Entity& entity) {
  return std::to_string(entity.number) + ":" + std::to_string(entity.version) + ";";
}

std::string stamp(const apim::Policy* policy) { return policy ? "p" + stamp(*policy) : "p-;"; }

gateway::Protocols protocols_of(const apim::Api& api) {
  gateway::Protocols out;
  for (const auto& name : api.protocols) {
    out.http = out.http || name == "http";
    out.https = out.https || name == "https";
    out.ws = out.ws || name == "ws";
    out.wss = out.wss || name == "wss";
  }
  return out;
}

}  // namespace

ServiceCompiler::ServiceCompiler(const BuilderOptions& options, policy::Limits& limits,
                                 const policy::PolicyCatalog& catalog,
                                 const apim::ServiceModel& model,
                                 const gateway::ServicePart* before, std::vector<Error>& errors)
    : options_(options),
      limits_(limits),
      catalog_(catalog),
      model_(model),
      before_(before),
      errors_(errors) {
  for (const auto& policy : model_.policies) {
    policies_[{policy.scope.kind, to_lower(policy.scope.parent),
               to_lower(policy.scope.operation)}] = &policy;
  }
  for (const auto& operation : model_.operations) {
    operations_[to_lower(operation.api)].push_back(&operation);
  }
  for (auto& [api, list] : operations_) {
    std::sort(list.begin(), list.end(),
              [](const auto* a, const auto* b) { return a->order < b->order; });
  }
  for (const auto& api : model_.apis) api_numbers_[to_lower(api.name)] = api.number;
  for (const auto& product : model_.products)
    product_numbers_[to_lower(product.name)] = product.number;
  for (const auto& user : model_.users) user_numbers_[to_lower(user.name)] = user.number;
  if (!before_) return;
  for (const auto& binding : before_->bindings) {
    apis_before_[binding->api->number] = binding->api;
    bindings_before_[binding->api->number] = binding;
  }
  for (const auto& product : before_->products) products_before_[product->number] = product;
}

void ServiceCompiler::add_error(Error error, const std::string& where) {
  const std::string field = error.field().empty() ? where : where + "/" + error.field();
  errors_.emplace_back(error.code(), where + ": " + error.message(), field);
}

const apim::Policy* ServiceCompiler::policy_of(PolicyScopeKind kind, std::string_view parent,
                                               std::string_view operation) const {
  const auto found = policies_.find({kind, to_lower(parent), to_lower(operation)});
  return found == policies_.end() ? nullptr : found->second;
}

gateway::DocumentPtr ServiceCompiler::document(const apim::Policy* policy, policy::Scope scope,
                                               apim::EntityNumber entity,
                                               const std::string& where) {
  if (!policy) return nullptr;
  const auto format =
      policy->format == apim::PolicyFormat::xml ? policy::Format::xml : policy::Format::rawxml;
  auto compiled = policy::compile_document(catalog_, policy->text, format,
                                           {.scope = scope, .entity = entity, .limits = &limits_});
  for (auto& error : compiled.errors) add_error(std::move(error), where);
  return std::move(compiled.document);
}

void ServiceCompiler::compile_global() {
  const auto* policy = policy_of(PolicyScopeKind::global);
  part_->global_fingerprint = stamp(policy);
  if (before_ && before_->global_fingerprint == part_->global_fingerprint) {
    part_->global_document = before_->global_document;
    return;
  }
  part_->global_document =
      document(policy, policy::Scope::global, model_.service.number, "policies/policy");
}

void ServiceCompiler::compile_products() {
  for (const auto& product : model_.products) {
    const auto* policy = policy_of(PolicyScopeKind::product, product.name);
    const std::string print = stamp(product) + stamp(policy);
    gateway::ProductPtr made;
    if (const auto old = products_before_.find(product.number);
        old != products_before_.end() && old->second->fingerprint == print) {
      made = old->second;
    } else {
      auto fresh = std::make_shared<gateway::ProductPart>();
      fresh->number = product.number;
      fresh->fingerprint = print;
      fresh->name = product.name;
      fresh->display_name = product.display_name;
      fresh->subscription_required = product.subscription_required;
      fresh->document = document(policy, policy::Scope::product, product.number,
                                 "products/" + product.name + "/policies/policy");
      made = std::move(fresh);
    }
    part_->products.push_back(made);
    for (const auto& api : product.apis) products_of_api_[to_lower(api)].push_back(made);
  }
}

std::string ServiceCompiler::fingerprint(const apim::Api& api) const {
  std::string out = stamp(api) + stamp(policy_of(PolicyScopeKind::api, api.name));
  const auto operations = operations_.find(to_lower(api.name));
  if (operations == operations_.end()) return out;
  for (const auto* operation : operations->second) {
    out +=
        stamp(*operation) + stamp(policy_of(PolicyScopeKind::operation, api.name, operation->name));
  }
  return out;
}

gateway::Backend ServiceCompiler::backend_of(const apim::Api& api) {
  if (!api.service_url || api.service_url->empty()) return {};
  auto backend = gateway::parse_backend(*api.service_url);
  if (!backend) {
    add_error(std::move(backend.error()), "apis/" + api.name + "/serviceUrl");
    return {};
  }
  if (options_.own_services && is_own_address(*backend, options_.own_addresses)) {
    backend->kind = gateway::Backend::Kind::local;
    backend->local = options_.own_services;
  }
  return *std::move(backend);
}

std::shared_ptr<const gateway::ApiPart> ServiceCompiler::compile_api(const apim::Api& api) {
  const std::string print = fingerprint(api);
  if (const auto old = apis_before_.find(api.number);
      old != apis_before_.end() && old->second->fingerprint == print) {
    return old->second;
  }
  const std::string where = "apis/" + api.name;
  auto made = std::make_shared<gateway::ApiPart>();
  made->number = api.number;
  made->fingerprint = print;
  made->name = api.name;
  made->display_name = api.display_name;
  made->path = api.path;
  made->revision = api.revision;
  made->is_current = api.is_current;
  made->is_online = api.is_online;
  made->protocols = protocols_of(api);
  made->subscription_required = api.subscription_required;
  made->key_header = api.key_header;
  made->key_query = api.key_query;
  made->backend = backend_of(api);
  made->document = document(policy_of(PolicyScopeKind::api, api.name), policy::Scope::api,
                            api.number, where + "/policies/policy");
  for (const auto* operation : operations_[to_lower(api.name)]) {
    made->operations.push_back(
        {operation->number, operation->name, operation->display_name, operation->method,
         operation->url_template,
         document(policy_of(PolicyScopeKind::operation, api.name, operation->name),
                  policy::Scope::operation, operation->number,
                  where + "/operations/" + operation->name + "/policies/policy")});
  }
  if (auto indexed = gateway::index_operations(*made, options_.path_case); !indexed) {
    add_error(std::move(indexed.error()), where);
  }
  return made;
}

void ServiceCompiler::bind(std::shared_ptr<const gateway::ApiPart> api) {
  const auto& products = products_of_api_[to_lower(api->name)];
  if (const auto old = bindings_before_.find(api->number); old != bindings_before_.end()) {
    const auto& contexts = old->second->contexts;
    const bool same =
        old->second->api == api && old->second->global_document == part_->global_document &&
        std::equal(
            contexts.begin() + 1, contexts.end(), products.begin(), products.end(),
            [](const auto& context, const auto& product) { return context.product == product; });
    if (same) {
      part_->bindings.push_back(old->second);
      return;
    }
  }
  const std::string where = "apis/" + api->name;
  auto bound = gateway::bind_api(std::move(api), products, part_->global_document);
  if (bound)
    part_->bindings.push_back(*std::move(bound));
  else
    add_error(std::move(bound.error()), where);
}

void ServiceCompiler::compile_apis() {
  std::map<std::string, const apim::Api*> paths;
  for (const auto& api : model_.apis) {
    if (api.is_current) {
      const auto key = options_.path_case.sensitive ? api.path : to_lower(api.path);
      const auto [at, fresh] = paths.try_emplace(key, &api);
      if (!fresh) {
        add_error(
            Error(Errc::conflict,
                  "the path '" + api.path + "' is taken by the API '" + at->second->name + "'",
                  "path"),
            "apis/" + api.name);
        continue;
      }
    }
    bind(compile_api(api));
  }
}

gateway::SubscriptionEntry ServiceCompiler::entry_of(const apim::Subscription& subscription) const {
  gateway::SubscriptionEntry out;
  out.number = subscription.number;
  out.name = subscription.name;
  out.active = subscription.state == apim::SubscriptionState::active && !subscription.owner_blocked;
  out.start_ms = subscription.start_ms.value_or(subscription.created_ms);
  out.expiration_ms = subscription.expiration_ms.value_or(0);
  out.allow_tracing = subscription.allow_tracing;
  out.primary_key = subscription.primary_key;
  out.secondary_key = subscription.secondary_key;
  if (subscription.owner) {
    out.user_name = *subscription.owner;
    const auto user = user_numbers_.find(to_lower(*subscription.owner));
    out.user = user == user_numbers_.end() ? 0 : user->second;
  }
  const auto target = [&](const std::map<std::string, apim::EntityNumber>& numbers) {
    const auto found = numbers.find(to_lower(subscription.scope.target));
    // A subscription to what is gone opens nothing.
    if (found == numbers.end())
      out.active = false;
    else
      out.target = found->second;
  };
  switch (subscription.scope.kind) {
    case apim::ScopeKind::service:
      out.scope = gateway::SubscriptionScope::service;
      break;
    case apim::ScopeKind::all_apis:
      out.scope = gateway::SubscriptionScope::all_apis;
      break;
    case apim::ScopeKind::api:
      out.scope = gateway::SubscriptionScope::api;
      target(api_numbers_);
      break;
    case apim::ScopeKind::product:
      out.scope = gateway::SubscriptionScope::product;
      target(product_numbers_);
      break;
  }
  return out;
}

void ServiceCompiler::compile_keys() {
  std::vector<gateway::SubscriptionEntry> entries;
  std::string& print = part_->keys_fingerprint;
  for (const auto& subscription : model_.subscriptions) {
    entries.push_back(entry_of(subscription));
    const auto& entry = entries.back();
    print += stamp(subscription) + (entry.active ? "a" : "-") + std::to_string(entry.target) + ";";
  }
  if (before_ && before_->keys_fingerprint == print) {
    part_->keys = before_->keys;
    return;
  }
  part_->keys = std::make_shared<const gateway::KeyTable>(std::move(entries));
}

std::shared_ptr<const gateway::ServicePart> ServiceCompiler::compile() {
  const std::size_t errors_before = errors_.size();
  part_ = std::make_shared<gateway::ServicePart>();
  part_->number = model_.service.number;
  part_->name = model_.service.name;
  part_->enabled = model_.service.enabled;
  compile_global();
  compile_products();
  compile_apis();
  compile_keys();
  if (errors_.size() != errors_before) return nullptr;
  if (auto finished = gateway::finish_service(*part_, options_.path_case); !finished) {
    add_error(std::move(finished.error()), "policies/policy");
    return nullptr;
  }
  return part_;
}

}  // namespace mlgate::control
