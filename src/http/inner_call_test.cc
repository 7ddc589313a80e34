#include "http/inner_call.h"

#include "net/worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mlgate::http {
namespace {

// Answers with what it was asked; at "/endless" for ever, at "/stuck" when the caller is gone, at
// "/broken" not at all.
class Mirror final : public Handler {
 public:
  net::Awaitable<void> handle(ServerCall& call) override {
    const std::string_view path = call.head().path;
    while (path == "/stuck" && !call.gone())
      co_await net::yield(call.worker().executor());  // nothing to check
    if (path == "/broken") {
      call.abort();
      co_return;
    }
    if (path == "/endless") {
      (void)call.start({.status = 200});
      const std::string piece(1'000, 'x');
      while (co_await call.write(piece)) continue;
      call.abort();
      co_return;
    }
    Response response;
    response.status = 201;
    response.set("X-Host", call.head().authority);
    response.set("X-Peer", call.peer());
    response.set("X-Scheme", call.scheme());
    response.set("X-Seen", call.head().fields.get("x-sent"));
    response.body = std::string(call.head().method) + " " + std::string(call.head().target) + " " +
                    std::string(call.buffered_body().value_or("?"));
    (void)co_await respond(call, response);
  }
  Response protocol_error(int status, std::string_view /*what*/) override {
    return {.status = status, .reason = {}, .headers = {}, .body = {}};
  }
};

class InnerCallTest : public testing::Test {
 protected:
  InnerCallTest() { worker_.start(); }
  Result<Response> call(InnerRequest request, InnerLimits limits = {}) {
    request.authority = "demo.localhost:8443";
    request.peer = "192.0.2.7";
    return call_inner(worker_, mirror_, std::move(request), limits);
  }
  net::Worker worker_{0};
  Mirror mirror_;
};

std::string header_of(const Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers)
    if (key == name) return value;
  return {};
}

TEST_F(InnerCallTest, TheHandlerSeesACallLikeAnyOther) {
  const auto answer = call({.scheme = "https",
                            .authority = {},
                            .method = "POST",
                            .target = "/a/b?c=d",
                            .headers = {{"X-Sent", "yes"}},
                            .body = "some text",
                            .peer = {}});
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->status, 201);
  EXPECT_EQ(answer->body, "POST /a/b?c=d some text");
  EXPECT_EQ(header_of(*answer, "X-Host"), "demo.localhost:8443");
  EXPECT_EQ(header_of(*answer, "X-Peer"), "192.0.2.7");
  EXPECT_EQ(header_of(*answer, "X-Scheme"), "https");
  EXPECT_EQ(header_of(*answer, "X-Seen"), "yes");
}

TEST_F(InnerCallTest, NothingThatFramesOrRedirectsIsTaken) {
  for (const char* name : {"Host", "connection", "Content-Length", "Transfer-Encoding", "Upgrade",
                           "TE", "Expect", "Keep-Alive", "Proxy-Connection"}) {
    InnerRequest request;
    request.headers = {{name, "x"}};
    const auto answer = call(std::move(request));
    ASSERT_FALSE(answer) << name;
    EXPECT_EQ(answer.error().code(), Errc::invalid_argument) << name;
    EXPECT_EQ(answer.error().field(), "headers") << name;
  }
}

TEST_F(InnerCallTest, NoTextBreaksOutOfItsPlace) {
  using Pair = std::pair<std::string, std::string>;
  for (const Pair& header : {Pair{"X-A", "1\r\nHost: evil.example"}, Pair{"X-A\r\nHost", "evil"},
                             Pair{"X A", "1"}, Pair{"", "1"}, Pair{":authority", "evil.example"}}) {
    InnerRequest request;
    request.headers = {header};
    EXPECT_FALSE(call(std::move(request))) << header.first;
  }
  for (const char* target : {"/a b", "/a\r\nHost: evil.example", "", "evil.example:80"}) {
    InnerRequest request;
    request.target = target;
    EXPECT_FALSE(call(std::move(request))) << target;
  }
}

TEST_F(InnerCallTest, AnswersHaveALimitOfSizeAndOfTime) {
  InnerRequest endless, stuck, broken;
  endless.target = "/endless";
  const auto large = call(std::move(endless), {.answer_bytes_max = 10'000});
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code(), Errc::exhausted);
  stuck.target = "/stuck";
  const auto late = call(std::move(stuck), {.time = std::chrono::milliseconds(20)});
  ASSERT_TRUE(late) << "complete all the same";
  broken.target = "/broken";
  const auto none = call(std::move(broken));
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code(), Errc::unavailable);
}

TEST_F(InnerCallTest, WhoIsLateAndBrokenIsLate) {
  class Never final : public Handler {
    net::Awaitable<void> handle(ServerCall& call) override {
      while (!call.gone()) co_await net::yield(call.worker().executor());  // nothing to check
    }
    Response protocol_error(int /*status*/, std::string_view /*what*/) override { return {}; }
  };
  Never never;
  InnerRequest request;
  request.authority = "localhost";
  const auto answer =
      call_inner(worker_, never, std::move(request), {.time = std::chrono::milliseconds(20)});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), Errc::timeout);
}

}  // namespace
}  // namespace mlgate::http
