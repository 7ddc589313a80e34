#pragma once
// Children `api` and `operation` of rate-limit and quota: which call they concern, and a number of
// their own for their counters, made of what the document says and thus the same after a reload.
#include "base/text.h"
#include "policy/catalog.h"
#include "policy/exchange.h"

#include <string>
#include <string_view>

namespace mlgate::policy {

// An API or operation by resource name (`id`, which wins) or by display name (`name`). Compared
// without case.
struct Selector {
  bool by_id = false;
  std::string text;

  static Selector of(const PolicyNode& node, DocumentErrors& errors) {
    if (node.params.has("id")) return {true, std::string(node.params.text("id"))};
    if (!node.params.has("name")) errors.add_missing(*node.element, "name");
    return {false, std::string(node.params.text("name"))};
  }
  bool selects(std::string_view name, std::string_view display_name) const noexcept {
    return equals_ignoring_case(text, by_id ? name : display_name);
  }
  std::uint64_t number() const { return hash_text((by_id ? "id:" : "name:") + to_lower(text)); }
};

}  // namespace mlgate::policy
