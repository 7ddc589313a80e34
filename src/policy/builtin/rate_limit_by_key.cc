// rate-limit-by-key: at most `calls` calls with one key in any `renewal-period` seconds. The same
// key is one counter in every document of the service, and each policy judges what it holds by its
// own numbers.
#include "policy/builtin/builtin.h"
#include "policy/by_key.h"
#include "policy/promises.h"

#include <algorithm>

namespace mlgate::policy {

namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;

constexpr ParamSpec kParams[] = {
    {.name = "calls",
     .type = ParamType::integer,
     .required = true,
     .expression = true,
     .min = 1,
     .max = 2'147'483'647,
     .help = "Calls allowed in the period."},
    {.name = "renewal-period",
     .type = ParamType::integer,
     .required = true,
     .expression = true,
     .min = 1,
     .max = 300,
     .help = "Length of the sliding window, in seconds."},
    kCounterKeyParam,
    kIncrementConditionParam,
    kIncrementCountParam,
    kPromiseParams[0],
    kPromiseParams[1],
    kPromiseParams[2],
    kPromiseParams[3],
    kPromiseParams[4],
};
constexpr ElementSpec kGrammar{.name = "rate-limit-by-key", .attributes = kParams, .children = {}};

class RateLimitByKey final : public Policy, public DeferredCounter {
 public:
  static std::shared_ptr<const Policy> make(const PolicyNode& node, const PolicyPlace& place,
                                            DocumentErrors& errors) {
    auto self = std::make_shared<RateLimitByKey>();
    self->limits_ = place.placement.limits;
    self->by_key_ = ByKey::of(node, errors);
    self->calls_ = std::uint32_t(node.params.integer("calls"));
    self->period_ns_ = node.params.integer("renewal-period") * kSecondNs;
    self->promises_ = Promises(node.params, self->calls_);
    return self;
  }

  Flow apply(Exchange& x) const noexcept override {
    if (!limits_) return Flow::next;
    RateRule rule{by_key_.counter(x, *limits_, kKind), calls_, period_ns_, by_key_.increment};
    RateVerdict verdict;
    if (by_key_.condition.needs_response()) {
      verdict = limits_->rates.check(rule, x.now_ns);
      if (verdict.admitted) x.deferred.push_back({this, rule.key});
    } else if (by_key_.condition.holds(0) && by_key_.increment > 0) {
      verdict = limits_->rates.admit({&rule, 1}, x.now_ns);
    } else {
      verdict = limits_->rates.check(rule, x.now_ns);
    }
    if (x.trace) [[unlikely]] {
      x.trace->note("counterKey", by_key_.key.value(x));
      x.trace->note("limitCalls", std::to_string(calls_));
      x.trace->note("remainingCalls", x.number_text(verdict.admitted ? verdict.remaining : 0));
    }
    promises_.make(x, verdict.admitted ? verdict.remaining : 0);
    return verdict.admitted ? Flow::next : promises_.refuse(x, verdict.retry_after_ns);
  }

  void count(Exchange& x, const CounterKey& key) const noexcept override {
    if (by_key_.condition.holds(x.response.status))
      limits_->rates.count({key, calls_, period_ns_}, by_key_.increment, x.now_ns);
  }

 private:
  static inline const std::uint64_t kKind = hash_text("rate-limit-by-key");
  Limits* limits_ = nullptr;  // The program's; safe from any thread, and survives a reload.
  ByKey by_key_;
  std::uint32_t calls_ = 0;
  std::int64_t period_ns_ = 0;
  Promises promises_;
};

}  // namespace

void register_rate_limit_by_key(PolicyCatalog& catalog) {
  catalog.add({.name = "rate-limit-by-key",
               .sections = bit(Section::inbound),
               .grammar = &kGrammar,
               .make = &RateLimitByKey::make,
               .help = "Limits the calls with one key in a sliding window."});
}

}  // namespace mlgate::policy
