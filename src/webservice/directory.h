#pragma once
// What callers reach: workspaces, published services and their endpoints, as one immutable index. A
// worker reads it without waiting; every change makes a new one that shares what did not change.
#include "base/time.h"
#include "ml/scorer.h"
#include "webservice/shape.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace mlgate::webservice {

struct Workspace {
  std::string id, name, description, owner_email, region;
  std::string primary_token, secondary_token;
  TimeMs created_ms = 0;
  std::uint64_t document_version = 0;

  // Either token; time depends on the lengths only.
  bool accepts(std::string_view token) const noexcept;
};

enum class ThrottleLevel : unsigned char { low, high };
std::string_view name_of(ThrottleLevel level) noexcept;

// Calls of an endpoint that are being answered; outlives republishing, so that the limit stays
// exact.
struct Load {
  std::atomic<int> in_flight{0};
};

// What an endpoint serves: the compiled model and the texts made from it. Without a scorer it says
// why.
struct Model {
  std::shared_ptr<const ml::Scorer> scorer;
  ServiceShape shape;
  std::string error;
};

struct Endpoint {
  std::string id, name, description, workspace_id, service_id;
  std::string primary_key, secondary_key;
  ThrottleLevel throttle = ThrottleLevel::high;
  int concurrent_max = 20;
  bool prevent_update = false;
  std::string trace_level = "None";
  TimeMs created_ms = 0, updated_ms = 0;
  std::uint64_t model_version = 0;  // Which publication of the service it serves.
  std::shared_ptr<const Model> model;
  std::shared_ptr<Load> load;
  // Of its service, for documents and pages.
  std::string service_name, service_description;

  bool is_default() const noexcept { return name == "default"; }
  bool accepts(std::string_view key) const noexcept;
};

struct Service {
  std::string id, name, description, workspace_id, experiment_id;
  TimeMs created_ms = 0, updated_ms = 0;
  std::uint64_t model_version = 1;
  std::uint64_t document_version = 0;
  std::vector<std::shared_ptr<const Endpoint>> endpoints;  // "default" first.

  const Endpoint* find_endpoint(std::string_view name_or_id) const;
};

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept {
    return std::hash<std::string_view>()(text);
  }
};

struct Directory {
  std::map<std::string, std::shared_ptr<const Workspace>, std::less<>> workspaces;  // By id.
  std::map<std::string, std::shared_ptr<const Service>, std::less<>> services;      // By id.
  // Derived from the services.
  std::unordered_map<std::string, std::shared_ptr<const Endpoint>, TextHash, std::equal_to<>>
      endpoints;
  std::unordered_set<std::string> key_digests;  // SHA-256 of every endpoint key.

  void index();
  const Workspace* find_workspace(std::string_view id) const;
  const Service* find_service(std::string_view workspace_id, std::string_view id) const;
  std::shared_ptr<const Endpoint> find_endpoint(std::string_view id) const;
  // Whether the key belongs to any endpoint.
  bool knows_key(std::string_view key) const;
};

}  // namespace mlgate::webservice
