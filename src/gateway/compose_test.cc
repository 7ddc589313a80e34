#include "gateway/compose.h"

#include <gtest/gtest.h>

namespace mlgate::gateway {
namespace {

class Compose : public testing::Test {
 protected:
  Compose() {
    backend_ = *parse_backend("http://backend.example:81/base");
    call_.plan.backend = &backend_;
    call_.plan.target = "/base/x?y=1";
    call_.x.request.method = "POST";
    call_.x.request.sender = "10.1.2.3";
  }
  void header(std::string_view name, std::string_view value) {
    call_.x.request.headers.add(name, value);
  }
  std::string head(BodyFraming framing = {}) {
    char buffer[1024];
    const auto size = compose_forward_head(call_, framing, buffer);
    return size ? std::string(buffer, *size) : "(too small)";
  }
  Backend backend_;
  Call call_;
};

TEST_F(Compose, TheHeadGoesOnWithoutWhatConcernsOneConnection) {
  header("Host", "gateway.example");
  header("Connection", "close, X-Private");
  header("X-Private", "1");
  header("Keep-Alive", "timeout=5");
  header("Transfer-Encoding", "chunked");
  header("TE", "trailers");
  header("Proxy-Connection", "keep-alive");
  header("Upgrade", "h2c");
  header("Content-Length", "17");
  header("Ocp-Apim-Subscription-Key", "k");
  header("Accept", "*/*");
  EXPECT_EQ(head({BodyFraming::Kind::length, 17}),
            "POST /base/x?y=1 HTTP/1.1\r\n"
            "Host: backend.example:81\r\n"
            "Ocp-Apim-Subscription-Key: k\r\n"
            "Accept: */*\r\n"
            "X-Forwarded-For: 10.1.2.3\r\n"
            "Connection: TE\r\n"
            "TE: trailers\r\n"
            "Content-Length: 17\r\n\r\n");
}

TEST_F(Compose, CookiesOfTheConsoleStayHere) {
  header("Cookie", "a=1; mlgate-session-8081=secret; b=2;__Host-mlgate-session-8444=secret");
  header("cookie", "mlgate-session-1=secret");
  header("Cookie", "c=my mlgate-session- text");
  header("A", "1");
  EXPECT_EQ(head(),
            "POST /base/x?y=1 HTTP/1.1\r\nHost: backend.example:81\r\n"
            "Cookie: a=1; b=2\r\nCookie: c=my mlgate-session- text\r\nA: 1\r\n"
            "X-Forwarded-For: 10.1.2.3\r\n\r\n");
}

TEST_F(Compose, ABackendSetsNoCookieOfTheConsole) {
  http::Fields fields;
  fields.add("Set-Cookie", "a=1");
  fields.add("set-cookie", "mlgate-session-8081=x; Path=/");
  fields.add("Set-Cookie", "__Host-mlgate-session-8444=x; Secure; Path=/");
  remove_hop_by_hop(fields);
  ASSERT_EQ(fields.size(), 1U);
  EXPECT_EQ(fields.get("Set-Cookie"), "a=1");
}

TEST_F(Compose, TheCallersAddressIsAppended) {
  header("X-Forwarded-For", "1.1.1.1");
  header("x-forwarded-for", "2.2.2.2");
  header("B", "2");
  EXPECT_EQ(head({BodyFraming::Kind::chunked, 0}),
            "POST /base/x?y=1 HTTP/1.1\r\n"
            "Host: backend.example:81\r\n"
            "X-Forwarded-For: 1.1.1.1\r\n"
            "x-forwarded-for: 2.2.2.2, 10.1.2.3\r\n"
            "B: 2\r\n"
            "Transfer-Encoding: chunked\r\n\r\n");
}

TEST_F(Compose, AHostThatAPolicySetStays) {
  header("A", "1");
  header("Host", "inner.example");
  call_.x.request.host_overridden = true;
  EXPECT_EQ(head(),
            "POST /base/x?y=1 HTTP/1.1\r\nHost: inner.example\r\nA: 1\r\n"
            "X-Forwarded-For: 10.1.2.3\r\n\r\n");
}

TEST_F(Compose, AConnectionFieldCannotTakeAwayWhatGoesFromEndToEnd) {
  header("Connection", "Authorization, X-Forwarded-For, Host");
  header("Authorization", "Bearer t");
  header("X-Forwarded-For", "1.1.1.1");
  EXPECT_EQ(head(),
            "POST /base/x?y=1 HTTP/1.1\r\nHost: backend.example:81\r\n"
            "Authorization: Bearer t\r\nX-Forwarded-For: 1.1.1.1, 10.1.2.3\r\n\r\n");
}

TEST_F(Compose, AnUpgradePasses) {
  header("Connection", "keep-alive, Upgrade");
  header("Upgrade", "websocket");
  call_.upgrade = true;
  EXPECT_EQ(head(),
            "POST /base/x?y=1 HTTP/1.1\r\nHost: backend.example:81\r\n"
            "X-Forwarded-For: 10.1.2.3\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
}

TEST_F(Compose, ABufferThatIsTooSmallIsSaid) {
  header("A", std::string_view("aaaaaaaaaaaaaaaaaaaa"));
  for (std::size_t size = 0; size < 100; ++size) {
    std::string buffer(size, '\0');
    const auto written = compose_forward_head(call_, {}, buffer);
    if (written) {
      EXPECT_TRUE(buffer.substr(0, *written).ends_with("\r\n\r\n"));
    }
  }
}

TEST(HopByHop, FieldsOfAResponseAreTakenOut) {
  http::Fields fields;
  fields.add("Connection", "X-Own, close");
  fields.add("X-Own", "1");
  fields.add("Server", "s");
  fields.add("Transfer-Encoding", "chunked");
  remove_hop_by_hop(fields);
  ASSERT_EQ(fields.size(), 1u);
  EXPECT_EQ(fields.begin()->name, "Server");
}

}  // namespace
}  // namespace mlgate::gateway
