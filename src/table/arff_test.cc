#include "table/arff.h"

#include <gtest/gtest.h>

namespace mlgate::table {
namespace {

constexpr std::string_view kFile =
    "% Some reviews\n"
    "@RELATION 'book reviews'\n"
    "@attribute Col1 {1,2,'5'}\n"
    "@attribute \"the text\" string\n"
    "@attribute score REAL\n"
    "@attribute day date 'yyyy-MM-dd'\n"
    "\n"
    "@DATA\n"
    "5, 'It''s', 1.5, 2020-02-29\n";

Result<Table> read(std::string_view text, Schema schema = {}, std::size_t piece = 7) {
  ArffReadOptions options;
  options.schema = std::move(schema);
  options.rows_per_table = 1'000;
  ArffReader reader(std::move(options));
  for (std::size_t at = 0; at < text.size(); at += piece) {
    reader.feed(text.substr(at, piece));
    TRY(const auto early, reader.next());
    if (early) return *early;
  }
  reader.finish();
  TRY(auto table, reader.next());
  if (!table) return fail(Errc::internal, "no table");
  return *std::move(table);
}

std::string header() { return std::string(kFile.substr(0, kFile.find("5, 'It"))); }

TEST(Arff, ReadsTypesQuotesCommentsAndMissingValues) {
  const std::string text = header() +
                           "5,'It\\'s, \\n good',1.5,2020-02-29\n"
                           "% between\r\n"
                           "\r\n"
                           "?,\"a \\\"b\\\"\",?,?\r\n"
                           "1, plain text ,-2e1,1999-12-31";
  const auto table = read(text);
  ASSERT_TRUE(table) << table.error().message();
  ASSERT_TRUE(table->validate());
  ASSERT_EQ(table->rows, 3U);
  EXPECT_EQ(table->columns[1]->name, "the text");
  EXPECT_EQ(table->columns[1]->texts()[0], "It's, \n good");
  EXPECT_EQ(table->columns[1]->texts()[1], "a \"b\"");
  EXPECT_EQ(table->columns[1]->texts()[2], "plain text");
  EXPECT_TRUE(table->columns[0]->is_missing(1));
  EXPECT_TRUE(table->columns[2]->is_missing(1));
  EXPECT_EQ(table->columns[2]->reals()[2], -20);
  EXPECT_EQ(table->columns[3]->type, DataType::date_time);
}

TEST(Arff, TheSplitOverCallsMakesNoDifference) {
  const std::string text = header() + "5,'a',1,?\n1,'b',2,?\n";
  for (std::size_t piece = 1; piece < text.size(); ++piece) {
    const auto table = read(text, {}, piece);
    ASSERT_TRUE(table) << piece << ": " << table.error().message();
    EXPECT_EQ(table->rows, 2U);
  }
}

TEST(Arff, SparseRowsHaveZerosAndFirstLabels) {
  const auto table = read(header() + "{1 'x', 2 3}\n{ }\n{0 ?}\n");
  ASSERT_TRUE(table) << table.error().message();
  EXPECT_EQ(table->columns[0]->texts()[0], "1");
  EXPECT_EQ(table->columns[2]->reals()[0], 3);
  EXPECT_EQ(table->columns[2]->reals()[1], 0);
  EXPECT_TRUE(table->columns[0]->is_missing(2));
}

TEST(Arff, ColumnsAreFoundByNameAndOthersPassedOver) {
  const auto table = read(header() + "5,'t',7,?\n", {{"SCORE", DataType::int32, {}}});
  ASSERT_TRUE(table) << table.error().message();
  ASSERT_EQ(table->columns.size(), 1U);
  EXPECT_EQ(table->columns[0]->type, DataType::int32);
  EXPECT_EQ(read(header(), {{"nobody", DataType::string, {}}}).error().code(), Errc::not_found);
}

TEST(Arff, ErrorsNameTheRowAndTheColumn) {
  const auto message = [](const std::string& rows) {
    const auto table = read(header() + rows);
    return table ? std::string("none") : table.error().message();
  };
  EXPECT_EQ(message("5,'a',1,?\n5,'a',one,?\n"),
            "Row 2, column \"score\": \"one\" is not a Double.");
  EXPECT_EQ(message("5,'a',1\n"), "Row 1: it has 3 values, not 4.");
  EXPECT_EQ(message("5,'a',1,?,9\n"), "Row 1: it has more than 4 values.");
  EXPECT_EQ(message("5,'a,1,?\n"), "Row 1: a quoted text is not closed.");
  EXPECT_EQ(message("{9 1}\n"), "Row 1: a sparse row has a wrong index.");
  EXPECT_EQ(message("5,'\xff',1,?\n"), "Row 1: column \"the text\": the text is not UTF-8.");
  EXPECT_EQ(read("@attribute a widget\n@data\n").error().message(),
            "The header, line 1: the type of attribute \"a\" has to be NUMERIC, REAL, INTEGER, "
            "STRING, DATE or a list of labels.");
  EXPECT_FALSE(read("@relation x\n"));
}

TEST(Arff, LimitsHold) {
  ArffReadOptions options;
  options.limits.line_bytes_max = 100;
  ArffReader reader(std::move(options));
  reader.feed("@attribute a string\n@data\n" + std::string(1'000, 'x'));
  EXPECT_EQ(reader.next().error().code(), Errc::exhausted);
}

TEST(Arff, WhatIsWrittenReadsBack) {
  const auto table = read(header() + "5,'It\\'s {a} 100%\\n',1.25,2020-02-29\n?,'?',?,?\n");
  ASSERT_TRUE(table) << table.error().message();
  std::string text;
  append_arff_header(text, "result", table->schema());
  append_arff_rows(text, *table, 0, table->rows);
  EXPECT_EQ(text.substr(0, text.find("@data")),
            "@relation result\n\n@attribute Col1 STRING\n@attribute 'the text' STRING\n"
            "@attribute score NUMERIC\n@attribute day STRING\n\n");
  const auto again = read(text, table->schema());
  ASSERT_TRUE(again) << again.error().message();
  for (std::size_t c = 0; c < 4; ++c)
    for (std::size_t row = 0; row < 2; ++row) {
      std::string a, b;
      append_cell_text(a, *table->columns[c], row);
      append_cell_text(b, *again->columns[c], row);
      EXPECT_EQ(a, b) << c << " " << row;
      EXPECT_EQ(table->columns[c]->is_missing(row), again->columns[c]->is_missing(row));
    }
}

}  // namespace
}  // namespace mlgate::table
