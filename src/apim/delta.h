#pragma once
// What changed of one instance: the entities that are new or different, and the names of those that
// are gone. The control side follows the store with it, so that a change costs what it touches and
// not what there is.
#include "apim/documents.h"
#include "apim/model.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mlgate::apim {

template <class T>
struct Changes {
  std::vector<T> put;
  std::vector<std::string> gone;  // Names in lower case.
  bool empty() const noexcept { return put.empty() && gone.empty(); }
};

struct ProductLink {
  std::string product, api;  // Lower case.
  bool there = true;
};

struct ModelDelta {
  std::optional<Service> service;
  bool service_gone = false;
  Changes<Api> apis;
  Changes<Operation> operations;  // Gone ones as "api/operation".
  Changes<Product> products;      // Without their lists of APIs and groups.
  std::vector<ProductLink> links;
  Changes<User> users;
  Changes<Subscription> subscriptions;
  Changes<Policy> policies;
  std::vector<PolicyScope> policies_gone;  // Names in lower case.
  Changes<VersionSet> version_sets;
  Changes<Backend> backends;
  Changes<NamedValue> named_values;
  Changes<Certificate> certificates;
};

// A document as it is; nullopt: it is gone.
using ChangedDocument = std::pair<std::string, std::optional<StoredDocument>>;

// Name of the instance that a key lies below; nullopt for keys that are of none.
std::optional<std::string_view> instance_of(std::string_view key) noexcept;

// All of one instance. Documents that the gateway has no use for are passed over.
Result<ModelDelta> decode_changes(std::span<const ChangedDocument> documents,
                                  const Secrets& secrets);
// Everything of the model as new.
ModelDelta delta_of(const ServiceModel& model);

}  // namespace mlgate::apim
