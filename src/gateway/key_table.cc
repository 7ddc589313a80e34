#include "gateway/key_table.h"

#include "base/crypto.h"

#include <algorithm>
#include <bit>

namespace mlgate::gateway {

struct KeyTable::Edit {
  std::uint64_t hash = 0;
  SubscriptionEntryPtr entry;
  bool secondary = false;
  bool add = false;  // False: taken out.
  std::size_t order = 0;
  std::size_t shard() const noexcept { return hash >> (64 - 12); }
};

KeyTable::KeyTable() : hash_key_(random_bytes(16)), shards_(kShards) {}

KeyTable::KeyTable(std::vector<SubscriptionEntry> subscriptions) : KeyTable() {
  std::vector<Change> changes;
  changes.reserve(subscriptions.size());
  for (auto& one : subscriptions)
    changes.push_back({nullptr, std::make_shared<const SubscriptionEntry>(std::move(one))});
  edit(changes);
}

std::shared_ptr<const KeyTable> KeyTable::with(std::span<const Change> changes) const {
  auto out = std::make_shared<KeyTable>(*this);
  out->edit(changes);
  return out;
}

void KeyTable::edit(std::span<const Change> changes) {
  std::vector<Edit> edits;
  edits.reserve(changes.size() * 2);
  const auto add = [&](const SubscriptionEntryPtr& entry, bool adding) {
    if (!entry) return;
    for (const bool secondary : {false, true}) {
      const auto& key = secondary ? entry->secondary_key : entry->primary_key;
      if (!key.empty())
        edits.push_back({keyed_hash(hash_key_, key), entry, secondary, adding, edits.size()});
    }
  };
  for (const auto& one : changes) {
    add(one.before, false);
    add(one.after, true);
  }
  std::sort(edits.begin(), edits.end(), [](const Edit& a, const Edit& b) {
    return a.shard() != b.shard() ? a.shard() < b.shard() : a.order < b.order;
  });
  for (std::size_t from = 0; from < edits.size();) {
    const std::size_t shard = edits[from].shard();
    std::size_t to = from;
    while (to < edits.size() && edits[to].shard() == shard) ++to;
    shards_[shard] = rebuilt(shards_[shard].get(), std::span(edits).subspan(from, to - from));
    from = to;
  }
}

std::shared_ptr<const KeyTable::Shard> KeyTable::rebuilt(const Shard* before,
                                                         std::span<const Edit> edits) {
  std::vector<Slot> kept;
  if (before) {
    for (const auto& slot : before->slots)
      if (slot.entry) kept.push_back(slot);
  }
  for (const auto& one : edits) {
    if (one.add) {
      kept.push_back({one.hash, one.entry, one.secondary});
      continue;
    }
    const auto found = std::find_if(kept.begin(), kept.end(), [&](const Slot& slot) {
      return slot.entry == one.entry && slot.secondary == one.secondary;
    });
    if (found != kept.end()) kept.erase(found);
  }
  if (kept.empty()) return nullptr;
  auto out = std::make_shared<Shard>();
  out->used = kept.size();
  out->slots.resize(std::bit_ceil(kept.size() + kept.size() / 3 + 1));
  const std::size_t mask = out->slots.size() - 1;
  for (auto& slot : kept) {
    std::size_t at = slot.hash & mask;
    while (out->slots[at].entry) at = (at + 1) & mask;
    out->slots[at] = std::move(slot);
  }
  return out;
}

const SubscriptionEntry* KeyTable::Shard::find(std::uint64_t hash,
                                               std::string_view key) const noexcept {
  const std::size_t mask = slots.size() - 1;
  for (std::size_t at = hash & mask; slots[at].entry; at = (at + 1) & mask) {
    const Slot& slot = slots[at];
    if (slot.hash != hash) continue;
    if (equal_secrets(slot.secondary ? slot.entry->secondary_key : slot.entry->primary_key, key))
      return slot.entry.get();
  }
  return nullptr;
}

const SubscriptionEntry* KeyTable::find(std::string_view key) const noexcept {
  if (key.empty() || key.size() > kKeyBytesMax) return nullptr;
  const auto hash = keyed_hash(hash_key_, key);
  const Shard* shard = shards_[hash >> (64 - 12)].get();
  return shard ? shard->find(hash, key) : nullptr;
}

std::size_t KeyTable::keys() const noexcept {
  std::size_t out = 0;
  for (const auto& shard : shards_) out += shard ? shard->used : 0;
  return out;
}

}  // namespace mlgate::gateway
