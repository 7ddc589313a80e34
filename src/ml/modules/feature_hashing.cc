// Feature Hashing: appends to a dataset, for each chosen text column, 2^bits columns that count its
// hashed words and n-grams. The counting is in ml/hashing.h; here are columns, names, limits and
// errors.
#include "ml/column_selection.h"
#include "ml/hashing.h"
#include "ml/modules/modules_internal.h"
#include "ml/parameters.h"

namespace mlgate::ml {
namespace {

using table::Column;
using table::DataType;
using table::Schema;
using table::Table;

ModuleInfo feature_hashing_info() {
  ModuleInfo info;
  info.name = "Feature Hashing";
  info.family_id = "C9A826602D9C411D81224D9E0B3CE92A";
  info.category = "Text Analytics";
  info.help = "Turns text into counts of hashed words and word sequences.";
  info.inputs = {{"Dataset"}};
  info.outputs = {{"Transformed dataset"}};
  info.needs_rows = true;
  ParameterInfo columns;
  columns.name = "Target column(s)";
  columns.type = ParameterType::column_selection;
  columns.help = "Which text columns to hash.";
  columns.default_value = Json("StringFeature");
  ParameterInfo bits;
  bits.name = "Hashing bitsize";
  bits.type = ParameterType::integer;
  bits.help = "How many bits of a hash name its column: b bits make 2^b columns.";
  bits.default_value = Json(10);
  bits.minimum = 1;
  bits.maximum = kHashingBitsMax;
  ParameterInfo ngrams;
  ngrams.name = "N-grams";
  ngrams.type = ParameterType::integer;
  ngrams.help = "The longest word sequence that counts as a feature; shorter ones count too.";
  ngrams.default_value = Json(2);
  ngrams.minimum = 0;
  ngrams.maximum = kNgramsMax;
  info.parameters = {columns, bits, ngrams};
  return info;
}

Error too_much(std::string_view what) {
  return module_error(39, "Error while completing operation: " + std::string(what) + ".");
}

// What running on inputs of one schema takes: where the texts are, and the names of the new
// columns.
struct Plan {
  std::vector<std::size_t> targets;
  std::vector<std::string> names;  // 2^bits for each target.
};

class Settings {
 public:
  Settings(ColumnSelection columns, HashingOptions options, ModuleLimits limits)
      : columns_(std::move(columns)), options_(options), limits_(limits) {}

  Result<Plan> plan(const Schema& schema) const {
    TRY(std::vector<std::size_t> targets, columns_.resolve(schema));
    for (const std::size_t target : targets)
      if (schema[target].type != DataType::string)
        return std::unexpected(
            module_error(17, "Cannot process column \"" + schema[target].name + "\" of type " +
                                 std::string(table::name_of(schema[target].type)) +
                                 ". The type is not supported by the module."));
    const std::uint64_t buckets = std::uint64_t{1} << options_.bits;
    // Refused before anything is made for them.
    if (targets.size() > limits_.hashed_columns_max / buckets)
      return std::unexpected(too_much(std::to_string(targets.size() * buckets) +
                                      " hashed columns (" + std::to_string(targets.size()) +
                                      " text columns, bitsize " + std::to_string(options_.bits) +
                                      ") are more than the limit of " +
                                      std::to_string(limits_.hashed_columns_max)));
    Plan plan;
    plan.names = names(schema, targets, buckets);
    plan.targets = std::move(targets);
    return plan;
  }

  Schema extend(const Schema& schema, const Plan& plan) const {
    Schema out = schema;
    out.reserve(schema.size() + plan.names.size());
    for (const std::string& name : plan.names) out.push_back({name, DataType::real, {}});
    return out;
  }

  Result<std::vector<Table>> run(const Table& input, const Plan& plan) const {
    if (!plan.names.empty() && input.rows > limits_.hashed_cells_max / plan.names.size())
      return std::unexpected(too_much(std::to_string(input.rows) + " rows of " +
                                      std::to_string(plan.names.size()) +
                                      " hashed columns are more than the limit of " +
                                      std::to_string(limits_.hashed_cells_max) + " cells"));
    std::vector<Table> outputs(1);
    Table& output = outputs.front();
    output.rows = input.rows;
    output.columns.reserve(input.columns.size() + plan.names.size());
    output.columns = input.columns;
    const std::size_t buckets = std::size_t{1} << options_.bits;
    std::vector<double*> cells(buckets);
    for (std::size_t t = 0; t < plan.targets.size(); ++t) {
      // The block of one target is one object, which its columns share.
      const auto block = std::make_shared<std::vector<Column>>();
      block->reserve(buckets);
      for (std::size_t b = 0; b < buckets; ++b) {
        Column& column = block->emplace_back(Column{.name = plan.names[t * buckets + b],
                                                    .type = DataType::real,
                                                    .values = std::vector<double>(input.rows),
                                                    .missing = {},
                                                    .role = {}});
        cells[b] = std::get<std::vector<double>>(column.values).data();
        output.columns.emplace_back(block, &column);
      }
      hash_columns(input.columns[plan.targets[t]]->texts(), options_, cells);
    }
    return outputs;
  }

