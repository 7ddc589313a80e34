#include "gateway/key_table.h"

#include "base/crypto.h"

namespace mlgate::gateway {

KeyTable::KeyTable(std::vector<SubscriptionEntry> subscriptions)
    : hash_key_(random_bytes(16)), subscriptions_(std::move(subscriptions)) {
  std::size_t size = 16;
  while (size < 4 * subscriptions_.size()) size *= 2;
  slots_.resize(size);
  for (std::uint32_t i = 0; i < subscriptions_.size(); ++i) {
    if (!subscriptions_[i].primary_key.empty()) insert(i, false);
    if (!subscriptions_[i].secondary_key.empty()) insert(i, true);
  }
}

void KeyTable::insert(std::uint32_t subscription, bool secondary) {
  const auto& entry = subscriptions_[subscription];
  const auto hash = keyed_hash(hash_key_, secondary ? entry.secondary_key : entry.primary_key);
  std::size_t at = hash & (slots_.size() - 1);
  while (slots_[at].subscription != 0) at = (at + 1) & (slots_.size() - 1);
  slots_[at] = {hash, subscription + 1, secondary};
}

const SubscriptionEntry* KeyTable::find(std::string_view key) const noexcept {
  if (slots_.empty() || key.empty() || key.size() > kKeyBytesMax) return nullptr;
  const auto hash = keyed_hash(hash_key_, key);
  for (std::size_t at = hash & (slots_.size() - 1); slots_[at].subscription != 0;
       at = (at + 1) & (slots_.size() - 1)) {
    const Slot& slot = slots_[at];
    if (slot.hash != hash) continue;
    const auto& entry = subscriptions_[slot.subscription - 1];
    if (equal_secrets(slot.secondary ? entry.secondary_key : entry.primary_key, key)) return &entry;
  }
  return nullptr;
}

}  // namespace mlgate::gateway
