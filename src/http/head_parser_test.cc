#include "http/head_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace mlgate::http {
namespace {

constexpr HeadLimits kLimits;

// Heads that keep the text which they view.
struct KeptRequest : RequestHead {
  std::string text;
};
struct KeptResponse : ResponseHead {
  std::string text;
};

HeadResult parse(std::string text, KeptRequest& head) {
  head.text = std::move(text);
  return parse_request_head(head.text, head);
}
HeadResult parse(std::string text, KeptResponse& head) {
  head.text = std::move(text);
  return parse_response_head(head.text, head);
}

// A GET with these lines in its head.
std::string get_with(std::string_view lines) {
  return "GET / HTTP/1.1\r\nHost: a\r\n" + std::string(lines) + "\r\n";
}

TEST(RequestHead, GivesTheParts) {
  const std::string text =
      "POST /workspaces/w/services/s/execute?api-version=2.0&details=true HTTP/1.1\r\n"
      "Host: localhost:8443\r\n"
      "Content-Type:application/json\r\n"
      "Authorization: \t Bearer abc== \t\r\n"
      "X-Empty:\r\n"
      "Content-Length: 12\r\n"
      "Expect: 100-Continue\r\n"
      "\r\nrest";
  KeptRequest head;
  const HeadResult result = parse(text, head);
  ASSERT_EQ(result.state, HeadState::complete);
  EXPECT_EQ(text.substr(result.head_bytes), "rest");
  EXPECT_EQ(head.method, "POST");
  EXPECT_EQ(head.target, "/workspaces/w/services/s/execute?api-version=2.0&details=true");
  EXPECT_EQ(head.path, "/workspaces/w/services/s/execute");
  EXPECT_EQ(head.query, "api-version=2.0&details=true");
  EXPECT_EQ(head.authority, "localhost:8443");
  EXPECT_EQ(head.scheme, "");
  EXPECT_EQ(head.version_minor, 1);
  EXPECT_EQ(head.content_length, 12u);
  EXPECT_FALSE(head.chunked);
  EXPECT_TRUE(head.keep_alive);
  EXPECT_TRUE(head.expect_continue);
  EXPECT_EQ(head.fields.size(), 6u);
  EXPECT_EQ(head.fields.get("content-type"), "application/json");
  EXPECT_EQ(head.fields.get("AUTHORIZATION"), "Bearer abc==");
  ASSERT_NE(head.fields.find("x-empty"), nullptr);
  EXPECT_EQ(head.fields.get("x-empty"), "");
}

TEST(RequestHead, NothingStaysFromTheMessageBefore) {
  KeptRequest head;
  ASSERT_EQ(
      parse("POST http://b/x?y HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n"
            "Connection: close, upgrade\r\nUpgrade: websocket\r\nExpect: 100-continue\r\n\r\n",
            head)
          .state,
      HeadState::complete);
  EXPECT_TRUE(head.chunked);
  EXPECT_EQ(head.upgrade, "websocket");
  ASSERT_EQ(parse("GET /z HTTP/1.1\r\nHost: a\r\n\r\n", head).state, HeadState::complete);
  EXPECT_FALSE(head.chunked);
  EXPECT_FALSE(head.expect_continue);
  EXPECT_TRUE(head.keep_alive);
  EXPECT_FALSE(head.content_length);
  EXPECT_EQ(head.upgrade, "");
  EXPECT_EQ(head.scheme, "");
  EXPECT_EQ(head.query, "");
  EXPECT_EQ(head.authority, "a");
  EXPECT_EQ(head.fields.size(), 1u);
}

struct TargetCase {
  std::string_view line;
  int status;  // 0: accepted.
  std::string_view path, query, authority;
};

TEST(RequestHead, TargetFormsByMethod) {
  const TargetCase cases[] = {
      {"GET /a/b?c=d HTTP/1.1", 0, "/a/b", "c=d", "host"},
      {"GET /a? HTTP/1.1", 0, "/a", "", "host"},
      {"GET /a?b?c HTTP/1.1", 0, "/a", "b?c", "host"},
      {"GET //a HTTP/1.1", 0, "//a", "", "host"},
      {"GET /%7e{x}|'\" HTTP/1.1", 0, "/%7e{x}|'\"", "", "host"},
      {"GET http://other:81/a?b HTTP/1.1", 0, "/a", "b", "other:81"},
      {"GET HTTPS://other HTTP/1.1", 0, "/", "", "other"},
      {"GET http://other?b HTTP/1.1", 0, "/", "b", "other"},
      {"GET http://[::1]:8080/ HTTP/1.1", 0, "/", "", "[::1]:8080"},
      {"OPTIONS * HTTP/1.1", 0, "*", "", "host"},
      {"CONNECT other:443 HTTP/1.1", 0, "", "", "other:443"},
      {"CONNECT [::1]:443 HTTP/1.1", 0, "", "", "[::1]:443"},
      {"purge /a HTTP/1.1", 0, "/a", "", "host"},
      {"M-SEARCH /a HTTP/1.0", 0, "/a", "", "host"},
      {"GET a HTTP/1.1", 400, "", "", ""},
      {"GET * HTTP/1.1", 400, "", "", ""},
      {"OPTIONS *a HTTP/1.1", 400, "", "", ""},
      {"GET other:443 HTTP/1.1", 400, "", "", ""},
      {"GET ftp://other/ HTTP/1.1", 400, "", "", ""},
      {"GET http:///a HTTP/1.1", 400, "", "", ""},
      {"GET http://user@other/ HTTP/1.1", 400, "", "", ""},
      {"GET http://a b/ HTTP/1.1", 400, "", "", ""},
      {"GET /a#b HTTP/1.1", 400, "", "", ""},
      {"GET /a\tb HTTP/1.1", 400, "", "", ""},
      {"GET /\x7f HTTP/1.1", 400, "", "", ""},
      {"GET /\xc3\xa9 HTTP/1.1", 400, "", "", ""},
      {"CONNECT other HTTP/1.1", 400, "", "", ""},
      {"CONNECT [::1] HTTP/1.1", 400, "", "", ""},
      {"CONNECT other: HTTP/1.1", 400, "", "", ""},
      {"CONNECT other:99999 HTTP/1.1", 400, "", "", ""},
      {"CONNECT /a HTTP/1.1", 400, "", "", ""},
      {"GET  /a HTTP/1.1", 400, "", "", ""},
      {"GET /a  HTTP/1.1", 400, "", "", ""},
      {"GET /a HTTP/1.1 ", 400, "", "", ""},
      {" GET /a HTTP/1.1", 400, "", "", ""},
      {"GET\t/a HTTP/1.1", 400, "", "", ""},
      {"GE(T /a HTTP/1.1", 400, "", "", ""},
      {"GET /a", 400, "", "", ""},
      {"GET", 400, "", "", ""},
      {"GET /a http/1.1", 400, "", "", ""},
      {"GET /a HTTP/1", 400, "", "", ""},
      {"GET /a HTTP/1.", 400, "", "", ""},
      {"GET /a HTTP/1.10", 400, "", "", ""},
      {"GET /a HTTP/11.1", 400, "", "", ""},
      {"GET /a HTTP/x.1", 400, "", "", ""},
      {"GET /a HTTP/1.x", 400, "", "", ""},
      {"GET /a HTTP/1.2", 505, "", "", ""},
      {"GET /a HTTP/0.9", 505, "", "", ""},
      {"GET /a HTTP/2.0", 505, "", "", ""},
      {"PRI * HTTP/2.0", 505, "", "", ""},
  };
  for (const TargetCase& c : cases) {
    SCOPED_TRACE(c.line);
    KeptRequest head;
    const HeadResult result = parse(std::string(c.line) + "\r\nHost: host\r\n\r\n", head);
    EXPECT_EQ(result.status, c.status);
    EXPECT_EQ(result.state, c.status == 0 ? HeadState::complete : HeadState::error);
    if (c.status != 0) {
      EXPECT_FALSE(result.reason.empty());
      continue;
    }
    EXPECT_EQ(head.path, c.path);
    EXPECT_EQ(head.query, c.query);
    EXPECT_EQ(head.authority, c.authority);
  }
}

TEST(RequestHead, AnAbsoluteTargetReplacesHost) {
  KeptRequest head;
  const std::string text = "GET http://real/ HTTP/1.1\r\nHost: other\r\n\r\n";
  ASSERT_EQ(parse(text, head).state, HeadState::complete);
  EXPECT_EQ(head.scheme, "http");
  EXPECT_EQ(head.authority, "real");
  EXPECT_EQ(head.fields.get("host"), "real");
}

// Messages on whose end two programs may disagree, each with the twin that is well formed.
struct Pair {
  std::string bad;
  std::string good;
  int status;
};

const std::vector<Pair>& ambiguous() {
  static const std::vector<Pair> pairs = {
      {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\n",
       400},
      {"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "Content-Length: 5\r\n", 400},
      {"Content-Length: 5\r\nContent-Length: 6\r\n", "Content-Length: 6\r\n", 400},
      {"Content-Length: 5\r\nContent-Length: 5\r\n", "Content-Length: 5\r\n", 400},
      {"Content-Length: 5, 5\r\n", "Content-Length: 55\r\n", 400},
      {"Content-Length: +5\r\n", "Content-Length: 05\r\n", 400},
      {"Content-Length: -5\r\n", "Content-Length: \t5 \r\n", 400},
      {"Content-Length: 5 0\r\n", "Content-Length: 50\r\n", 400},
      {"Content-Length: 0x5\r\n", "Content-Length: 0\r\n", 400},
      {"Content-Length:\r\n", "Content-Length:7\r\n", 400},
      {"Content-Length: 9223372036854775808\r\n", "Content-Length: 9223372036854775807\r\n", 400},
      {"Content-Length: 18446744073709551621\r\n", "Content-Length: 5\r\n", 400},
      {"Transfer-Encoding: chunked, chunked\r\n", "Transfer-Encoding: Chunked\r\n", 400},
      {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
       "Transfer-Encoding:chunked\r\n", 400},
      {"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
       "Transfer-Encoding: chunked \r\n", 400},
      {"Transfer-Encoding: chunked, gzip\r\n", "Transfer-Encoding: \t chunked\r\n", 400},
      {"Transfer-Encoding: gzip, chunked\r\n", "TRANSFER-ENCODING: CHUNKED\r\n", 501},
      {"Transfer-Encoding: identity\r\n", "transfer-encoding: chunked\r\n", 501},
      {"Transfer-Encoding: xchunked\r\n", "X-Transfer-Encoding: xchunked\r\n", 501},
      {"Transfer-Encoding:\r\n", "TE: trailers\r\n", 400},
      {"Transfer-Encoding: chunked,\r\n", "TE: trailers,\r\n", 400},
      {"Transfer-Encoding: ,chunked\r\n", "Transfer_Encoding: x\r\n", 400},
      {"Transfer-Encoding: chunked;q=1\r\n", "TE: chunked;q=1\r\n", 400},
      {"Transfer-Encoding: \x0b"
       "chunked\r\n",
       "X: a\tb\r\n", 400},
      {"Transfer-Encoding : chunked\r\n", "Transfer-Encoding: chunked\r\n", 400},
      {"Content-Length : 5\r\n", "Content-Length: 5\r\n", 400},
      {"X: a\r\n b\r\n", "X: a b\r\n", 400},
      {"X: a\r\n\tb\r\n", "X: a\tb\r\n", 400},
      {" X: a\r\n", "X: a\r\n", 400},
      {"X: a\nY: b\r\n", "X: a\r\nY: b\r\n", 400},
      {"X: a\rY: b\r\n", "X: aY: b\r\n", 400},
      {"X: a\r\rY: b\r\n", "X: a;Y: b\r\n", 400},
      {std::string("X: a\0b\r\n", 8), "X: a0b\r\n", 400},
      {"X: a\x1f\r\n", "X: a\x80\xff\r\n", 400},
      {"X: a\x7f\r\n", "X: a~\r\n", 400},
      {": a\r\n", "X:: a\r\n", 400},
      {"X\r\n", "X:\r\n", 400},
      {"X(: a\r\n", "X!#$%&'*+-.^_`|~9: a\r\n", 400},
      {"X\x80: a\r\n", "X: \x80\r\n", 400},
      {std::string("X\0: a\r\n", 7), "X0: a\r\n", 400},
      {"X y: a\r\n", "X-y: a\r\n", 400},
      {"Host: a\r\n", "Hosts: a\r\n", 400},
      {"hOST: b\r\n", "X-Host: b\r\n", 400},
  };
  return pairs;
}

TEST(RequestHead, RefusesWhatIsAmbiguousAndTakesItsTwin) {
  for (const Pair& pair : ambiguous()) {
    SCOPED_TRACE(pair.bad);
    KeptRequest head;
    const HeadResult bad = parse(get_with(pair.bad), head);
    EXPECT_EQ(bad.state, HeadState::error);
    EXPECT_EQ(bad.status, pair.status);
    EXPECT_EQ(parse(get_with(pair.good), head).state, HeadState::complete);
  }
}

TEST(RequestHead, LineEndsOfTheRequestLine) {
  KeptRequest head;
  EXPECT_EQ(parse("GET / HTTP/1.1\nHost: a\r\n\r\n", head).status, 400);
  EXPECT_EQ(parse("GET / HTTP/1.1\r\nHost: a\r\n\n", head).status, 400);
  EXPECT_EQ(parse("GET / HTTP/1.1\rHost: a\r\n\r\n", head).status, 400);
  EXPECT_EQ(parse("GET / HTTP/1.1\r\nHost: a\r\n\rX", head).status, 400);
  EXPECT_EQ(parse("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", head).status, 400);
  EXPECT_EQ(parse("\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", head).status, 400);
}

TEST(RequestHead, OneEmptyLineInFrontIsTolerated) {
  KeptRequest head;
  const HeadResult one = parse("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", head);
  EXPECT_EQ(one.state, HeadState::complete);
  EXPECT_EQ(one.head_bytes, 29u);
  EXPECT_EQ(parse("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", head).status, 400);
}

TEST(RequestHead, HostIsRequiredAndChecked) {
  KeptRequest head;
  EXPECT_EQ(parse("GET / HTTP/1.1\r\n\r\n", head).status, 400);
  EXPECT_EQ(parse("GET http://a/ HTTP/1.1\r\n\r\n", head).status, 400);
  EXPECT_EQ(parse("GET / HTTP/1.0\r\n\r\n", head).state, HeadState::complete);
  EXPECT_EQ(head.authority, "");
  for (const std::string_view good : {"a", "a.b-c_d.example.", "127.0.0.1:1", "a:65535", "[::1]",
                                      "[::1]:80", "[::ffff:1.2.3.4]"}) {
    SCOPED_TRACE(good);
    EXPECT_TRUE(is_valid_authority(good));
    EXPECT_EQ(parse("GET / HTTP/1.1\r\nHost: " + std::string(good) + "\r\n\r\n", head).state,
              HeadState::complete);
    EXPECT_EQ(head.authority, good);
  }
  for (const std::string_view bad :
       {"",           ":80",
        "a:",         "a:b",
        "a:65536",    "a:000080",
        "a b",        "a/b",
        "u@a",        "a,b",
        "a%41",       "[::1",
        "[]",         "[1]",
        "[::1]x",     "[::1%eth0]",
        "[11111::1]", "a\\b",
        "a?b",        "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]"}) {
    SCOPED_TRACE(bad);
    EXPECT_FALSE(is_valid_authority(bad));
    EXPECT_EQ(parse("GET / HTTP/1.1\r\nHost: " + std::string(bad) + "\r\n\r\n", head).status, 400);
  }
}

TEST(RequestHead, KeepsTheConnectionByVersionAndOptions) {
  struct Case {
    std::string_view version, connection;
    bool kept;
  };
  for (const Case& c : {Case{"1", "", true}, Case{"1", "Connection: close\r\n", false},
                        Case{"1", "Connection: x, Close ,y\r\n", false},
                        Case{"1", "Connection: x\r\nConnection: close\r\n", false},
                        Case{"1", "Connection: closed\r\n", true}, Case{"0", "", false},
                        Case{"0", "Connection: Keep-Alive\r\n", true},
                        Case{"0", "Connection: keep-alive, close\r\n", false}}) {
    SCOPED_TRACE(c.connection);
    KeptRequest head;
    const std::string text = "GET / HTTP/1." + std::string(c.version) + "\r\nHost: a\r\n" +
                             std::string(c.connection) + "\r\n";
    ASSERT_EQ(parse(text, head).state, HeadState::complete);
    EXPECT_EQ(head.keep_alive, c.kept);
  }
}

TEST(RequestHead, UpgradeCountsOnlyWhenConnectionListsIt) {
  KeptRequest head;
  ASSERT_EQ(parse(get_with("Upgrade: websocket\r\n"), head).state, HeadState::complete);
  EXPECT_EQ(head.upgrade, "");
  ASSERT_EQ(
      parse(get_with("Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"), head).state,
      HeadState::complete);
  EXPECT_EQ(head.upgrade, "websocket");
}

TEST(RequestHead, OldVersionsHaveNeitherCodingsNorExpectations) {
  KeptRequest head;
  EXPECT_EQ(parse("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", head).status, 400);
  ASSERT_EQ(
      parse("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n", head).state,
      HeadState::complete);
  EXPECT_FALSE(head.expect_continue);
}

TEST(RequestHead, LimitsHoldToTheByte) {
  KeptRequest head;
  const auto with_target = [](std::size_t size) {
    return "GET /" + std::string(size - 1, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n";
  };
  EXPECT_EQ(parse(with_target(kLimits.target_bytes_max), head).state, HeadState::complete);
  EXPECT_EQ(parse(with_target(kLimits.target_bytes_max + 1), head).status, 414);
  EXPECT_EQ(parse("GET /" + std::string(kLimits.target_bytes_max, 'a'), head).status, 414);

  const auto with_method = [](std::size_t size) {
    return std::string(size, 'm') + " / HTTP/1.1\r\nHost: a\r\n\r\n";
  };
  EXPECT_EQ(parse(with_method(kMethodBytesMax), head).state, HeadState::complete);
  EXPECT_EQ(parse(with_method(kMethodBytesMax + 1), head).status, 501);

  const auto with_fields = [](std::size_t count) {
    std::string lines;
    for (std::size_t i = 1; i < count; ++i) lines += "X: y\r\n";
    return get_with(lines);
  };
  EXPECT_EQ(parse(with_fields(kLimits.fields_max), head).state, HeadState::complete);
  EXPECT_EQ(head.fields.size(), kLimits.fields_max);
  EXPECT_EQ(parse(with_fields(kLimits.fields_max + 1), head).status, 431);

  const auto of_size = [](std::size_t size) {
    const std::size_t rest = get_with("X: \r\n").size();
    return get_with("X: " + std::string(size - rest, 'v') + "\r\n");
  };
  EXPECT_EQ(parse(of_size(kLimits.bytes_max), head).state, HeadState::complete);
  EXPECT_EQ(parse(of_size(kLimits.bytes_max + 1), head).status, 431);
  EXPECT_EQ(parse(of_size(kLimits.bytes_max + 1).substr(0, kLimits.bytes_max), head).status, 431);
  EXPECT_EQ(parse(of_size(kLimits.bytes_max + 1).substr(0, kLimits.bytes_max - 1), head).state,
            HeadState::need_more);
}

// Every prefix asks for more, and what is wrong is told for every longer input alike.
TEST(RequestHead, AnySplitGivesTheSame) {
  std::vector<std::string> inputs;
  for (const Pair& pair : ambiguous()) {
    inputs.push_back(get_with(pair.bad));
    inputs.push_back(get_with(pair.good));
  }
  inputs.push_back("GET /a HTTP/2.0\r\n\r\n");
  inputs.push_back("\r\nPOST http://a/b?c HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  for (const std::string& input : inputs) {
    SCOPED_TRACE(input);
    KeptRequest whole, part;
    const HeadResult expected = parse(input, whole);
    ASSERT_NE(expected.state, HeadState::need_more);
    for (std::size_t size = 0; size < input.size(); ++size) {
      const HeadResult result = parse(input.substr(0, size), part);
      if (result.state == HeadState::need_more) continue;
      EXPECT_EQ(result.state, HeadState::error);
      EXPECT_EQ(result.status, expected.status);
      EXPECT_EQ(result.reason, expected.reason);
    }
  }
}

TEST(RequestHead, ByteByByteWithMemoryGivesTheSame) {
  const std::string good = get_with("X: " + std::string(9000, 'v') + "\r\nY: z\r\n") + "body";
  const std::string long_target = "GET /" + std::string(9000, 'a') + " HTTP/1.1\r\n";
  const std::string long_head = get_with("X: " + std::string(40000, 'v') + "\r\n");
  for (const auto& [input, status] :
       {std::pair{good, 0}, std::pair{long_target, 414}, std::pair{long_head, 431}}) {
    KeptRequest head;
    HeadResult result;
    std::size_t size = 0;
    while (result.state == HeadState::need_more && size < input.size()) {
      ++size;
      result = parse_request_head(std::string_view(input).substr(0, size), head, size - 1);
    }
    EXPECT_EQ(result.status, status);
    if (status == 0) {
      EXPECT_EQ(result.head_bytes, input.size() - 4);
    }
  }
}

TEST(ResponseHead, GivesTheParts) {
  KeptResponse head;
  const std::string text =
      "HTTP/1.1 404 Not \tFound\xe9\r\nContent-Length: 3\r\nServer: x\r\n\r\nabc";
  const HeadResult result = parse(text, head);
  ASSERT_EQ(result.state, HeadState::complete);
  EXPECT_EQ(text.substr(result.head_bytes), "abc");
  EXPECT_EQ(head.status, 404);
  EXPECT_EQ(head.reason, "Not \tFound\xe9");
  EXPECT_EQ(head.content_length, 3u);
  EXPECT_TRUE(head.keep_alive);
  EXPECT_EQ(head.fields.get("server"), "x");
}

TEST(ResponseHead, StatusLines) {
  struct Case {
    std::string_view line;
    int status;  // 0: refused.
    std::string_view reason;
  };
  for (const Case& c :
       {Case{"HTTP/1.1 200 OK", 200, "OK"}, Case{"HTTP/1.1 200 ", 200, ""},
        Case{"HTTP/1.1 200", 200, ""}, Case{"HTTP/1.0 999 x", 999, "x"},
        Case{"HTTP/1.1 100 Continue", 100, "Continue"}, Case{"HTTP/1.1 099 x", 0, ""},
        Case{"HTTP/1.1 20 x", 0, ""}, Case{"HTTP/1.1 2000 x", 0, ""}, Case{"HTTP/1.1 2x0", 0, ""},
        Case{"HTTP/1.1  200 OK", 0, ""}, Case{"HTTP/2.0 200 OK", 0, ""}, Case{"ICY 200 OK", 0, ""},
        Case{"HTTP/1.1\t200 OK", 0, ""}, Case{"HTTP/1.1 200\tOK", 0, ""},
        Case{"HTTP/1.1 200 O\x01K", 0, ""}, Case{"\r\nHTTP/1.1 200 OK", 0, ""}}) {
    SCOPED_TRACE(c.line);
    KeptResponse head;
    const HeadResult result = parse(std::string(c.line) + "\r\n\r\n", head);
    EXPECT_EQ(result.state, c.status == 0 ? HeadState::error : HeadState::complete);
    EXPECT_EQ(result.status, c.status == 0 ? 502 : 0);
    if (c.status == 0) continue;
    EXPECT_EQ(head.status, c.status);
    EXPECT_EQ(head.reason, c.reason);
  }
}

TEST(ResponseHead, FramingIsAsStrictAsForRequests) {
  for (const Pair& pair : ambiguous()) {
    if (pair.bad.starts_with("Host") || pair.bad.starts_with("hOST")) continue;
    SCOPED_TRACE(pair.bad);
    KeptResponse head;
    const HeadResult bad = parse("HTTP/1.1 200 OK\r\n" + pair.bad + "\r\n", head);
    EXPECT_EQ(bad.state, HeadState::error);
    EXPECT_EQ(bad.status, 502);
    EXPECT_EQ(parse("HTTP/1.1 200 OK\r\n" + pair.good + "\r\n", head).state, HeadState::complete);
  }
  KeptResponse head;
  EXPECT_EQ(parse("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", head).status, 502);
}

TEST(ResponseHead, KnowsWhenNoBodyFollows) {
  KeptResponse head;
  for (const auto& [status, method, bodiless] :
       {std::tuple{200, "GET", false}, std::tuple{200, "HEAD", true}, std::tuple{204, "GET", true},
        std::tuple{304, "GET", true}, std::tuple{101, "GET", true},
        std::tuple{404, "POST", false}}) {
    head.status = status;
    EXPECT_EQ(head.bodiless(method), bodiless) << status << method;
  }
}

TEST(ResponseHead, UntilCloseForOldVersions) {
  KeptResponse head;
  ASSERT_EQ(parse("HTTP/1.0 200 OK\r\n\r\n", head).state, HeadState::complete);
  EXPECT_FALSE(head.keep_alive);
  EXPECT_FALSE(head.chunked);
  EXPECT_FALSE(head.content_length);
}

TEST(FieldSyntax, TokensListsAndValues) {
  EXPECT_TRUE(is_token("X-y!"));
  EXPECT_FALSE(is_token(""));
  EXPECT_FALSE(is_token("a b"));
  EXPECT_TRUE(is_field_value(""));
  EXPECT_TRUE(is_field_value("a \t b\xff"));
  EXPECT_FALSE(is_field_value(" a"));
  EXPECT_FALSE(is_field_value("a\t"));
  EXPECT_FALSE(is_field_value("a\r\nSet-Cookie: b"));
  EXPECT_FALSE(is_field_value(std::string_view("a\0b", 3)));
  EXPECT_TRUE(list_has_token("a, B ,c", "b"));
  EXPECT_FALSE(list_has_token("ab,c", "b"));
  EXPECT_FALSE(list_has_token("", "b"));
}

}  // namespace
}  // namespace mlgate::http
