#include "table/statistics.h"

#include <gtest/gtest.h>

#include <cmath>

namespace mlgate::table {
namespace {

Column column_of(DataType type, std::initializer_list<const char*> cells) {
  Column column = make_column("c", type);
  for (const char* cell : cells) EXPECT_TRUE(append_parsed_cell(column, cell));
  return column;
}

TEST(Statistics, Numbers) {
  const auto s = describe(column_of(DataType::real, {"1", "2", "", "2", "Infinity", "5", "10"}));
  EXPECT_EQ(s.count, 7u);
  EXPECT_EQ(s.missing, 1u);
  EXPECT_EQ(s.unique, 5u);
  EXPECT_EQ(s.minimum, 1);
  EXPECT_EQ(s.maximum, 10);
  EXPECT_DOUBLE_EQ(*s.mean, 4);
  EXPECT_EQ(s.median, 2);
  EXPECT_NEAR(*s.standard_deviation, std::sqrt(13.5), 1e-12);
  EXPECT_EQ(s.mode, "2");
  ASSERT_EQ(s.histogram.size(), kHistogramBins);
  EXPECT_EQ(s.histogram[0].count, 1u);
  EXPECT_EQ(s.histogram[1].count, 2u);
  EXPECT_EQ(s.histogram[4].count, 1u);
  EXPECT_EQ(s.histogram[9].count, 1u);
  EXPECT_EQ(s.histogram[9].to, 10);
}

TEST(Statistics, EvenCountsHaveTheMiddleAsMedian) {
  EXPECT_EQ(describe(column_of(DataType::int32, {"4", "1", "2", "3"})).median, 2.5);
}

TEST(Statistics, OneValueHasOneBinAndNoDeviation) {
  const auto s = describe(column_of(DataType::int32, {"7"}));
  ASSERT_EQ(s.histogram.size(), 1u);
  EXPECT_EQ(s.histogram[0].count, 1u);
  EXPECT_EQ(s.standard_deviation, std::nullopt);
}

TEST(Statistics, TheWidestRangeStaysFinite) {
  const auto s = describe(column_of(DataType::real, {"-1.7e308", "1.7e308", "0"}));
  ASSERT_EQ(s.histogram.size(), kHistogramBins);
  EXPECT_EQ(s.histogram.front().count, 1u);
  EXPECT_EQ(s.histogram.back().count, 1u);
  EXPECT_TRUE(std::isfinite(*s.median));
}

TEST(Statistics, TextsHaveTopValues) {
  const auto s = describe(column_of(DataType::string, {"b", "a", "a", "c", "b", "a"}));
  EXPECT_EQ(s.minimum, std::nullopt);
  EXPECT_EQ(s.mode, "a");
  ASSERT_EQ(s.histogram.size(), 3u);
  EXPECT_EQ(s.histogram[0].label, "a");
  EXPECT_EQ(s.histogram[0].count, 3u);
  EXPECT_EQ(s.histogram[1].label, "b");
  EXPECT_EQ(s.histogram[2].label, "c");
}

TEST(Statistics, NothingButMissing) {
  const auto s = describe(column_of(DataType::int64, {"", ""}));
  EXPECT_EQ(s.missing, 2u);
  EXPECT_EQ(s.unique, 0u);
  EXPECT_EQ(s.mode, "");
  EXPECT_EQ(s.mean, std::nullopt);
  EXPECT_TRUE(s.histogram.empty());
}

TEST(Statistics, UniqueIsCapped) {
  Column column = make_column("c", DataType::int32);
  for (std::size_t i = 0; i <= kUniqueMax; ++i)
    ASSERT_TRUE(append_parsed_cell(column, std::to_string(i)));
  const auto s = describe(column);
  EXPECT_EQ(s.unique, kUniqueMax);
  EXPECT_TRUE(s.unique_is_capped);
  EXPECT_EQ(s.mode, "");
}

}  // namespace
}  // namespace mlgate::table
