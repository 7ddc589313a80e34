#pragma once
// Who may have a call traced, and the traces that were made. A debug credential is a token of its
// own making: it names service, API and end, and is signed with a key that lives as long as the
// process, so a worker checks it without asking anyone. Traces are kept in memory: 24 hours, and
// bounded by number and bytes, the oldest making room. Threads: any; the lock is taken by traced
// calls and by management alone.
#include "base/time.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace mlgate::gateway {

struct TraceDeskOptions {
  std::size_t traces_max = 10'000;
  std::size_t bytes_max = 256 << 20;
  TimeMs keep_ms = 24LL * 3600 * 1000;
  TimeMs link_ms = 3600LL * 1000;  // Life of a one-time link.
};

struct DebugCredential {
  std::uint64_t service = 0, api = 0;
  TimeMs issued_ms = 0, expires_ms = 0;
};

enum class CredentialState : unsigned char { good, expired, wrong_api };

class TraceDesk {
 public:
  explicit TraceDesk(TraceDeskOptions options = {});
  TraceDesk(const TraceDesk&) = delete;

  // "aid=…". A credential lives for an hour at most.
  static constexpr TimeMs kLifeMaxMs = 3600LL * 1000;
  static constexpr std::chrono::seconds kWaitMax{2};
  std::string issue(const DebugCredential& credential) const;
  // expired also for what is no token of ours; `expires_ms` is set when the token could be read.
  CredentialState check(std::string_view token, std::uint64_t service, std::uint64_t api,
                        TimeMs now_ms, TimeMs& expires_ms) const;
  // Credentials of this service issued until now are good no longer.
  void invalidate(std::uint64_t service, TimeMs now_ms);

  // The caller is about to be told of this trace: who asks for it early waits for it, kWaitMax at
  // most. keep() or drop() follows.
  void announce(std::string_view id);
  // `link` may be empty; else it opens the trace once.
  void keep(std::uint64_t service, std::string_view id, std::string json, std::string link,
            TimeMs now_ms);
  // The secret part of a one-time link.
  static std::string new_link();
  std::optional<std::string> find(std::uint64_t service, std::string_view id, TimeMs now_ms);
  std::optional<std::string> open_link(std::string_view link, TimeMs now_ms);

  std::size_t traces() const;
  std::size_t bytes() const;

 private:
  struct Kept {
    std::uint64_t service = 0;
    TimeMs made_ms = 0;
    std::string json;
    std::string link;
  };
  void await(std::unique_lock<std::mutex>& lock, const std::string& id);
  void forget_oldest();
  void make_room(std::size_t bytes, TimeMs now_ms);

  TraceDeskOptions options_;
  std::string key_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Kept> traces_;        // By id.
  std::unordered_map<std::string, std::string> links_;  // To ids.
  std::deque<std::string> order_;                       // Ids, the oldest first.
  std::unordered_set<std::string> announced_;           // Ids of calls that are not over.
  std::condition_variable kept_;
  std::unordered_map<std::uint64_t, TimeMs> invalid_until_;
  std::size_t bytes_ = 0;
};

}  // namespace mlgate::gateway
