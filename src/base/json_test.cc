#include "base/json.h"

#include <gtest/gtest.h>

#include <array>

namespace mlgate {
namespace {

TEST(Json, WritesWhatItReads) {
  for (const char* text : {R"({"a":1,"b":[true,false,null],"c":{"d":"x\ny"}})", "[]", "{}",
                           R"("text")", "12.50", "-1e400x", "null", "true", R"(["\u00e9"])"}) {
    const auto parsed = Json::parse(text);
    if (std::string_view(text) == "-1e400x") {
      EXPECT_FALSE(parsed) << text;
      continue;
    }
    ASSERT_TRUE(parsed) << text << ": " << parsed.error().message();
    EXPECT_EQ(Json::parse(parsed->dump())->dump(), parsed->dump());
  }
  EXPECT_EQ(Json::parse(R"({"a" : 12.50 , "b":[ 1 ]})")->dump(), R"({"a":12.50,"b":[1]})");
}

TEST(Json, RefusesWhatIsNotJson) {
  for (const char* text :
       {"", " ", "{", "[1,]", "{\"a\"}", "1 2", "{} x", "nul", "\"\x01\"", "01", "{\"a\":1,}"})
    EXPECT_FALSE(Json::parse(text)) << text;
  EXPECT_FALSE(Json::parse(std::string(100, '[') + std::string(100, ']')));
}

TEST(Json, KeepsNumbersAsWritten) {
  const Json value = *Json::parse("[0.1,12345678901234567890,1E3]");
  EXPECT_EQ(value.dump(), "[0.1,12345678901234567890,1E3]");
  EXPECT_EQ(value.items()[0].as_double(), 0.1);
  EXPECT_EQ(value.items()[1].as_int(), std::nullopt);  // Above 63 bits.
}

TEST(Json, EscapesStringsAndMendsBrokenText) {
  std::string out;
  append_json_string(out, "a\"\\\n\x01\xC3\xA9");
  EXPECT_EQ(out, "\"a\\\"\\\\\\n\\u0001\xC3\xA9\"");
  out.clear();
  append_json_string(out, "x\xFFy\xC3\xA9z\xC3");
  EXPECT_EQ(out, "\"x\xEF\xBF\xBDy\xC3\xA9z\xEF\xBF\xBD\"");
}

TEST(Json, MergePatchFollowsTheStandardsExamples) {  // RFC 7396, appendix A.
  const std::pair<std::array<const char*, 2>, const char*> cases[] = {
      {{R"({"a":"b"})", R"({"a":"c"})"}, R"({"a":"c"})"},
      {{R"({"a":"b"})", R"({"b":"c"})"}, R"({"a":"b","b":"c"})"},
      {{R"({"a":"b"})", R"({"a":null})"}, R"({})"},
      {{R"({"a":["b"]})", R"({"a":"c"})"}, R"({"a":"c"})"},
      {{R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})"}, R"({"a":{"b":"d"}})"},
      {{R"(["a","b"])", R"(["c","d"])"}, R"(["c","d"])"},
      {{R"({"e":null})", R"({"a":1})"}, R"({"e":null,"a":1})"},
      {{R"({})", R"({"a":{"bb":{"ccc":null}}})"}, R"({"a":{"bb":{}}})"},
  };
  for (const auto& [in, expected] : cases) {
    Json target = *Json::parse(in[0]);
    target.merge_patch(*Json::parse(in[1]));
    EXPECT_EQ(target.dump(), expected) << in[0] << " + " << in[1];
  }
}

TEST(JsonWriter, PlacesCommasAndNestsAnything) {
  JsonWriter w;
  w.object()
      .field("a", 1)
      .key("b")
      .array()
      .value("x")
      .null()
      .value(2.5)
      .end()
      .key("c")
      .object()
      .end();
  w.field("d", true).end();
  EXPECT_EQ(w.text(), R"({"a":1,"b":["x",null,2.5],"c":{},"d":true})");
}

}  // namespace
}  // namespace mlgate
