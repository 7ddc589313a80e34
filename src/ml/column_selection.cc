#include "ml/column_selection.h"

#include "base/text.h"

#include <algorithm>
#include <array>
#include <unordered_map>

namespace mlgate::ml {
namespace {

using table::ColumnSchema;
using table::DataType;

constexpr std::string_view kStringFeature = "StringFeature";

std::unexpected<Error> bad_selection(std::string_view why) {
  return std::unexpected(
      module_error(2, "Failed to parse parameter: the column selection " + std::string(why) + "."));
}

std::unexpected<Error> bad_indices(std::string_view text) {
  return std::unexpected(
      module_error(59, "Column index or range \"" + std::string(text) + "\" could not be parsed."));
}

std::unexpected<Error> not_found(std::string_view column) {
  return std::unexpected(
      module_error(1, "Column with name or index \"" + std::string(column) + "\" not found."));
}

struct IndexRange {
  std::uint64_t first = 0, last = 0;
  bool is_range = false;
  std::string_view text;
};

// The parts of "8,1-4,6"; 0059 for anything that is not a number or two with a dash.
Result<std::vector<IndexRange>> parse_indices(std::string_view text) {
  std::vector<IndexRange> ranges;
  for (const std::string_view untrimmed : split(text, ',')) {
    const std::string_view part = trim(untrimmed);
    const auto dash = part.find('-');
    const auto first = parse_uint(trim(part.substr(0, dash)));
    if (!first) return bad_indices(part);
    IndexRange range{*first, *first, dash != std::string_view::npos, part};
    if (range.is_range) {
      const auto last = parse_uint(trim(part.substr(dash + 1)));
      if (!last) return bad_indices(part);
      range.last = *last;
    }
    ranges.push_back(range);
  }
  return ranges;
}

struct TypeKind {
  std::string_view name;
  bool (*matches)(const ColumnSchema&);
};

bool is_integer(const ColumnSchema& c) {
  return c.type == DataType::int32 || c.type == DataType::int64;
}

constexpr auto kTypeKinds = std::to_array<TypeKind>({
    {"String", [](const ColumnSchema& c) { return c.type == DataType::string; }},
    {"Integer", is_integer},
    {"Int32", [](const ColumnSchema& c) { return c.type == DataType::int32; }},
    {"Int64", [](const ColumnSchema& c) { return c.type == DataType::int64; }},
    {"Double", [](const ColumnSchema& c) { return c.type == DataType::real; }},
    {"Boolean", [](const ColumnSchema& c) { return c.type == DataType::boolean; }},
    {"DateTime", [](const ColumnSchema& c) { return c.type == DataType::date_time; }},
    {"TimeSpan", [](const ColumnSchema& c) { return c.type == DataType::time_span; }},
    {"Numeric", [](const ColumnSchema& c) { return is_integer(c) || c.type == DataType::real; }},
    {"Categorical", [](const ColumnSchema& c) { return c.role.categorical; }},
    {kStringFeature,
     [](const ColumnSchema& c) { return c.type == DataType::string && c.role.feature; }},
});

const TypeKind* find_type_kind(std::string_view name) noexcept {
  const auto found = std::ranges::find_if(
      kTypeKinds, [name](const TypeKind& k) { return equals_ignoring_case(k.name, name); });
  return found == kTypeKinds.end() ? nullptr : &*found;
}

template <class Test>
std::vector<std::size_t> positions_where(const table::Schema& schema, Test test) {
  std::vector<std::size_t> positions;
  for (std::size_t i = 0; i < schema.size(); ++i)
    if (test(schema[i])) positions.push_back(i);
  return positions;
}

Result<std::vector<std::size_t>> match_names(const std::vector<std::string>& names,
                                             const table::Schema& schema) {
  std::unordered_map<std::string_view, std::size_t> by_name;
  for (std::size_t i = 0; i < schema.size(); ++i) by_name.emplace(schema[i].name, i);
  std::vector<std::size_t> positions;
  for (const std::string& name : names) {
    const auto found = by_name.find(name);
    if (found == by_name.end()) return not_found(name);
    positions.push_back(found->second);
  }
  return positions;
}

Result<std::vector<std::size_t>> match_indices(std::string_view text, std::size_t columns) {
  std::vector<std::size_t> positions;
  TRY(const std::vector<IndexRange> ranges, parse_indices(text));
  // So many positions hold every use; more is a mistake or an attack on memory.
  const std::size_t positions_max = columns + 100'000;
  for (const IndexRange& range : ranges) {
    const bool inside = range.first >= 1 && range.last <= columns;
    if (!range.is_range && !inside) return not_found(range.text);
    if (!inside || range.first > range.last || positions.size() > positions_max)
      return std::unexpected(module_error(
          60, "Column range \"" + std::string(range.text) + "\" is invalid or out of range."));
    for (std::uint64_t i = range.first; i <= range.last; ++i)
      positions.push_back(std::size_t(i - 1));
  }
  return positions;
}

}  // namespace

Result<ColumnSelection::Rule> ColumnSelection::parse_rule(const Json& json) {
  constexpr auto kKinds =
      std::to_array<std::string_view>({"names", "indices", "type", "features", "labels", "all"});
  if (!json.is_object()) return bad_selection("has a rule that is not an object");
  Rule rule;
  const std::string_view action = json.string_or("action", "include");
  if (action != "include" && action != "exclude")
    return bad_selection("has the unknown action \"" + std::string(action) + "\"");
  rule.include = action == "include";
  const std::string_view kind = json.string_or("kind");
  const auto found = std::ranges::find(kKinds, kind);
  if (found == kKinds.end())
    return bad_selection("has the unknown kind \"" + std::string(kind) + "\"");
  rule.kind = Kind(found - kKinds.begin());
  if (rule.kind == Kind::names) {
    if (!json["names"].is_array()) return bad_selection("has no list of names");
    for (const Json& name : json["names"].items()) {
      if (!name.is_string()) return bad_selection("has a name that is not a text");
      rule.names.emplace_back(name.as_string());
    }
  } else if (rule.kind == Kind::indices) {
    rule.indices = json.string_or("indices");
    TRY_OK(parse_indices(rule.indices));
  } else if (rule.kind == Kind::type) {
    rule.type = json.string_or("type");
    if (find_type_kind(rule.type) == nullptr)
      return bad_selection("has the unknown type \"" + rule.type + "\"");
  }
  return rule;
}

Result<ColumnSelection> ColumnSelection::parse(const Json& value) {
  if (value.is_string()) {
    const std::string_view text = trim(value.as_string());
    if (text == kStringFeature) {
      ColumnSelection selection;
      selection.rules_.push_back({.include = true,
                                  .kind = Kind::type,
                                  .names = {},
                                  .indices = {},
                                  .type = std::string(kStringFeature)});
      return selection;
    }
    const Result<Json> json = Json::parse(text);
    if (!json || !json->is_object()) return bad_selection("is not a JSON object");
    return parse(*json);
  }
  if (!value.is_object()) return bad_selection("is not a JSON object");
  ColumnSelection selection;
  const std::string_view begin = value.string_or("begin", "none");
  if (begin != "none" && begin != "all") return bad_selection("begins with neither none nor all");
  selection.begin_with_all_ = begin == "all";
  selection.keep_order_ = value.bool_or("keepOrder", false);
  const Json& rules = value["rules"];
  if (!rules.is_array() && !rules.is_null()) return bad_selection("has no list of rules");
  if (rules.items().size() > kRulesMax)
    return bad_selection("has more than " + std::to_string(kRulesMax) + " rules");
  for (const Json& rule : rules.items()) {
    TRY(Rule parsed, parse_rule(rule));
    selection.rules_.push_back(std::move(parsed));
  }
  return selection;
}

Result<std::vector<std::size_t>> ColumnSelection::match(const Rule& rule,
                                                        const table::Schema& schema) {
  switch (rule.kind) {
    case Kind::names:
      return match_names(rule.names, schema);
    case Kind::indices:
      return match_indices(rule.indices, schema.size());
    case Kind::type:
      return positions_where(schema, find_type_kind(rule.type)->matches);
    case Kind::features:
      return positions_where(schema, [](const ColumnSchema& c) { return c.role.feature; });
    case Kind::labels:
      return positions_where(schema, [](const ColumnSchema& c) { return c.role.label; });
    case Kind::all:
      break;
  }
  return positions_where(schema, [](const ColumnSchema&) { return true; });
}

Result<std::vector<std::size_t>> ColumnSelection::resolve(const table::Schema& schema) const {
  std::vector<std::size_t> selected;
  if (begin_with_all_) selected = positions_where(schema, [](const ColumnSchema&) { return true; });
  for (const Rule& rule : rules_) {
    TRY(const std::vector<std::size_t> matched, match(rule, schema));
    if (rule.include) {
      selected.insert(selected.end(), matched.begin(), matched.end());
    } else {
      std::vector<bool> excluded(schema.size());
      for (const std::size_t position : matched) excluded[position] = true;
      std::erase_if(selected, [&](std::size_t position) { return excluded[position]; });
    }
  }
  if (!keep_order_) {
    std::ranges::sort(selected);
    selected.erase(std::ranges::unique(selected).begin(), selected.end());
  }
  if (selected.empty())
    return std::unexpected(module_error(1, "One or more specified columns were not found."));
  return selected;
}

}  // namespace mlgate::ml
