#pragma once
// What the process says of itself to load balancers and service managers, and when it refuses work.
// Written by the program's own threads, read by every worker on every call: one shared line that
// hardly ever changes.
#include <atomic>
#include <cstdint>

namespace mlgate::app {

struct Health {
  std::atomic<bool> ready{false};            // All listeners answer.
  std::atomic<bool> draining{false};         // The process is about to stop.
  std::atomic<bool> short_of_memory{false};  // New calls are refused.
  alignas(64) std::atomic<std::uint64_t> refused_calls{0};

  bool serves() const noexcept {
    return ready.load(std::memory_order_relaxed) && !draining.load(std::memory_order_relaxed);
  }
};

}  // namespace mlgate::app
