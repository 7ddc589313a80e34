// Taking a change over: entities, and what of it has to be compiled again. Compiling is in
// service_compile.cc.
#include "control/service_state.h"

#include "base/text.h"

#include <algorithm>

namespace mlgate::control {

ServiceState::ServiceState(const BuilderOptions& options, policy::Limits& limits,
                           const policy::PolicyCatalog& catalog)
    : options_(options), limits_(limits), catalog_(catalog) {}

ServiceState::PolicyKey ServiceState::key_of(const apim::PolicyScope& scope) {
  return {scope.kind, to_lower(scope.parent), to_lower(scope.operation)};
}

void ServiceState::add_error(Error error, const std::string& where) {
  const std::string field = error.field().empty() ? where : where + "/" + error.field();
  errors_->emplace_back(error.code(), where + ": " + error.message(), field);
}

void ServiceState::mark_policy(const PolicyKey& key) {
  switch (key.kind) {
    case apim::PolicyScopeKind::global:
      dirty_.global = true;
      break;
    case apim::PolicyScopeKind::product:
      dirty_.products.insert(key.parent);
      break;
    case apim::PolicyScopeKind::api:
    case apim::PolicyScopeKind::operation:
      dirty_.add_api(key.parent);
      break;
  }
}

// Documents that refer to any of the names are compiled again.
template <class T>
void ServiceState::mark_users_of(std::vector<std::string> Document::* list, const T& names) {
  std::vector<PolicyKey> found;
  for (const auto& [key, document] : documents_) {
    const bool uses = std::ranges::any_of(
        document.*list, [&](const std::string& one) { return names.contains(one); });
    if (uses) found.push_back(key);
  }
  for (const auto& key : found) {
    undo_.erase(documents_, key);
    mark_policy(key);
  }
}

void ServiceState::take_apis(const apim::ModelDelta& delta) {
  for (const auto& api : delta.apis.put) {
    const auto name = to_lower(api.name);
    if (!api.is_current) revisions_.insert(name);
    apim::Api kept = api;
    kept.properties = Json();  // The gateway has no use for it.
    kept.description.reset();
    undo_.set(apis_, name, std::move(kept));
    dirty_.add_api(name);
  }
  for (const auto& name : delta.apis.gone) {
    undo_.erase(apis_, name);
    dirty_.add_api(name);
  }
}

void ServiceState::take_operations(const apim::ModelDelta& delta) {
  std::map<std::string, std::shared_ptr<Operations>> edited;
  const auto list_of = [&](const std::string& api) -> Operations& {
    auto& list = edited[api];
    if (list) return *list;
    const auto old = operations_.find(api);
    list = old == operations_.end() ? std::make_shared<Operations>()
                                    : std::make_shared<Operations>(*old->second);
    return *list;
  };
  for (const auto& one : delta.operations.put)
    list_of(to_lower(one.api))[to_lower(one.name)] = {one.number,      one.version,      one.order,
                                                      one.name,        one.display_name, one.method,
                                                      one.url_template};
  for (const auto& name : delta.operations.gone) {
    const std::size_t slash = name.find('/');
    if (slash != name.npos) list_of(name.substr(0, slash)).erase(name.substr(slash + 1));
  }
  for (auto& [api, list] : edited) {
    dirty_.add_api(api);
    undo_.set(operations_, api, std::shared_ptr<const Operations>(std::move(list)));
  }
}

void ServiceState::take_products(const apim::ModelDelta& delta) {
  for (const auto& product : delta.products.put) {
    const auto name = to_lower(product.name);
    undo_.set(products_, name,
              {product.number, product.version, product.name, product.display_name,
               product.subscription_required});
    dirty_.products.insert(name);
  }
  for (const auto& name : delta.products.gone) {
    undo_.erase(products_, name);
    dirty_.products.insert(name);
  }
  // Whole sets are put in place at the end: with a set per link, many links would cost their
  // square.
  std::map<std::string, std::set<std::string>> apis_of, products_of;
  const auto edit = [](auto& edited, const auto& kept, const std::string& key) -> auto& {
    const auto [at, fresh] = edited.try_emplace(key);
    if (!fresh) return at->second;
    if (const auto old = kept.find(key); old != kept.end()) at->second = old->second;
    return at->second;
  };
  for (const auto& link : delta.links) {
    auto& apis = edit(apis_of, apis_of_, link.product);
    auto& products = edit(products_of, products_of_, link.api);
    if (link.there) {
      apis.insert(link.api);
      products.insert(link.product);
    } else {
      apis.erase(link.api);
      products.erase(link.product);
    }
    dirty_.rebind.insert(link.api);
  }
  for (auto& [key, set] : apis_of) undo_.set(apis_of_, key, std::move(set));
  for (auto& [key, set] : products_of) undo_.set(products_of_, key, std::move(set));
}

void ServiceState::take_policies(const apim::ModelDelta& delta) {
  for (const auto& policy : delta.policies.put) {
    const auto key = key_of(policy.scope);
    undo_.set(policies_, key, std::make_shared<const apim::Policy>(policy));
    undo_.erase(documents_, key);
    mark_policy(key);
  }
  for (const auto& scope : delta.policies_gone) {
    const auto key = key_of(scope);
    undo_.erase(policies_, key);
    undo_.erase(documents_, key);
    mark_policy(key);
  }
}

void ServiceState::take_version_sets(const apim::ModelDelta& delta) {
  if (delta.version_sets.empty()) return;
  for (const auto& set : delta.version_sets.put) undo_.set(version_sets_, to_lower(set.name), set);
  for (const auto& name : delta.version_sets.gone) undo_.erase(version_sets_, name);
  for (const auto& [name, api] : apis_)
    if (api.version_set) dirty_.add_api(name);
}

void ServiceState::take_named_values(const apim::ModelDelta& delta) {
  if (delta.named_values.empty()) return;
  std::set<std::string> names;
  const auto forget = [&](const std::string& name) {
    const auto old = named_values_.find(name);
    if (old != named_values_.end()) names.insert(old->second.display_name);
  };
  for (const auto& value : delta.named_values.put) {
    forget(to_lower(value.name));
    undo_.set(named_values_, to_lower(value.name), value);
    names.insert(value.display_name);
  }
  for (const auto& name : delta.named_values.gone) {
    forget(name);
    undo_.erase(named_values_, name);
  }
  mark_users_of(&Document::named_values, names);
}

void ServiceState::take_backends(const apim::ModelDelta& delta) {
  if (delta.backends.empty() && delta.certificates.empty()) return;
  dirty_.backends = true;
  std::set<std::string> gone;
  for (const auto& backend : delta.backends.put)
    undo_.set(backends_, to_lower(backend.name), backend);
  for (const auto& name : delta.backends.gone) {
    undo_.erase(backends_, name);
    gone.insert(name);
  }
  for (const auto& one : delta.certificates.put) undo_.set(certificates_, to_lower(one.name), one);
  for (const auto& name : delta.certificates.gone) undo_.erase(certificates_, name);
  mark_users_of(&Document::backends, gone);
}

// The users who may open what they could not open before, or the other way round.
std::set<std::string> ServiceState::take_users(const apim::ModelDelta& delta) {
  std::set<std::string> changed;
  for (const auto& user : delta.users.put) {
    const auto name = to_lower(user.name);
    const bool active = user.state == apim::UserState::active;
    if (owner_active(name) != active) changed.insert(name);
    undo_.set(users_, name, {user.number, user.version, active});
  }
  for (const auto& name : delta.users.gone) undo_.erase(users_, name);
  return changed;
}

bool ServiceState::owner_active(const std::string& user) const {
  const auto found = users_.find(user);
  return found == users_.end() || found->second.active;
}

gateway::SubscriptionEntry ServiceState::entry_of(const apim::Subscription& subscription) const {
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
    const auto user = users_.find(to_lower(*subscription.owner));
    out.user = user == users_.end() ? 0 : user->second.number;
  }
  const auto target = to_lower(subscription.scope.target);
  switch (subscription.scope.kind) {
    case apim::ScopeKind::service:
      out.scope = gateway::SubscriptionScope::service;
      break;
    case apim::ScopeKind::all_apis:
      out.scope = gateway::SubscriptionScope::all_apis;
      break;
    case apim::ScopeKind::api: {
      out.scope = gateway::SubscriptionScope::api;
      const auto api = apis_.find(target);
      if (api != apis_.end()) out.target = family_of(api->second);
      break;
    }
    case apim::ScopeKind::product: {
      out.scope = gateway::SubscriptionScope::product;
      const auto product = products_.find(target);
      if (product != products_.end()) out.target = product->second.number;
      break;
    }
  }
  // A subscription to what is gone opens nothing.
  const bool aimed = out.scope == gateway::SubscriptionScope::api ||
                     out.scope == gateway::SubscriptionScope::product;
  if (aimed && out.target == 0) out.active = false;
  return out;
}

