#pragma once
// Subscriptions by key. A key is found by a keyed hash, so that a caller cannot choose keys that
// collide, and is then compared whole in constant time. Built once, then read by all workers.
#include "base/time.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::gateway {

enum class SubscriptionScope : unsigned char { service, all_apis, product, api };

struct SubscriptionEntry {
  std::uint64_t number = 0;
  std::string name;
  std::string user_name;
  std::uint64_t user = 0;
  SubscriptionScope scope = SubscriptionScope::service;
  std::uint64_t target = 0;  // Number of the product or API.
  bool active = false;       // State active, and its user not blocked.
  TimeMs start_ms = 0;       // Quota windows are counted from here.
  TimeMs expiration_ms = 0;  // 0: never.
  bool allow_tracing = false;
  std::string primary_key;
  std::string secondary_key;
};

class KeyTable {
 public:
  // Keys longer than this are not looked up.
  static constexpr std::size_t kKeyBytesMax = 512;

  KeyTable() = default;
  explicit KeyTable(std::vector<SubscriptionEntry> subscriptions);
  // The subscription of that key whatever its state, or nullptr.
  const SubscriptionEntry* find(std::string_view key) const noexcept;
  const std::vector<SubscriptionEntry>& subscriptions() const noexcept { return subscriptions_; }

 private:
  struct Slot {
    std::uint64_t hash = 0;
    std::uint32_t subscription = 0;  // Index + 1; 0 is empty.
    bool secondary = false;
  };
  void insert(std::uint32_t subscription, bool secondary);
  std::string hash_key_;
  std::vector<SubscriptionEntry> subscriptions_;
  std::vector<Slot> slots_;  // A power of two, at most half full.
};

}  // namespace mlgate::gateway
