#pragma once
// A module is a node type of an experiment: declared once (ports, parameters, help), made from
// parameters, and run on tables. Its declaration feeds the palette, the properties pane, validation
// and the docs.
#include "base/json.h"
#include "base/result.h"
#include "table/types.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::ml {

// The catalogue's error numbers, shown as "Error 0001: text". Code invalid_argument, exhausted for
// memory.
Error module_error(int number, std::string_view text);

enum class ParameterType : unsigned char { integer, real, boolean, text, choice, column_selection };

struct ParameterInfo {
  std::string name;  // As in Studio, e.g. "Hashing bitsize".
  ParameterType type = ParameterType::text;
  std::string help;  // One sentence.
  Json default_value;
  std::optional<double> minimum, maximum;
  std::vector<std::string> choices;
};

inline constexpr std::string_view kDatasetType = "Dataset";  // The type of tables.

struct PortInfo {
  std::string name;                // E.g. "Results dataset".
  std::string type{kDatasetType};  // What passes; an edge joins ports of one type.
};

struct ModuleInfo {
  std::string name;       // "Feature Hashing".
  std::string family_id;  // 32 upper-case hex digits, dashes left out.
  std::string category;   // "Text Analytics", "Data Transformation > Manipulation".
  std::string help;
  std::vector<PortInfo> inputs, outputs;
  std::vector<ParameterInfo> parameters;
  bool needs_rows = false;  // In a run, an input without rows is error 0003.
};

// Parameter values of one node by name; absent ones have their default.
using Parameters = std::map<std::string, Json, std::less<>>;

class Module {
 public:
  virtual ~Module() = default;
  // Schema of each output for inputs of these schemas; errors as in run. Lets a graph be compiled
  // without data.
  virtual Result<std::vector<table::Schema>> infer(std::span<const table::Schema> inputs) const = 0;
  // Pure and thread-safe: called by many workers at once.
  virtual Result<std::vector<table::Table>> run(std::span<const table::Table> inputs) const = 0;
  // The same module made ready for inputs of exactly these schemas, so that run has nothing left to
  // look up; null when it has no such form. Scorers call it once.
  virtual Result<std::unique_ptr<const Module>> bind(std::span<const table::Schema> inputs) const;
  // True when each output row depends on its own input row alone and rows keep their order.
  virtual bool row_wise() const noexcept { return false; }
};

struct ModuleType {
  ModuleInfo info;
  std::function<Result<std::unique_ptr<const Module>>(const Parameters&)> make;
};

// Filled by an explicit list (register_modules); looked up by family id or by name.
class Catalogue {
 public:
  void add(ModuleType type);
  const ModuleType* find_family(
      std::string_view family_id) const noexcept;  // Case and dashes ignored.
  const ModuleType* find_name(std::string_view name) const noexcept;
  const std::vector<ModuleType>& types() const noexcept { return types_; }

 private:
  std::vector<ModuleType> types_;
};
struct ModuleLimits {
  std::size_t hashed_columns_max = std::size_t{1}
                                   << 20;  // Columns that one Feature Hashing may append.
  std::size_t hashed_cells_max = std::size_t{1} << 28;  // Cells of them: columns x rows; 2 GiB.
};
void register_modules(Catalogue& catalogue, const ModuleLimits& limits = {});

}  // namespace mlgate::ml
