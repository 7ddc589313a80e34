// The HTTP/1.1 server and client over real sockets: framing both ways, keep-alive, pipelining,
// limits, endings.
#include "http/server.h"

#include "http/client.h"
#include "net/worker.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <future>
#include <string>
#include <vector>

namespace mlgate::http {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kLargeBytes = 16 << 20;

// Answers with what it got: the method and path as headers, the body as the body.
class EchoHandler final : public Handler {
 public:
  net::Awaitable<void> handle(ServerCall& call) override {
    if (call.head().path == "/unread") {
      const auto sent =
          co_await respond(call, {.status = 403, .reason = {}, .headers = {}, .body = "no"});
      if (!sent) call.abort();
      co_return;
    }
    if (call.head().path == "/turns") call.expect_pauses();
    if (call.head().path == "/large") {
      const auto written = co_await write_large(call);
      if (!written) call.abort();
      co_return;
    }
    if (call.head().path == "/stream") {
      const auto streamed = co_await stream(call);
      if (!streamed) call.abort();
      co_return;
    }
    auto body = co_await read_whole_body(call, 4 << 20);
    Response response;
    response.set("X-Method", call.head().method);
    response.set("X-Path", call.head().path);
    response.set("X-Peer", call.peer());
    if (!body) {
      response.status = body.error().code() == Errc::exhausted ? 413
                        : body.error().code() == Errc::timeout ? 408
                                                               : 400;
    } else {
      response.body = *body;
    }
    const auto sent = co_await respond(call, response);
    if (!sent) call.abort();
  }
  static net::Task<void> write_large(ServerCall& call) {
    const std::string piece(64 * 1024, 'l');
    CO_TRY_OK(call.start({.reason = {}, .body_bytes = kLargeBytes}));
    for (std::size_t written = 0; written < kLargeBytes; written += piece.size()) {
      CO_TRY_OK(co_await call.write(piece));
    }
    co_return co_await call.finish();
  }
  // Passes the body on as it comes, chunked.
  static net::Task<void> stream(ServerCall& call) {
    CO_TRY_OK(call.start({}));
    for (;;) {
      CO_TRY(const std::string_view piece, co_await call.read_body());
      if (piece.empty()) break;
      CO_TRY_OK(co_await call.write(piece));
      CO_TRY_OK(co_await call.flush());
    }
    co_return co_await call.finish();
  }
  Response protocol_error(int status, std::string_view what) override {
    Response response{.status = status, .reason = {}, .headers = {}, .body = std::string(what)};
    return response;
  }
};

class Fixture : public testing::Test {
 protected:
  void SetUp() override {
    worker_.start();
    worker_.run_and_wait([this] {
      ServerOptions options;
      adjust(options.limits);
      server_ = std::make_unique<Server>(worker_, handler_, options);
      ASSERT_TRUE(server_->open());
      client_ = std::make_unique<Client>(worker_, net::AddressCheck(), nullptr, ClientLimits{});
      tasks_ = std::make_unique<net::TaskGroup>(worker_.executor());
    });
  }
  virtual void adjust(ServerLimits&) {}
  std::size_t connections() {
    std::size_t out = 0;
    worker_.run_and_wait([&] { out = server_->connections(); });
    return out;
  }
  // Each look at the worker lets it work on.
  bool reaches_connections(std::size_t wanted) {
    const auto until = std::chrono::steady_clock::now() + 10s;
    while (connections() != wanted)
      if (std::chrono::steady_clock::now() > until) return false;
    return true;
  }
  void TearDown() override {
    std::promise<void> stopped;
    worker_.post([&] { server_->stop(1s, [&] { stopped.set_value(); }); });
    stopped.get_future().wait();
    worker_.run_and_wait([this] {
      tasks_.reset();
      client_.reset();
      server_.reset();
    });
  }