void ServiceState::put_subscription(const std::string& name, Subscription next) {
  if (fresh_) {
    // The first change has nothing to find and nothing to undo, and may be of a million.
    const auto [at, made] = subscriptions_.try_emplace(name, std::move(next));
    if (made) {
      key_changes_.push_back({nullptr, at->second.entry});
      return;
    }
  }
  const auto old = subscriptions_.find(name);
  key_changes_.push_back({old == subscriptions_.end() ? nullptr : old->second.entry, next.entry});
  undo_.set(subscriptions_, name, std::move(next));
}

void ServiceState::take_subscriptions(const apim::ModelDelta& delta,
                                      const std::set<std::string>& users) {
  if (fresh_) subscriptions_.reserve(delta.subscriptions.put.size());
  for (const auto& one : delta.subscriptions.put) {
    const auto name = to_lower(one.name);
    auto entry = entry_of(one);
    const bool own_active = entry.active;
    if (one.owner) {
      const auto owner = to_lower(*one.owner);
      entry.active = entry.active && owner_active(owner);
      auto& list = subscriptions_of_[owner];
      if (std::ranges::find(list, name) == list.end()) list.push_back(name);
    }
    put_subscription(name, {std::make_shared<const gateway::SubscriptionEntry>(std::move(entry)),
                            one.version, own_active});
  }
  for (const auto& name : delta.subscriptions.gone) {
    const auto old = subscriptions_.find(name);
    if (old == subscriptions_.end()) continue;
    key_changes_.push_back({old->second.entry, nullptr});
    undo_.erase(subscriptions_, name);
  }
  for (const auto& user : users) {
    const auto list = subscriptions_of_.find(user);
    if (list == subscriptions_of_.end()) continue;
    for (const auto& name : list->second) {
      const auto found = subscriptions_.find(name);
      if (found == subscriptions_.end()) continue;
      if (!equals_ignoring_case(found->second.entry->user_name, user)) continue;
      gateway::SubscriptionEntry entry = *found->second.entry;
      entry.active = found->second.own_active && owner_active(user);
      put_subscription(name, {std::make_shared<const gateway::SubscriptionEntry>(std::move(entry)),
                              found->second.version, found->second.own_active});
    }
  }
}

