#pragma once
// Stands before the handler of a listener: answers the questions of load balancers without
// bothering anyone, and turns calls away while the process is short of memory. What it lets in is
// handed on as it is, without a coroutine of its own.
#include "analytics/counters.h"
#include "app/health.h"
#include "http/server_call.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mlgate::app {

// 200 while the process serves, 503 while it starts or drains: the address that the original has.
inline constexpr std::string_view kStatusPath = "/status-0123456789abcdef";
// The same under names of our own, and "the process runs"; not on the gateway, whose paths are its
// APIs'.
inline constexpr std::string_view kReadyPath = "/readyz", kLivePath = "/livez";

struct FrontDoorOptions {
  std::string role;
  std::size_t workers = 1;
  bool own_paths = false;  // Answers kReadyPath and kLivePath too.
  bool sheds = false;      // Turns calls away when memory is short.
};

class FrontDoor final : public http::Handler {
 public:
  // Both outlive it.
  FrontDoor(http::Handler& inner, Health& health, FrontDoorOptions options)
      : inner_(inner),
        health_(health),
        options_(std::move(options)),
        requests_(std::make_unique<Requests[]>(options_.workers)) {}

  net::Awaitable<void> handle(http::ServerCall& call) override;
  http::Response protocol_error(int status, std::string_view what) override;
  const std::string& role() const noexcept { return options_.role; }
  // Requests that came to this role's listeners. Threads: any.
  std::uint64_t requests_total() const noexcept;
  // Messages that could not be read, by the status of their answer. Threads: any.
  std::vector<std::pair<int, std::uint64_t>> malformed_total() const;

 private:
  net::Awaitable<void> tell(http::ServerCall& call, bool good);
  net::Awaitable<void> refuse(http::ServerCall& call);

  struct alignas(64) Requests {
    analytics::Counter total;  // Of one worker, which alone writes it.
  };
  http::Handler& inner_;
  Health& health_;
  FrontDoorOptions options_;
  std::unique_ptr<Requests[]> requests_;
  std::array<std::atomic<std::uint64_t>, 200> malformed_{};  // From 400 on.
};

}  // namespace mlgate::app