  int dial() const {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server_->port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return fd;
  }
  // Sends the bytes and reads until the server closes.
  std::string talk(std::string_view bytes) const {
    const int fd = dial();
    std::string out = talk_on(fd, bytes);
    ::close(fd);
    return out;
  }
  static std::string talk_on(int fd, std::string_view bytes) {
    EXPECT_EQ(::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL), ssize_t(bytes.size()));
    std::string out;
    char buffer[4096];
    for (;;) {
      const ssize_t got = ::recv(fd, buffer, sizeof buffer, 0);
      if (got <= 0) return out;
      out.append(buffer, std::size_t(got));
    }
  }
  static std::size_t count(std::string_view text, std::string_view what) {
    std::size_t found = 0;
    for (auto at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1))
      ++found;
    return found;
  }

  Result<Response> fetch(FetchRequest request) {
    std::promise<Result<Response>> result;
    worker_.run_and_wait(
        [&] { net::spawn(*tasks_, deliver(*client_, std::move(request), result)); });
    return result.get_future().get();
  }
  static net::Awaitable<void> deliver(Client& client, FetchRequest request,
                                      std::promise<Result<Response>>& result) {
    result.set_value(co_await client.fetch(std::move(request)));
  }
  std::string url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(server_->port()) + path;
  }

  EchoHandler handler_;
  net::Worker worker_{0};
  std::unique_ptr<Server> server_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<net::TaskGroup> tasks_;
};

