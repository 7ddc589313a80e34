#pragma once
// One registration per module file; register.cc holds the list.
#include "ml/module.h"

namespace mlgate::ml {

void register_select_columns(Catalogue& catalogue);
void register_feature_hashing(Catalogue& catalogue, const ModuleLimits& limits);

// Error 0003, naming the input.
Error input_is_empty(std::string_view input_name);

// Names for new columns: one that is taken gets the first of "_1", "_2", … that is free.
class FreeNames {
 public:
  explicit FreeNames(const table::Schema& schema);
  std::string take(std::string name);

 private:
  std::map<std::string, std::size_t, std::less<>> next_;  // Name -> the postfix to try first.
};

}  // namespace mlgate::ml
