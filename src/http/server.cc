#include "http/server.h"

#include "base/time.h"
#include "http/http1_connection.h"
#include "http/http2_connection.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

namespace mlgate::http {
namespace {
constexpr std::chrono::seconds kLinger{2};
constexpr std::string_view kBusy =
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n"
    "Connection: close\r\n\r\n";
}  // namespace

Server::Timeouts::Timeouts(net::Poller& poller, const ServerLimits& limits)
    : idle(poller, limits.idle_time),
      body(poller, limits.body_gap),
      look(poller, limits.look_time),
      linger(poller, kLinger) {}

Server::Server(net::Worker& worker, Handler& handler, ServerOptions options)
    : worker_(worker),
      handler_(handler),
      options_(std::move(options)),
      timeouts_(worker.poller(), options_.limits),
      tasks_(worker.executor()),
      listener_(worker),
      trim_timer_(worker.poller(), net::kTrimEvery, [this] {
        states_.trim();
        http2_calls_.trim();
        trim_timer_.start();
      }) {}

Server::~Server() = default;

Result<void> Server::open() {
  TRY_OK(listener_.open(options_.address,
                        [this](int fd, const net::Address& peer) { accept(fd, peer); }));
  net::spawn(tasks_, listener_.run());
  trim_timer_.start();
  return {};
}

namespace {

net::Awaitable<void> serve_connection(std::unique_ptr<Http1Connection> connection) {
  co_await connection->run();  // nothing to check
}

}  // namespace

void Server::accept(int fd, const net::Address& peer) {
  if (stopping_) {
    ::close(fd);
    return;
  }
  if (connections_.size() >= options_.limits.connections_max || fd > options_.descriptor_max) {
    refuse(fd);
    return;
  }
  ++accepted_total_;
  net::spawn(tasks_, serve_connection(std::make_unique<Http1Connection>(*this, fd, peer)));
}

void Server::refuse(int fd) noexcept {
  ++refused_total_;
  if (!options_.tls) {
    // What the caller sent is read away: bytes that were not would make the close a reset.
    char scrap[2048];
    (void)::recv(fd, scrap, sizeof scrap, MSG_DONTWAIT);
    (void)::send(fd, kBusy.data(), kBusy.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  }
  ::close(fd);
}

void Server::drain() {
  draining_ = true;
  while (listener_.is_open() && !listener_.take_waiting()) {
  }
  listener_.close();
  // HTTP/2 says at once that it takes no new streams (GOAWAY); HTTP/1.1 with its next answer.
  const std::vector<Http1Connection*> all = connections_;
  for (Http1Connection* connection : all)
    if (std::ranges::find(connections_, connection) != connections_.end()) connection->drain();
}

void Server::stop(std::chrono::nanoseconds grace, std::function<void()> done) {
  stopping_ = true;
  listener_.close();
  // A connection that ends takes itself off the list, so the list is copied first.
  const std::vector<Http1Connection*> all = connections_;
  for (Http1Connection* connection : all)
    if (std::ranges::find(connections_, connection) != connections_.end()) connection->stop(false);
  grace_timer_ = std::make_unique<net::Timer>(worker_.poller(), grace, [this] {
    // A cancel may end its connection on the spot, so each is looked up before it is touched.
    const std::vector<Http1Connection*> rest = connections_;
    const auto listed = [this](Http1Connection* connection) {
      return std::ranges::find(connections_, connection) != connections_.end();
    };
    for (Http1Connection* connection : rest)
      if (listed(connection)) connection->cut_upstream();
    for (Http1Connection* connection : rest)
      if (listed(connection)) connection->stop(true);
  });
  grace_timer_->start();
  tasks_.when_empty([this, done = std::move(done)] {
    grace_timer_.reset();
    done();
  });
}

std::unique_ptr<CallState> Server::take_state() {
  return states_.empty() ? std::make_unique<CallState>() : states_.take();
}

void Server::give_state(std::unique_ptr<CallState> state) { states_.give(std::move(state)); }

std::string_view Server::date_field() {
  const std::int64_t now_ns = worker_.now_ns();
  if (now_ns >= date_until_ns_) {
    const TimeMs now_ms = system_clock().now_ms();
    date_ = "Date: " + to_http_date(now_ms) + "\r\n";
    date_until_ns_ = now_ns + (1000 - now_ms % 1000) * 1'000'000;
  }
  return date_;
}

}  // namespace mlgate::http
