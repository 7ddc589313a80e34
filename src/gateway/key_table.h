#pragma once
// Subscriptions by key. A key is found by a keyed hash, so that a caller cannot choose keys that
// collide, and is then compared whole in constant time. The table is cut into shards by hash; a
// table with some subscriptions changed shares all other shards with the one before, so that a
// change costs the same with one key and with a million. Never changed once it is published.
//
// Of a million keys none is in the cache, so a look-up waits for memory: for its slot, and then for
// the key's text and the subscription. A caller with something else to do meanwhile asks for both
// ahead.
#include "base/time.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::gateway {

enum class SubscriptionScope : unsigned char { service, all_apis, product, api };

// What a call looks at comes first.
struct SubscriptionEntry {
  std::uint64_t number = 0;
  std::uint64_t target = 0;  // Number of the product, or family of the API.
  SubscriptionScope scope = SubscriptionScope::service;
  bool active = false;  // State active, and its user not blocked.
  bool allow_tracing = false;
  TimeMs start_ms = 0;       // Quota windows are counted from here.
  TimeMs expiration_ms = 0;  // 0: never.
  std::uint64_t user = 0;
  std::string name;
  std::string user_name;
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

  // Where a key would lie; for this table alone.
  struct Place {
    std::string_view key;
    std::uint64_t hash = 0;
  };
  // Asks for the slot of the key, so that find() does not wait for it.
  Place fetch_ahead(std::string_view key) const noexcept;
  // Some time later: asks for what the slot refers to.
  void fetch_entry(const Place& place) const noexcept;
  // The subscription of that key whatever its state, or nullptr.
  const SubscriptionEntry* find(const Place& place) const noexcept;
  const SubscriptionEntry* find(std::string_view key) const noexcept { return find(place_of(key)); }
  std::size_t keys() const noexcept;

 private:
  struct Slot {
    std::uint64_t hash = 0;
    SubscriptionEntryPtr entry;  // Null: empty.
    std::uint32_t key_at = 0;    // Of its shard's texts.
    std::uint16_t key_size = 0;
    bool secondary = false;
  };
  struct Shard {
    std::vector<Slot> slots;  // A power of two, at most three quarters full.
    std::string texts;        // Keys, one behind the other.
    std::size_t used = 0;
  };
  // What a look-up needs of a shard.
  struct View {
    const Slot* slots = nullptr;  // Null: no keys.
    const char* texts = nullptr;
    std::size_t mask = 0;
  };
  static constexpr std::size_t kShards = 4096;
  struct Edit;

  Place place_of(std::string_view key) const noexcept;
  const View& view_of(std::uint64_t hash) const noexcept { return views_[hash >> (64 - 12)]; }
  void edit(std::span<const Change> changes);
  void put(std::size_t shard, std::shared_ptr<const Shard> made);
  static std::shared_ptr<const Shard> rebuilt(const Shard* before, std::span<const Edit> edits);

  std::string hash_key_;
  std::vector<std::shared_ptr<const Shard>> shards_;  // Null: empty.
  std::vector<View> views_;                           // Of the same.
};

}  // namespace mlgate::gateway
