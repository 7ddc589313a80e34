#include "ml/module.h"
#include "ml/parameters.h"

#include <gtest/gtest.h>

namespace mlgate::ml {
namespace {

using table::Column;
using table::DataType;
using table::Table;

Column column_of(std::string name, DataType type, std::initializer_list<const char*> cells) {
  Column column = table::make_column(std::move(name), type);
  for (const char* cell : cells) EXPECT_TRUE(append_parsed_cell(column, cell)) << cell;
  return column;
}

Table reviews() {
  Table table;
  table.add(column_of("Col1", DataType::int32, {"5", "1"}));
  table.add(column_of("Col2", DataType::string, {"This is a good day", "I hated this book"}));
  table.add(column_of("Price", DataType::real, {"1.5", ""}));
  Column label = column_of("Good", DataType::boolean, {"true", "false"});
  label.role = {.feature = false, .label = true, .categorical = true};
  table.add(std::move(label));
  return table;
}

class Modules : public testing::Test {
 protected:
  Modules() { register_modules(catalogue_); }

  Result<Table> run(std::string_view name, const Parameters& parameters, const Table& input) const {
    TRY(const auto module, catalogue_.find_name(name)->make(parameters));
    TRY(auto outputs, module->run(std::span(&input, 1)));
    const table::Schema input_schema = input.schema();
    const auto inferred = module->infer(std::span(&input_schema, 1));
    EXPECT_TRUE(inferred);
    const table::Schema schema = outputs[0].schema();
    EXPECT_EQ(inferred->front().size(), schema.size());
    for (std::size_t i = 0; i < schema.size(); ++i) {
      EXPECT_EQ(inferred->front()[i].name, schema[i].name);
      EXPECT_EQ(inferred->front()[i].type, schema[i].type);
    }
    EXPECT_TRUE(outputs[0].validate());
    return outputs[0];
  }

  std::string names(const Result<Table>& table) const {
    if (!table) return table.error().message();
    std::string all;
    for (const auto& column : table->columns) all += (all.empty() ? "" : " ") + column->name;
    return all;
  }
  std::string select(std::string_view rules, std::string_view begin = "none",
                     bool keep = false) const {
    const std::string text = R"({"begin":")" + std::string(begin) + R"(","keepOrder":)" +
                             (keep ? "true" : "false") + R"(,"rules":[)" + std::string(rules) +
                             "]}";
    return names(run("Select Columns in Dataset", {{"Select columns", Json(text)}}, reviews()));
  }
  std::string hash(const Parameters& parameters, const Table& table) const {
    return names(run("Feature Hashing", parameters, table));
  }

