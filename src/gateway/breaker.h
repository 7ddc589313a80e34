#pragma once
// What is known of a backend at run time: its circuit breaker, its health and the turn of a pool.
// Kept outside every snapshot under the backend's stable number, so that a reload forgets nothing,
// and shared by all workers: one state per process. A closed breaker costs one atomic read before a
// call, and a lock after a call only when it has rules. Threads: any.
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::gateway {

struct TripRule {
  std::uint32_t failures = 0;    // That trip it within the interval; 0: the share decides.
  std::uint32_t percentage = 0;  // Share of failed calls, once kCallsMin were seen.
  std::int64_t interval_ns = 0;
  std::int64_t trip_ns = 0;
  bool accept_retry_after = false;
  struct Range {
    int min = 0, max = 0;
  };
  std::vector<Range> statuses;
  std::vector<std::string> reasons;  // LastError.Reason, "Server errors" or "timeout".

  bool is_failure(int status, std::string_view reason) const noexcept;
};

// How a call to the backend ended: with a status, or with a reason of LastError.
struct Outcome {
  int status = 0;
  std::string_view reason;
  std::optional<std::int64_t> retry_after_s;  // Of the response.
};

class BackendState {
 public:
  static constexpr std::uint32_t kCallsMin = 10;
  static constexpr std::size_t kSlots = 64;

  // 0 when the breaker is closed, else nanoseconds until it closes.
  std::int64_t open_for_ns(std::int64_t now_ns) const noexcept {
    const std::int64_t until = open_until_ns_.load(std::memory_order_acquire);
    return until > now_ns ? until - now_ns : 0;
  }
  bool healthy() const noexcept { return healthy_.load(std::memory_order_relaxed); }
  // Counts a call under every rule, and opens the breaker when one trips.
  void note(std::span<const TripRule> rules, const Outcome& outcome, std::int64_t now_ns) noexcept;

  // A health check has ended.
  void note_check(bool good, std::uint32_t unhealthy_after, std::uint32_t healthy_after) noexcept;
  void forget_checks() noexcept;

  // Connections in use towards the backend, for its cap.
  bool take_connection(std::uint32_t max) noexcept;
  void give_connection() noexcept { connections_.fetch_sub(1, std::memory_order_relaxed); }

 private:
  // Calls of one rule: the times of the latest failures where a number trips, totals per slot of
  // the interval where a share does.
  struct Window {
    std::vector<std::int64_t> failures;  // A ring.
    std::size_t next = 0;
    struct Slot {
      std::int64_t index = -1;
      std::uint32_t calls = 0, failed = 0;
    };
    std::vector<Slot> slots;
    void clear() noexcept;
  };
  static bool trips(const TripRule& rule, Window& window, bool failed, std::int64_t now_ns);
  static bool trips_by_share(const TripRule& rule, Window& window, bool failed,
                             std::int64_t now_ns);

  std::atomic<std::int64_t> open_until_ns_{0};
  std::atomic<bool> healthy_{true};
  std::atomic<std::uint32_t> connections_{0};
  std::mutex mutex_;
  std::vector<Window> windows_;       // By rule.
  std::uint32_t good_ = 0, bad_ = 0;  // Health checks in a row.
};
using BackendStatePtr = std::shared_ptr<BackendState>;

// Smooth weighted round robin over the members of a pool.
class PoolState {
 public:
  struct Candidate {
    std::uint32_t member = 0;  // Index in the pool.
    std::uint32_t weight = 1;
  };
  // One of the candidates, none of which has weight 0.
  std::uint32_t next(std::span<const Candidate> candidates) noexcept;

 private:
  std::mutex mutex_;
  std::vector<std::int64_t> current_;  // By member.
};
using PoolStatePtr = std::shared_ptr<PoolState>;

// Every state there is, by the number of its backend. Owned by the program.
class BackendStates {
 public:
  BackendStatePtr backend(std::uint64_t number);
  PoolStatePtr pool(std::uint64_t number);
  // The state that calls to an address share: connections are capped by authority.
  BackendStatePtr authority(std::string_view origin);

 private:
  template <class T, class K>
  std::shared_ptr<T> find_or_make(std::map<K, std::weak_ptr<T>, std::less<>>& map, K key);
  std::mutex mutex_;
  std::map<std::uint64_t, std::weak_ptr<BackendState>, std::less<>> backends_;
  std::map<std::uint64_t, std::weak_ptr<PoolState>, std::less<>> pools_;
  std::map<std::string, std::weak_ptr<BackendState>, std::less<>> authorities_;
};

}  // namespace mlgate::gateway
