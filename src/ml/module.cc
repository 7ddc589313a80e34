#include "ml/module.h"

#include "base/text.h"

#include <array>
#include <cstdio>

namespace mlgate::ml {
namespace {

// Equal but for case and dashes.
bool same_family(std::string_view a, std::string_view b) noexcept {
  std::size_t i = 0, j = 0;
  for (;;) {
    while (i < a.size() && a[i] == '-') ++i;
    while (j < b.size() && b[j] == '-') ++j;
    if (i == a.size() || j == b.size()) return i == a.size() && j == b.size();
    if (ascii_lower(a[i++]) != ascii_lower(b[j++])) return false;
  }
}

}  // namespace

Error module_error(int number, std::string_view text) {
  constexpr int kOperationFailed = 39;  // Used where memory would not do.
  std::array<char, 24> head{};
  const int size = std::snprintf(head.data(), head.size(), "Error %04d: ", number);
  std::string message(head.data(), std::size_t(size));
  message += text;
  return {number == kOperationFailed ? Errc::exhausted : Errc::invalid_argument,
          std::move(message)};
}

Result<std::unique_ptr<const Module>> Module::bind(std::span<const table::Schema>) const {
  return nullptr;
}

void Catalogue::add(ModuleType type) { types_.push_back(std::move(type)); }

const ModuleType* Catalogue::find_family(std::string_view family_id) const noexcept {
  for (const ModuleType& type : types_)
    if (same_family(type.info.family_id, family_id)) return &type;
  return nullptr;
}

const ModuleType* Catalogue::find_name(std::string_view name) const noexcept {
  for (const ModuleType& type : types_)
    if (type.info.name == name) return &type;
  return nullptr;
}

}  // namespace mlgate::ml
