#include "http/message.h"

#include <gtest/gtest.h>

namespace mlgate::http {
namespace {

TEST(Fields, NamesHaveNoCaseAndDuplicatesStay) {
  Fields fields;
  fields.add("Set-Cookie", "a");
  fields.add("X", "b");
  fields.add("set-cookie", "c");
  EXPECT_EQ(fields.size(), 3u);
  EXPECT_EQ(fields.get("SET-COOKIE"), "a");
  EXPECT_EQ(fields.get("none"), "");
  EXPECT_EQ(fields.find("none"), nullptr);
  fields.erase("Set-COOKIE");
  ASSERT_EQ(fields.size(), 1u);
  EXPECT_EQ(fields.begin()->value, "b");
}

TEST(StandardReason, KnownAndUnknown) {
  EXPECT_EQ(standard_reason(200), "OK");
  EXPECT_EQ(standard_reason(429), "Too Many Requests");
  EXPECT_EQ(standard_reason(413), "Payload Too Large");
  EXPECT_EQ(standard_reason(299), "");
}

TEST(QueryParameter, FirstOfThatNameDecoded) {
  const std::string_view query =
      "api-version=2.0&Details=a%20b+c&empty=&flag&a%2Db=d&x=1&x=2&bad=%zz%4";
  EXPECT_EQ(query_parameter(query, "api-version"), "2.0");
  EXPECT_EQ(query_parameter(query, "details"), "a b c");
  EXPECT_EQ(query_parameter(query, "empty"), "");
  EXPECT_EQ(query_parameter(query, "flag"), "");
  EXPECT_EQ(query_parameter(query, "a-b"), "d");
  EXPECT_EQ(query_parameter(query, "x"), "1");
  EXPECT_EQ(query_parameter(query, "bad"), "%zz%4");
  EXPECT_EQ(query_parameter(query, "absent"), std::nullopt);
  EXPECT_EQ(query_parameter("", "x"), std::nullopt);
  EXPECT_EQ(query_parameter("&&x=%41", "x"), "A");
}

}  // namespace
}  // namespace mlgate::http
