#include "policy/counter_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <utility>

namespace mlgate::policy {
namespace {

struct Number {
  std::uint64_t value = 0;
};
using Table = CounterTable<Number>;

std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t> all(const Table& table) {
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t> out;
  table.for_each([&](const CounterKey& key, const Number& number) {
    EXPECT_TRUE(out.emplace(std::pair(key.subscriber, key.rule), number.value).second);
  });
  return out;
}

TEST(CounterTable, HoldsWhatAMapHoldsUnderAnyComingAndGoing) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    std::mt19937_64 random(seed);
    Table table;
    std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t> model;
    for (int step = 0; step < 4000; ++step) {
      const CounterKey key{random() % 40, random() % 5};  // All zeros among them.
      Number* const found = table.find(key);
      const auto known = model.find({key.subscriber, key.rule});
      ASSERT_EQ(found != nullptr, known != model.end());
      if (found) {
        ASSERT_EQ(found->value, known->second);
        continue;
      }
      if (step % 3 == 0) {
        // Whoever goes is found by value, so that the model can follow.
        const std::uint64_t below = random() % (std::uint64_t(step) + 1);
        const std::size_t before = model.size();
        std::size_t dropped = 0;
        while (const std::size_t now = table.sweep(
                   1000, [below](const Number& number) { return number.value % 7 == below % 7; }))
          dropped += now;
        std::erase_if(model, [below](const auto& one) { return one.second % 7 == below % 7; });
        ASSERT_EQ(dropped, before - model.size());
      }
      table.make(key).value = std::uint64_t(step);
      model[{key.subscriber, key.rule}] = std::uint64_t(step);
    }
    ASSERT_EQ(all(table), model) << "seed " << seed;
  }
}

TEST(CounterTable, ASweepGoesOnWhereTheLastEnded) {
  Table table;
  for (std::uint64_t i = 1; i <= 1000; ++i) table.make({i, i}).value = i;
  std::size_t dropped = 0;
  for (int turn = 0; turn < 2048; ++turn)
    dropped += table.sweep(1, [](const Number&) { return true; });
  EXPECT_EQ(dropped, 1000u);
  EXPECT_TRUE(all(table).empty());
}

TEST(CounterTable, AnEmptyOneIsLookedThroughToo) {
  Table table;
  EXPECT_EQ(table.find({1, 1}), nullptr);
  EXPECT_EQ(table.sweep(10, [](const Number&) { return true; }), 0u);
}

}  // namespace
}  // namespace mlgate::policy
