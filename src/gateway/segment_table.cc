#include "gateway/segment_table.h"

#include "base/text.h"

namespace mlgate::gateway {

std::uint32_t SegmentTable::hash(std::uint32_t node, std::string_view segment) const noexcept {
  std::uint64_t hash = (0xcbf29ce484222325 ^ node) * 0x100000001b3;
  for (const char c : segment) {
    hash = (hash ^ std::uint8_t(path_case_.sensitive ? c : ascii_lower(c))) * 0x100000001b3;
  }
  return std::uint32_t(hash ^ (hash >> 32));
}

bool SegmentTable::same(std::string_view a, std::string_view b) const noexcept {
  return a.size() == b.size() && (path_case_.sensitive ? a == b : equals_ignoring_case(a, b));
}

void SegmentTable::grow() {
  std::vector<Slot> old(slots_.empty() ? 16 : slots_.size() * 2);
  old.swap(slots_);
  for (auto& slot : old) {
    if (slot.child == kNone) continue;
    std::size_t at = slot.hash & (slots_.size() - 1);
    while (slots_[at].child != kNone) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = std::move(slot);
  }
}

std::uint32_t SegmentTable::find_or_add(std::uint32_t node, std::string_view segment,
                                        std::uint32_t next) {
  if (const auto found = find(node, segment); found != kNone) return found;
  if (2 * (used_ + 1) > slots_.size()) grow();
  const auto hashed = hash(node, segment);
  std::size_t at = hashed & (slots_.size() - 1);
  while (slots_[at].child != kNone) at = (at + 1) & (slots_.size() - 1);
  slots_[at] = {node, next, hashed, std::string(segment)};
  ++used_;
  return next;
}

std::uint32_t SegmentTable::find(std::uint32_t node, std::string_view segment) const noexcept {
  if (slots_.empty()) return kNone;
  const auto hashed = hash(node, segment);
  for (std::size_t at = hashed & (slots_.size() - 1); slots_[at].child != kNone;
       at = (at + 1) & (slots_.size() - 1)) {
    const Slot& slot = slots_[at];
    if (slot.hash == hashed && slot.node == node && same(slot.segment, segment)) return slot.child;
  }
  return kNone;
}

}  // namespace mlgate::gateway
