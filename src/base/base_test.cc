#include "base/crypto.h"
#include "base/number.h"
#include "base/text.h"
#include "base/time.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

namespace mlgate {
namespace {

std::string g15(double value) {
  std::string out;
  append_dotnet_double(out, value);
  return out;
}

TEST(Number, PrintsDoublesAsDotNetDoes) {
  EXPECT_EQ(g15(0.922785222530365), "0.922785222530365");
  EXPECT_EQ(g15(14748.9994776615), "14748.9994776615");
  EXPECT_EQ(g15(2000), "2000");
  EXPECT_EQ(g15(0), "0");
  EXPECT_EQ(g15(-0.0), "0");
  EXPECT_EQ(g15(-1), "-1");
  EXPECT_EQ(g15(0.1 + 0.2), "0.3");
  EXPECT_EQ(g15(1.0 / 3), "0.333333333333333");
  EXPECT_EQ(g15(0.0001), "0.0001");
  EXPECT_EQ(g15(0.0000123), "1.23E-05");
  EXPECT_EQ(g15(1e14), "100000000000000");
  EXPECT_EQ(g15(1e15), "1E+15");
  EXPECT_EQ(g15(1.5e300), "1.5E+300");
  EXPECT_EQ(g15(999999999999999.9), "1E+15");
  EXPECT_EQ(g15(std::nan("")), "NaN");
  EXPECT_EQ(g15(std::numeric_limits<double>::infinity()), "Infinity");
  EXPECT_EQ(g15(-std::numeric_limits<double>::infinity()), "-Infinity");
}

TEST(Time, ReadsAndWritesIso8601) {
  EXPECT_EQ(to_iso8601(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(to_iso8601(1454074034153), "2016-01-29T13:27:14.153Z");
  EXPECT_EQ(parse_iso8601("2016-01-29T13:27:14.153Z"), 1454074034153);
  EXPECT_EQ(parse_iso8601("2016-01-29T15:27:14.153+02:00"), 1454074034153);
  EXPECT_EQ(parse_iso8601("2016-01-29"), 1454025600000);
  for (const char* text :
       {"", "2016", "2016-13-01", "2016-02-30", "2016-01-01T24:00:00", "2016-01-01x"})
    EXPECT_EQ(parse_iso8601(text), std::nullopt) << text;
}

TEST(Time, WritesHttpDatesAndTimeSpans) {
  EXPECT_EQ(to_http_date(784111777000), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(to_timespan(25'280), "07:01:20");
  EXPECT_EQ(to_timespan(86'400 + 61), "1.00:01:01");
}

TEST(Text, SplitsTrimsAndComparesWithoutCase) {
  EXPECT_EQ(split("a,,b", ',').size(), 3U);
  EXPECT_EQ(trim(" \t x y\r\n"), "x y");
  EXPECT_TRUE(equals_ignoring_case("Content-Length", "content-LENGTH"));
  EXPECT_EQ(replace_all("aXbXX", "X", "--"), "a--b----");
}

TEST(Text, OnlyLettersOfAsciiAreEqualInBothCases) {
  for (const std::size_t size : {1U, 3U, 4U, 5U, 7U, 8U, 9U, 16U, 23U}) {
    for (std::size_t at = 0; at < size; ++at) {
      for (int one = 0; one < 256; ++one) {
        std::string a(size, 'x'), b(size, 'X');
        a[at] = char(one);
        for (const int other : {one, one ^ 0x20, one ^ 0x01, one ^ 0x80, one + 1, one - 0x20}) {
          b[at] = char(other);
          EXPECT_EQ(equals_ignoring_case(a, b), ascii_lower(a[at]) == ascii_lower(b[at]))
              << size << ' ' << at << ' ' << one << ' ' << other;
        }
      }
    }
  }
  EXPECT_TRUE(equals_ignoring_case("", ""));
  EXPECT_FALSE(equals_ignoring_case("Content-Length", "Content-Lengths"));
}

TEST(Text, PercentEscapes) {
  EXPECT_EQ(percent_decode("a%20b%2Fc"), "a b/c");
  EXPECT_EQ(percent_decode("%4"), std::nullopt);
  EXPECT_EQ(percent_decode("%zz"), std::nullopt);
  EXPECT_EQ(percent_encode("a b/c", "/"), "a%20b/c");
}

TEST(Text, KnowsUtf8) {
  EXPECT_TRUE(is_utf8("na\xC3\xAFve \xE6\x97\xA5 \xF0\x9F\x98\x80"));
  for (const char* text :
       {"\x80", "\xC3", "\xC0\x80", "\xED\xA0\x80", "\xF5\x80\x80\x80", "\xE0\x80\x80"})
    EXPECT_FALSE(is_utf8(text));
}

TEST(Crypto, KeysHaveTheFormatsOfTheDialects) {
  EXPECT_EQ(new_hex_id().size(), 32U);
  EXPECT_EQ(new_hex_id().find_first_not_of("0123456789abcdef"), std::string::npos);
  const std::string key = new_service_key();
  EXPECT_EQ(key.size(), 88U);
  EXPECT_TRUE(key.ends_with("=="));
  EXPECT_EQ(base64_decode(key)->size(), 64U);
  const std::string guid = new_guid();
  EXPECT_EQ(guid.size(), 36U);
  EXPECT_EQ(guid[14], '4');
}

TEST(Crypto, ASealedValueOpensOnlyInItsPlace) {
  const std::string key = random_bytes(32);
  const std::string sealed = seal(key, "secret", "here");
  EXPECT_EQ(unseal(key, sealed, "here").value(), "secret");
  EXPECT_FALSE(unseal(key, sealed, "there"));
  EXPECT_FALSE(unseal(random_bytes(32), sealed, "here"));
  std::string broken = sealed;
  broken.back() ^= 1;
  EXPECT_FALSE(unseal(key, broken, "here"));
  EXPECT_FALSE(unseal(key, "short", "here"));
}

TEST(Crypto, DigestsMatchPublishedVectors) {
  EXPECT_EQ(to_hex(sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  // RFC 4231, test case 2.
  EXPECT_EQ(to_hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(Crypto, PasswordsAreArgon2id) {
  const std::string hash = hash_password("correct horse");
  EXPECT_TRUE(hash.starts_with("$argon2id$"));
  EXPECT_TRUE(verify_password(hash, "correct horse"));
  EXPECT_FALSE(verify_password(hash, "wrong horse"));
}

TEST(Crypto, SecretsAreComparedWhole) {
  EXPECT_TRUE(equal_secrets("abc", "abc"));
  EXPECT_FALSE(equal_secrets("abc", "abd"));
  EXPECT_FALSE(equal_secrets("abc", "abcd"));
}

}  // namespace
}  // namespace mlgate
