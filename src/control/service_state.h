#pragma once
// One service instance on the control side: its entities, what each was compiled to, and who
// depends on whom. A change is applied as a whole or not at all, and compiles what it touches: an
// operation its API, a policy document what it is flattened into, a named value the documents that
// use it, a subscription its shard of the key table. Thread: one at a time; no worker.
#include "apim/delta.h"
#include "apim/model.h"
#include "control/backend_compiler.h"
#include "control/snapshot_builder.h"
#include "gateway/assemble.h"
#include "gateway/snapshot.h"
#include "policy/catalog.h"

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mlgate::control {

// Puts maps back as they were when a change turns out to be bad.
class UndoLog {
 public:
  template <class Map>
  void set(Map& map, const typename Map::key_type& key, typename Map::mapped_type value) {
    remember(map, key);
    map.insert_or_assign(key, std::move(value));
  }
  template <class Map>
  void erase(Map& map, const typename Map::key_type& key) {
    remember(map, key);
    map.erase(key);
  }
  void back() {
    for (auto it = steps_.rbegin(); it != steps_.rend(); ++it) (*it)();
    steps_.clear();
  }
  void clear() { steps_.clear(); }
  // Nothing is remembered: the state is thrown away when its first change is bad.
  void set_needed(bool needed) { needed_ = needed; }

 private:
  template <class Map>
  void remember(Map& map, const typename Map::key_type& key) {
    if (!needed_) return;
    const auto found = map.find(key);
    if (found == map.end()) {
      steps_.push_back([&map, key] { map.erase(key); });
    } else {
      steps_.push_back([&map, key, old = found->second] { map.insert_or_assign(key, old); });
    }
  }
  std::vector<std::function<void()>> steps_;
  bool needed_ = true;
};

class ServiceState {
 public:
  ServiceState(const BuilderOptions& options, policy::Limits& limits,
               const policy::PolicyCatalog& catalog);
  ServiceState(const ServiceState&) = delete;

  // nullptr when errors were added; then nothing has changed, unless it was the first change.
  std::shared_ptr<const gateway::ServicePart> apply(const apim::ModelDelta& delta,
                                                    std::vector<Error>& errors);
  // What makes the instance that of the model.
  apim::ModelDelta difference(const apim::ServiceModel& model) const;

  const apim::Service& service() const noexcept { return service_; }
  std::vector<NamedQuota> quotas_of(std::string_view counter_key) const;

 private:
  struct PolicyKey {
    apim::PolicyScopeKind kind = apim::PolicyScopeKind::global;
    std::string parent, operation;  // Lower case.
    friend auto operator<=>(const PolicyKey&, const PolicyKey&) = default;
  };
  struct Operation {  // What the gateway needs of it.
    apim::EntityNumber number = 0;
    std::uint64_t version = 0, order = 0;
    std::string name, display_name, method, url_template;
  };
  using Operations = std::map<std::string, Operation>;  // By name, lower case.
  struct Product {
    apim::EntityNumber number = 0;
    std::uint64_t version = 0;
    std::string name, display_name;
    bool subscription_required = true;
  };
  struct User {
    apim::EntityNumber number = 0;
    std::uint64_t version = 0;
    bool active = true;
  };
  struct Subscription {
    gateway::SubscriptionEntryPtr entry;
    std::uint64_t version = 0;
    bool own_active = false;  // Before its owner is looked at.
  };
  struct Document {
    gateway::DocumentPtr document;
    std::vector<std::string> named_values, backends, base_urls;
    std::vector<policy::QuotaPlace> quotas;
  };
  struct CompiledApi {
    std::shared_ptr<const gateway::ApiPart> part;
    gateway::ApiBindingPtr binding;
  };
  // What a change has to compile again.
  struct Dirty {
    std::vector<std::string> apis;  // In the order they were met.
    std::set<std::string> apis_seen, rebind, products;
    bool global = false, backends = false, everything_rebound = false;
    bool touches_apis() const noexcept {
      return global || everything_rebound || !apis.empty() || !rebind.empty() || !products.empty();
    }
    void add_api(const std::string& name) {
      if (apis_seen.insert(name).second) apis.push_back(name);
    }
  };

  static PolicyKey key_of(const apim::PolicyScope& scope);
  static apim::EntityNumber family_of(const apim::Api& api) noexcept {
    return api.family == 0 ? api.number : api.family;
  }
  void mark_policy(const PolicyKey& key);
  template <class T>
  void mark_users_of(std::vector<std::string> Document::* list, const T& names);

  void take_entities(const apim::ModelDelta& delta);
  void take_apis(const apim::ModelDelta& delta);
  void take_operations(const apim::ModelDelta& delta);
  void take_products(const apim::ModelDelta& delta);
  void take_policies(const apim::ModelDelta& delta);
  void take_version_sets(const apim::ModelDelta& delta);
  void take_named_values(const apim::ModelDelta& delta);
  void take_backends(const apim::ModelDelta& delta);
  std::set<std::string> take_users(const apim::ModelDelta& delta);
  void take_subscriptions(const apim::ModelDelta& delta, const std::set<std::string>& users);
  void put_subscription(const std::string& name, Subscription next);
  gateway::SubscriptionEntry entry_of(const apim::Subscription& subscription) const;
  bool owner_active(const std::string& user) const;

  gateway::DocumentPtr document(const PolicyKey& key, policy::Scope scope,
                                apim::EntityNumber entity, const std::string& where);
  void compile();
  void compile_product(const std::string& name);
  void compile_api(const std::string& name);
  gateway::ApiVersion version_of(const apim::Api& api, const std::string& where);
  void bind(const std::string& name);
  std::shared_ptr<gateway::ServicePart> assemble();
  void add_error(Error error, const std::string& where);
  bool selects(const policy::QuotaPlace& quota, std::string_view api,
               std::string_view operation) const;

  const BuilderOptions& options_;
  policy::Limits& limits_;
  const policy::PolicyCatalog& catalog_;
  bool fresh_ = true;
  UndoLog undo_;
  std::vector<Error>* errors_ = nullptr;  // Of the change under way.
  Dirty dirty_;
  std::vector<gateway::KeyTable::Change> key_changes_;

  // Entities, by name in lower case.
  apim::Service service_;
  std::unordered_map<std::string, apim::Api> apis_;
  std::set<std::string> revisions_;  // Names that ever were of APIs that are not current.
  std::unordered_map<std::string, std::shared_ptr<const Operations>> operations_;  // By API.
  std::map<std::string, Product> products_;
  std::unordered_map<std::string, std::set<std::string>> apis_of_, products_of_;  // Links.
  std::unordered_map<std::string, User> users_;
  std::unordered_map<std::string, Subscription> subscriptions_;
  std::unordered_map<std::string, std::vector<std::string>> subscriptions_of_;  // By user.
  std::map<PolicyKey, std::shared_ptr<const apim::Policy>> policies_;
  std::map<std::string, apim::VersionSet> version_sets_;
  std::map<std::string, apim::NamedValue> named_values_;
  BackendEntities backends_;
  CertificateEntities certificates_;

  // Compiled.
  std::map<PolicyKey, Document> documents_;
  std::map<std::string, gateway::ProductPtr> product_parts_;
  std::unordered_map<std::string, CompiledApi> compiled_;
  gateway::PipelineCache pipelines_;
  std::shared_ptr<const gateway::ServicePart> part_;
};

}  // namespace mlgate::control
