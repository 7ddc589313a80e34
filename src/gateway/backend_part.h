#pragma once
// A backend entity as the data path sees it: one server with what is added to calls and when it
// trips, or a pool of such.
#include "gateway/backend.h"
#include "gateway/breaker.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mlgate::net {
struct BackendTls;
}

namespace mlgate::gateway {

struct BackendPart;
using BackendPartPtr = std::shared_ptr<const BackendPart>;

struct PoolEntry {
  BackendPartPtr backend;
  std::uint32_t weight = 1;
  std::uint32_t priority = 0;
};

struct HealthProbe {
  std::string url;
  std::int64_t interval_ms = 0, timeout_ms = 0;
  std::uint32_t unhealthy_after = 0, healthy_after = 0;
  std::vector<TripRule::Range> statuses;  // Of a backend that is well.
};

struct BackendPart {
  std::uint64_t number = 0;
  std::uint64_t version = 0;  // Of the entity.
  std::string name;
  Backend target;                                            // Kind none for a pool.
  std::vector<std::pair<std::string, std::string>> headers;  // Override those of the call.
  std::string query;                                         // Overrides parameters of its names.
  std::vector<std::string> query_names;
  std::vector<TripRule> rules;
  std::shared_ptr<const net::BackendTls> tls;  // Null: as for every backend.
  std::unique_ptr<HealthProbe> probe;
  BackendStatePtr state;           // Of a single backend.
  std::vector<PoolEntry> members;  // Of a pool, by priority.
  PoolStatePtr turn;               // Of a pool.

  bool is_pool() const noexcept { return !members.empty(); }
  bool usable(std::int64_t now_ns) const noexcept {
    return state->healthy() && state->open_for_ns(now_ns) == 0;
  }
  // Nanoseconds until it may be used again; 0 when it may be, or when nobody knows.
  std::int64_t closed_in_ns(std::int64_t now_ns) const noexcept;
  // The backend that takes the next call: itself, or the member whose turn it is. nullptr: none.
  const BackendPart* choose(std::int64_t now_ns) const noexcept;
};

}  // namespace mlgate::gateway
