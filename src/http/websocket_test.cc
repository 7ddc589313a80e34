// The WebSocket handshake, by the example of RFC 6455, 1.3; trailers; blocks that wait.
#include "http/websocket.h"

#include "http/block_queue.h"
#include "http/trailers.h"

#include <gtest/gtest.h>

#include <string>

namespace mlgate::http {
namespace {

constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";

RequestHead request() {
  RequestHead head;
  head.method = "GET";
  head.fields.add("Sec-WebSocket-Version", "13");
  head.fields.add("Sec-WebSocket-Key", kKey);
  return head;
}

ResponseHead answer(std::string_view accept) {
  ResponseHead head;
  head.status = 101;
  head.upgrade = "WebSocket";
  head.fields.add("Sec-WebSocket-Accept", accept);
  return head;
}

TEST(WebSocket, AcceptIsThatOfTheStandard) {
  EXPECT_EQ(websocket_accept(kKey), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(WebSocket, AGoodRequestPassesAndEachFlawIsRefused) {
  EXPECT_TRUE(check_websocket_request(request()));
  const auto refused = [](auto spoil) {
    RequestHead head = request();
    spoil(head);
    const auto checked = check_websocket_request(head);
    EXPECT_FALSE(checked);
    return checked ? Errc::internal : checked.error().code();
  };
  EXPECT_EQ(refused([](RequestHead& h) { h.method = "POST"; }), Errc::invalid_argument);
  EXPECT_EQ(refused([](RequestHead& h) { h.version_minor = 0; }), Errc::invalid_argument);
  EXPECT_EQ(refused([](RequestHead& h) { h.chunked = true; }), Errc::invalid_argument);
  EXPECT_EQ(refused([](RequestHead& h) { h.content_length = 1; }), Errc::invalid_argument);
  EXPECT_EQ(refused([](RequestHead& h) { h.fields.list()[0].value = "8"; }), Errc::unsupported);
  EXPECT_EQ(refused([](RequestHead& h) { h.fields.list()[1].value = "YWJj"; }),
            Errc::invalid_argument);
  EXPECT_EQ(refused([](RequestHead& h) { h.fields.add("sec-websocket-key", kKey); }),
            Errc::invalid_argument);
  EXPECT_EQ(refused([](RequestHead& h) { h.fields.erase("sec-websocket-version"); }),
            Errc::invalid_argument);
}

TEST(WebSocket, OnlyTheAnswerThatBelongsToTheKeyPasses) {
  const std::string accept = websocket_accept(kKey);
  EXPECT_TRUE(check_websocket_answer(answer(accept), kKey, ""));
  EXPECT_FALSE(check_websocket_answer(answer("x"), kKey, ""));
  ResponseHead head = answer(accept);
  head.upgrade = "h2c";
  EXPECT_FALSE(check_websocket_answer(head, kKey, ""));
  head = answer(accept);
  head.fields.add("Sec-WebSocket-Protocol", "chat");
  EXPECT_TRUE(check_websocket_answer(head, kKey, "soap, chat"));
  EXPECT_FALSE(check_websocket_answer(head, kKey, "soap"));
}

TEST(Trailers, WhatFramesRoutesOrAuthenticatesDoesNotPass) {
  EXPECT_EQ(passable_trailers("X-Sum: 1\r\nContent-Length: 5\r\nHost: h\r\nServer-Timing:a\r\n"),
            "X-Sum: 1\r\nServer-Timing: a\r\n");
  EXPECT_EQ(
      passable_trailers("Transfer-Encoding: chunked\r\nAuthorization: x\r\nSet-Cookie: y\r\n"), "");
  EXPECT_EQ(passable_trailers("X-Forwarded-For: 1.2.3.4\r\n"), "");
  EXPECT_EQ(passable_trailers(""), "");
}

TEST(BlockQueue, GivesBackWhatItGotAndItsBlocks) {
  net::BlockPool pool;
  BlockQueue queue(pool);
  std::string text(200'000, 'x');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = char('a' + i % 23);
  queue.append(std::string_view(text).substr(0, 70'000));
  std::string back;
  const auto take = [&](std::size_t most) {
    const std::string_view front = queue.front().substr(0, most);
    back += front;
    queue.pop(front.size());
  };
  take(1'000);
  queue.append(std::string_view(text).substr(70'000));
  EXPECT_EQ(queue.size(), 199'000U);
  while (!queue.empty()) take(30'000);
  EXPECT_EQ(back, text);
  EXPECT_TRUE(queue.front().empty());
}

}  // namespace
}  // namespace mlgate::http
