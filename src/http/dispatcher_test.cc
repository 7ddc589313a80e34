// Whole messages over real sockets: who is refused before his body is read, and how much of all
// bodies together is kept.
#include "http/dispatcher.h"

#include "http/server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <future>
#include <string>

namespace mlgate::http {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kBudget = 1 << 20;

Response plain(int status, std::string_view text) {
  return {.status = status, .reason = {}, .headers = {}, .body = std::string(text)};
}

Response error(int status, std::string_view code, std::string_view) { return plain(status, code); }

// Answers with the size of the body, on the worker.
class Size final : public LocalService {
 public:
  Awaitable<Response> serve(const Request& request) override {
    co_return plain(200, std::to_string(request.body.size()));
  }
};

class DispatcherTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto admit = [this](const Request& head) -> std::optional<Response> {
      ++asked_;
      if (head.header("key") == "good") return std::nullopt;
      return plain(401, "who are you?");
    };
    std::vector<Dispatcher::Route> routes;
    routes.push_back(
        {.owns = [](auto, std::string_view path) { return path == "/pool"; },
         .body_bytes_max = kBudget,
         .service = nullptr,
         .blocking =
             [](const Request& request) { return plain(200, std::to_string(request.body.size())); },
         .error = error,
         .admit = admit});
    routes.push_back({.owns = [](auto, std::string_view path) { return path == "/worker"; },
                      .body_bytes_max = kBudget,
                      .service = &size_,
                      .blocking = {},
                      .error = error,
                      .admit = admit});
    dispatcher_.emplace(pool_, std::move(routes), error, kBudget);
    worker_.start();
    worker_.run_and_wait([this] {
      server_ = std::make_unique<Server>(worker_, *dispatcher_, ServerOptions{});
      ASSERT_TRUE(server_->open());
    });
  }
  void TearDown() override {
    std::promise<void> stopped;
    worker_.post([&] { server_->stop(1s, [&] { stopped.set_value(); }); });
    stopped.get_future().wait();
    worker_.run_and_wait([this] { server_.reset(); });
  }

  // A connection that has sent these bytes.
  int open(std::string_view bytes) const {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server_->port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    send(fd, bytes);
    return fd;
  }
  static void send(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      ASSERT_GT(sent, 0);
      bytes.remove_prefix(std::size_t(sent));
    }
  }
  static std::string answer(int fd) {
    std::string out;
    char buffer[4096];
    while (out.find("\r\n\r\n") == std::string::npos) {
      const ssize_t got = ::recv(fd, buffer, sizeof buffer, 0);
      if (got <= 0) break;
      out.append(buffer, std::size_t(got));
    }
    return out;
  }
  static std::string head(std::string_view path, std::string_view key, std::size_t size) {
    return "POST " + std::string(path) + " HTTP/1.1\r\nHost: h\r\nKey: " + std::string(key) +
           "\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n";
  }
  // One whole exchange.
  std::string post(std::string_view path, std::string_view key, std::size_t size) const {
    const int fd = open(head(path, key, size) + std::string(size, 'b'));
    std::string out = answer(fd);
    ::close(fd);
    return out;
  }

  Size size_;
  std::atomic<int> asked_{0};
  net::ComputePool pool_{"test", 2, 10};
  std::optional<Dispatcher> dispatcher_;
  net::Worker worker_{0};
  std::unique_ptr<Server> server_;
};

TEST_F(DispatcherTest, AStrangerIsRefusedBeforeHisBodyIsRead) {
  for (const char* path : {"/pool", "/worker"}) {
    // Not one byte of the body is sent.
    const int fd = open(head(path, "bad", 1'000'000));
    EXPECT_TRUE(answer(fd).starts_with("HTTP/1.1 401 ")) << path;
    ::close(fd);
  }
}

TEST_F(DispatcherTest, AnExpectationOfAStrangerIsNotMet) {
  const int fd =
      open("POST /worker HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n");
  const std::string out = answer(fd);
  ::close(fd);
  EXPECT_TRUE(out.starts_with("HTTP/1.1 401 ")) << out;
  EXPECT_NE(out.find("Connection: close"), std::string::npos);
}

TEST_F(DispatcherTest, WhoIsKnownIsAskedOnceAndServed) {
  for (const char* path : {"/pool", "/worker"}) {
    const std::string out = post(path, "good", 500'000);
    EXPECT_TRUE(out.starts_with("HTTP/1.1 200 ")) << out;
    EXPECT_NE(out.find("Content-Length: 6\r\n"), std::string::npos) << out;
  }
  EXPECT_EQ(asked_, 2);
}

TEST_F(DispatcherTest, ABodyThatCameWithItsHeadIsTheOwnersToJudge) {
  const int fd = open(head("/worker", "bad", 3) + "abc");
  EXPECT_TRUE(answer(fd).starts_with("HTTP/1.1 200 "));
  ::close(fd);
  EXPECT_EQ(asked_, 0);
}

TEST_F(DispatcherTest, BodiesTogetherStayWithinTheBudget) {
  // A first caller has sent most of what all may send, and pauses.
  const int slow = open(head("/pool", "good", 900'000) + std::string(600'000, 'b'));
  // Each round lets the worker read on.
  const auto wait_for = [&](auto condition) {
    const auto until = std::chrono::steady_clock::now() + 10s;
    while (!condition() && std::chrono::steady_clock::now() < until) worker_.run_and_wait([] {});
    return condition();
  };
  ASSERT_TRUE(wait_for([&] { return dispatcher_->bodies_bytes() >= 600'000; }));
  const std::string refused = post("/worker", "good", 900'000);
  EXPECT_TRUE(refused.starts_with("HTTP/1.1 503 ")) << refused;
  EXPECT_NE(refused.find("Retry-After: 1\r\n"), std::string::npos) << refused;
  // A small one still passes, and the first goes on undisturbed.
  EXPECT_TRUE(post("/worker", "good", 70'000).starts_with("HTTP/1.1 200 "));
  send(slow, std::string(300'000, 'b'));
  EXPECT_TRUE(answer(slow).starts_with("HTTP/1.1 200 "));
  ::close(slow);
  ASSERT_TRUE(wait_for([&] { return dispatcher_->bodies_bytes() == 0; }));
  EXPECT_TRUE(post("/worker", "good", 900'000).starts_with("HTTP/1.1 200 "));
}

TEST_F(DispatcherTest, AnAnnouncementAloneTakesNothing) {
  const int idle = open(head("/pool", "good", kBudget));
  EXPECT_TRUE(post("/worker", "good", kBudget).starts_with("HTTP/1.1 200 "));
  ::close(idle);
}

TEST_F(DispatcherTest, ABodyOverTheRoutesLimitIsRefused) {
  const int fd = open(head("/pool", "good", kBudget + 1));
  EXPECT_TRUE(answer(fd).starts_with("HTTP/1.1 413 "));
  ::close(fd);
}

}  // namespace
}  // namespace mlgate::http
