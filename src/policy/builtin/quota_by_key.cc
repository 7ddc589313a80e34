// quota-by-key: a volume of calls or bandwidth per key in fixed windows from a date on, or for
// ever. Policies with the same key, period and first period share a counter.
#include "base/time.h"
#include "policy/builtin/builtin.h"
#include "policy/by_key.h"
#include "policy/quota_volume.h"

namespace mlgate::policy {

namespace {

constexpr std::int64_t kPeriodMin = 300;

constexpr ParamSpec kParams[] = {
    kCallsParam,
    kBandwidthParam,
    renewal_period_param("Seconds after which the quota is full again, at least 300; 0: never."),
    kCounterKeyParam,
    kIncrementConditionParam,
    kIncrementCountParam,
    {.name = "first-period-start",
     .otherwise = "0001-01-01T00:00:00Z",
     .help = "When the first period begins, as yyyy-MM-ddTHH:mm:ssZ."},
};
constexpr ElementSpec kGrammar{.name = "quota-by-key", .attributes = kParams, .children = {}};

class QuotaByKey final : public Policy, public DeferredCounter {
 public:
  static std::shared_ptr<const Policy> make(const PolicyNode& node, const PolicyPlace& place,
                                            DocumentErrors& errors) {
    auto self = std::make_shared<QuotaByKey>();
    const Params& params = node.params;
    self->limits_ = place.placement.limits;
    self->by_key_ = ByKey::of(node, errors);
    self->volume_ = QuotaVolume::of(node, errors);
    const std::int64_t period_s = self->volume_.period_s;
    if (period_s != 0 && period_s < kPeriodMin)
      errors.add_invalid_value(*node.element, "renewal-period", params.text("renewal-period"),
                               "The value must be 0 or at least 300.");
    const auto start = parse_iso8601(params.text("first-period-start"));
    if (!start)
      errors.add_invalid_value(*node.element, "first-period-start",
                               params.text("first-period-start"),
                               "The value must be a date as yyyy-MM-ddTHH:mm:ssZ.");
    self->start_ms_ = start.value_or(0);
    self->kind_ = mix_numbers(hash_text("quota-by-key"),
                              mix_numbers(std::uint64_t(period_s), std::uint64_t(self->start_ms_)));
    if (place.placement.take_quota)
      place.placement.take_quota({.by_key = true,
                                  .rule = self->kind_,
                                  .period_s = period_s,
                                  .start_ms = self->start_ms_,
                                  .api = {},
                                  .operation = {}});
    return self;
  }

  Flow apply(Exchange& x) const noexcept override {
    if (!limits_) return Flow::next;
    const QuotaRule rule = rule_of(by_key_.counter(x, *limits_, kind_));
    const bool later = by_key_.condition.needs_response();
    const bool counted = !later && by_key_.condition.holds(0);
    const QuotaVerdict verdict = counted ? limits_->quotas.admit({&rule, 1}, x.now_ms)
                                         : limits_->quotas.check(rule, x.now_ms);
    if (x.trace) [[unlikely]] {
      x.trace->note("counterKey", by_key_.key.value(x));
      note_quota(*x.trace, limits_->quotas, rule);
    }
    if (verdict.exceeded != QuotaVerdict::Exceeded::none) return refuse_quota(x, verdict);
    if (later) x.deferred.push_back({this, rule.key});
    if (counted) x.charges.push_back({&limits_->quotas, rule});
    return Flow::next;
  }

  void count(Exchange& x, const CounterKey& key) const noexcept override {
    if (!by_key_.condition.holds(x.response.status)) return;
    const QuotaRule rule = rule_of(key);
    limits_->quotas.add_calls(rule, by_key_.increment, x.now_ms);
    x.charges.push_back({&limits_->quotas, rule});
  }

 private:
  QuotaRule rule_of(const CounterKey& key) const noexcept {
    return {key, volume_.calls, volume_.bytes, volume_.period_s, start_ms_, by_key_.increment};
  }

  Limits* limits_ = nullptr;  // The program's; safe from any thread, and survives a reload.
  ByKey by_key_;
  QuotaVolume volume_;
  TimeMs start_ms_ = 0;
  std::uint64_t kind_ = 0;
};

}  // namespace

void register_quota_by_key(PolicyCatalog& catalog) {
  catalog.add({.name = "quota-by-key",
               .sections = bit(Section::inbound),
               .grammar = &kGrammar,
               .make = &QuotaByKey::make,
               .help = "Limits the calls or the bandwidth with one key in fixed windows."});
}

}  // namespace mlgate::policy
