#pragma once
// Where each entity is kept. Names are lower-cased in keys, because they are unique without regard
// to case, and hold no '/', so that every prefix below ends a whole segment:
//   sequence                        the last entity number
//   service/{service}               marks that an instance exists
//   in/{service}/service            the instance itself, and everything of it below in/{service}/
#include "apim/model.h"
#include "base/text.h"

#include <string>
#include <string_view>

namespace mlgate::apim {

inline constexpr std::string_view kSequenceKey = "sequence";
inline constexpr std::string_view kServiceMarks = "service/";

inline std::string service_mark_key(std::string_view service) {
  return std::string(kServiceMarks) + to_lower(service);
}

inline std::string instance_prefix(std::string_view service) {
  return "in/" + to_lower(service) + "/";
}

inline std::string service_key(std::string_view service) {
  return instance_prefix(service) + "service";
}

// "in/{service}/{kind}/" or, below a parent, "in/{service}/{kind}/{parent}/".
inline std::string collection_prefix(std::string_view service, std::string_view kind,
                                     std::string_view parent = {}) {
  std::string key = instance_prefix(service) + std::string(kind) + "/";
  if (!parent.empty()) key += to_lower(parent) + "/";
  return key;
}

inline std::string entity_key(std::string_view service, std::string_view kind,
                              std::string_view parent, std::string_view name) {
  return collection_prefix(service, kind, parent) + to_lower(name);
}

inline std::string policy_key(std::string_view service, const PolicyScope& scope) {
  switch (scope.kind) {
    case PolicyScopeKind::global:
      return collection_prefix(service, "policy") + "global";
    case PolicyScopeKind::product:
      return entity_key(service, "policy", "product", scope.parent);
    case PolicyScopeKind::api:
      return entity_key(service, "policy", "api", scope.parent);
    case PolicyScopeKind::operation:
      break;
  }
  return collection_prefix(service, "policy", "operation") + to_lower(scope.parent) + "/" +
         to_lower(scope.operation);
}

}  // namespace mlgate::apim
