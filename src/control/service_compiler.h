#pragma once
// Compiles one service instance. Split from SnapshotBuilder, which keeps what was compiled.
#include "apim/model.h"
#include "control/snapshot_builder.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::control {

class ServiceCompiler {
 public:
  ServiceCompiler(const BuilderOptions& options, policy::Limits& limits,
                  const policy::PolicyCatalog& catalog, const apim::ServiceModel& model,
                  const gateway::ServicePart* before, std::vector<Error>& errors);
  // nullptr when errors were added.
  std::shared_ptr<const gateway::ServicePart> compile();

 private:
  struct PolicyKey {
    apim::PolicyScopeKind kind;
    std::string parent, operation;  // Lower case.
    friend auto operator<=>(const PolicyKey&, const PolicyKey&) = default;
  };

  const apim::Policy* policy_of(apim::PolicyScopeKind kind, std::string_view parent = {},
                                std::string_view operation = {}) const;
  gateway::DocumentPtr document(const apim::Policy* policy, policy::Scope scope,
                                apim::EntityNumber entity, const std::string& where);
  void compile_global();
  void compile_products();
  void compile_apis();
  std::shared_ptr<const gateway::ApiPart> compile_api(const apim::Api& api);
  gateway::Backend backend_of(const apim::Api& api);
  void bind(std::shared_ptr<const gateway::ApiPart> api);
  void compile_keys();
  gateway::SubscriptionEntry entry_of(const apim::Subscription& subscription) const;
  void add_error(Error error, const std::string& where);
  std::string fingerprint(const apim::Api& api) const;

  const BuilderOptions& options_;
  policy::Limits& limits_;
  const policy::PolicyCatalog& catalog_;
  const apim::ServiceModel& model_;
  const gateway::ServicePart* before_;
  std::vector<Error>& errors_;
  std::map<PolicyKey, const apim::Policy*> policies_;
  std::map<std::string, std::vector<const apim::Operation*>> operations_;  // By API, lower case.
  std::map<apim::EntityNumber, std::shared_ptr<const gateway::ApiPart>> apis_before_;
  std::map<apim::EntityNumber, gateway::ApiBindingPtr> bindings_before_;
  std::map<apim::EntityNumber, gateway::ProductPtr> products_before_;
  std::map<std::string, std::vector<gateway::ProductPtr>> products_of_api_;  // By API, lower case.
  std::map<std::string, apim::EntityNumber> api_numbers_, product_numbers_, user_numbers_;
  std::shared_ptr<gateway::ServicePart> part_;
};

}  // namespace mlgate::control
