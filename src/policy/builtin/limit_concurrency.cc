// limit-concurrency: its children run for at most `max-count` calls with one key at the same time;
// a call above that is refused at once. The place is given back when the children have run, on
// every way out of them.
#include "policy/builtin/builtin.h"
#include "policy/catalog.h"
#include "policy/exchange.h"
#include "policy/key_expression.h"

namespace mlgate::policy {

namespace {

constexpr ParamSpec kParams[] = {
    {.name = "key",
     .required = true,
     .expression = true,
     .own_expression = true,
     .help = "Calls with the same key are counted together."},
    {.name = "max-count",
     .type = ParamType::integer,
     .required = true,
     .min = 1,
     .max = 1'000'000,
     .help = "Calls that may run the children at the same time."},
};
constexpr ElementSpec kGrammar{.name = "limit-concurrency", .attributes = kParams, .children = {}};

class LimitConcurrency final : public Policy {
 public:
  static std::shared_ptr<const Policy> make(const PolicyNode& node, const PolicyPlace& place,
                                            DocumentErrors& errors) {
    auto self = std::make_shared<LimitConcurrency>();
    self->limits_ = place.placement.limits;
    self->max_ = std::uint32_t(node.params.integer("max-count"));
    auto key = KeyExpression::parse(node.params.text("key"));
    if (key)
      self->key_ = *std::move(key);
    else
      errors.add_invalid_value(*node.element, "key", node.params.text("key"),
                               key.error().message());
    return self;
  }

  Flow apply(Exchange& x) const noexcept override {
    if (!limits_) return Flow::next;
    const std::string_view name = key_.value(x);
    const std::uint64_t key = mix_numbers(limits_->number_of(name), x.matched.service);
    const bool entered = limits_->concurrency.enter(key, max_);
    if (x.trace) [[unlikely]] {
      x.trace->note("key", name);
      x.trace->note("maxCount", std::to_string(max_));
      x.trace->note("runningCalls", std::to_string(limits_->concurrency.running(key)));
    }
    if (entered) {
      x.slots.push_back({&limits_->concurrency, key});
      return Flow::next;
    }
    x.error.reason = "ConcurrencyLimitExceeded";
    x.error.message = "Concurrency limit is exceeded.";
    answer_error(x, 429, "Too Many Requests", "Concurrency limit is exceeded.");
    return Flow::error;
  }

 private:
  Limits* limits_ = nullptr;  // The program's; safe from any thread, and survives a reload.
  KeyExpression key_;
  std::uint32_t max_ = 1;
};

// Stands behind the children.
class LeaveConcurrency final : public Policy {
 public:
  Flow apply(Exchange& x) const noexcept override {
    if (!x.slots.empty()) x.release_slots(x.slots.size() - 1);
    return Flow::next;
  }
};

// Constant data: a policy never changes.
const LeaveConcurrency kLeave;

}  // namespace

void register_limit_concurrency(PolicyCatalog& catalog) {
  catalog.add({.name = "limit-concurrency",
               .sections = bit(Section::inbound) | bit(Section::backend) | bit(Section::outbound) |
                           bit(Section::on_error),
               .leave = &kLeave,
               .grammar = &kGrammar,
               .make = &LimitConcurrency::make,
               .help = "Runs its children for a limited number of calls at the same time."});
}

}  // namespace mlgate::policy
