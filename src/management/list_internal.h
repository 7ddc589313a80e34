#pragma once
// Lists: filter, count, page, and the link to the next page.
#include "base/json.h"
#include "management/call_internal.h"
#include "management/filter.h"

#include <functional>
#include <span>
#include <vector>

namespace mlgate::management {

// `items` are entities with their envelopes, in their order. $top, $skip and $filter are the
// request's.
http::Response list_answer(const Call& call, std::vector<Json> items,
                           std::span<const FilterField> fields);
struct PageWindow {
  std::int64_t skip = 0, top = 0;
};
// The request's $skip and $top, within what a page may hold.
Result<PageWindow> page_window(const Call& call);
using ItemAt = std::function<Json(std::size_t)>;
// The same of `count` items; without a $filter only those of the page are asked for.
http::Response list_answer(const Call& call, std::size_t count, const ItemAt& item_at,
                           std::span<const FilterField> fields);
// The page of `items` that $top and $skip ask for.
Result<http::Response> page_answer(const Call& call, std::vector<Json> items);

}  // namespace mlgate::management