  Catalogue catalogue_;
};

std::string row_text(const Table& table, std::size_t first_column, std::size_t row) {
  std::string all;
  for (std::size_t c = first_column; c < table.columns.size(); ++c) {
    if (!all.empty()) all += ' ';
    append_cell_text(all, *table.columns[c], row);
  }
  return all;
}

TEST_F(Modules, AreFoundByFamilyIdInAnyCase) {
  ASSERT_NE(catalogue_.find_family("c9a82660-2d9c-411d-8122-4d9e0b3ce92a"), nullptr);
  EXPECT_EQ(catalogue_.find_family("C9A826602D9C411D81224D9E0B3CE92A")->info.name,
            "Feature Hashing");
  EXPECT_EQ(catalogue_.find_family("C9A8"), nullptr);
  EXPECT_EQ(catalogue_.find_name("No such module"), nullptr);
}

TEST_F(Modules, SelectByNames) {
  EXPECT_EQ(select(R"({"action":"include","kind":"names","names":["Col2"]})"), "Col2");
  EXPECT_EQ(select(R"({"action":"include","kind":"names","names":["Price","Col1"]})"),
            "Col1 Price");
  EXPECT_EQ(select(R"({"action":"include","kind":"names","names":["Nope"]})"),
            "Error 0001: Column with name or index \"Nope\" not found.");
  EXPECT_EQ(select(R"({"action":"exclude","kind":"names","names":["Col2"]})", "all"),
            "Col1 Price Good");
}

TEST_F(Modules, SelectByIndices) {
  const auto indices = [this](std::string_view text, bool keep = false) {
    return select(R"({"action":"include","kind":"indices","indices":")" + std::string(text) + "\"}",
                  "none", keep);
  };
  EXPECT_EQ(indices("1,2-4,3"), "Col1 Col2 Price Good");
  EXPECT_EQ(indices("4,3,1", true), "Good Price Col1");
  EXPECT_EQ(indices("2, 2,1", true), "Col2 Col2_1 Col1");
  EXPECT_EQ(indices("5"), "Error 0001: Column with name or index \"5\" not found.");
  EXPECT_EQ(indices("0"), "Error 0001: Column with name or index \"0\" not found.");
  EXPECT_EQ(indices("3-5"), "Error 0060: Column range \"3-5\" is invalid or out of range.");
  EXPECT_EQ(indices("3-2"), "Error 0060: Column range \"3-2\" is invalid or out of range.");
  EXPECT_EQ(indices("1-"), "Error 0059: Column index or range \"1-\" could not be parsed.");
  EXPECT_EQ(indices("-3"), "Error 0059: Column index or range \"-3\" could not be parsed.");
  EXPECT_EQ(indices("two"), "Error 0059: Column index or range \"two\" could not be parsed.");
  EXPECT_EQ(indices(""), "Error 0059: Column index or range \"\" could not be parsed.");
}

TEST_F(Modules, SelectByTypeAndRole) {
  const auto type = [this](std::string_view name) {
    return select(R"({"action":"include","kind":"type","type":")" + std::string(name) + "\"}");
  };
  EXPECT_EQ(type("String"), "Col2");
  EXPECT_EQ(type("Integer"), "Col1");
  EXPECT_EQ(type("Double"), "Price");
  EXPECT_EQ(type("Boolean"), "Good");
  EXPECT_EQ(type("Numeric"), "Col1 Price");
  EXPECT_EQ(type("Categorical"), "Good");
  EXPECT_EQ(type("DateTime"), "Error 0001: One or more specified columns were not found.");
  EXPECT_EQ(select(R"({"kind":"features"})"), "Col1 Col2 Price");
  EXPECT_EQ(select(R"({"kind":"labels"})"), "Good");
  EXPECT_EQ(select(R"({"kind":"all"},{"action":"exclude","kind":"labels"})"), "Col1 Col2 Price");
  EXPECT_EQ(select(R"({"action":"exclude","kind":"all"},{"kind":"labels"})", "all"), "Good");
}

TEST_F(Modules, SelectRefusesWhatIsNotASelection) {
  for (const char* bad : {"[]", "x", R"({"begin":"some"})", R"({"rules":[{"kind":"colour"}]})",
                          R"({"rules":[{"action":"keep","kind":"all"}]})", R"({"rules":[5]})",
                          R"({"rules":[{"kind":"names"}]})", R"({"rules":{}})",
                          R"({"rules":[{"kind":"type","type":"Colour"}]})"}) {
    const auto made =
        catalogue_.find_name("Select Columns in Dataset")->make({{"Select columns", Json(bad)}});
    ASSERT_FALSE(made) << bad;
    EXPECT_TRUE(made.error().message().starts_with("Error 0002: ")) << made.error().message();
  }
}

TEST_F(Modules, FeatureHashingAppendsNamedColumns) {
  const auto table = run("Feature Hashing", {{"Hashing bitsize", Json("3")}}, reviews());
  ASSERT_TRUE(table);
  EXPECT_EQ(names(table),
            "Col1 Col2 Price Good Col2_HashingFeature_1 Col2_HashingFeature_2 "
            "Col2_HashingFeature_3 Col2_HashingFeature_4 Col2_HashingFeature_5 "
            "Col2_HashingFeature_6 Col2_HashingFeature_7 Col2_HashingFeature_8");
  EXPECT_EQ(row_text(*table, 4, 0), "1 1 2 2 0 2 0 1");
  EXPECT_EQ(row_text(*table, 4, 1), "0 0 1 1 1 2 2 0");
  EXPECT_EQ(table->columns[4]->type, DataType::real);
  EXPECT_TRUE(table->columns[4]->role.feature);
}

TEST_F(Modules, FeatureHashingDefaultsAreTenBitsAndBigrams) {
  const auto table = run("Feature Hashing", {}, reviews());
  ASSERT_TRUE(table);
  EXPECT_EQ(table->columns.size(), 4u + 1024u);
  double features = 0;
  for (std::size_t c = 4; c < table->columns.size(); ++c) features += table->columns[c]->reals()[0];
  EXPECT_EQ(features, 5 + 4);
}

TEST_F(Modules, FeatureHashingMakesOneBlockPerColumnAndFreeNames) {
  Table table;
  table.add(column_of("b", DataType::string, {"good"}));
  table.add(column_of("a", DataType::string, {"Good"}));
  table.add(column_of("b_HashingFeature_2", DataType::real, {"1"}));
  table.add(column_of("b_HashingFeature_2_1", DataType::real, {"1"}));
  EXPECT_EQ(hash({{"Hashing bitsize", Json(1)}}, table),
            "b a b_HashingFeature_2 b_HashingFeature_2_1 b_HashingFeature_1 "
            "b_HashingFeature_2_2 a_HashingFeature_1 a_HashingFeature_2");
}

