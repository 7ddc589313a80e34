#include "policy/promises.h"

#include <algorithm>

namespace mlgate::policy {

namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;

}  // namespace

Promises::Promises(const Params& params, std::uint32_t calls)
    : retry_header_(params.text("retry-after-header-name")),
      retry_variable_(params.text("retry-after-variable-name")),
      remaining_header_(params.text("remaining-calls-header-name")),
      remaining_variable_(params.text("remaining-calls-variable-name")),
      total_header_(params.text("total-calls-header-name")),
      total_text_(std::to_string(calls)) {}

void Promises::make(Exchange& x, std::uint32_t remaining) const {
  if (!remaining_header_.empty() || !remaining_variable_.empty()) {
    const auto text = x.number_text(remaining);
    if (!remaining_header_.empty()) x.response_additions.push_back({remaining_header_, text});
    if (!remaining_variable_.empty()) x.set_variable(remaining_variable_, text);
  }
  if (!total_header_.empty()) x.response_additions.push_back({total_header_, total_text_});
}

Flow Promises::refuse(Exchange& x, std::int64_t retry_after_ns) const {
  const std::int64_t seconds =
      std::max<std::int64_t>(1, (retry_after_ns + kSecondNs - 1) / kSecondNs);
  const auto text = x.number_text(seconds);
  x.response_additions.push_back({retry_header_, text});
  if (!retry_variable_.empty()) x.set_variable(retry_variable_, text);
  x.error.reason = "RateLimitExceeded";
  x.error.message = "Rate limit is exceeded";
  answer_error(x, 429, "Too Many Requests",
               x.arena.join({"Rate limit is exceeded. Try again in ", text, " seconds."}));
  return Flow::error;
}

}  // namespace mlgate::policy
