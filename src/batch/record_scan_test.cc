#include "batch/record_scan.h"

#include "table/csv_records.h"

#include <gtest/gtest.h>

#include <random>

namespace mlgate::batch {
namespace {

std::vector<std::size_t> ends_of(Format format, const std::string& text, std::size_t piece) {
  RecordScan scan(format);
  const std::string padded = text + std::string(RecordScan::kReadBeyond, '"');
  for (std::size_t size = 0; size < text.size();) {
    size = std::min(size + piece, text.size());
    scan.advance(std::string_view(padded).substr(0, size));
  }
  scan.finish();
  return scan.ends();
}

// Ends by the reader that scores: after each record, how much of the text it has taken.
std::vector<std::size_t> ends_by_reader(const std::string& text, char delimiter) {
  std::vector<std::size_t> ends;
  table::CsvRecords records({.delimiter = delimiter, .header = false}, {});
  std::size_t begin = 0;
  for (std::size_t size = 1; size <= text.size(); ++size) {
    records.feed(std::string_view(text).substr(size - 1, 1));
    if (size == text.size()) records.finish();
    for (;;) {
      const auto found = records.next(1);
      if (!found || *found == 0) break;
      ends.push_back(size - records.pending());
    }
  }
  (void)begin;
  return ends;
}

TEST(RecordScan, LineEndsWithinQuotesEndNothing) {
  const std::string text = "a,b\r\n1,\"x\ny\"\r\n\r\n2,\"say \"\"hi\"\"\n\"\n3,it\"s\n4,5";
  const std::vector<std::size_t> expected{5, 14, 32, 39, 42};
  for (std::size_t piece = 1; piece <= text.size(); ++piece)
    EXPECT_EQ(ends_of(Format::csv, text, piece), expected) << piece;
}

TEST(RecordScan, AgreesWithTheReaderOnRandomTexts) {
  std::mt19937 random(1);
  constexpr std::string_view kBytes = "a,\"\n\r\"x\n";
  int compared = 0;
  for (int round = 0; round < 4'000; ++round) {
    std::string text;
    // Rows of one column only, so that the number of fields never differs.
    const std::size_t size = 1 + random() % 200;
    for (std::size_t i = 0; i < size; ++i) text += kBytes[random() % kBytes.size()];
    table::CsvRecords records({.delimiter = '\t', .header = false}, {});
    records.feed(text);
    records.finish();
    bool valid = true;
    std::size_t count = 0;
    for (;;) {
      const auto found = records.next(1);
      valid &= found.has_value();
      if (!found || *found == 0) break;
      count += *found;
    }
    if (!valid) continue;  // The reader refuses it, wherever it is cut.
    ++compared;
    const auto ends = ends_of(Format::tsv, text, 1 + random() % 70);
    EXPECT_EQ(ends.size(), count) << text;
  }
  EXPECT_GT(compared, 400);
}

TEST(RecordScan, EndsAreWhereTheReaderGoesOn) {
  const std::string text = "\"a\"\n\nb\n\"c\n\"\"d\"\r\ne\"f\n\"\"\n";
  const auto ends = ends_of(Format::csv, text, 5);
  const auto expected = ends_by_reader(text, ',');
  EXPECT_EQ(ends.size(), expected.size());
  for (std::size_t i = 0; i < std::min(ends.size(), expected.size()); ++i)
    EXPECT_EQ(ends[i], expected[i]) << i;
}

TEST(RecordScan, AByteOrderMarkIsNoText) {
  EXPECT_EQ(ends_of(Format::csv, "\xef\xbb\xbf\"a\nb\"\n1\n", 100),
            (std::vector<std::size_t>{9, 11}));
}

TEST(RecordScan, ArffLinesWithoutCommentsAndBlanks) {
  EXPECT_EQ(ends_of(Format::arff, "1,'a'\n% no\n \n2,\"\n", 3), (std::vector<std::size_t>{6, 17}));
}

}  // namespace
}  // namespace mlgate::batch
