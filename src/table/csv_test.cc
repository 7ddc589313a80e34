#include "table/csv.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

namespace mlgate::table {
namespace {

// The table as text: names and types, then rows; missing cells as "~".
std::string shown(const Table& table) {
  std::string all;
  for (const auto& column : table.columns)
    all += column->name + ":" + std::string(name_of(column->type)) + " ";
  for (std::size_t row = 0; row < table.rows; ++row) {
    all += "\n";
    for (const auto& column : table.columns) {
      all += "[";
      if (column->is_missing(row)) all += "~";
      append_cell_text(all, *column, row);
      all += "]";
    }
  }
  return all;
}

std::string shown(const Result<Table>& table) {
  if (!table) return "error: " + table.error().message();
  EXPECT_TRUE(table->validate());
  return shown(*table);
}

std::string read(std::string_view text, CsvReadOptions options = {}) {
  return shown(read_csv(text, std::move(options)));
}

std::string import(std::string_view text, CsvFormat format = {}) {
  return shown(import_csv(text, format));
}

TEST(CsvReading, PlainFieldsAndHeader) {
  EXPECT_EQ(read("a,b\r\n1,x y\r\n,\r\n"), "a:String b:String \n[1][x y]\n[][]");
  EXPECT_EQ(read("a,b\n1,2"), "a:String b:String \n[1][2]");
  EXPECT_EQ(read("a,b\n1,"), "a:String b:String \n[1][]");
}

TEST(CsvReading, Quotes) {
  EXPECT_EQ(read("a,b\n\"x,y\",\"line 1\r\nline 2\"\n\"say \"\"hi\"\"\",\"\"\n"),
            "a:String b:String \n[x,y][line 1\r\nline 2]\n[say \"hi\"][]");
  EXPECT_EQ(read("a\n5\" pipe\nx\"\"y\n"), "a:String \n[5\" pipe]\n[x\"\"y]");
  EXPECT_EQ(read("\"a\"\"b\"\n\"\"\"\"\n"), "a\"b:String \n[\"]");
}

TEST(CsvReading, LineEndsBlankLinesAndByteOrderMark) {
  EXPECT_EQ(read("\xef\xbb\xbfid\r\n\r\n1\n\n2\r\n\n"), "id:String \n[1]\n[2]");
  EXPECT_EQ(read("a\nx\ry\n"), "a:String \n[x\ry]");
  EXPECT_EQ(read("a\n\"\"\n"), "a:String \n[]");
}

TEST(CsvReading, WithoutHeader) {
  CsvReadOptions options;
  options.format = {.delimiter = '\t', .header = false};
  EXPECT_EQ(read("5\tgood, \"really\"\n1\tbad\n", options),
            "Col1:String Col2:String \n[5][good, \"really\"]\n[1][bad]");
}

TEST(CsvReading, EmptyInput) {
  EXPECT_EQ(read(""), "");
  EXPECT_EQ(read("\xef\xbb\xbf"), "");
  EXPECT_EQ(read("a,b\n"), "a:String b:String ");
  CsvReadOptions options;
  options.schema = {{"a", DataType::real, {}}};
  EXPECT_EQ(read("", options), "a:Double ");
}

TEST(CsvReading, TypedColumnsAreFoundByName) {
  CsvReadOptions options;
  options.schema = {{"Price", DataType::real, {}}, {"id", DataType::int32, {}}};
  EXPECT_EQ(read("ID,name,Price\n7,x,0.1\n-8,y,\n+9,z,NaN\n", options),
            "Price:Double id:Int32 \n[0.1][7]\n[~][-8]\n[~][9]");
  // The exact spelling goes before a similar one.
  EXPECT_EQ(read("ID,id,Price\n7,8,1\n", options), "Price:Double id:Int32 \n[1][8]");
  EXPECT_EQ(read("id,cost\n1,2\n", options), "error: There is no column \"Price\".");
  options.by_position = true;
  EXPECT_EQ(read("x,y\n1.5,2\n", options), "Price:Double id:Int32 \n[1.5][2]");
  EXPECT_EQ(read("x\n1.5\n", options), "error: There is no column 2 for \"id\".");
}

TEST(CsvReading, EmptyTextIsTextUnlessAskedFor) {
  CsvReadOptions options;
  EXPECT_EQ(read("a,b\n,1\n", options), "a:String b:String \n[][1]");
  options.empty_text_is_missing = true;
  EXPECT_EQ(read("a,b\nx,1\n,1\n", options), "a:String b:String \n[x][1]\n[~][1]");
}

TEST(CsvReading, ErrorsNameRowAndColumn) {
  CsvReadOptions options;
  options.schema = {{"n", DataType::int32, {}}, {"t", DataType::string, {}}};
  EXPECT_EQ(read("n,t\n1,a\n1x,b\n", options),
            "error: Row 2, column \"n\": \"1x\" is not a Int32.");
  EXPECT_EQ(read("n,t\n1,a\n2\n", options), "error: Row 2 has 1 fields, not 2.");
  EXPECT_EQ(read("n,t\n1,a,b\n", options), "error: Row 1 has 3 fields, not 2.");
  EXPECT_EQ(read("n,t\n1,\"a\n", options), "error: Row 1: a quoted field is not closed.");
  EXPECT_EQ(read("n,t\n1,\"a\"b\n", options), "error: Row 1: text follows a closing quote.");
  EXPECT_EQ(read("\"n\n", options), "error: The header: a quoted field is not closed.");
  EXPECT_EQ(read("n,t\n1,\xff\n", options), "error: Row 1, column \"t\": the text is not UTF-8.");
  EXPECT_EQ(read("\xff\xfen\0", options), "error: The text is UTF-16; it has to be UTF-8.");
  // The first bad row is the one that is named, whatever its column.
  EXPECT_EQ(read("n,t\n1,\xff\nx,b\n", options),
            "error: Row 1, column \"t\": the text is not UTF-8.");
  EXPECT_EQ(read("n,t\nx,a\n1,b,c\n", options),
            "error: Row 1, column \"n\": \"x\" is not a Int32.");
  const auto failed = read_csv("n,t\nx,a\n", options);
  EXPECT_EQ(failed.error().field(), "n");
  EXPECT_EQ(failed.error().code(), Errc::invalid_argument);
}

TEST(CsvReading, Limits) {
  CsvReadOptions options;
  options.limits = {.record_bytes_max = 8, .columns_max = 3};
  EXPECT_EQ(read("a,b\n1234,678\n", options), "a:String b:String \n[1234][678]");
  const auto too_long = read_csv("a,b\n1234,6789\n", options);
  EXPECT_EQ(shown(too_long), "error: Row 1 is longer than the limit of 8 bytes.");
  EXPECT_EQ(too_long.error().code(), Errc::exhausted);
  EXPECT_EQ(read("a\n\"12345678\n", options), "error: Row 1 is longer than the limit of 8 bytes.");
  EXPECT_EQ(read("a,b,c,d\n", options), "error: There are more than 3 columns.");
}

TEST(CsvReading, TiesGoToTheEvenNumber) {
  CsvReadOptions options;
  options.schema = {{"x", DataType::real, {}}};
  const auto table = read_csv(
      "x\n9007199254740993\n9007199254740993.0\n9007199254740995.0\n900719925474099.25\n"
      "0.0000000000000000\n-0.5000000000000000\n9999999999999999999\n",
      options);
  ASSERT_TRUE(table);
  EXPECT_EQ(table->columns[0]->reals(),
            (std::vector<double>{9007199254740992.0, 9007199254740992.0, 9007199254740996.0,
                                 900719925474099.25, 0.0, -0.5, 1e19}));
}

TEST(CsvReading, NumbersAreExact) {
  CsvReadOptions options;
  options.schema = {{"x", DataType::real, {}}};
  std::mt19937_64 random(3);
  std::string text = "x\n";
  std::vector<double> wanted;
  for (int i = 0; i < 60'000; ++i) {
    char cell[64];
    double value = 0;
    if (i % 3 == 0) {
      // As many digits as a long fraction has, and sometimes exactly half way between two doubles.
      const std::uint64_t whole = random() >> (random() % 64);
      if (i % 2 == 0) {
        std::snprintf(cell, sizeof cell, "%llu.%0*llu",
                      static_cast<unsigned long long>(whole % 100'000), int(1 + random() % 14),
                      static_cast<unsigned long long>(random() % 100'000));
      } else {
        std::snprintf(cell, sizeof cell, "0.%llu", static_cast<unsigned long long>(whole));
      }
    } else if (i % 3 == 1) {
      const auto bits = random();
      std::memcpy(&value, &bits, sizeof value);
      if (value != value || value - value != 0) continue;
      std::snprintf(cell, sizeof cell, "%.17g", value);
    } else {
      value = double(std::int64_t(random() >> (random() % 60))) / 1000;
      std::snprintf(cell, sizeof cell, "%.*f", int(random() % 9), value);
    }
    wanted.push_back(std::strtod(cell, nullptr));
    text += std::string(cell) + "\n";
  }
  const auto table = read_csv(text, options);
  ASSERT_TRUE(table) << table.error().message();
  EXPECT_EQ(table->columns[0]->reals(), wanted);
}

// What a reader gives when the bytes come in pieces of a random size up to `piece_max`.
std::string read_in_pieces(std::string_view text, CsvReadOptions options, std::size_t piece_max,
                           std::uint32_t seed) {
  std::mt19937 random(seed);
  CsvReader reader(std::move(options));
  std::string all;
  const auto drain = [&] {
    for (;;) {
      auto table = reader.next();
      if (!table) {
        all += "error: " + table.error().message();
        return false;
      }
      if (!*table) return true;
      EXPECT_TRUE((*table)->validate());
      all += shown(**table) + "\n--\n";
    }
  };
  while (!text.empty()) {
    const std::size_t size = std::min<std::size_t>(1 + random() % piece_max, text.size());
    reader.feed(text.substr(0, size));
    if (!drain()) return all;
    text.remove_prefix(size);
  }
  reader.finish();
  drain();
  return all;
}

TEST(CsvReading, AnySplitOfTheBytesGivesTheSameTables) {
  std::mt19937 random(5);
  constexpr std::string_view kParts[] = {
      ",",        "\n", "\r\n",        "\"",       "\"\"", "a", "12", "3.5",          "\r",
      "\xc3\xa9", " ",  "long field ", "\"q,\n\"", "x",    ",", "\n", "\xef\xbb\xbf", "\xff"};
  for (std::uint32_t round = 0; round < 3000; ++round) {
    std::string text = round % 2 == 0 ? "a,b\n" : "";
    for (unsigned i = 0; i < 3 + round % 60; ++i)
      text += kParts[random() % (round % 3 == 0 ? 12 : std::size(kParts))];
    CsvReadOptions options;
    options.rows_per_table = round % 2 == 0 ? 3 : 1000;
    options.limits.record_bytes_max = round % 5 == 0 ? 20 : 1000;
    if (round % 4 == 0) options.schema = {{"b", DataType::real, {}}};
    const std::string whole = read_in_pieces(text, options, 1'000'000, 1);
    for (const std::size_t piece : {1u, 7u, 40u})
      ASSERT_EQ(read_in_pieces(text, options, piece, round), whole) << text;
  }
}

TEST(CsvReading, TablesHaveTheAskedNumberOfRows) {
  std::string text = "a\n";
  for (int i = 0; i < 5000; ++i) text += std::to_string(i) + "\n";
  for (const std::size_t rows : {1u, 7u, 2048u}) {
    CsvReadOptions options;
    options.schema = {{"a", DataType::int32, {}}};
    options.rows_per_table = rows;
    CsvReader reader(options);
    reader.feed(text);
    reader.finish();
    std::int32_t next = 0;
    for (;;) {
      const auto table = reader.next();
      ASSERT_TRUE(table);
      if (!*table) break;
      EXPECT_EQ((*table)->rows, std::min<std::size_t>(rows, 5000 - std::size_t(next)));
      for (const std::int32_t value :
           std::get<std::vector<std::int32_t>>((*table)->columns[0]->values))
        ASSERT_EQ(value, next++);
    }
    EXPECT_EQ(next, 5000);
  }
}

TEST(CsvReading, LargeTextsReadInPlaceAreTheSame) {
  std::mt19937 random(9);
  std::string text = "n,t\r\n";
  while (text.size() < 3'000'000) {
    text += std::to_string(random() % 100'000) + ",\"line\n\"\"";
    text.append(random() % (random() % 50 == 0 ? 9000 : 30), 'x');
    text += random() % 2 == 0 ? "\"\r\n" : "\"\n";
  }
  CsvReadOptions options;
  options.schema = {{"n", DataType::int32, {}}, {"t", DataType::string, {}}};
  for (const std::string_view end : {"", "7,", "7,end", "7,\"open", "x,y\n", "1\n"}) {
    const std::string whole = text + std::string(end);
    CsvReadOptions all = options;
    all.rows_per_table = kAllRows;
    EXPECT_EQ(read(whole, options) + "\n--\n",
              read_in_pieces(whole, all, 100'000, 4) +
                  (end == "7,\"open" || end == "x,y\n" || end == "1\n" ? "\n--\n" : ""));
  }
}

TEST(CsvImport, InfersTheNarrowestType) {
  EXPECT_EQ(import("s,i,l,d,b,t,p,e\n"
                   "x,1,1,1,true,5/30/2010 6:07:00 PM,01:00:00,\n"
                   "1,-2,2147483648,2.5,FALSE,2010-05-30,1.00:00:00,\n"),
            "s:String i:Int32 l:Int64 d:Double b:Boolean t:DateTime p:TimeSpan e:String \n"
            "[x][1][1][1][True][5/30/2010 6:07:00 PM][01:00:00][~]\n"
            "[1][-2][2147483648][2.5][False][5/30/2010 12:00:00 AM][1.00:00:00][~]");
  EXPECT_EQ(import("a,b,c\n1,true,1\n,,NaN\n0,1,\n"),
            "a:Int32 b:String c:Double \n[1][true][1]\n[~][~][~]\n[0][1][~]");
}

TEST(CsvImport, NamesAreUnique) {
  EXPECT_EQ(import("a,a,a_1,a\n1,2,3,4\n"), "a:Int32 a_2:Int32 a_1:Int32 a_3:Int32 \n[1][2][3][4]");
  EXPECT_EQ(import("1\t2\n", {.delimiter = '\t', .header = false}),
            "Col1:Int32 Col2:Int32 \n[1][2]");
}

TEST(CsvImport, RefusesAnEmptyFile) {
  EXPECT_EQ(import(""), "error: The file is empty.");
  EXPECT_EQ(import("a\n\"x"), "error: Row 1: a quoted field is not closed.");
}

TEST(CsvWriting, QuotesOnlyWhereNeeded) {
  Table table;
  Column text = make_column("te,xt", DataType::string);
  for (const char* cell : {"plain", "a,b", "say \"hi\"", "two\nlines", " blank ", ""})
    ASSERT_TRUE(append_parsed_cell(text, cell));
  append_missing_cell(text);
  table.add(std::move(text));
  Column number = make_column("n", DataType::real);
  for (const char* cell : {"0.1", "1e300", "-0.0", "", "123456789012345678", "Infinity", "2"})
    ASSERT_TRUE(append_parsed_cell(number, cell));
  table.add(std::move(number));
  EXPECT_EQ(to_csv(table),
            "\"te,xt\",n\r\nplain,0.1\r\n\"a,b\",1e+300\r\n\"say \"\"hi\"\"\",-0\r\n"
            "\"two\nlines\",\r\n blank ,123456789012345680\r\n,Infinity\r\n,2\r\n");
  EXPECT_EQ(to_csv(table,
                   {.format = {.delimiter = '\t', .header = false}, .doubles = DoubleText::dotnet}),
            "plain\t0.1\r\na,b\t1E+300\r\n\"say \"\"hi\"\"\"\t0\r\n\"two\nlines\"\t\r\n"
            " blank \t1.23456789012346E+17\r\n\tInfinity\r\n\t2\r\n");
}

TEST(CsvWriting, OneEmptyColumnKeepsItsRows) {
  Table table;
  Column text = make_column("t", DataType::string);
  append_missing_cell(text);
  ASSERT_TRUE(append_parsed_cell(text, "x"));
  table.add(std::move(text));
  EXPECT_EQ(to_csv(table), "t\r\n\"\"\r\nx\r\n");
  EXPECT_EQ(read_csv(to_csv(table), {})->rows, 2u);
}

TEST(CsvWriting, ReadsBackTheSame) {
  const std::string text =
      "s,i,d,b,t\r\n\"a \"\"quoted\"\" one\",1,0.30000000000000004,True,5/30/2010 6:07:00 PM\r\n"
      "\"x,y\",,-1.5e-300,False,\r\n";
  const auto table = import_csv(text, {});
  ASSERT_TRUE(table) << table.error().message();
  EXPECT_EQ(to_csv(*table), text);
}

// Wide tables are written several rows at a time; the texts are those of narrow ones.
TEST(CsvWriter, WideTablesHaveTheTextsOfNarrowOnes) {
  constexpr double kValues[] = {0, 1, 9, 10, -0.0, -1, 0.5, 1e300, 1.0 / 3, 9.5, 7};
  constexpr std::size_t kColumns = 40;
  for (const std::size_t rows : {0U, 1U, 7U, 8U, 9U, 33U}) {
    Table wide;
    wide.rows = rows;
    for (std::size_t c = 0; c < kColumns; ++c) {
      const bool text = c % 13 == 0;
      Column column =
          make_column("c" + std::to_string(c), text ? DataType::string : DataType::real);
      for (std::size_t row = 0; row < rows; ++row) {
        // Most columns hold digits alone, as counts do.
        const double value =
            c % 3 == 0 ? kValues[(row * 7 + c) % std::size(kValues)] : double((row + c) % 10);
        if (text) {
          append_parsed_cell(column, row % 2 == 0 ? "a \"b\"," : "");
        } else {
          std::get<std::vector<double>>(column.values).push_back(value);
        }
      }
      if (c == 21 && rows > 0) {
        column.missing.assign(rows, 0);
        column.missing[rows / 2] = 1;
        std::get<std::vector<double>>(column.values)[rows / 2] = 0;
      }
      wide.add(std::move(column));
    }
    for (const DoubleText doubles : {DoubleText::exact, DoubleText::dotnet}) {
      const CsvWriteOptions options{.doubles = doubles};
      std::string expected, written;
      for (std::size_t row = 0; row < rows; ++row) {
        for (std::size_t c = 0; c < kColumns; ++c) {
          // Two columns at a time, of which the second keeps an empty field from being quoted.
          Table narrow;
          narrow.rows = rows;
          narrow.columns = {wide.columns[c], wide.columns[1]};
          std::string both, second;
          append_csv_rows(both, narrow, row, 1, options);
          narrow.columns = {wide.columns[1], wide.columns[1]};
          append_csv_rows(second, narrow, row, 1, options);
          second = second.substr(0, second.find(','));
          expected += (c > 0 ? "," : "") + both.substr(0, both.size() - second.size() - 3);
        }
        expected += "\r\n";
      }
      append_csv_rows(written, wide, 0, rows, options);
      EXPECT_EQ(written, expected) << rows;
    }
  }
}

}  // namespace
}  // namespace mlgate::table
