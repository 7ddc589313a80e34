#include "gateway/health.h"

#include "base/time.h"
#include "http/uri.h"

#include <algorithm>
#include <future>

namespace mlgate::gateway {
namespace {

constexpr std::chrono::milliseconds kTick{250};
constexpr std::int64_t kMsNs = 1'000'000;

std::string compose(const BackendPart& part, const http::Url& url) {
  std::string out = "GET " + std::string(url.path.empty() ? "/" : url.path);
  if (!url.query.empty()) out += "?" + std::string(url.query);
  out += " HTTP/1.1\r\nHost: " + part.target.authority +
         "\r\nUser-Agent: mlgate-health\r\nConnection: close\r\n";
  for (const auto& [name, value] : part.headers) out += name + ": " + value + "\r\n";
  return out + "\r\n";
}

}  // namespace

HealthProber::HealthProber(Publisher& publisher, net::AddressCheck guard, ssl_ctx_st* tls)
    : publisher_(publisher), guard_(std::move(guard)), tls_(tls) {
  worker_.start();
  worker_.run_and_wait([this] {
    tasks_ = std::make_unique<net::TaskGroup>(worker_.executor());
    timer_ = std::make_unique<net::Timer>(worker_.poller(), kTick, [this] { tick(); });
    tick();
  });
}

HealthProber::~HealthProber() {
  auto empty = std::make_shared<std::promise<void>>();
  worker_.post([this, empty] {
    stopping_ = true;
    timer_->stop();
    // A check that waits for its answer ends at once; one that connects, at its time limit.
    for (const auto& [connection, stream] : open_) stream->cancel();
    tasks_->when_empty([empty] { empty->set_value(); });
  });
  empty->get_future().wait();
  worker_.run_and_wait([this] {
    timer_.reset();
    tasks_.reset();
  });
}

void HealthProber::tick() {
  if (stopping_) return;
  look();
  timer_->start();
}

void HealthProber::look() {
  publisher_.sweep();
  for (auto& [number, known] : known_) known.there = false;
  const auto snapshot = publisher_.current();
  const std::int64_t now_ns = system_clock().steady_ns();
  for (const auto& service : snapshot->services) {
    for (const auto& [name, part] : service->backends) {
      if (!part->probe) continue;
      Known& known = known_[part->number];
      known.there = true;
      if (known.running || known.due_ns > now_ns) continue;
      known.running = true;
      known.due_ns = now_ns + part->probe->interval_ms * kMsNs;
      net::spawn(*tasks_, probe(part));
    }
  }
  std::erase_if(known_, [](const auto& one) { return !one.second.there && !one.second.running; });
}

net::Task<int> HealthProber::ask(const BackendPart& part, http::Client& client) {
  CO_TRY(const http::Url url, http::parse_url(part.probe->url));
  const http::Origin origin{part.target.tls, part.target.host, part.target.port};
  CO_TRY(const auto connection, co_await client.connect(origin));
  if (stopping_) co_return fail(Errc::closed, "stopping");
  open_[connection.get()] = &connection->stream;
  const auto sent =
      co_await connection->stream.write_all(compose(part, url), client.response_deadline());
  Result<void> answered;
  if (sent) answered = co_await connection->read_head("GET", client.response_deadline());
  open_.erase(connection.get());
  if (!sent) co_return std::unexpected(sent.error());
  if (!answered) co_return std::unexpected(answered.error());
  co_return connection->head.status;
}

net::Awaitable<void> HealthProber::probe(BackendPartPtr part) {
  const auto time = std::chrono::seconds(std::max<std::int64_t>(1, part->probe->timeout_ms / 1000));
  http::Client client(
      worker_, guard_, part->tls ? part->tls->context.get() : tls_,
      {.connect_time = time, .response_time = time, .idle_time = std::chrono::seconds(1)});
  const auto status = co_await ask(*part, client);
  known_[part->number].running = false;
  if (stopping_) co_return;
  const bool good =
      status && std::ranges::any_of(part->probe->statuses, [&](const TripRule::Range& range) {
        return *status >= range.min && *status <= range.max;
      });
  part->state->note_check(good, part->probe->unhealthy_after, part->probe->healthy_after);
}

}  // namespace mlgate::gateway