TEST_F(Modules, FeatureHashingOfNoRowsHasAllColumns) {
  Table table;
  table.add(table::make_column("t", DataType::string));
  EXPECT_EQ(hash({{"Hashing bitsize", Json(1)}}, table), "t t_HashingFeature_1 t_HashingFeature_2");
}

TEST_F(Modules, FeatureHashingOfMissingTextIsZero) {
  Table table;
  Column text = table::make_column("t", DataType::string);
  append_missing_cell(text);
  ASSERT_TRUE(append_parsed_cell(text, "good"));
  table.add(std::move(text));
  const auto hashed = run("Feature Hashing", {{"Hashing bitsize", Json(1)}}, table);
  ASSERT_TRUE(hashed);
  EXPECT_EQ(row_text(*hashed, 1, 0), "0 0");
  EXPECT_EQ(row_text(*hashed, 1, 1), "0 1");
}

TEST_F(Modules, FeatureHashingErrors) {
  const auto with = [this](const char* name, const char* value) {
    return hash({{name, Json(value)}}, reviews());
  };
  EXPECT_EQ(with("Hashing bitsize", "0"),
            "Error 0004: Parameter \"Hashing bitsize\" value should be greater than 0.");
  EXPECT_EQ(with("Hashing bitsize", "32"),
            "Error 0008: Parameter \"Hashing bitsize\" value should be in the range of [1, 31].");
  EXPECT_EQ(with("N-grams", "-1"),
            "Error 0004: Parameter \"N-grams\" value should be greater than -1.");
  EXPECT_EQ(with("N-grams", "11"),
            "Error 0008: Parameter \"N-grams\" value should be in the range of [0, 10].");
  EXPECT_EQ(with("N-grams", "two"),
            "Error 0002: Failed to convert \"N-grams\" parameter value \"two\" from \"String\" to "
            "\"Integer\".");
  EXPECT_EQ(with("Target column(s)", R"({"rules":[{"kind":"names","names":["Col9"]}]})"),
            "Error 0001: Column with name or index \"Col9\" not found.");
  EXPECT_EQ(with("Target column(s)", R"({"rules":[{"kind":"names","names":["Col1"]}]})"),
            "Error 0017: Cannot process column \"Col1\" of type Int32. The type is not supported "
            "by the module.");
  Table numbers;
  numbers.add(column_of("n", DataType::real, {"1"}));
  EXPECT_EQ(hash({}, numbers), "Error 0001: One or more specified columns were not found.");
}

TEST_F(Modules, FeatureHashingStopsAtTheColumnLimitBeforeAnyWork) {
  const Json largest(31);
  const auto refused = run("Feature Hashing", {{"Hashing bitsize", largest}}, reviews());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::exhausted);
  EXPECT_EQ(refused.error().message(),
            "Error 0039: Error while completing operation: 2147483648 hashed columns (1 text "
            "columns, bitsize 31) are more than the limit of 1048576.");
  Catalogue small;
  register_modules(small, {.hashed_columns_max = 8, .hashed_cells_max = 16});
  const auto type = small.find_name("Feature Hashing");
  const Table input = reviews();
  const auto fits = type->make({{"Hashing bitsize", Json(3)}});
  EXPECT_TRUE((*fits)->run(std::span(&input, 1)));
  const auto too_wide = type->make({{"Hashing bitsize", Json(4)}});
  EXPECT_EQ((*too_wide)->run(std::span(&input, 1)).error().code(), Errc::exhausted);
  Table three_rows;
  three_rows.add(column_of("t", DataType::string, {"a", "b", "c"}));
  EXPECT_EQ((*fits)->run(std::span(&three_rows, 1)).error().code(), Errc::exhausted);
}

TEST_F(Modules, DeclarationsAreWhole) {
  for (const ModuleType& type : catalogue_.types()) {
    EXPECT_EQ(type.info.family_id.size(), 32u) << type.info.name;
    EXPECT_FALSE(type.info.category.empty());
    EXPECT_TRUE(type.info.help.ends_with('.'));
    for (const ParameterInfo& parameter : type.info.parameters) {
      EXPECT_TRUE(check_parameter(parameter, parameter.default_value)) << parameter.name;
      EXPECT_TRUE(parameter.help.ends_with('.'));
    }
  }
}

}  // namespace
}  // namespace mlgate::ml
