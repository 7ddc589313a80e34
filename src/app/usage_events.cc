#include "app/usage_events.h"

#include "base/text.h"
#include "net/awaitable.h"
#include "net/poller.h"
#include "portal/console_api.h"

#include <atomic>
#include <chrono>
#include <memory>

namespace mlgate::app {
namespace {

constexpr std::chrono::milliseconds kPause{250};
constexpr int kPausesMin = 3;   // So that a busy gateway makes one event a second and not more.
constexpr int kPausesMax = 20;  // Then an answer without an event shows that all is well.
constexpr std::string_view kRetry = "retry: 100\n";

// What the work on the pool and the coroutine that waits for it share.
struct Check {
  std::optional<http::Response> refused;
  net::Signal ended;
  bool done = false;  // The worker's alone.
};

}  // namespace

// The request is the caller's, so the work on the pool is waited for, however long it takes.
http::Awaitable<std::optional<http::Response>> UsageEvents::refuse(const http::Request& request) {
  const http::Executor executor = net::this_executor();
  const auto check = std::make_shared<Check>();
  const bool taken = parts_.post([this, check, &request, executor] {
    check->refused = parts_.refuse(request);
    executor.execute([check] {
      check->done = true;
      check->ended.notify();
    });
  });
  if (!taken) {
    co_return portal::console_failure(503, "ServiceUnavailable",
                                      "The console cannot do this at present.");
  }
  net::Deadline pause(executor.poller(), kPause);
  while (!check->done) (void)co_await check->ended.wait(pause);
  co_return std::move(check->refused);
}

http::Awaitable<http::Response> UsageEvents::serve(const http::Request& request) {
  const std::uint64_t seen = parse_uint(request.header("last-event-id")).value_or(0);
  const bool first = request.header("last-event-id").empty();
  auto refused = co_await refuse(request);
  if (refused) co_return *std::move(refused);
  net::Deadline pause(net::this_executor().poller(), kPause);
  net::Signal never;
  for (int pauses = 0; !first && pauses < kPausesMax; ++pauses) {
    if (pauses >= kPausesMin && parts_.counted() != seen) break;
    (void)co_await never.wait(pause);
  }
  const std::uint64_t counted = parts_.counted();
  http::Response out;
  out.set("Content-Type", "text/event-stream");
  out.set("Cache-Control", "no-store");
  out.body = kRetry;
  if (first || counted != seen) {
    const std::string number = std::to_string(counted);
    out.body += "id: " + number + "\nevent: usage\ndata: {\"counted\":" + number + "}\n";
  } else {
    out.body += ": nothing new\n";
  }
  out.body += '\n';
  co_return out;
}

}  // namespace mlgate::app
