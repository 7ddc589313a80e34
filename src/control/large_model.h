#pragma once
// An instance of any size for benchmarks: APIs of ten operations each in one product, and keys of
// that product. What callers send can be told from the numbers of API and key alone, so that a load
// generator need not be given a list.
#include "apim/model.h"

#include <string>

namespace mlgate::control {

struct LargeModelSize {
  int apis = 1;
  int keys = 1;
  bool limits = false;  // The product has a rate limit and a quota, neither ever reached.
};

inline std::string large_model_path(int api) {
  return "/azureml-demo-" + std::to_string(api) + "/workspaces/abc/services/def/execute";
}

inline std::string large_model_key(int key) {
  return "0123456789abcdef01234567" + std::to_string(10'000'000 + key);
}

inline void add_large_model_api(apim::ServiceModel& model, apim::EntityNumber& number, int index,
                                const std::string& backend) {
  apim::Api api;
  api.number = number++;
  api.name = "api" + std::to_string(index);
  api.path = "azureml-demo-" + std::to_string(index);
  api.service_url = backend;
  api.protocols = {"http"};
  for (const auto* url_template :
       {"/workspaces/{w}/services/{s}/execute?api-version={v}&details={d}",
        "/workspaces/{w}/services/{s}/jobs?api-version={v}",
        "/workspaces/{w}/services/{s}/jobs/{j}/start?api-version={v}", "/workspaces/{w}",
        "/workspaces/{w}/services", "/workspaces/{w}/services/{s}", "/status", "/items/{id}",
        "/items/{id}/parts/{part}", "/files/{*path}"}) {
    apim::Operation operation;
    operation.number = number++;
    operation.name = "op" + std::to_string(operation.number);
    operation.api = api.name;
    operation.method = "POST";
    operation.url_template = url_template;
    model.operations.push_back(operation);
  }
  model.products[0].apis.push_back(api.name);
  model.apis.push_back(std::move(api));
}

inline apim::ServiceModel large_model(const LargeModelSize& size, const std::string& backend) {
  apim::ServiceModel model;
  model.service.number = 1;
  model.service.name = "demo";
  model.service.is_default = true;
  apim::Product product;
  product.number = 2;
  product.name = "starter";
  model.products = {product};
  apim::EntityNumber number = 10;
  for (int i = 0; i < size.apis; ++i) add_large_model_api(model, number, i, backend);
  for (int i = 0; i < size.keys; ++i) {
    apim::Subscription subscription;
    subscription.number = number++;
    subscription.name = "sub" + std::to_string(i);
    subscription.scope = {apim::ScopeKind::product, "starter"};
    subscription.state = apim::SubscriptionState::active;
    subscription.primary_key = large_model_key(i);
    subscription.secondary_key = "fedcba98fedcba98fedcba98" + std::to_string(10'000'000 + i);
    model.subscriptions.push_back(std::move(subscription));
  }
  if (size.limits) {
    apim::Policy policy;
    policy.number = number++;
    policy.scope = {apim::PolicyScopeKind::product, "starter", ""};
    policy.text =
        "<policies><inbound><rate-limit calls='100000000' renewal-period='300'/>"
        "<quota calls='1000000000000' renewal-period='0'/></inbound></policies>";
    model.policies = {policy};
  }
  return model;
}

}  // namespace mlgate::control
