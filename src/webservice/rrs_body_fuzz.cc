// Any bytes as the body of a scoring call give tables with exactly the schema, or an error with a
// text.
#include "base/check.h"
#include "webservice/charset.h"
#include "webservice/rrs_answer.h"
#include "webservice/rrs_body.h"
#include "webservice/test_support.h"

#include <cstdint>
#include <string_view>

namespace mlgate::webservice {
namespace {

using testing::every_type;

ml::ParameterInfo bits_info() {
  ml::ParameterInfo bits;
  bits.name = "Hashing bitsize";
  bits.type = ml::ParameterType::integer;
  bits.minimum = 1;
  bits.maximum = 31;
  return bits;
}

ServiceShape wide_shape() {
  ServiceShape out;
  out.inputs.emplace_back(ml::ScorerPort{"input1", every_type()});
  out.inputs.emplace_back(ml::ScorerPort{"input2", {{"Col2", table::DataType::string, {}}}});
  out.outputs.emplace_back("output1", every_type());
  out.globals.push_back({"Bits", Json(3), {bits_info()}});
  return out;
}

// One column, and a global parameter that has to be given.
ServiceShape demanding_shape() {
  ServiceShape out;
  const table::Schema schema = {{"Col2", table::DataType::string, {}}};
  out.inputs.emplace_back(ml::ScorerPort{"input2", schema});
  out.outputs.emplace_back("output1", schema);
  out.globals.push_back({"Bits", Json("3"), {bits_info()}});
  out.globals.push_back({"Must", std::nullopt, {}});
  return out;
}

void check(const ServiceShape& shape, const ScoreInput& input) {
  CHECK(input.tables.size() == shape.inputs.size());
  for (std::size_t i = 0; i < input.tables.size(); ++i) {
    const table::Table& table = input.tables[i];
    CHECK(table.validate().has_value());
    CHECK(table.columns.size() == shape.inputs[i].schema().size());
  }
  const auto answer =
      write_answer(shape, std::span(input.tables).first(1), AnswerForm::rows, 64U << 20);
  CHECK(answer && Json::parse(*answer));
}

}  // namespace
}  // namespace mlgate::webservice

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mlgate::webservice;
  if (size == 0) return 0;
  constexpr std::string_view kTypes[] = {"", "text/json; charset=utf-16",
                                         "application/json;charset=iso-8859-1"};
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::string storage;
  static const ServiceShape wide = wide_shape(), demanding = demanding_shape();
  const ServiceShape& shape = data[0] == 'm' ? demanding : wide;
  // A first byte of 'u' or 'l' says the charset; others are utf-8.
  const std::string_view type = kTypes[data[0] == 'u' ? 1 : data[0] == 'l' ? 2 : 0];
  const auto json = body_as_utf8(type, bytes, storage);
  if (!json) return 0;
  const auto read = read_score_body(*json, shape);
  if (read) {
    check(shape, *read);
  } else {
    CHECK(!error_response(read.error()).body.empty());
  }
  return 0;
}
