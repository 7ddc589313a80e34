// quota: a volume of calls or bandwidth per subscription in fixed windows from the subscription's
// start, or for its whole life. A call is counted when it is admitted; its bytes when it has ended,
// so the last call may end over the limit and the next one is refused. Calls without a subscription
// are not limited.
#include "base/time.h"
#include "policy/builtin/builtin.h"
#include "policy/builtin/selector.h"
#include "policy/catalog.h"
#include "policy/exchange.h"
#include "policy/quota_volume.h"

#include <array>
#include <span>

namespace mlgate::policy {

namespace {

constexpr ParamSpec kPeriodParam =
    renewal_period_param("Seconds after which the quota is full again; 0: never.");
constexpr ParamSpec kParams[] = {kCallsParam, kBandwidthParam, kPeriodParam};
constexpr ParamSpec kChildParams[] = {
    {.name = "name", .help = "Display name of the API or operation."},
    {.name = "id", .help = "Resource name of the API or operation; wins over name."},
    kCallsParam,
    kBandwidthParam,
    kPeriodParam,
};
constexpr ElementSpec kOperation[] = {
    {.name = "operation", .attributes = kChildParams, .children = {}}};
constexpr ElementSpec kApi[] = {
    {.name = "api", .attributes = kChildParams, .children = kOperation}};
constexpr ElementSpec kGrammar{.name = "quota", .attributes = kParams, .children = kApi};

struct Counted {
  Selector selector;
  std::uint64_t rule = 0;
  QuotaVolume volume;
  std::vector<Counted> children;
};

class Quota final : public Policy {
 public:
  static std::shared_ptr<const Policy> make(const PolicyNode& node, const PolicyPlace& place,
                                            DocumentErrors& errors) {
    auto self = std::make_shared<Quota>();
    self->limits_ = place.placement.limits;
    self->total_.rule = mix_numbers(place.placement.entity, hash_text("quota"));
    self->total_.volume = QuotaVolume::of(node, errors);
    for (const auto& api : node.children) {
      self->apis_.push_back(child(api, self->total_.rule, errors));
      for (const auto& operation : api.children) {
        self->apis_.back().children.push_back(child(operation, self->apis_.back().rule, errors));
      }
    }
    if (place.placement.take_quota) self->tell(place.placement.take_quota);
    return self;
  }

  Flow apply(Exchange& x) const noexcept override {
    if (x.matched.subscription == 0 || !limits_) return Flow::next;
    if (apis_.empty()) {
      const QuotaRule one = rule(total_, x);
      return admit(x, {&one, 1});
    }
    std::array<QuotaRule, RateLimits::kRulesMax> rules;
    std::size_t count = 0;
    rules[count++] = rule(total_, x);
    for (const auto& api : apis_) {
      if (count + 1 >= rules.size()) break;
      if (!api.selector.selects(x.matched.api_name, x.matched.api_display_name)) continue;
      rules[count++] = rule(api, x);
      for (const auto& operation : api.children) {
        if (count == rules.size()) break;
        if (operation.selector.selects(x.matched.operation_name, x.matched.operation_display_name))
          rules[count++] = rule(operation, x);
      }
    }
    return admit(x, {rules.data(), count});
  }

 private:
  void tell(const TakeQuota& take) const {
    const auto one = [&](const Counted& counted, std::optional<Selector> api,
                         std::optional<Selector> operation) {
      take({.by_key = false,
            .rule = counted.rule,
            .period_s = counted.volume.period_s,
            .start_ms = 0,
            .api = std::move(api),
            .operation = std::move(operation)});
    };
    one(total_, {}, {});
    for (const auto& api : apis_) {
      one(api, api.selector, {});
      for (const auto& operation : api.children) one(operation, api.selector, operation.selector);
    }
  }
  Flow admit(Exchange& x, std::span<const QuotaRule> rules) const noexcept {
    const auto verdict = limits_->quotas.admit(rules, x.now_ms);
    if (x.trace) [[unlikely]]
      note_quota(*x.trace, limits_->quotas, rules[0]);
    if (verdict.exceeded != QuotaVerdict::Exceeded::none) return refuse_quota(x, verdict);
    for (const QuotaRule& one : rules) x.charges.push_back({&limits_->quotas, one});
    return Flow::next;
  }
  static Counted child(const PolicyNode& node, std::uint64_t parent, DocumentErrors& errors) {
    Counted out;
    out.selector = selector_of(node, errors);
    out.rule = mix_numbers(parent, number_of(out.selector));
    out.volume = QuotaVolume::of(node, errors);
    return out;
  }
  static QuotaRule rule(const Counted& counted, const Exchange& x) noexcept {
    return {{x.matched.subscription, counted.rule},
            counted.volume.calls,
            counted.volume.bytes,
            counted.volume.period_s,
            x.matched.subscription_start_ms};
  }

  Limits* limits_ = nullptr;  // The program's; safe from any thread, and survives a reload.
  Counted total_;
  std::vector<Counted> apis_;
};

}  // namespace

void register_quota(PolicyCatalog& catalog) {
  catalog.add({.name = "quota",
               .sections = bit(Section::inbound),
               .scopes = bit(Scope::product),
               .once = true,
               .grammar = &kGrammar,
               .make = &Quota::make,
               .help = "Limits the calls or the bandwidth of a subscription in fixed windows."});
}

}  // namespace mlgate::policy
