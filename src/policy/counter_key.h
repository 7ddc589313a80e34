#pragma once
// Which counter of a limit: the numbers that stay the same over reloads and restarts.
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mlgate::policy {

// The subscriber's stable number, and the rule's (scope, entity and child of the policy).
struct CounterKey {
  std::uint64_t subscriber = 0;
  std::uint64_t rule = 0;
  friend bool operator==(const CounterKey&, const CounterKey&) = default;
};
struct CounterKeyHash {
  std::size_t operator()(const CounterKey& key) const noexcept;
};
// Mixes numbers into one; stable for ever, because counters are kept under the result.
std::uint64_t mix_numbers(std::uint64_t a, std::uint64_t b) noexcept;
std::uint64_t hash_text(std::string_view text) noexcept;

}  // namespace mlgate::policy
