// set-variable: keeps a text under a name for the policies that come later.
#include "policy/builtin/builtin.h"
#include "policy/catalog.h"
#include "policy/exchange.h"
#include "policy/key_expression.h"

namespace mlgate::policy {

namespace {

constexpr ParamSpec kParams[] = {
    {.name = "name", .required = true, .help = "Name of the variable."},
    {.name = "value",
     .required = true,
     .expression = true,
     .own_expression = true,
     .help = "Its value."},
};
constexpr ElementSpec kGrammar{.name = "set-variable", .attributes = kParams, .children = {}};

class SetVariable final : public Policy {
 public:
  static std::shared_ptr<const Policy> make(const PolicyNode& node, const PolicyPlace&,
                                            DocumentErrors& errors) {
    auto self = std::make_shared<SetVariable>();
    self->name_ = node.params.text("name");
    auto value = KeyExpression::parse(node.params.text("value"));
    if (value)
      self->value_ = *std::move(value);
    else
      errors.add_invalid_value(*node.element, "value", node.params.text("value"),
                               value.error().message());
    return self;
  }
  Flow apply(Exchange& x) const noexcept override {
    x.set_variable(name_, value_.value(x));
    return Flow::next;
  }

 private:
  std::string name_;
  KeyExpression value_;
};

}  // namespace

void register_set_variable(PolicyCatalog& catalog) {
  catalog.add({.name = "set-variable",
               .sections = bit(Section::inbound) | bit(Section::backend) | bit(Section::outbound) |
                           bit(Section::on_error),
               .grammar = &kGrammar,
               .make = &SetVariable::make,
               .help = "Keeps a value under a name for later policies."});
}

}  // namespace mlgate::policy