TEST_F(Fixture, AnswersAndClosesWhenAsked) {
  const std::string out = talk("GET /a?b=c HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(out.starts_with("HTTP/1.1 200 OK\r\n")) << out;
  EXPECT_NE(out.find("X-Path: /a\r\n"), std::string::npos);
  EXPECT_NE(out.find("Date: "), std::string::npos);
  EXPECT_NE(out.find("Content-Length: 0\r\n"), std::string::npos);
  EXPECT_NE(out.find("Connection: close\r\n"), std::string::npos);
  EXPECT_NE(out.find("X-Peer: 127.0.0.1\r\n"), std::string::npos);
}

TEST_F(Fixture, PipelinedRequestsAreAnsweredInOrder) {
  const std::string out = talk(
      "POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\none"
      "POST /2 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ntwo\r\n0\r\n\r\n"
      "GET /3 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(count(out, "HTTP/1.1 200 OK"), 3U) << out;
  EXPECT_LT(out.find("\r\n\r\none"), out.find("\r\n\r\ntwo"));
  EXPECT_LT(out.find("\r\n\r\ntwo"), out.find("X-Path: /3"));
}

TEST_F(Fixture, ARequestMayArriveByteByByte) {
  const int fd = dial();
  const std::string_view text =
      "POST /slow HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
      "5\r\nhello\r\n1;x=y\r\n!\r\n0\r\nTrailer: t\r\n\r\n";
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &on, sizeof on);
  for (const char c : text.substr(0, text.size() - 1)) ASSERT_EQ(::send(fd, &c, 1, 0), 1);
  const std::string out = talk_on(fd, text.substr(text.size() - 1));
  ::close(fd);
  EXPECT_TRUE(out.ends_with("\r\n\r\nhello!")) << out;
}

TEST_F(Fixture, HeadHasTheLengthAndNoBody) {
  const std::string out =
      talk("HEAD /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
  EXPECT_NE(out.find("Content-Length: 5\r\n"), std::string::npos) << out;
  EXPECT_TRUE(out.ends_with("\r\n\r\n")) << out;
}

TEST_F(Fixture, ExpectContinueIsAnsweredBeforeTheBody) {
  const int fd = dial();
  const std::string_view head =
      "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\nConnection: "
      "close\r\n\r\n";
  ASSERT_EQ(::send(fd, head.data(), head.size(), 0), ssize_t(head.size()));
  char buffer[64];
  const ssize_t got = ::recv(fd, buffer, sizeof buffer, 0);
  EXPECT_EQ(std::string_view(buffer, std::size_t(got)), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_TRUE(talk_on(fd, "ok").ends_with("\r\n\r\nok"));
  ::close(fd);
}

TEST_F(Fixture, ARefusedExpectationClosesSinceTheBodyMayFollow) {
  const std::string out =
      talk("POST /unread HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_TRUE(out.starts_with("HTTP/1.1 403 ")) << out;
  EXPECT_EQ(out.find("100 Continue"), std::string::npos);
  EXPECT_NE(out.find("Connection: close\r\n"), std::string::npos);
}

TEST_F(Fixture, AnUnreadBodyIsSkippedBeforeTheNextRequest) {
  const std::string out = talk(
      "POST /unread HTTP/1.1\r\nHost: h\r\nContent-Length: 20\r\n\r\nGET /evil HTTP/1.1\r\n"
      "GET /next HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(count(out, "HTTP/1.1 "), 2U) << out;
  EXPECT_NE(out.find("X-Path: /next"), std::string::npos);
  EXPECT_EQ(out.find("/evil"), std::string::npos);
}

TEST_F(Fixture, MalformedMessagesAreRefusedAndTheConnectionClosed) {
  const std::string out = talk(
      "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: "
      "chunked\r\n\r\n0\r\n\r\n"
      "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(out.starts_with("HTTP/1.1 400 Bad Request\r\n")) << out;
  EXPECT_EQ(count(out, "HTTP/1.1 "), 1U);
  EXPECT_TRUE(talk("GET /" + std::string(9000, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n")
                  .starts_with("HTTP/1.1 414 "));
  EXPECT_TRUE(talk("GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(40000, 'a'))
                  .starts_with("HTTP/1.1 431 "));
  const std::string bad_chunk =
      talk("POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
  EXPECT_TRUE(bad_chunk.starts_with("HTTP/1.1 400 ")) << bad_chunk;
}

TEST_F(Fixture, HttpOneZeroIsClosedOrKeptAsItAsks) {
  const std::string closed = talk("GET /a HTTP/1.0\r\n\r\n");
  EXPECT_NE(closed.find("Connection: close\r\n"), std::string::npos) << closed;
  const std::string kept =
      talk("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /b HTTP/1.0\r\n\r\n");
  EXPECT_EQ(count(kept, "HTTP/1.1 200"), 2U) << kept;
  // A stream to a 1.0 caller ends with the connection.
  const std::string stream = talk("POST /stream HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi");
  EXPECT_TRUE(stream.ends_with("\r\n\r\nhi")) << stream;
  EXPECT_EQ(stream.find("chunked"), std::string::npos);
}

class ShortTimes : public Fixture {
  void adjust(ServerLimits& limits) override {
    limits.idle_time = limits.head_time = 1s;
    limits.look_time = 100ms;
  }
};

// True when something came within that time.
bool hears_within(int fd, std::chrono::milliseconds time) {
  pollfd heard{fd, POLLIN, 0};
  return ::poll(&heard, 1, int(time.count())) != 0;
}

TEST_F(ShortTimes, AHeadThatTricklesHasNoMoreTimeThanOneThatDoesNot) {
  const auto began = std::chrono::steady_clock::now();
  const int fd = dial();
  const std::string_view head = "GET / HTTP/1.1\r\nHost: h";
  for (std::size_t i = 0; i < head.size() && !hears_within(fd, i < 2 ? 0ms : 450ms); ++i)
    ASSERT_EQ(::send(fd, head.data() + i, 1, MSG_NOSIGNAL), 1);
  const std::string out = talk_on(fd, "");
  ::close(fd);
  EXPECT_TRUE(out.starts_with("HTTP/1.1 408 ")) << out;
  EXPECT_LT(std::chrono::steady_clock::now() - began, 1400ms);
}

TEST_F(ShortTimes, ASlowHeadTimesOut) {
  const std::string out = talk("GET / HTTP/1.1\r\nHost:");
  EXPECT_TRUE(out.starts_with("HTTP/1.1 408 ")) << out;
}

TEST_F(ShortTimes, AnIdleConnectionIsClosed) { EXPECT_EQ(talk(""), ""); }

TEST_F(Fixture, TheClientRoundTripsLargeBodiesOverOneConnection) {
  for (const std::size_t size : {0UL, 10UL, 20'000UL, 70'000UL, 3'000'000UL}) {
    std::string body(size, ' ');
    for (std::size_t i = 0; i < size; ++i) body[i] = char('a' + i % 23);
    const auto answer = fetch({.method = "POST", .url = url("/big"), .headers = {}, .body = body});
    ASSERT_TRUE(answer) << answer.error().message();
    EXPECT_EQ(answer->status, 200);
    EXPECT_TRUE(answer->body == body) << "of " << size << " bytes";
  }
  EXPECT_EQ(connections(), 1U);
}

TEST_F(Fixture, TheClientReadsChunkedStreams) {
  const auto answer = fetch(
      {.method = "POST", .url = url("/stream"), .headers = {}, .body = std::string(200'000, 's')});
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->body.size(), 200'000U);
}

TEST_F(Fixture, ABodyOverTheLimitIsAnswered) {
  const auto answer = fetch({.method = "POST",
                             .url = url("/big"),
                             .headers = {},
                             .body = std::string((4 << 20) + 1, 'b')});
  // It comes while the body is still being sent, and the connection breaks under the sender.
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->status, 413);
  // Which does not harm the next call.
  const auto next = fetch({.method = "GET", .url = url("/next"), .headers = {}, .body = {}});
  ASSERT_TRUE(next) << next.error().message();
  EXPECT_EQ(next->status, 200);
}

TEST_F(ShortTimes, APooledConnectionThatDiedIsNotUsed) {
  ASSERT_TRUE(fetch({.method = "GET", .url = url("/a"), .headers = {}, .body = {}}));
  // The server closes what has been idle for a second; the client finds out by itself.
  ASSERT_TRUE(reaches_connections(0));
  for (int i = 0; i < 3; ++i) {
    const auto answer = fetch({.method = "POST", .url = url("/b"), .headers = {}, .body = "x"});
    ASSERT_TRUE(answer) << answer.error().message();
    EXPECT_EQ(answer->body, "x");
  }
}

class SlowBodies : public Fixture {
  void adjust(ServerLimits& limits) override {
    limits.rate_after = 0s;
    limits.look_time = 50ms;
    limits.body_rate_min = 1'000'000'000;
  }
};

TEST_F(SlowBodies, ABodyThatComesTooSlowlyIsRefused) {
  const int fd = dial();
  const std::string_view head = "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n";
  ASSERT_EQ(::send(fd, head.data(), head.size(), 0), ssize_t(head.size()));
  // Whatever the machine does meanwhile, a byte per look is not a gigabyte per second. The first
  // may be read together with the head; the next one finds the server waiting.
  pollfd answered{fd, POLLIN, 0};
  while (::poll(&answered, 1, 1) == 0) ASSERT_EQ(::send(fd, "b", 1, MSG_NOSIGNAL), 1);
  const std::string out = talk_on(fd, "");
  ::close(fd);
  EXPECT_TRUE(out.starts_with("HTTP/1.1 408 ")) << out;
  EXPECT_NE(out.find("Connection: close"), std::string::npos);
}

class Pauses : public Fixture {
  void adjust(ServerLimits& limits) override {
    limits.body_gap = 200ms;
    limits.body_rate_min = 1'000'000'000;
    limits.rate_after = 100ms;
    limits.look_time = 50ms;
  }

 protected:
  // Sends a body of three letters with pauses between them, and gives the answer.
  std::string send_with_pauses(std::string_view path) const {
    const int fd = dial();
    const std::string head = "POST " + std::string(path) +
                             " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
                             "Transfer-Encoding: chunked\r\n\r\n";
    EXPECT_EQ(::send(fd, head.data(), head.size(), 0), ssize_t(head.size()));
    std::string out;
    for (const char letter : {'a', 'b', 'c'}) {
      const std::string chunk = std::string("1\r\n") + letter + "\r\n";
      EXPECT_EQ(::send(fd, chunk.data(), chunk.size(), MSG_NOSIGNAL), ssize_t(chunk.size()));
      const auto until = std::chrono::steady_clock::now() + 500ms;
      for (;;) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            until - std::chrono::steady_clock::now());
        char got[4096];
        if (left <= 0ms || !hears_within(fd, left)) break;
        const ssize_t size = ::recv(fd, got, sizeof got, 0);
        if (size <= 0) break;
        out.append(got, std::size_t(size));
        if (out.starts_with("HTTP/1.1 408 ")) {
          ::close(fd);
          return out;
        }
      }
    }
    out += talk_on(fd, "0\r\n\r\n");
    ::close(fd);
    return out;
  }
};

TEST_F(Pauses, AreNoFaultWhereBothSidesTalkInTurns) {
  // Of a body that is passed on before the answer begins, and of one that is answered meanwhile.
  EXPECT_TRUE(send_with_pauses("/turns").ends_with("\r\n\r\nabc"));
  EXPECT_TRUE(send_with_pauses("/stream").ends_with("1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n"));
}

TEST_F(Pauses, AreTooLongWhereABodyIsCollected) {
  const std::string out = send_with_pauses("/x");
  EXPECT_TRUE(out.starts_with("HTTP/1.1 408 ")) << out;
}

class SlowReaders : public Fixture {
  void adjust(ServerLimits& limits) override {
    limits.answer_rate_min = 1'000'000'000;
    limits.rate_after = 100ms;
    limits.look_time = 50ms;
  }
};

TEST_F(SlowReaders, AnAnswerThatIsTakenTooSlowlyIsGivenUp) {
  const int fd = dial();
  const std::string_view head = "GET /large HTTP/1.1\r\nHost: h\r\n\r\n";
  ASSERT_EQ(::send(fd, head.data(), head.size(), 0), ssize_t(head.size()));
  // It is taken all the time, but for a megabyte a second at most.
  ASSERT_TRUE(hears_within(fd, 10s));
  const auto until = std::chrono::steady_clock::now() + 10s;
  char got[1024];
  while (connections() != 0 && std::chrono::steady_clock::now() < until) {
    ASSERT_TRUE(hears_within(fd, 10s));
    ASSERT_GE(::recv(fd, got, sizeof got, 0), 0);
    hears_within(-1, 1ms);
  }
  EXPECT_EQ(connections(), 0U);
  ::close(fd);
}

class SteadyReaders : public Fixture {
  void adjust(ServerLimits& limits) override {
    limits.body_gap = 400ms;
    limits.look_time = 50ms;
  }
};

TEST_F(SteadyReaders, WhoKeepsTakingIsNotCutOff) {
  const int fd = dial();
  const std::string_view head = "GET /large HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
  ASSERT_EQ(::send(fd, head.data(), head.size(), 0), ssize_t(head.size()));
  // So little that the socket of the server does not become writable for long.
  std::string got(32 * 1024, ' ');
  std::size_t taken = 0;
  for (int i = 0; i < 100; ++i) {
    const ssize_t size = ::recv(fd, got.data(), got.size(), 0);
    ASSERT_GT(size, 0);
    taken += std::size_t(size);
    hears_within(-1, 20ms);
  }
  EXPECT_GT(taken + talk_on(fd, "").size(), kLargeBytes);
  ::close(fd);
}

class SmallHeads : public Fixture {
  void adjust(ServerLimits& limits) override {
    limits.head = {.bytes_max = 1024, .target_bytes_max = 256, .fields_max = 10};
  }
};

TEST_F(SmallHeads, HeadsAreHeldToTheLimitsThatAreSet) {
  const auto status = [&](std::size_t target, std::size_t fields, std::size_t value) {
    std::string head =
        "GET /" + std::string(target - 1, 'a') + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n";
    for (std::size_t i = 2; i < fields; ++i) head += "X: " + std::string(value, 'v') + "\r\n";
    return talk(head + "\r\n").substr(9, 3);
  };
  EXPECT_EQ(status(256, 10, 1), "200");
  EXPECT_EQ(status(257, 10, 1), "414");
  EXPECT_EQ(status(10, 11, 1), "431");
  EXPECT_EQ(status(10, 3, 900), "200");
  EXPECT_EQ(status(10, 3, 1024), "431");
}

class FewConnections : public Fixture {
  void adjust(ServerLimits& limits) override { limits.connections_max = 2; }
};

TEST_F(FewConnections, ThoseAboveTheLimitAreRefusedAtOnce) {
  const int first = dial(), second = dial();
  ASSERT_TRUE(reaches_connections(2));
  EXPECT_TRUE(
      talk("GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 503 "));
  ::close(first);
  ASSERT_TRUE(reaches_connections(1));
  EXPECT_TRUE(
      talk("GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 200 "));
  ::close(second);
}

// A name whose addresses change, and two servers that it may mean.
class MovingName : public Fixture {
 protected:
  void SetUp() override {
    Fixture::SetUp();
    worker_.run_and_wait([this] {
      ServerOptions options;
      options.address.host = "127.0.0.2";
      options.address.port = server_->port();
      other_ = std::make_unique<Server>(worker_, handler_, options);
      ASSERT_TRUE(other_->open());
      ClientLimits limits;
      limits.dial.refresh = 10ms;
      limits.dial.resolver = [this](const std::string& host) {
        ++asked_;
        std::vector<net::Address> out;
        if (host == "backend.test")
          for (const char last : name_means_.load() == Means::first   ? std::string("1")
                                 : name_means_.load() == Means::other ? std::string("2")
                                 : name_means_.load() == Means::both  ? std::string("21")
                                                                      : std::string())
            out.push_back(loopback(last));
        return out;
      };
      client_ = std::make_unique<Client>(worker_, net::AddressCheck(), nullptr, limits);
    });
  }
  void TearDown() override {
    std::promise<void> stopped;
    worker_.post([&] { other_->stop(1s, [&] { stopped.set_value(); }); });
    stopped.get_future().wait();
    worker_.run_and_wait([this] { other_.reset(); });
    Fixture::TearDown();
  }
  static net::Address loopback(char last) {
    net::Address out;
    auto& address = reinterpret_cast<sockaddr_in&>(out.storage);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + std::uint32_t(last - '1'));
    out.size = sizeof address;
    return out;
  }
  void call() {
    const auto answer =
        fetch({.method = "GET",
               .url = "http://backend.test:" + std::to_string(server_->port()) + "/a",
               .headers = {},
               .body = {}});
    ASSERT_TRUE(answer) << answer.error().message();
    ASSERT_EQ(answer->status, 200);
  }
  std::size_t kept(Server& server) {
    std::size_t out = 0;
    worker_.run_and_wait([&] { out = server.connections(); });
    return out;
  }
  // Calls until so many look-ups more have been made, and used.
  void call_through(int lookups) {
    const int until = asked_ + lookups;
    const auto deadline = std::chrono::steady_clock::now() + 30s;
    while (asked_ < until && std::chrono::steady_clock::now() < deadline) call();
    ASSERT_GE(asked_, until);
  }

  enum class Means : unsigned char { first, other, both, nothing };
  std::atomic<Means> name_means_ = Means::first;
  std::atomic<int> asked_ = 0;
  std::unique_ptr<Server> other_;
};

TEST_F(MovingName, IsFollowedEvenOnConnectionsThatAreInUseAllTheTime) {
  call_through(2);
  EXPECT_EQ(kept(*server_), 1U);
  EXPECT_EQ(kept(*other_), 0U);
  name_means_ = Means::other;
  // The fourth look-up begins after the third answer has been taken in.
  call_through(5);
  call();
  EXPECT_EQ(kept(*server_), 0U);
  EXPECT_EQ(kept(*other_), 1U);
}

TEST_F(MovingName, KeepsWhatItMayStillMean) {
  call_through(1);
  // A further address, and a name that is away for a while, are no reason to close anything.
  name_means_ = Means::both;
  call_through(4);
  EXPECT_EQ(kept(*server_), 1U);
  name_means_ = Means::nothing;
  call_through(3);
  EXPECT_EQ(kept(*server_), 1U);
  EXPECT_EQ(kept(*other_), 0U);
}

}  // namespace
}  // namespace mlgate::http
