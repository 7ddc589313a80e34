#include "gateway/key_table.h"

#include "base/crypto.h"

#include <algorithm>
#include <bit>

namespace mlgate::gateway {

struct KeyTable::Edit {
  std::uint64_t hash = 0;
  const SubscriptionEntryPtr* entry = nullptr;  // Of a Change.
  bool secondary = false;
  bool add = false;  // False: taken out.
  std::size_t shard() const noexcept { return hash >> (64 - 12); }
};

KeyTable::KeyTable() : hash_key_(random_bytes(16)), shards_(kShards), views_(kShards) {}

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
      if (!key.empty() && key.size() <= kKeyBytesMax)
        edits.push_back({keyed_hash(hash_key_, key), &entry, secondary, adding});
    }
  };
  for (const auto& one : changes) {
    add(one.before, false);
    add(one.after, true);
  }
  // By shard, and within one in the order they came: counted, for there may be millions.
  std::vector<std::uint32_t> ends(kShards + 1);
  for (const Edit& one : edits) ++ends[one.shard() + 1];
  for (std::size_t shard = 0; shard < kShards; ++shard) ends[shard + 1] += ends[shard];
  std::vector<Edit> sorted(edits.size());
  for (const Edit& one : edits) sorted[ends[one.shard()]++] = one;
  for (std::size_t from = 0; from < sorted.size();) {
    const std::size_t shard = sorted[from].shard();
    const std::size_t to = ends[shard];
    put(shard, rebuilt(shards_[shard].get(), std::span(sorted).subspan(from, to - from)));
    from = to;
  }
}

void KeyTable::put(std::size_t shard, std::shared_ptr<const Shard> made) {
  views_[shard] =
      made ? View{made->slots.data(), made->texts.data(), made->slots.size() - 1} : View{};
  shards_[shard] = std::move(made);
}

std::shared_ptr<const KeyTable::Shard> KeyTable::rebuilt(const Shard* before,
                                                         std::span<const Edit> edits) {
  std::vector<Slot> kept;
  kept.reserve((before ? before->used : 0) + edits.size());
  if (before) {
    for (const auto& slot : before->slots)
      if (slot.entry) kept.push_back(slot);
  }
  for (const auto& one : edits) {
    if (one.add) {
      kept.push_back({.hash = one.hash, .entry = *one.entry, .secondary = one.secondary});
      continue;
    }
    const auto found = std::find_if(kept.begin(), kept.end(), [&](const Slot& slot) {
      return slot.entry == *one.entry && slot.secondary == one.secondary;
    });
    if (found != kept.end()) kept.erase(found);
  }
  if (kept.empty()) return nullptr;
  auto out = std::make_shared<Shard>();
  out->used = kept.size();
  out->slots.resize(std::bit_ceil(kept.size() + kept.size() / 3 + 1));
  const std::size_t mask = out->slots.size() - 1;
  for (auto& slot : kept) {
    const std::string& key = slot.secondary ? slot.entry->secondary_key : slot.entry->primary_key;
    slot.key_at = std::uint32_t(out->texts.size());
    slot.key_size = std::uint16_t(key.size());
    out->texts += key;
    std::size_t at = slot.hash & mask;
    while (out->slots[at].entry) at = (at + 1) & mask;
    out->slots[at] = std::move(slot);
  }
  return out;
}

KeyTable::Place KeyTable::place_of(std::string_view key) const noexcept {
  if (key.empty() || key.size() > kKeyBytesMax) return {};
  return {key, keyed_hash(hash_key_, key)};
}

KeyTable::Place KeyTable::fetch_ahead(std::string_view key) const noexcept {
  const Place place = place_of(key);
  const View& view = view_of(place.hash);
  if (view.slots) __builtin_prefetch(view.slots + (place.hash & view.mask));
  return place;
}

void KeyTable::fetch_entry(const Place& place) const noexcept {
  const View& view = view_of(place.hash);
  if (place.key.empty() || !view.slots) return;
  const Slot& slot = view.slots[place.hash & view.mask];
  if (slot.hash != place.hash || !slot.entry) return;
  __builtin_prefetch(view.texts + slot.key_at);
  __builtin_prefetch(slot.entry.get());
  __builtin_prefetch(&slot.entry->name);
}

const SubscriptionEntry* KeyTable::find(const Place& place) const noexcept {
  const View& view = view_of(place.hash);
  if (place.key.empty() || !view.slots) return nullptr;
  for (std::size_t at = place.hash & view.mask; view.slots[at].entry; at = (at + 1) & view.mask) {
    const Slot& slot = view.slots[at];
    if (slot.hash != place.hash) continue;
    if (equal_secrets({view.texts + slot.key_at, slot.key_size}, place.key))
      return slot.entry.get();
  }
  return nullptr;
}

std::size_t KeyTable::keys() const noexcept {
  std::size_t out = 0;
  for (const auto& shard : shards_) out += shard ? shard->used : 0;
  return out;
}

}  // namespace mlgate::gateway