 private:
  static std::vector<std::string> names(const Schema& schema, std::span<const std::size_t> targets,
                                        std::uint64_t buckets) {
    FreeNames free_names(schema);
    std::vector<std::string> names;
    names.reserve(targets.size() * buckets);
    for (const std::size_t target : targets)
      for (std::uint64_t i = 1; i <= buckets; ++i)
        names.push_back(
            free_names.take(schema[target].name + "_HashingFeature_" + std::to_string(i)));
    return names;
  }

  ColumnSelection columns_;
  HashingOptions options_;
  ModuleLimits limits_;
};

class BoundFeatureHashing final : public Module {
 public:
  BoundFeatureHashing(std::shared_ptr<const Settings> settings, Plan plan, Schema output)
      : settings_(std::move(settings)), plan_(std::move(plan)), output_(std::move(output)) {}
  Result<std::vector<Schema>> infer(std::span<const Schema>) const override {
    return std::vector<Schema>{output_};
  }
  Result<std::vector<Table>> run(std::span<const Table> inputs) const override {
    return settings_->run(inputs[0], plan_);
  }
  bool row_wise() const noexcept override { return true; }

 private:
  std::shared_ptr<const Settings> settings_;
  Plan plan_;
  Schema output_;
};

class FeatureHashing final : public Module {
 public:
  explicit FeatureHashing(std::shared_ptr<const Settings> settings)
      : settings_(std::move(settings)) {}

  Result<std::vector<Schema>> infer(std::span<const Schema> inputs) const override {
    if (inputs.empty()) return std::unexpected(input_is_empty("Dataset"));
    TRY(const Plan plan, settings_->plan(inputs[0]));
    return std::vector<Schema>{settings_->extend(inputs[0], plan)};
  }
  Result<std::vector<Table>> run(std::span<const Table> inputs) const override {
    if (inputs.empty()) return std::unexpected(input_is_empty("Dataset"));
    TRY(const Plan plan, settings_->plan(inputs[0].schema()));
    return settings_->run(inputs[0], plan);
  }
  Result<std::unique_ptr<const Module>> bind(std::span<const Schema> inputs) const override {
    if (inputs.empty()) return std::unexpected(input_is_empty("Dataset"));
    TRY(Plan plan, settings_->plan(inputs[0]));
    Schema output = settings_->extend(inputs[0], plan);
    return std::make_unique<const BoundFeatureHashing>(settings_, std::move(plan),
                                                       std::move(output));
  }
  bool row_wise() const noexcept override { return true; }

 private:
  std::shared_ptr<const Settings> settings_;
};

Result<std::unique_ptr<const Module>> make_feature_hashing(const ModuleInfo& info,
                                                           const ModuleLimits& limits,
                                                           const Parameters& parameters) {
  const auto value = [&](std::size_t i) -> const Json& {
    return value_or_default(parameters, info.parameters[i]);
  };
  TRY(ColumnSelection columns, ColumnSelection::parse(value(0)));
  TRY(const std::int64_t bits, to_integer(info.parameters[1], value(1)));
  TRY(const std::int64_t ngrams, to_integer(info.parameters[2], value(2)));
  const HashingOptions options{.bits = unsigned(bits), .ngrams = unsigned(ngrams)};
  return std::make_unique<const FeatureHashing>(
      std::make_shared<const Settings>(std::move(columns), options, limits));
}

}  // namespace

void register_feature_hashing(Catalogue& catalogue, const ModuleLimits& limits) {
  const ModuleInfo info = feature_hashing_info();
  catalogue.add({info, [info, limits](const Parameters& parameters) {
                   return make_feature_hashing(info, limits, parameters);
                 }});
}

}  // namespace mlgate::ml
