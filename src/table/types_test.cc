#include "table/types.h"

#include "table/cell_text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace mlgate::table {
namespace {

std::string text_of(const Column& column, std::size_t row) {
  std::string text;
  append_cell_text(text, column, row);
  return text;
}

// The cell printed after it was read; "<no>" when it does not convert, "<missing>" when it is
// missing.
std::string read_back(DataType type, std::string_view text) {
  Column column = make_column("c", type);
  if (!append_parsed_cell(column, text)) return "<no>";
  if (column.is_missing(0)) return "<missing>";
  return text_of(column, 0);
}

TEST(DataTypes, NamesAreThoseOfColumnTypes) {
  for (const auto type : {DataType::string, DataType::int32, DataType::int64, DataType::real,
                          DataType::boolean, DataType::date_time, DataType::time_span})
    EXPECT_EQ(data_type_from(name_of(type)), type);
  EXPECT_EQ(name_of(DataType::real), "Double");
  EXPECT_EQ(data_type_from("double"), std::nullopt);
}

TEST(Cells, Integers) {
  EXPECT_EQ(read_back(DataType::int32, "42"), "42");
  EXPECT_EQ(read_back(DataType::int32, " -7 "), "-7");
  EXPECT_EQ(read_back(DataType::int32, "+7"), "7");
  EXPECT_EQ(read_back(DataType::int32, "2147483647"), "2147483647");
  EXPECT_EQ(read_back(DataType::int32, "2147483648"), "<no>");
  EXPECT_EQ(read_back(DataType::int64, "-9223372036854775808"), "-9223372036854775808");
  EXPECT_EQ(read_back(DataType::int64, "9223372036854775808"), "<no>");
  for (const char* bad : {"1.0", "1e3", "abc", "0x10", "1 2", "+-1", "--1", "1,000"})
    EXPECT_EQ(read_back(DataType::int32, bad), "<no>") << bad;
  EXPECT_EQ(read_back(DataType::int32, ""), "<missing>");
  EXPECT_EQ(read_back(DataType::int32, "NaN"), "<missing>");
}

TEST(Cells, Doubles) {
  EXPECT_EQ(read_back(DataType::real, "1.50"), "1.5");
  EXPECT_EQ(read_back(DataType::real, ".5"), "0.5");
  EXPECT_EQ(read_back(DataType::real, "5."), "5");
  EXPECT_EQ(read_back(DataType::real, "+1e3"), "1000");
  EXPECT_EQ(read_back(DataType::real, "1.23e-05"), "1.23E-05");
  EXPECT_EQ(read_back(DataType::real, "Infinity"), "Infinity");
  EXPECT_EQ(read_back(DataType::real, "-Infinity"), "-Infinity");
  EXPECT_EQ(read_back(DataType::real, "NaN"), "<missing>");
  EXPECT_EQ(read_back(DataType::real, ""), "<missing>");
  for (const char* bad : {"inf", "nan", "-nan", "1e", "1e999", "0x1p3", "1,5", ".", "-", "1.5.2"})
    EXPECT_EQ(read_back(DataType::real, bad), "<no>") << bad;
}

TEST(Cells, DoublesThatAreTooSmallAreZero) {
  EXPECT_EQ(parse_real("1e-999"), 0.0);
  EXPECT_TRUE(std::signbit(*parse_real("-0.001e-400")));
  EXPECT_EQ(parse_real("0.00001e400"), std::nullopt);
  EXPECT_EQ(parse_real("0." + std::string(400, '0') + "1"), 0.0);
  EXPECT_EQ(parse_real(std::string(400, '9') + "e-1"), std::nullopt);
}

TEST(Cells, Booleans) {
  for (const char* yes : {"true", "TRUE", "True", "1"})
    EXPECT_EQ(read_back(DataType::boolean, yes), "True");
  for (const char* no : {"false", "False", "FALSE", "0"})
    EXPECT_EQ(read_back(DataType::boolean, no), "False");
  EXPECT_EQ(read_back(DataType::boolean, "yes"), "<no>");
  EXPECT_EQ(read_back(DataType::boolean, ""), "<missing>");
  EXPECT_EQ(read_back(DataType::boolean, "NaN"), "<no>");
}

TEST(Cells, DateTimes) {
  EXPECT_EQ(read_back(DataType::date_time, "5/30/2010 6:07:00 PM"), "5/30/2010 6:07:00 PM");
  EXPECT_EQ(read_back(DataType::date_time, "2010-05-30T18:07:00Z"), "5/30/2010 6:07:00 PM");
  EXPECT_EQ(read_back(DataType::date_time, "12/31/1969"), "12/31/1969 12:00:00 AM");
  EXPECT_EQ(read_back(DataType::date_time, "1/2/2003 12:30:05 am"), "1/2/2003 12:30:05 AM");
  EXPECT_EQ(read_back(DataType::date_time, "1/2/2003 12:30:05 PM"), "1/2/2003 12:30:05 PM");
  EXPECT_EQ(read_back(DataType::date_time, "1/2/2003 23:05"), "1/2/2003 11:05:00 PM");
  for (const char* bad :
       {"2/30/2010", "13/1/2010", "1/2/2003 13:00:00 PM", "1/2/2003 24:00", "1/2/03", "0000-01-01",
        "2010-05-30T", "1/2/2003 1:00:00 XM", "noon", "1/2/2003 1:60:00"})
    EXPECT_EQ(read_back(DataType::date_time, bad), "<no>") << bad;
}

TEST(Cells, TimeSpans) {
  EXPECT_EQ(read_back(DataType::time_span, "01:02:03"), "01:02:03");
  EXPECT_EQ(read_back(DataType::time_span, "-2.01:02:03.5"), "-2.01:02:03.5000000");
  EXPECT_EQ(read_back(DataType::time_span, "1:02"), "01:02:00");
  EXPECT_EQ(read_back(DataType::time_span, "00:00:00.0000001"), "00:00:00.0000001");
  for (const char* bad : {"6", "24:00:00", "1:60:00", "1.2", "1:2:3", "99999999.00:00:00", "1:00:"})
    EXPECT_EQ(read_back(DataType::time_span, bad), "<no>") << bad;
  std::string least;
  append_time_span(least, std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(least, "-10675199.02:48:05.4775808");
}

TEST(Cells, TextsStayAsTheyAre) {
  Column column = make_column("c", DataType::string);
  EXPECT_TRUE(append_parsed_cell(column, ""));
  EXPECT_TRUE(append_parsed_cell(column, " NaN "));
  EXPECT_TRUE(column.missing.empty());
  EXPECT_EQ(text_of(column, 1), " NaN ");
}

TEST(Cells, MissingCellsKeepTheColumnTogether) {
  for (const auto type : {DataType::string, DataType::int32, DataType::int64, DataType::real,
                          DataType::boolean, DataType::date_time, DataType::time_span}) {
    Table table;
    Column column = make_column("c", type);
    const std::string_view cell = type == DataType::date_time   ? "1/2/2003"
                                  : type == DataType::time_span ? "00:00:01"
                                                                : "1";
    ASSERT_TRUE(append_parsed_cell(column, cell));
    append_missing_cell(column);
    ASSERT_TRUE(append_parsed_cell(column, cell));
    EXPECT_FALSE(column.is_missing(0));
    EXPECT_TRUE(column.is_missing(1));
    EXPECT_FALSE(column.is_missing(2));
    EXPECT_EQ(text_of(column, 1), "");
    EXPECT_EQ(text_of(column, 0), text_of(column, 2));
    table.add(std::move(column));
    EXPECT_EQ(table.rows, 3u);
    EXPECT_TRUE(table.validate());
  }
}

TEST(Tables, ValidateNamesTheViolation) {
  Table table;
  table.add(make_column("a", DataType::real));
  table.add(make_column("a", DataType::int32));
  EXPECT_EQ(table.validate().error().message(), "two columns are named \"a\"");
  table.columns.pop_back();
  Column longer = make_column("b", DataType::int32);
  ASSERT_TRUE(append_parsed_cell(longer, "1"));
  table.add(longer);
  EXPECT_EQ(table.validate().error().message(), "column \"b\" has 1 rows, not 0");
  table.columns.pop_back();
  Column odd = make_column("c", DataType::string);
  odd.type = DataType::real;
  table.add(odd);
  EXPECT_FALSE(table.validate());
  table.columns.pop_back();
  Column masked = make_column("d", DataType::real);
  masked.missing = {1};
  table.add(masked);
  EXPECT_FALSE(table.validate());
}

}  // namespace
}  // namespace mlgate::table
