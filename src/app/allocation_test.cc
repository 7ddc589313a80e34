// Calls over real connections, through listener, limits, backend pool and usage record: once the
// worker's buffers are there, they allocate nothing.
#include "base/count_allocations.h"
#include "control/control.h"
#include "gateway/handler.h"
#include "http/server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <string>

namespace mlgate::app {
namespace {

constexpr int kWarmUp = 1200;  // The ring of admission times grows to what is in use.
constexpr int kCounted = 1000;
// Once a second a date is written, and now and then a timer runs.
#ifdef MLGATE_SANITIZED
constexpr std::size_t kAllocationsMax = 1000 * kCounted;  // Frames are not used again there.
#else
constexpr std::size_t kAllocationsMax = 50;
#endif

apim::ServiceModel one_api(std::uint16_t backend_port) {
  apim::ServiceModel model;
  model.service.number = 1;
  model.service.name = "demo";
  model.service.is_default = true;
  apim::Api api;
  api.number = 2;
  api.name = "a";
  api.path = "a";
  api.service_url = "http://127.0.0.1:" + std::to_string(backend_port);
  api.protocols = {"http"};
  model.apis = {api};
  for (const char* method : {"GET", "POST"}) {
    apim::Operation operation;
    operation.number = 3 + model.operations.size();
    operation.name = method;
    operation.api = "a";
    operation.method = method;
    operation.url_template = "/x/{id}";
    model.operations.push_back(operation);
  }
  apim::Product product;
  product.number = 5;
  product.name = "starter";
  product.apis = {"a"};
  model.products = {product};
  apim::Subscription subscription;
  subscription.number = 6;
  subscription.name = "sub";
  subscription.scope = {apim::ScopeKind::product, "starter"};
  subscription.state = apim::SubscriptionState::active;
  subscription.primary_key = "0123456789abcdef0123456789abcdef";
  model.subscriptions = {subscription};
  apim::Policy policy;
  policy.number = 7;
  policy.scope = {apim::PolicyScopeKind::product, "starter", ""};
  policy.text =
      "<policies><inbound><rate-limit calls='1000000' renewal-period='60'/>"
      "<quota calls='1000000' renewal-period='3600'/></inbound></policies>";
  model.policies = {policy};
  return model;
}

class TakingSink final : public analytics::UsageSink {
 public:
  bool record(const analytics::UsageRecord&) noexcept override { return true; }
};

// Reads the body and answers with two bytes.
class BackendHandler final : public http::Handler {
 public:
  net::Awaitable<void> handle(http::ServerCall& call) override {
    for (;;) {
      const auto piece = co_await call.read_body();
      if (!piece || piece->empty()) break;
    }
    http::Response response;
    response.body = "ok";
    const auto sent = co_await http::respond(call, response);
    if (!sent) call.abort();
  }
  http::Response protocol_error(int status, std::string_view) override {
    http::Response response;
    response.status = status;
    return response;
  }
};

// A server on a worker of its own.
class Listening {
 public:
  Listening(std::size_t index, http::Handler& handler) : worker(index), handler_(handler) {
    worker.start();
  }
  ~Listening() {
    worker.stop();
    worker.join();
  }
  void open() {
    worker.run_and_wait([&] {
      server_ = std::make_unique<http::Server>(worker, handler_, http::ServerOptions());
      ASSERT_TRUE(server_->open());
    });
  }
  void close() {
    std::promise<void> ended;
    worker.post([&] { server_->stop(std::chrono::seconds(1), [&] { ended.set_value(); }); });
    ended.get_future().wait();
    worker.run_and_wait([&] { server_.reset(); });
  }
  std::uint16_t port() const { return server_->port(); }

  net::Worker worker;

 private:
  http::Handler& handler_;
  std::unique_ptr<http::Server> server_;
};

class Caller {
 public:
  explicit Caller(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int at_once = 1;
    (void)::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  Caller(const Caller&) = delete;
  ~Caller() { ::close(fd_); }

  // Sends the parts, each when the one before is on its way, and reads the whole answer.
  void call(std::initializer_list<std::string_view> parts) {
    for (const std::string_view part : parts)
      ASSERT_EQ(::send(fd_, part.data(), part.size(), MSG_NOSIGNAL), ssize_t(part.size()));
    std::string answer;
    char got[4096];
    while (!answer.ends_with("\r\n\r\nok")) {
      const ssize_t size = ::recv(fd_, got, sizeof got, 0);
      ASSERT_GT(size, 0) << answer;
      answer.append(got, std::size_t(size));
    }
    ASSERT_TRUE(answer.starts_with("HTTP/1.1 200 ")) << answer;
  }

 private:
  int fd_;
};

TEST(Allocations, CallsOverRealConnectionsMakeNone) {
  count_allocations();
  BackendHandler backend_handler;
  Listening backend(1, backend_handler);
  backend.open();
  policy::Limits limits;
  gateway::Publisher publisher;
  control::Control control(control::BuilderOptions{}, limits, publisher);
  ASSERT_TRUE(control.update(one_api(backend.port())).empty());
  gateway::GatewayHandler handler({});
  handler.reserve(1);
  TakingSink sink;
  Listening front(0, handler);
  front.worker.run_and_wait([&] {
    handler.open_station(
        front.worker, publisher, sink, [](const net::Address&) { return Result<void>(); }, nullptr);
  });
  front.open();
  {
    const std::string common =
        "/a/x/1 HTTP/1.1\r\nHost: localhost\r\n"
        "Ocp-Apim-Subscription-Key: 0123456789abcdef0123456789abcdef\r\n";
    const std::string get = "GET " + common + "\r\n";
    const std::string post =
        "POST " + common + "Content-Length: 200\r\n\r\n" + std::string(200, 'b');
    const std::string large = "POST " + common + "Content-Length: 200000\r\n\r\n";
    const std::string stream = "POST " + common + "Transfer-Encoding: chunked\r\n\r\n";
    const std::string body(200'000, 'b');
    Caller caller(front.port());
    const auto round = [&] {
      caller.call({get});
      caller.call({post});
      caller.call({large, body});
      caller.call({stream, "3\r\nabc\r\n", "0\r\n\r\n"});
    };
    const auto made = [&] {
      std::size_t out = 0;
      front.worker.run_and_wait([&] { out = allocations; });
      return out;
    };
    for (int i = 0; i < kWarmUp && !HasFatalFailure(); ++i) round();
    const std::size_t before = made();
    for (int i = 0; i < kCounted && !HasFatalFailure(); ++i) round();
    EXPECT_LE(made() - before, kAllocationsMax);
    EXPECT_GT(before, 0U) << "The counter works.";
  }
  front.close();
  front.worker.run_and_wait([&] { handler.close_station(front.worker); });
  backend.close();
}

}  // namespace
}  // namespace mlgate::app
