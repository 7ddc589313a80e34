#include "gateway/backend_part.h"

#include <algorithm>
#include <array>

namespace mlgate::gateway {
namespace {

constexpr std::size_t kMembersMax = 64;

}  // namespace

std::int64_t BackendPart::closed_in_ns(std::int64_t now_ns) const noexcept {
  if (!is_pool()) return state->open_for_ns(now_ns);
  std::int64_t soonest = 0;
  for (const auto& member : members) {
    const std::int64_t wait = member.backend->closed_in_ns(now_ns);
    if (wait > 0 && (soonest == 0 || wait < soonest)) soonest = wait;
  }
  return soonest;
}

const BackendPart* BackendPart::choose(std::int64_t now_ns) const noexcept {
  if (!is_pool()) return usable(now_ns) ? this : nullptr;
  std::array<PoolState::Candidate, kMembersMax> found;
  std::size_t count = 0;
  std::uint32_t priority = 0;
  for (std::uint32_t i = 0; i < members.size() && i < kMembersMax; ++i) {
    const PoolEntry& one = members[i];
    // Members stand by priority: the first that can be used decides the group.
    if (count > 0 && one.priority != priority) break;
    if (one.weight == 0 || !one.backend->usable(now_ns)) continue;
    priority = one.priority;
    found[count++] = {i, one.weight};
  }
  if (count == 0) return nullptr;
  return members[turn->next({found.data(), count})].backend.get();
}

}  // namespace mlgate::gateway
