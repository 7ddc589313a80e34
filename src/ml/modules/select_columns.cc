// Select Columns in Dataset: a projection by the column selector's rules. No data is copied.
#include "ml/column_selection.h"
#include "ml/modules/modules_internal.h"
#include "ml/parameters.h"

namespace mlgate::ml {
namespace {

ModuleInfo select_columns_info() {
  ModuleInfo info;
  info.name = "Select Columns in Dataset";
  info.family_id = "6E1D42A8F0B34C7795D86A0C3BE2917F";
  info.category = "Data Transformation > Manipulation";
  info.help = "Keeps the chosen columns of a dataset.";
  info.inputs = {{"Dataset"}};
  info.outputs = {{"Results dataset"}};
  ParameterInfo columns;
  columns.name = "Select columns";
  columns.type = ParameterType::column_selection;
  columns.help = "Which columns to keep, by name, position, type or role.";
  columns.default_value = Json(R"({"begin":"all","keepOrder":false,"rules":[]})");
  info.parameters = {columns};
  return info;
}

// One chosen column: its position in the input, and its name where a repeat needs another one.
struct Choice {
  std::size_t position = 0;
  std::string name;
};

Result<std::vector<Choice>> choose(const ColumnSelection& selection, const table::Schema& schema) {
  TRY(const std::vector<std::size_t> positions, selection.resolve(schema));
  FreeNames names({});
  std::vector<Choice> choices;
  choices.reserve(positions.size());
  for (const std::size_t position : positions)
    choices.push_back({position, names.take(schema[position].name)});
  return choices;
}

std::vector<table::Table> project(const table::Table& input, std::span<const Choice> choices) {
  std::vector<table::Table> outputs(1);
  table::Table& output = outputs.front();
  output.rows = input.rows;
  output.columns.reserve(choices.size());
  for (const Choice& choice : choices) {
    const auto& column = input.columns[choice.position];
    if (column->name == choice.name) {
      output.columns.push_back(column);
    } else {
      table::Column renamed = *column;
      renamed.name = choice.name;
      output.columns.push_back(std::make_shared<const table::Column>(std::move(renamed)));
    }
  }
  return outputs;
}

std::vector<table::Schema> project(const table::Schema& input, std::span<const Choice> choices) {
  std::vector<table::Schema> outputs(1);
  for (const Choice& choice : choices) {
    outputs.front().push_back(input[choice.position]);
    outputs.front().back().name = choice.name;
  }
  return outputs;
}

class BoundSelectColumns final : public Module {
 public:
  BoundSelectColumns(std::vector<Choice> choices, std::vector<table::Schema> outputs)
      : choices_(std::move(choices)), outputs_(std::move(outputs)) {}
  Result<std::vector<table::Schema>> infer(std::span<const table::Schema>) const override {
    return outputs_;
  }
  Result<std::vector<table::Table>> run(std::span<const table::Table> inputs) const override {
    return project(inputs[0], choices_);
  }
  bool row_wise() const noexcept override { return true; }

 private:
  std::vector<Choice> choices_;
  std::vector<table::Schema> outputs_;
};

class SelectColumns final : public Module {
 public:
  explicit SelectColumns(ColumnSelection selection) : selection_(std::move(selection)) {}

  Result<std::vector<table::Schema>> infer(std::span<const table::Schema> inputs) const override {
    if (inputs.empty()) return std::unexpected(input_is_empty("Dataset"));
    TRY(const std::vector<Choice> choices, choose(selection_, inputs[0]));
    return project(inputs[0], choices);
  }
  Result<std::vector<table::Table>> run(std::span<const table::Table> inputs) const override {
    if (inputs.empty()) return std::unexpected(input_is_empty("Dataset"));
    TRY(const std::vector<Choice> choices, choose(selection_, inputs[0].schema()));
    return project(inputs[0], choices);
  }
  Result<std::unique_ptr<const Module>> bind(std::span<const table::Schema> inputs) const override {
    if (inputs.empty()) return std::unexpected(input_is_empty("Dataset"));
    TRY(std::vector<Choice> choices, choose(selection_, inputs[0]));
    std::vector<table::Schema> outputs = project(inputs[0], choices);
    return std::make_unique<const BoundSelectColumns>(std::move(choices), std::move(outputs));
  }
  bool row_wise() const noexcept override { return true; }

 private:
  ColumnSelection selection_;
};

Result<std::unique_ptr<const Module>> make_select_columns(const ModuleInfo& info,
                                                          const Parameters& parameters) {
  TRY(ColumnSelection selection,
      ColumnSelection::parse(value_or_default(parameters, info.parameters[0])));
  return std::make_unique<const SelectColumns>(std::move(selection));
}

}  // namespace

void register_select_columns(Catalogue& catalogue) {
  const ModuleInfo info = select_columns_info();
  catalogue.add({info, [info](const Parameters& parameters) {
                   return make_select_columns(info, parameters);
                 }});
}

}  // namespace mlgate::ml
