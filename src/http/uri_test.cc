#include "http/uri.h"

#include <gtest/gtest.h>

namespace mlgate::http {
namespace {

TEST(ParseUrl, GivesTheParts) {
  const auto url = parse_url("HTTPS://Example.org:8443/a/b%20c?d=e/f?g#h?i");
  ASSERT_TRUE(url);
  EXPECT_TRUE(url->tls);
  EXPECT_EQ(url->authority, "Example.org:8443");
  EXPECT_EQ(url->host, "Example.org");
  EXPECT_EQ(url->port, 8443);
  EXPECT_EQ(url->path, "/a/b%20c");
  EXPECT_EQ(url->query, "d=e/f?g");
  EXPECT_TRUE(url->has_query);
}

TEST(ParseUrl, DefaultsAndEmptyParts) {
  const auto plain = parse_url("http://a");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->port, 80);
  EXPECT_EQ(plain->path, "");
  EXPECT_FALSE(plain->has_query);
  const auto query = parse_url("https://a?");
  ASSERT_TRUE(query);
  EXPECT_EQ(query->port, 443);
  EXPECT_TRUE(query->has_query);
  EXPECT_EQ(query->query, "");
  const auto v6 = parse_url("http://[2001:db8::1]/x");
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->host, "2001:db8::1");
  EXPECT_EQ(v6->authority, "[2001:db8::1]");
  EXPECT_EQ(v6->port, 80);
  const auto v6_port = parse_url("http://[::1]:81");
  ASSERT_TRUE(v6_port);
  EXPECT_EQ(v6_port->port, 81);
}

TEST(ParseUrl, RefusesWhatOthersMayReadDifferently) {
  for (const std::string_view text : {"",
                                      "a",
                                      "//a/b",
                                      "/a",
                                      "ftp://a",
                                      "http:/a",
                                      "http:a",
                                      "http://",
                                      "http:///a",
                                      "http://:80",
                                      "http://a:0",
                                      "http://a:65536",
                                      "http://a:x",
                                      "http://a:",
                                      "http://user@a",
                                      "http://u:p@a",
                                      "http://a\\@b",
                                      "http://a\\b",
                                      "http://a b",
                                      "http://a/ b",
                                      "http://a/\x01",
                                      "http://a/\xc3\xa9",
                                      "http://[::1",
                                      "http://::1/",
                                      "http://[::1]:0",
                                      "http://a,b/",
                                      "javascript:alert(1)"}) {
    SCOPED_TRACE(text);
    const auto url = parse_url(text);
    ASSERT_FALSE(url);
    EXPECT_EQ(url.error().code(), Errc::invalid_argument);
  }
  EXPECT_TRUE(parse_url("http://a/" + std::string(kUrlBytesMax - 9, 'p')));
  EXPECT_FALSE(parse_url("http://a/" + std::string(kUrlBytesMax - 8, 'p')));
}

TEST(RemoveDotSegments, AsTheStandardSays) {
  for (const auto& [in, out] : {std::pair{"/a/b/c/./../../g", "/a/g"},
                                {"/a/b/../c", "/a/c"},
                                {"/a/b/..", "/a/"},
                                {"/a/b/.", "/a/b/"},
                                {"/a/b/../", "/a/"},
                                {"/..", "/"},
                                {"/../../a", "/a"},
                                {"/.", "/"},
                                {"/", "/"},
                                {"", ""},
                                {"/a//b", "/a//b"},
                                {"/a//../b", "/a/b"},
                                {"/...", "/..."},
                                {"/.a/..b/c.", "/.a/..b/c."},
                                {"/a/%2e%2E/b", "/b"},
                                {"/a/.%2e/b", "/b"},
                                {"/a/%2e/b", "/a/b"},
                                {"/a/%2f../b", "/a/%2f../b"},
                                {"..", ""},
                                {"./a", "/a"}}) {
    SCOPED_TRACE(in);
    EXPECT_EQ(remove_dot_segments(in), out);
  }
}

// RFC 3986, 5.4, for a base that is http.
TEST(ResolveUrl, References) {
  const std::string_view base = "http://a/b/c/d;p?q";
  for (const auto& [reference, out] : {std::pair{"g", "http://a/b/c/g"},
                                       {"./g", "http://a/b/c/g"},
                                       {"g/", "http://a/b/c/g/"},
                                       {"/g", "http://a/g"},
                                       {"//g", "http://g"},
                                       {"?y", "http://a/b/c/d;p?y"},
                                       {"g?y", "http://a/b/c/g?y"},
                                       {"g?y/../x", "http://a/b/c/g?y/../x"},
                                       {"#s", "http://a/b/c/d;p?q"},
                                       {"g#s", "http://a/b/c/g"},
                                       {"", "http://a/b/c/d;p?q"},
                                       {".", "http://a/b/c/"},
                                       {"..", "http://a/b/"},
                                       {"../..", "http://a/"},
                                       {"../../../g", "http://a/g"},
                                       {"/./g", "http://a/g"},
                                       {"https://h:1/i?j", "https://h:1/i?j"}}) {
    SCOPED_TRACE(reference);
    const auto url = resolve_url(base, reference);
    ASSERT_TRUE(url);
    EXPECT_EQ(*url, out);
  }
  EXPECT_EQ(resolve_url("https://a", "g").value_or(""), "https://a/g");
  for (const std::string_view bad : {"file:///etc/passwd", "http:g", "//u@h/", "g h", "//"})
    EXPECT_FALSE(resolve_url(base, bad)) << bad;
}

TEST(JoinPath, OneSlashBetween) {
  EXPECT_EQ(join_path("/a", "b"), "/a/b");
  EXPECT_EQ(join_path("/a/", "/b"), "/a/b");
  EXPECT_EQ(join_path("/a/", "b"), "/a/b");
  EXPECT_EQ(join_path("", "/b"), "/b");
  EXPECT_EQ(join_path("/a", ""), "/a");
  EXPECT_EQ(join_path("/a", "/"), "/a/");
  EXPECT_EQ(join_path("/", "/b"), "/b");
}

TEST(ParseAuthority, HostAndPort) {
  const auto both = parse_authority("[::1]:80");
  ASSERT_TRUE(both);
  EXPECT_EQ(both->host, "::1");
  EXPECT_EQ(both->port, 80);
  const auto host = parse_authority("a.example");
  ASSERT_TRUE(host);
  EXPECT_EQ(host->host, "a.example");
  EXPECT_EQ(host->port, 0);
  EXPECT_FALSE(parse_authority("a:b"));
}

}  // namespace
}  // namespace mlgate::http
