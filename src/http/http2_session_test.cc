// The HTTP/2 session against a client of nghttp2, in memory: heads, bodies and windows both ways.
#include "http/http2_session.h"

#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace mlgate::http {
namespace {

nghttp2_nv pair(std::string_view name, std::string_view value) {
  const auto octets = [](std::string_view text) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
  };
  return {octets(name), octets(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

class Client {
 public:
  Client() {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    nghttp2_session_client_new(&session, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, nullptr, 0);
  }
  ~Client() { nghttp2_session_del(session); }

  std::int32_t ask(const char* method, const char* path, std::string sent = "",
                   std::vector<nghttp2_nv> more = {}) {
    std::vector<nghttp2_nv> fields = {pair(":method", method), pair(":scheme", "http"),
                                      pair(":authority", "localhost"), pair(":path", path)};
    fields.insert(fields.end(), more.begin(), more.end());
    body = std::move(sent);
    nghttp2_data_provider provider{{.ptr = this}, read};
    return nghttp2_submit_request(session, nullptr, fields.data(), fields.size(),
                                  body.empty() ? nullptr : &provider, nullptr);
  }

  nghttp2_session* session = nullptr;
  std::string body, received;
  std::multimap<std::string, std::string> answered;
  std::map<std::int32_t, std::uint32_t> closed;

 private:
  static Client& self(void* user) { return *static_cast<Client*>(user); }
  static ssize_t read(nghttp2_session*, std::int32_t, std::uint8_t* into, std::size_t size,
                      std::uint32_t* flags, nghttp2_data_source*, void* user) {
    std::string& left = self(user).body;
    const std::size_t part = std::min(size, left.size());
    std::copy_n(left.begin(), part, into);
    left.erase(0, part);
    if (left.empty()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return ssize_t(part);
  }
  static int on_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name,
                       std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                       std::uint8_t, void* user) {
    self(user).answered.emplace(std::string(name, name + name_size),
                                std::string(value, value + value_size));
    return 0;
  }
  static int on_data(nghttp2_session*, std::uint8_t, std::int32_t, const std::uint8_t* bytes,
                     std::size_t size, void* user) {
    self(user).received.append(bytes, bytes + size);
    return 0;
  }
  static int on_close(nghttp2_session*, std::int32_t id, std::uint32_t code, void* user) {
    self(user).closed[id] = code;
    return 0;
  }
};

class Owner final : public Http2Owner {
 public:
  Http2Stream* open_stream() override {
    streams.push_back(std::make_unique<Http2Stream>(blocks));
    return streams.back().get();
  }
  void on_head(Http2Stream&) override { ++heads; }
  void on_news(Http2Stream&) override {}
  void on_closed(Http2Stream&) override { ++closed; }

  net::BlockPool blocks;
  std::vector<std::unique_ptr<Http2Stream>> streams;
  int heads = 0, closed = 0;
};

class Http2SessionTest : public testing::Test {
 protected:
  // Carries bytes to and fro until nothing moves.
  void exchange() {
    std::vector<char> room(64 * 1024);
    for (bool moved = true; moved;) {
      moved = false;
      const std::uint8_t* bytes = nullptr;
      for (ssize_t size; (size = nghttp2_session_mem_send(client.session, &bytes)) > 0;) {
        alive = server.receive({reinterpret_cast<const char*>(bytes), std::size_t(size)}, 0);
        moved = true;
      }
      while (const std::size_t size = server.produce(room)) {
        nghttp2_session_mem_recv(client.session, reinterpret_cast<std::uint8_t*>(room.data()),
                                 size);
        moved = true;
      }
    }
  }
  Http2Stream& stream(std::size_t index = 0) { return *owner.streams.at(index); }
  void answer(Http2Stream& to, std::string_view body) {
    ASSERT_TRUE(server.respond(to, {.status = 200}, "Date: now\r\n", Http2Session::Body::follows));
    to.out.append(body);
    to.out_ended = true;
    server.resume(to);
  }

  Owner owner;
  Client client;
  Http2Session server{owner, Http2Limits{}};
  bool alive = true;
};

TEST_F(Http2SessionTest, AHeadLooksAsThatOfHttp1) {
  client.ask("GET", "/a?b=c", "", {pair("x-a", "1"), pair("cookie", "a=1"), pair("cookie", "b=2")});
  exchange();
  ASSERT_EQ(owner.heads, 1);
  const RequestHead& head = stream().head;
  EXPECT_EQ(head.method, "GET");
  EXPECT_EQ(head.path, "/a");
  EXPECT_EQ(head.query, "b=c");
  EXPECT_EQ(head.authority, "localhost");
  EXPECT_EQ(head.fields.get("Host"), "localhost");
  EXPECT_EQ(head.fields.get("cookie"), "a=1; b=2");
  EXPECT_TRUE(stream().in_ended);
  EXPECT_FALSE(head.chunked);
}

TEST_F(Http2SessionTest, ABodyOfUnknownLengthIsAsIfChunked) {
  client.ask("POST", "/", "body");
  exchange();
  EXPECT_TRUE(stream().head.chunked || stream().in_ended);
  EXPECT_EQ(stream().in.front(), "body");
  server.consume(stream(), 4);
  EXPECT_TRUE(stream().in.empty());
}

TEST_F(Http2SessionTest, AnAnswerArrivesWithItsTrailersAndTheStreamIsLetGo) {
  client.ask("GET", "/");
  exchange();
  stream().out_trailers = "x-sum: 7\r\n";
  answer(stream(), std::string(100'000, 'x'));
  exchange();
  nghttp2_session_set_local_window_size(client.session, NGHTTP2_FLAG_NONE, 0, 1 << 20);
  exchange();
  EXPECT_EQ(client.received.size(), 100'000U);
  EXPECT_EQ(client.answered.find(":status")->second, "200");
  EXPECT_EQ(client.answered.find("x-sum")->second, "7");
  EXPECT_EQ(client.answered.find("date")->second, "now");
  EXPECT_TRUE(stream().closed);
  EXPECT_FALSE(stream().reset);
  EXPECT_EQ(owner.closed, 1);
}

TEST_F(Http2SessionTest, WindowsOpenOnlyAsTheBodyIsRead) {
  client.ask("POST", "/", std::string(1'000'000, 'x'));
  exchange();
  const auto window = std::size_t(Http2Limits{}.stream_window);
  EXPECT_EQ(stream().in.size(), window);
  std::size_t read = 0;
  while (!stream().in.empty()) {
    const std::size_t part = stream().in.front().size();
    read += part;
    server.consume(stream(), part);
    exchange();
    EXPECT_LE(stream().in.size(), window);
  }
  EXPECT_EQ(read, 1'000'000U);
  EXPECT_TRUE(stream().in_ended);
}

TEST_F(Http2SessionTest, AnAnswerBeforeTheEndOfTheRequestStopsTheRequest) {
  const std::int32_t id = client.ask("POST", "/", std::string(1'000'000, 'x'));
  exchange();
  answer(stream(), "enough");
  exchange();
  EXPECT_EQ(client.received, "enough");
  ASSERT_TRUE(client.closed.contains(id));
  EXPECT_EQ(client.closed[id], std::uint32_t(NGHTTP2_NO_ERROR));
}

TEST_F(Http2SessionTest, AResetOfThePeerIsSeen) {
  const std::int32_t id = client.ask("GET", "/");
  exchange();
  nghttp2_submit_rst_stream(client.session, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
  exchange();
  EXPECT_TRUE(stream().reset);
  EXPECT_TRUE(stream().closed);
  EXPECT_FALSE(server.respond(stream(), {}, "", Http2Session::Body::none));
}

TEST_F(Http2SessionTest, NoStreamsAfterGoaway) {
  client.ask("GET", "/first");
  exchange();
  server.go_away();
  exchange();
  client.ask("GET", "/second");
  exchange();
  EXPECT_EQ(owner.heads, 1);
  answer(stream(), "still");
  exchange();
  EXPECT_EQ(client.received, "still");
  EXPECT_TRUE(alive);
}

}  // namespace
}  // namespace mlgate::http
