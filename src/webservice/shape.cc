#include "webservice/shape.h"

#include "base/json.h"
#include "base/text.h"
#include "ml/parameters.h"

#include <algorithm>

namespace mlgate::webservice {
namespace {

using NameIndex = std::vector<std::pair<std::string, std::size_t>>;

std::optional<std::size_t> look_up(const NameIndex& index, std::string_view name) {
  const auto at = std::lower_bound(
      index.begin(), index.end(), name,
      [](const auto& entry, std::string_view n) { return std::string_view(entry.first) < n; });
  if (at == index.end() || at->first != name) return std::nullopt;
  return at->second;
}

}  // namespace

InputShape::InputShape(const ml::ScorerPort& port) : name_(port.name), schema_(port.schema) {
  for (std::size_t i = 0; i < schema_.size(); ++i) {
    exact_.emplace_back(schema_[i].name, i);
    lower_.emplace_back(to_lower(schema_[i].name), i);
  }
  std::sort(exact_.begin(), exact_.end());
  std::sort(lower_.begin(), lower_.end());
}

std::optional<std::size_t> InputShape::find(std::string_view column, std::size_t hint) const {
  if (hint < schema_.size() && schema_[hint].name == column) return hint;
  if (const auto found = look_up(exact_, column)) return found;
  return look_up(lower_, to_lower(column));
}

OutputShape::OutputShape(std::string_view output_name, const table::Schema& of)
    : name(output_name), schema(of) {
  append_json_string(key, name);
  key += ':';
  JsonWriter name_list, type_list;
  name_list.array();
  type_list.array();
  for (const auto& column : schema) {
    name_list.value(column.name);
    type_list.value(table::name_of(column.type));
    std::string cell_key;
    append_json_string(cell_key, column.name);
    cell_keys.push_back(std::move(cell_key) + ":");
  }
  names = std::move(name_list.end()).text();
  types = std::move(type_list.end()).text();
}

bool OutputShape::fits(const table::Table& result) const noexcept {
  if (result.columns.size() != schema.size()) return false;
  for (std::size_t i = 0; i < schema.size(); ++i) {
    const table::Column& column = *result.columns[i];
    if (column.type != schema[i].type || column.name != schema[i].name) return false;
  }
  return true;
}

namespace {

// The declarations of the module parameters that are set as this web service parameter.
std::vector<ml::ParameterInfo> targets_of(std::string_view global, const ml::Graph& graph,
                                          const ml::Catalogue& catalogue) {
  std::vector<ml::ParameterInfo> targets;
  for (const auto& node : graph.nodes) {
    const ml::ModuleType* type = catalogue.find_family(node.module);
    if (!type) continue;
    for (const auto& [parameter, name] : node.global_parameters) {
      const ml::ParameterInfo* info = ml::find_parameter(type->info, parameter);
      if (name == global && info) targets.push_back(*info);
    }
  }
  return targets;
}

}  // namespace

ServiceShape ServiceShape::of(const ml::Scorer& scorer, const ml::Graph& graph,
                              const ml::Catalogue& catalogue) {
  ServiceShape shape;
  for (const auto& input : scorer.inputs()) shape.inputs.emplace_back(input);
  for (const auto& output : scorer.outputs()) {
    shape.outputs.emplace_back(output.name, output.schema);
    shape.output_columns += output.schema.size();
  }
  for (const auto& global : scorer.global_parameters()) {
    shape.globals.push_back(
        {global.name, global.default_value, targets_of(global.name, graph, catalogue)});
  }
  return shape;
}

}  // namespace mlgate::webservice
