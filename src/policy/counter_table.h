#pragma once
// The counters of one stripe by key. They lie in the table itself, so that a look-up waits for
// memory once, however many there are: with a million callers none of their counters is in a cache.
// Linear probing; where a counter leaves, those behind it close up, so that the table holds no
// traces of what once was there. Thread: whoever has the stripe's lock.
#include "policy/counter_key.h"

#include <cstddef>
#include <memory>
#include <utility>

namespace mlgate::policy {

template <class Counter>
class CounterTable {
 public:
  // Good until the next make() or sweep().
  Counter* find(CounterKey key) noexcept {
    const std::size_t at = place_of(key);
    return at == kNowhere ? nullptr : &places_[at].counter;
  }
  const Counter* find(CounterKey key) const noexcept {
    const std::size_t at = place_of(key);
    return at == kNowhere ? nullptr : &places_[at].counter;
  }

  // A new counter under a key that has none.
  Counter& make(CounterKey key) {
    if (4 * (used_ + 1) > 3 * size_) grow();
    ++used_;
    return put(stored(key), Counter())->counter;
  }

  // Looks at the next `count` places and drops the counters for which `is_over` is true; says how
  // many.
  template <class F>
  std::size_t sweep(std::size_t count, F is_over) noexcept {
    std::size_t dropped = 0;
    for (std::size_t looked = 0; looked < count && looked < size_; ++looked) {
      hand_ = (hand_ + 1) & (size_ - 1);
      // Another counter may move to where one leaves.
      while (!is_empty(places_[hand_]) && is_over(places_[hand_].counter)) {
        drop(hand_);
        ++dropped;
      }
    }
    return dropped;
  }

  template <class F>
  void for_each(F f) const {
    for (std::size_t at = 0; at < size_; ++at)
      if (!is_empty(places_[at])) f(given(places_[at].key), places_[at].counter);
  }

 private:
  static constexpr std::size_t kNowhere = ~std::size_t{0};
  static constexpr std::size_t kSizeMin = 8;
  static constexpr CounterKey kEmpty{};
  static constexpr CounterKey kZeros{0, ~std::uint64_t{0}};  // Stands for a key that is all zeros.

  struct alignas(64) Place {  // A cache line.
    CounterKey key;           // kEmpty: none.
    Counter counter;
  };

  static CounterKey stored(CounterKey key) noexcept { return key == kEmpty ? kZeros : key; }
  static CounterKey given(CounterKey key) noexcept { return key == kZeros ? kEmpty : key; }
  static bool is_empty(const Place& place) noexcept { return place.key == kEmpty; }
  std::size_t home(const CounterKey& key) const noexcept {
    return CounterKeyHash()(key) & (size_ - 1);
  }

  std::size_t place_of(CounterKey key) const noexcept {
    if (size_ == 0) return kNowhere;
    key = stored(key);
    for (std::size_t at = home(key);; at = (at + 1) & (size_ - 1)) {
      if (places_[at].key == key) return at;
      if (is_empty(places_[at])) return kNowhere;
    }
  }

  Place* put(const CounterKey& key, Counter counter) noexcept {
    std::size_t at = home(key);
    while (!is_empty(places_[at])) at = (at + 1) & (size_ - 1);
    places_[at].key = key;
    places_[at].counter = std::move(counter);
    return &places_[at];
  }

  void grow() {
    const std::size_t larger = size_ == 0 ? kSizeMin : 2 * size_;
    auto before = std::make_unique<Place[]>(larger);
    before.swap(places_);
    const std::size_t size = std::exchange(size_, larger);
    for (std::size_t at = 0; at < size; ++at)
      if (!is_empty(before[at])) put(before[at].key, std::move(before[at].counter));
  }

  void drop(std::size_t hole) noexcept {
    --used_;
    for (std::size_t at = (hole + 1) & (size_ - 1); !is_empty(places_[at]);
         at = (at + 1) & (size_ - 1)) {
      // One that is not behind its home by as much as the hole is stays where it is.
      const std::size_t from_home = (at - home(places_[at].key)) & (size_ - 1);
      const std::size_t from_hole = (at - hole) & (size_ - 1);
      if (from_home < from_hole) continue;
      places_[hole].key = places_[at].key;
      places_[hole].counter = std::move(places_[at].counter);
      hole = at;
    }
    places_[hole].key = kEmpty;
    places_[hole].counter = Counter();
  }

  std::unique_ptr<Place[]> places_;
  std::size_t size_ = 0;  // Zero or a power of two; at most three quarters are used.
  std::size_t used_ = 0;
  std::size_t hand_ = 0;  // Where the next sweep goes on.
};

}  // namespace mlgate::policy
