#pragma once
// The few expressions that keys of counters are made of, and the conditions on which they count.
// Documents use the same handful of forms for them, which are recognised here as they stand:
//   @(context.Subscription.Id), @(context.Request.IpAddress + "-" + context.Operation.Id),
//   @(context.Request.Headers.GetValueOrDefault("X-Key", "none")), @(context.User?.Id ?? "nobody")
//   @(context.Response.StatusCode >= 200 && context.Response.StatusCode < 400)
// Behind this interface any compiler of expressions can stand.
#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::policy {

struct Exchange;

class KeyExpression {
 public:
  // A literal, or an expression; `text` is the value of an attribute.
  static Result<KeyExpression> parse(std::string_view text);
  // Valid until the exchange is reset.
  std::string_view value(Exchange& x) const;

  enum class Source : unsigned char {
    literal,
    ip_address,
    method,
    host,
    path,
    header,
    query,
    matched,
    subscription_id,
    subscription_key,
    user_id,
    product_id,
    api_id,
    api_name,
    api_path,
    api_revision,
    operation_id,
    operation_name
  };
  struct Term {
    Source source = Source::literal;
    std::string name;       // Of a header, query or matched parameter; the text of a literal.
    std::string otherwise;  // When there is none.
  };

 private:
  std::vector<Term> terms_;
};

class CountCondition {
 public:
  // "true", "false", or an expression of comparisons of context.Response.StatusCode.
  static Result<CountCondition> parse(std::string_view text);
  // False where the answer is the same for every response.
  bool needs_response() const noexcept { return !any_of_.empty(); }
  bool holds(int status) const noexcept;

  enum class Compare : unsigned char { equal, unequal, less, at_most, greater, at_least };
  struct Comparison {
    Compare compare = Compare::equal;
    int status = 0;
  };

 private:
  bool always_ = true;
  std::vector<std::vector<Comparison>> any_of_;  // Each holds when all of its comparisons do.
};

}  // namespace mlgate::policy
