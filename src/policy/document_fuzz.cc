// Any text as a policy document: it compiles or gives errors, and never both.
#include "policy/catalog.h"
#include "policy/pipeline.h"

#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mlgate::policy;
  if (size == 0) return 0;
  static const PolicyCatalog catalog = builtin_policies();
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto format = (data[0] & 1) != 0 ? Format::rawxml : Format::xml;
  const auto compiled =
      compile_document(catalog, text, format, {.scope = Scope((data[0] >> 1) & 3)},
                       [](std::string_view name) -> std::optional<NamedValue> {
                         if (name.size() > 3) return std::nullopt;
                         return NamedValue{.text = "<a b=\"" + std::string(name) + "\"/>"};
                       });
  if (bool(compiled.document) == !compiled.errors.empty()) std::abort();
  return 0;
}
