// return-response: ends the call with a response that stands in the document. No later policy of
// any section runs.
#include "policy/builtin/builtin.h"
#include "policy/catalog.h"
#include "policy/exchange.h"
#include "policy/header_grammar.h"

namespace mlgate::policy {

namespace {

constexpr ParamSpec kParams[] = {
    {.name = "response-variable-name", .help = "Variable with the response to begin with."}};
constexpr ParamSpec kStatusParams[] = {
    {.name = "code",
     .type = ParamType::integer,
     .required = true,
     .expression = true,
     .min = 200,
     .max = 999,
     .help = "Status code."},
    {.name = "reason", .expression = true, .help = "Reason phrase."},
};
constexpr ElementSpec kChildren[] = {
    {.name = "set-status", .attributes = kStatusParams, .children = {}},
    kSetHeaderGrammar,
    {.name = "set-body", .attributes = {}, .children = {}, .text = true},
};
constexpr ElementSpec kGrammar{
    .name = "return-response", .attributes = kParams, .children = kChildren};

class ReturnResponse final : public Policy {
 public:
  static std::shared_ptr<const Policy> make(const PolicyNode& node, const PolicyPlace&,
                                            DocumentErrors& errors) {
    auto self = std::make_shared<ReturnResponse>();
    if (node.params.has("response-variable-name"))
      errors.add(*node.element, "Responses in variables are not supported by this build.");
    for (const auto& child : node.children) self->take(child, errors);
    return self;
  }

  Flow apply(Exchange& x) const noexcept override {
    x.response.status = status_;
    x.response.reason = reason_;
    x.response.headers.clear();
    for (const auto& [name, value] : headers_) x.response.headers.add(name, value);
    for (const auto& field : x.response_additions) x.response.headers.add(field.name, field.value);
    x.response_additions.clear();
    x.response.body = body_;
    return Flow::respond;
  }

 private:
  void take(const PolicyNode& child, DocumentErrors& errors) {
    const auto& element = *child.element;
    if (element.name == "set-status") {
      status_ = int(child.params.integer("code"));
      reason_ = child.params.text("reason");
      if (!is_line(reason_)) errors.add(element, "The reason cannot contain control characters.");
    } else if (element.name == "set-body") {
      body_ = element.text.value;
    } else {
      take_header(child, errors);
    }
  }

  void take_header(const PolicyNode& child, DocumentErrors& errors) {
    check_header(child, errors);
    if (child.params.text("exists-action") == "delete") return;
    for (const auto& value : child.children)
      headers_.emplace_back(child.params.text("name"), value.element->text.value);
  }

  int status_ = 200;
  std::string reason_;
  std::vector<std::pair<std::string, std::string>> headers_;
  std::string body_;
};

}  // namespace

void register_return_response(PolicyCatalog& catalog) {
  catalog.add({.name = "return-response",
               .sections = bit(Section::inbound) | bit(Section::backend) | bit(Section::outbound) |
                           bit(Section::on_error),
               .grammar = &kGrammar,
               .make = &ReturnResponse::make,
               .help = "Ends the call with a response of its own."});
}

}  // namespace mlgate::policy
