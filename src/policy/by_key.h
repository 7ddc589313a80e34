#pragma once
// What rate-limit-by-key and quota-by-key have in common: the key of the counter, on which
// responses a call counts, and for how much.
#include "policy/catalog.h"
#include "policy/exchange.h"
#include "policy/key_expression.h"

#include <cstdint>
#include <string_view>

namespace mlgate::policy {

inline constexpr std::int64_t kIncrementMax = 1'000'000;

struct ByKey {
  KeyExpression key;
  CountCondition condition;
  std::uint32_t increment = 1;

  static ByKey of(const PolicyNode& node, DocumentErrors& errors) {
    ByKey out;
    const auto take = [&](std::string_view name, auto& target) {
      auto parsed = std::remove_reference_t<decltype(target)>::parse(node.params.text(name));
      if (parsed)
        target = *std::move(parsed);
      else
        errors.add_invalid_value(*node.element, name, node.params.text(name),
                                 parsed.error().message());
    };
    take("counter-key", out.key);
    take("increment-condition", out.condition);
    out.increment = std::uint32_t(node.params.integer("increment-count"));
    return out;
  }
  // The counter of this call; `kind` is the number of the policy, and more.
  CounterKey counter(Exchange& x, const Limits& limits, std::uint64_t kind) const {
    return limits.counter_of_key(key.value(x), x.matched.service, kind);
  }
};

constexpr ParamSpec kCounterKeyParam{
    .name = "counter-key",
    .required = true,
    .expression = true,
    .own_expression = true,
    .help = "Key of the counter: calls with the same key share it."};
constexpr ParamSpec kIncrementConditionParam{
    .name = "increment-condition",
    .expression = true,
    .own_expression = true,
    .otherwise = "true",
    .help =
        "Whether a call counts; with an expression it is looked at when the response is there."};
constexpr ParamSpec kIncrementCountParam{.name = "increment-count",
                                         .type = ParamType::integer,
                                         .expression = true,
                                         .min = 0,
                                         .max = kIncrementMax,
                                         .otherwise = "1",
                                         .help = "What a call counts for."};

}  // namespace mlgate::policy
