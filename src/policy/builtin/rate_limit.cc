// rate-limit: at most `calls` calls of one subscription in any `renewal-period` seconds, with
// tighter limits for single APIs and operations. One table serves all workers, so the limit is
// exact however a caller's connections are spread. Calls without a subscription are not limited.
#include "policy/builtin/builtin.h"
#include "policy/builtin/selector.h"
#include "policy/catalog.h"
#include "policy/exchange.h"
#include "policy/promises.h"

#include <array>

namespace mlgate::policy {

namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;
constexpr std::int64_t kCallsMax = 2'147'483'647;

constexpr ParamSpec kParams[] = {
    {.name = "calls",
     .type = ParamType::integer,
     .required = true,
     .min = 1,
     .max = kCallsMax,
     .help = "Calls allowed in the period."},
    {.name = "renewal-period",
     .type = ParamType::integer,
     .required = true,
     .min = 1,
     .max = 300,
     .help = "Length of the sliding window, in seconds."},
    kPromiseParams[0],
    kPromiseParams[1],
    kPromiseParams[2],
    kPromiseParams[3],
    kPromiseParams[4],
};
constexpr ParamSpec kChildParams[] = {
    {.name = "name", .help = "Display name of the API or operation."},
    {.name = "id", .help = "Resource name of the API or operation; wins over name."},
    {.name = "calls",
     .type = ParamType::integer,
     .required = true,
     .min = 1,
     .max = kCallsMax,
     .help = "Calls allowed in the period."},
    {.name = "renewal-period",
     .type = ParamType::integer,
     .required = true,
     .min = 1,
     .max = 300,
     .help = "Length of the sliding window, in seconds."},
};
constexpr ElementSpec kOperation[] = {
    {.name = "operation", .attributes = kChildParams, .children = {}}};
constexpr ElementSpec kApi[] = {
    {.name = "api", .attributes = kChildParams, .children = kOperation}};
constexpr ElementSpec kGrammar{.name = "rate-limit", .attributes = kParams, .children = kApi};

struct Limit {
  Selector selector;
  std::uint64_t rule = 0;
  std::uint32_t calls = 0;
  std::int64_t period_ns = 0;
  std::vector<Limit> children;
};

class RateLimit final : public Policy {
 public:
  static std::shared_ptr<const Policy> make(const PolicyNode& node, const PolicyPlace& place,
                                            DocumentErrors& errors) {
    auto self = std::make_shared<RateLimit>();
    self->limits_ = place.placement.limits;
    self->total_.rule = mix_numbers(place.placement.entity, hash_text("rate-limit"));
    read(node, self->total_);
    for (const auto& api : node.children) {
      self->apis_.push_back(child(api, self->total_.rule, errors));
      for (const auto& operation : api.children) {
        self->apis_.back().children.push_back(child(operation, self->apis_.back().rule, errors));
      }
    }
    self->promises_ = Promises(node.params, self->total_.calls);
    return self;
  }

  Flow apply(Exchange& x) const noexcept override {
    if (x.matched.subscription == 0 || !limits_) return Flow::next;
    const auto verdict = apis_.empty() ? admit_one(x) : admit_all(x);
    if (x.trace) [[unlikely]] {
      x.trace->note("limitCalls", std::to_string(total_.calls));
      x.trace->note("remainingCalls", x.number_text(verdict.admitted ? verdict.remaining : 0));
    }
    promises_.make(x, verdict.admitted ? verdict.remaining : 0);
    return verdict.admitted ? Flow::next : promises_.refuse(x, verdict.retry_after_ns);
  }

 private:
  RateVerdict admit_one(const Exchange& x) const noexcept {
    const RateRule one = rule(total_, x);
    return limits_->rates.admit({&one, 1}, x.now_ns);
  }
  RateVerdict admit_all(const Exchange& x) const noexcept {
    std::array<RateRule, RateLimits::kRulesMax> rules;
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
    return limits_->rates.admit({rules.data(), count}, x.now_ns);
  }
  static void read(const PolicyNode& node, Limit& out) {
    out.calls = std::uint32_t(node.params.integer("calls"));
    out.period_ns = node.params.integer("renewal-period") * kSecondNs;
  }
  static Limit child(const PolicyNode& node, std::uint64_t parent, DocumentErrors& errors) {
    Limit out;
    out.selector = selector_of(node, errors);
    out.rule = mix_numbers(parent, number_of(out.selector));
    read(node, out);
    return out;
  }
  static RateRule rule(const Limit& limit, const Exchange& x) noexcept {
    return {{x.matched.subscription, limit.rule}, limit.calls, limit.period_ns};
  }

  Limits* limits_ = nullptr;  // The program's; safe from any thread, and survives a reload.
  Limit total_;
  std::vector<Limit> apis_;
  Promises promises_;
};

}  // namespace

void register_rate_limit(PolicyCatalog& catalog) {
  catalog.add({.name = "rate-limit",
               .sections = bit(Section::inbound),
               .scopes = bit(Scope::product) | bit(Scope::api) | bit(Scope::operation),
               .once = true,
               .grammar = &kGrammar,
               .make = &RateLimit::make,
               .help = "Limits the calls of a subscription in a sliding window."});
}

}  // namespace mlgate::policy