void ServiceState::take_entities(const apim::ModelDelta& delta) {
  if (delta.service) service_ = *delta.service;
  take_named_values(delta);
  take_backends(delta);
  take_apis(delta);
  take_version_sets(delta);
  take_operations(delta);
  take_products(delta);
  take_policies(delta);
  const auto users = take_users(delta);
  take_subscriptions(delta, users);
  if (fresh_) dirty_.global = true;
}

std::shared_ptr<const gateway::ServicePart> ServiceState::apply(const apim::ModelDelta& delta,
                                                                std::vector<Error>& errors) {
  const std::size_t errors_before = errors.size();
  const apim::Service service_before = service_;
  errors_ = &errors;
  dirty_ = {};
  key_changes_.clear();
  undo_.set_needed(!fresh_);
  take_entities(delta);
  compile();
  std::shared_ptr<gateway::ServicePart> made;
  if (errors.size() == errors_before) made = assemble();
  if (errors.size() != errors_before) {
    undo_.back();
    service_ = service_before;
    return nullptr;
  }
  undo_.clear();
  fresh_ = false;
  part_ = std::move(made);
  return part_;
}

namespace {

// What of `now` is not in `kept` with the same number and version, and what is kept and not in it.
template <class T, class Map, class Version>
void compare(const std::vector<T>& now, const Map& kept, const Version& version_of,
             apim::Changes<T>& out) {
  std::set<std::string> names;
  for (const T& one : now) {
    const auto name = to_lower(one.name);
    names.insert(name);
    const auto found = kept.find(name);
    const bool same =
        found != kept.end() && version_of(found->second) == std::pair(one.number, one.version);
    if (!same) out.put.push_back(one);
  }
  for (const auto& [name, ignored] : kept)
    if (!names.contains(name)) out.gone.push_back(name);
}

}  // namespace

