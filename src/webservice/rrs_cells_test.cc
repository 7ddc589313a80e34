// What a cell of each data type takes and answers with: the texts that clients send, the texts they
// get, and the words they read when a cell does not convert.
#include "webservice/rrs_test_support_internal.h"

#include <cmath>

namespace mlgate::webservice {
namespace {

using table::DataType;

struct Cell {
  DataType type;
  std::string_view sent;      // JSON.
  std::string_view answered;  // JSON; or behind "found ", what an error says was found.
};

constexpr Cell kTextCells[] = {
    {DataType::string, R"("a\"b")", R"("a\"b")"}, {DataType::string, R"("")", R"("")"},
    {DataType::string, "null", "null"},           {DataType::string, "1.50", R"("1.50")"},
    {DataType::string, "-1e03", R"("-1e03")"},    {DataType::string, "true", R"("True")"},
    {DataType::string, "false", R"("False")"},    {DataType::string, R"("null")", R"("null")"},
    {DataType::string, "{}", "found an object"},  {DataType::string, R"(["a"])", "found an array"},
};

constexpr Cell kWholeNumberCells[] = {
    {DataType::int32, R"("5")", R"("5")"},
    {DataType::int32, "5", R"("5")"},
    {DataType::int32, R"("-7")", R"("-7")"},
    {DataType::int32, R"("+3")", R"("3")"},
    {DataType::int32, R"(" 12 ")", R"("12")"},
    {DataType::int32, "5.0", R"("5")"},
    {DataType::int32, "1e3", R"("1000")"},
    {DataType::int32, "-0", R"("0")"},
    {DataType::int32, R"("")", "null"},
    {DataType::int32, "null", "null"},
    {DataType::int32, "NaN", "null"},
    {DataType::int32, "2147483647", R"("2147483647")"},
    {DataType::int32, R"("-2147483648")", R"("-2147483648")"},
    {DataType::int32, "2147483648", "found 2147483648"},
    {DataType::int32, R"("-2147483649")", R"(found "-2147483649")"},
    {DataType::int32, "1.5", "found 1.5"},
    {DataType::int32, R"("1,000")", R"(found "1,000")"},
    {DataType::int32, R"("five")", R"(found "five")"},
    {DataType::int32, R"(" ")", R"(found " ")"},
    {DataType::int32, "true", "found true"},
    {DataType::int32, "Infinity", "found Infinity"},
    {DataType::int32, "[1]", "found an array"},
    {DataType::int64, "9223372036854775807", R"("9223372036854775807")"},
    {DataType::int64, R"("-9223372036854775808")", R"("-9223372036854775808")"},
    {DataType::int64, "9007199254740993", R"("9007199254740993")"},
    {DataType::int64, "1e15", R"("1000000000000000")"},
    {DataType::int64, R"("")", "null"},
    {DataType::int64, "NaN", "null"},
    {DataType::int64, "9223372036854775808", "found 9223372036854775808"},
    {DataType::int64, "-Infinity", "found -Infinity"},
};

constexpr Cell kRealCells[] = {
    {DataType::real, R"("1.5")", R"("1.5")"},
    {DataType::real, "1.50", R"("1.5")"},
    {DataType::real, "2000", R"("2000")"},
    {DataType::real, R"("2000.0")", R"("2000")"},
    {DataType::real, R"(".5")", R"("0.5")"},
    {DataType::real, "14748.99947766150", R"("14748.9994776615")"},
    {DataType::real, "0.1234567890123456789", R"("0.123456789012346")"},
    {DataType::real, "0.0000123", R"("1.23E-05")"},
    {DataType::real, "0.0001", R"("0.0001")"},
    {DataType::real, "999999999999999", R"("999999999999999")"},
    {DataType::real, "1000000000000000", R"("1E+15")"},
    {DataType::real, R"("1E+300")", R"("1E+300")"},
    {DataType::real, "-0.0", R"("0")"},
    {DataType::real, R"("-0")", R"("0")"},
    {DataType::real, "1e-400", R"("0")"},
    {DataType::real, R"("")", "null"},
    {DataType::real, "null", "null"},
    {DataType::real, "NaN", "null"},
    {DataType::real, "Infinity", R"("Infinity")"},
    {DataType::real, "-Infinity", R"("-Infinity")"},
    {DataType::real, R"("Infinity")", R"("Infinity")"},
    {DataType::real, R"("-Infinity")", R"("-Infinity")"},
    {DataType::real, "1e400", "found 1e400"},
    {DataType::real, R"("1,5")", R"(found "1,5")"},
    {DataType::real, R"("1.5 EUR")", R"(found "1.5 EUR")"},
    {DataType::real, R"("inf")", R"(found "inf")"},
    {DataType::real, R"("0x10")", R"(found "0x10")"},
    {DataType::real, "false", "found false"},
};

constexpr Cell kOtherCells[] = {
    {DataType::boolean, "true", R"("True")"},
    {DataType::boolean, "false", R"("False")"},
    {DataType::boolean, "1", R"("True")"},
    {DataType::boolean, "0", R"("False")"},
    {DataType::boolean, R"("TRUE")", R"("True")"},
    {DataType::boolean, R"("False")", R"("False")"},
    {DataType::boolean, R"("1")", R"("True")"},
    {DataType::boolean, R"("0")", R"("False")"},
    {DataType::boolean, "null", "null"},
    {DataType::boolean, R"("")", "null"},
    {DataType::boolean, "2", "found 2"},
    {DataType::boolean, R"("yes")", R"(found "yes")"},
    {DataType::boolean, "NaN", "found NaN"},
    {DataType::date_time, R"("5/30/2010 6:07:00 PM")", R"("5/30/2010 6:07:00 PM")"},
    {DataType::date_time, R"("05/03/2010")", R"("5/3/2010 12:00:00 AM")"},
    {DataType::date_time, R"("5/30/2010 18:07")", R"("5/30/2010 6:07:00 PM")"},
    {DataType::date_time, R"("2010-05-30")", R"("5/30/2010 12:00:00 AM")"},
    {DataType::date_time, R"("2010-05-30T12:07:09")", R"("5/30/2010 12:07:09 PM")"},
    {DataType::date_time, R"("2010-05-30T18:07:00.250Z")", R"("5/30/2010 6:07:00 PM")"},
    {DataType::date_time, R"("2/29/2012")", R"("2/29/2012 12:00:00 AM")"},
    {DataType::date_time, R"("")", "null"},
    {DataType::date_time, "null", "null"},
    {DataType::date_time, R"("2/30/2010")", R"(found "2/30/2010")"},
    {DataType::date_time, R"("30.5.2010")", R"(found "30.5.2010")"},
    {DataType::date_time, "1275242820", "found 1275242820"},
    {DataType::date_time, "true", "found true"},
    {DataType::time_span, R"("01:02:03")", R"("01:02:03")"},
    {DataType::time_span, R"("1:02")", R"("01:02:00")"},
    {DataType::time_span, R"("1.02:03:04.5")", R"("1.02:03:04.5000000")"},
    {DataType::time_span, R"("-00:00:00.0000001")", R"("-00:00:00.0000001")"},
    {DataType::time_span, R"("")", "null"},
    {DataType::time_span, "null", "null"},
    {DataType::time_span, R"("24:00:00")", R"(found "24:00:00")"},
    {DataType::time_span, R"("5")", R"(found "5")"},
    {DataType::time_span, "5", "found 5"},
};

ServiceShape shape_of(DataType type) {
  const table::Schema schema = {{"C", type, {}}};
  ServiceShape shape;
  shape.inputs.emplace_back(ml::ScorerPort{"input1", schema});
  shape.outputs.emplace_back("output1", schema);
  return shape;
}

// The answer that gives the input back, or what an error inserts.
std::string passed_through(const ServiceShape& shape, std::string_view input, AnswerForm form) {
  const auto read = read_score_body(R"({"Inputs":{"input1":)" + std::string(input) + "}}", shape);
  if (!read) {
    EXPECT_EQ(read.error().fault, Fault::input_parse_error) << input;
    return read.error().first;
  }
  EXPECT_TRUE(read->tables[0].validate()) << input;
  const auto answer = write_answer(shape, read->tables, form, 1U << 20);
  EXPECT_TRUE(answer) << input;
  return answer.value_or("");
}

// Between a cell that is there and one that is missing, so that both are met before and behind it.
void check(const Cell& cell) {
  const ServiceShape shape = shape_of(cell.type);
  const std::string sent(cell.sent), answered(cell.answered);
  const std::string table = passed_through(
      shape, R"({"ColumnNames":["C"],"Values":[[null],[)" + sent + "],[null]]}", AnswerForm::table);
  const std::string rows = passed_through(
      shape, R"([{"C":)" + sent + R"(},{"C":null},{"C":)" + sent + "}]", AnswerForm::rows);
  if (answered.starts_with("found ")) {
    const std::string what =
        ", column \"C\": expected " + std::string(name_of(cell.type)) + ", " + answered;
    EXPECT_EQ(table, "input \"input1\", row 2" + what);
    EXPECT_EQ(rows, "input \"input1\", row 1" + what);
    return;
  }
  EXPECT_EQ(table, R"({"Results":{"output1":{"type":"table","value":{"Values":[[null],[)" +
                       answered + "],[null]]}}}}")
      << sent;
  EXPECT_EQ(rows, R"({"Results":{"output1":[{"C":)" + answered + R"(},{"C":null},{"C":)" +
                      answered + "}]}}")
      << sent;
}

TEST(RrsCells, TextColumnsKeepWhatWasSent) {
  for (const Cell& cell : kTextCells) check(cell);
}

TEST(RrsCells, WholeNumbersComeAsTextOrNumberAndStayInRange) {
  for (const Cell& cell : kWholeNumberCells) check(cell);
}

TEST(RrsCells, RealNumbersAreReadByInvariantRulesAndWrittenInFifteenDigits) {
  for (const Cell& cell : kRealCells) check(cell);
}

TEST(RrsCells, BooleansDatesAndTimeSpansHaveTheirForms) {
  for (const Cell& cell : kOtherCells) check(cell);
}

TEST(RrsCells, NumbersThatAComputationCannotGiveAreNamed) {
  const ServiceShape shape = shape_of(DataType::real);
  table::Column column = table::make_column("C", DataType::real);
  std::get<std::vector<double>>(column.values) = {std::nan(""), -HUGE_VAL};
  table::Table result;
  result.add(std::move(column));
  EXPECT_EQ(write_answer(shape, std::span(&result, 1), AnswerForm::table, 1U << 20).value_or(""),
            R"({"Results":{"output1":{"type":"table","value":{"Values":[["NaN"],)"
            R"(["-Infinity"]]}}}})");
}

class RrsTyped : public testing::RrsTest {
 protected:
  http::Response send(std::string_view input, std::string_view query = "api-version=2.0") {
    return RrsTest::send(call(query, R"({"Inputs":{"input1":)" + std::string(input) + "}}"));
  }
};

TEST_F(RrsTyped, AServiceAnswersEveryTypeInItsOwnText) {
  testing::GraphParts parts;
  parts.dataset = "typed";
  parts.selection = testing::kSelectAll;
  parts.inputs = R"({"Id":"input1","PortId":"s:0"})";
  parts.outputs = R"({"Id":"output1","PortId":"s:0"})";
  publish(parts);
  constexpr std::string_view input =
      R"({"ColumnNames":["when","Values","Text","Int","Long","Real","Flag"],"Values":[)"
      R"(["2010-05-30T18:07:00Z","1.02:03:04","a",7,"8","14748.9994776615","true"],)"
      R"([null,null,null,null,null,null,null],["","","","","",NaN,""]]})";
  EXPECT_EQ(send(input, "details=true").body,
            R"({"Results":{"output1":{"type":"table","value":{)"
            R"("ColumnNames":["Text","Int","Long","Real","Flag","When","Values"],)"
            R"("ColumnTypes":["String","Int32","Int64","Double","Boolean","DateTime","TimeSpan"],)"
            R"("Values":[["a","7","8","14748.9994776615","True","5/30/2010 6:07:00 PM",)"
            R"("1.02:03:04"],[null,null,null,null,null,null,null],)"
            R"(["",null,null,null,null,null,null]]}}}})");
  EXPECT_EQ(send(R"([{"Text":5,"Int":"5","Long":-1,"Real":1e-5,"Flag":0,"When":"1/2/2003",)"
                 R"("Values":"00:00:01"}])",
                 "format=swagger")
                .body,
            R"({"Results":{"output1":[{"Text":"5","Int":"5","Long":"-1","Real":"1E-05",)"
            R"("Flag":"False","When":"1/2/2003 12:00:00 AM","Values":"00:00:01"}]}})");
}

TEST_F(RrsTyped, ANumberInFrontOfTheSelectionIsReadAndLeftOut) {
  testing::GraphParts parts;
  parts.inputs = R"({"Id":"input1","PortId":"s:0"})";
  publish(parts);
  for (const std::string_view rating : {R"("5")", "5", "5.0", R"("")", "null", "NaN"}) {
    EXPECT_EQ(send(R"({"ColumnNames":["Col1","Col2"],"Values":[[)" + std::string(rating) +
                   R"(,"This is a good day"]]})")
                  .body,
              R"({"Results":{"output1":{"type":"table","value":{"Values":[)"
              R"(["This is a good day","1","1","2","2","0","2","0","1"]]}}}})")
        << rating;
  }
}

TEST_F(RrsTyped, ABadNumberIsNamedWithRowAndColumnInTheDocumentedBody) {
  testing::GraphParts parts;
  parts.inputs = R"({"Id":"input1","PortId":"s:0"})";
  publish(parts);
  const http::Response response =
      send(R"({"ColumnNames":["Col2","Col1"],"Values":[["a","4"],["b","four"]]})");
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.body,
            R"({"error":{"code":"BadUserArgument","message":"Invalid user argument provided.",)"
            R"("details":[{"code":"InputParseError","message":"Parsing of input vector failed.  )"
            R"(Verify the input vector has the correct number of columns and data types.  )"
            R"(Additional details: input \"input1\", row 2, column \"Col1\": expected Int32, )"
            R"(found \"four\"."}]}})");
}

}  // namespace
}  // namespace mlgate::webservice
