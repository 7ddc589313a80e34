#pragma once
// Calls backends that ask for it from time to time and tells their state how it went, so that a
// pool passes over a member before a caller meets it. On a thread and with connections of its own;
// that thread also frees the snapshots that calls have left.
#include "gateway/publisher.h"
#include "http/client.h"
#include "net/backend_tls.h"
#include "net/worker.h"

#include <cstdint>
#include <map>
#include <memory>

namespace mlgate::gateway {

class HealthProber {
 public:
  // All outlive it. `tls` is the context for backends without TLS of their own.
  HealthProber(Publisher& publisher, net::AddressCheck guard, ssl_ctx_st* tls);
  HealthProber(const HealthProber&) = delete;
  ~HealthProber();

 private:
  struct Known {
    std::int64_t due_ns = 0;
    bool running = false;
    bool there = false;  // Still in the snapshot.
  };
  using Timer =
      asio::basic_waitable_timer<std::chrono::steady_clock,
                                 asio::wait_traits<std::chrono::steady_clock>, net::Executor>;
  void tick();
  void look();
  net::Awaitable<void> probe(BackendPartPtr part);
  net::Task<int> ask(const BackendPart& part, http::Client& client);

  Publisher& publisher_;
  net::AddressCheck guard_;
  ssl_ctx_st* tls_;
  net::Worker worker_{0};
  std::unique_ptr<net::TaskGroup> tasks_;
  std::unique_ptr<Timer> timer_;
  std::map<std::uint64_t, Known> known_;  // By the backend's number.
  std::map<http::ClientConnection*, net::Stream*> open_;
  bool stopping_ = false;
};

}  // namespace mlgate::gateway