apim::ModelDelta ServiceState::difference(const apim::ServiceModel& model) const {
  if (fresh_) return apim::delta_of(model);
  apim::ModelDelta out;
  out.service = model.service;
  const auto plain = [](const auto& one) { return std::pair(one.number, one.version); };
  compare(model.apis, apis_, plain, out.apis);
  compare(model.products, products_, plain, out.products);
  compare(model.users, users_, plain, out.users);
  compare(model.version_sets, version_sets_, plain, out.version_sets);
  compare(model.named_values, named_values_, plain, out.named_values);
  compare(model.backends, backends_, plain, out.backends);
  compare(model.certificates, certificates_, plain, out.certificates);
  compare(
      model.subscriptions, subscriptions_,
      [](const Subscription& one) { return std::pair(one.entry->number, one.version); },
      out.subscriptions);
  std::set<std::pair<std::string, std::string>> there;
  for (const auto& one : model.operations) {
    const auto api = to_lower(one.api), name = to_lower(one.name);
    there.emplace(api, name);
    const auto list = operations_.find(api);
    const auto* known = list == operations_.end() ? nullptr : list->second.get();
    const auto at = known ? known->find(name) : Operations::const_iterator();
    if (!known || at == known->end() || at->second.number != one.number ||
        at->second.version != one.version)
      out.operations.put.push_back(one);
  }
  for (const auto& [api, list] : operations_)
    for (const auto& [name, ignored] : *list)
      if (!there.contains({api, name})) out.operations.gone.push_back(api + "/" + name);
  std::set<std::pair<std::string, std::string>> links;
  for (const auto& product : model.products)
    for (const auto& api : product.apis) links.emplace(to_lower(product.name), to_lower(api));
  for (const auto& [product, apis] : apis_of_)
    for (const auto& api : apis)
      if (links.erase({product, api}) == 0) out.links.push_back({product, api, false});
  for (const auto& [product, api] : links) out.links.push_back({product, api, true});
  std::set<PolicyKey> scopes;
  for (const auto& policy : model.policies) {
    const auto key = key_of(policy.scope);
    scopes.insert(key);
    const auto found = policies_.find(key);
    if (found == policies_.end() || plain(*found->second) != plain(policy))
      out.policies.put.push_back(policy);
  }
  for (const auto& [key, ignored] : policies_)
    if (!scopes.contains(key)) out.policies_gone.push_back({key.kind, key.parent, key.operation});
  return out;
}

}  // namespace mlgate::control
