#pragma once
// Subscriptions by key. A key is found by a keyed hash, so that a caller cannot choose keys that
// collide, and is then compared whole in constant time. The table is cut into shards by hash; a
// table with some subscriptions changed shares all other shards with the one before, so that a
// change costs the same with one key and with a million. Never changed once it is published.
#include "base/time.h"

#include <cstdint>
#include <memory>
#include <span>
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
  std::uint64_t target = 0;  // Number of the product, or family of the API.
  bool active = false;       // State active, and its user not blocked.
  TimeMs start_ms = 0;       // Quota windows are counted from here.
  TimeMs expiration_ms = 0;  // 0: never.
  bool allow_tracing = false;
  std::string primary_key;
  std::string secondary_key;
};
using SubscriptionEntryPtr = std::shared_ptr<const SubscriptionEntry>;

class KeyTable {
 public:
  // Keys longer than this are not looked up.
  static constexpr std::size_t kKeyBytesMax = 512;

  struct Change {
    SubscriptionEntryPtr before;  // Null: new.
    SubscriptionEntryPtr after;   // Null: gone.
  };

  KeyTable();
  explicit KeyTable(std::vector<SubscriptionEntry> subscriptions);
  // A copy with the changes made.
  std::shared_ptr<const KeyTable> with(std::span<const Change> changes) const;

  // The subscription of that key whatever its state, or nullptr.
  const SubscriptionEntry* find(std::string_view key) const noexcept;
  std::size_t keys() const noexcept;

 private:
  struct Slot {
    std::uint64_t hash = 0;
    SubscriptionEntryPtr entry;  // Null: empty.
    bool secondary = false;
  };
  struct Shard {
    std::vector<Slot> slots;  // A power of two, at most three quarters full.
    std::size_t used = 0;
    const SubscriptionEntry* find(std::uint64_t hash, std::string_view key) const noexcept;
  };
  static constexpr std::size_t kShards = 4096;
  struct Edit;

  void edit(std::span<const Change> changes);
  static std::shared_ptr<const Shard> rebuilt(const Shard* before, std::span<const Edit> edits);

  std::string hash_key_;
  std::vector<std::shared_ptr<const Shard>> shards_;  // Null: empty.
};

}  // namespace mlgate::gateway
