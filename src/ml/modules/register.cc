#include "ml/modules/modules_internal.h"

namespace mlgate::ml {

Error input_is_empty(std::string_view input_name) {
  return module_error(3, "Input \"" + std::string(input_name) + "\" is null or empty.");
}

FreeNames::FreeNames(const table::Schema& schema) {
  for (const table::ColumnSchema& column : schema) next_.emplace(column.name, 1);
}

std::string FreeNames::take(std::string name) {
  const auto [entry, is_free] = next_.emplace(name, 1);
  if (is_free) return name;
  for (;;) {
    std::string other = name + "_" + std::to_string(entry->second++);
    if (next_.emplace(other, 1).second) return other;
  }
}

void register_modules(Catalogue& catalogue, const ModuleLimits& limits) {
  register_select_columns(catalogue);
  register_feature_hashing(catalogue, limits);
}

}  // namespace mlgate::ml
