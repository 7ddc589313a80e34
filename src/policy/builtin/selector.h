#pragma once
// Children `api` and `operation` of rate-limit and quota: which call they concern, and a number of
// their own for their counters, made of what the document says and thus the same after a reload.
#include "policy/catalog.h"
#include "policy/exchange.h"
#include "policy/quota_place.h"

namespace mlgate::policy {

// `id`, the resource name, wins over `name`, the display name.
inline Selector selector_of(const PolicyNode& node, DocumentErrors& errors) {
  if (node.params.has("id")) return {true, std::string(node.params.text("id"))};
  if (!node.params.has("name")) errors.add_missing(*node.element, "name");
  return {false, std::string(node.params.text("name"))};
}

inline std::uint64_t number_of(const Selector& selector) {
  return hash_text((selector.by_id ? "id:" : "name:") + to_lower(selector.text));
}

}  // namespace mlgate::policy
