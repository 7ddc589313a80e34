#pragma once
// $filter: the subset of OData that management lists understand. A filter is parsed against the
// fields its list may be filtered by and then asked about each item; a field, function or operator
// that is not allowed there is refused, with its position, never ignored.
#include "base/json.h"
#include "base/result.h"

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace mlgate::management {

struct FilterField {
  enum class Allows : unsigned char { everything, operators, equality, eq };
  enum class Type : unsigned char { text, flag, date, id };  // id: short and full form both match.
  std::string_view name;
  Allows allows = Allows::everything;
  Type type = Type::text;
  // Member of `properties` that holds the value, when it is not `name`; "@name" is the resource's
  // name.
  std::string_view member = {};
};

using Predicate = std::function<bool(const Json& item)>;

// `item` of the predicate is an entity with its envelope. Strings compare without case. At most
// 4,096 bytes and 32 levels of parentheses.
Result<Predicate> parse_filter(std::string_view text, std::span<const FilterField> fields);

}  // namespace mlgate::management
