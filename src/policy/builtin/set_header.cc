// set-header: gives a header of the request (inbound, backend) or of the response (outbound,
// on-error) new values, adds to them, or takes it away. Framing headers are the writer's alone and
// are refused at save.
#include "base/text.h"
#include "policy/builtin/builtin.h"
#include "policy/catalog.h"
#include "policy/exchange.h"
#include "policy/header_grammar.h"

namespace mlgate::policy {

namespace {

// Several values of these stand in lines of their own; of all others they are joined by commas.
constexpr std::string_view kRepeating[] = {"User-Agent",
                                           "WWW-Authenticate",
                                           "Proxy-Authenticate",
                                           "Cookie",
                                           "Set-Cookie",
                                           "Warning",
                                           "Date",
                                           "Expires",
                                           "Last-Modified",
                                           "If-Modified-Since",
                                           "If-Unmodified-Since"};

class SetHeader final : public Policy {
 public:
  enum class Action : unsigned char { override, skip, append, remove };

  static std::shared_ptr<const Policy> make(const PolicyNode& node, const PolicyPlace& place,
                                            DocumentErrors& errors) {
    auto self = std::make_shared<SetHeader>();
    self->name_ = node.params.text("name");
    check_header(node, errors);
    const auto action = node.params.text("exists-action");
    self->action_ = action == "skip"     ? Action::skip
                    : action == "append" ? Action::append
                    : action == "delete" ? Action::remove
                                         : Action::override;
    for (const auto& child : node.children) self->values_.push_back(child.element->text.value);
    self->on_request_ = place.section == Section::inbound || place.section == Section::backend;
    self->repeats_ = is_listed(kRepeating, self->name_);
    self->is_host_ = equals_ignoring_case(self->name_, "Host");
    self->is_server_ = equals_ignoring_case(self->name_, "Server");
    self->joined_ = join(self->values_, ",");
    return self;
  }

  Flow apply(Exchange& x) const noexcept override {
    http::Fields& fields = on_request_ ? x.request.headers : x.response.headers;
    switch (action_) {
      case Action::skip:
        if (find_header(fields, name_)) return Flow::next;
        break;
      case Action::append:
        if (!repeats_) {
          append(x, fields);
          return Flow::next;
        }
        break;
      case Action::remove:
        // The Server header of a response cannot be taken away.
        if (!on_request_ && is_server_) return Flow::next;
        remove_header(fields, name_);
        return Flow::next;
      case Action::override:
        remove_header(fields, name_);
        break;
    }
    add(fields);
    mark_host(x);
    return Flow::next;
  }

 private:
  void mark_host(Exchange& x) const noexcept {
    if (is_host_ && on_request_ && !values_.empty()) x.request.host_overridden = true;
  }
  void add(http::Fields& fields) const {
    if (repeats_) {
      for (const auto& value : values_) fields.add(name_, value);
    } else if (!values_.empty()) {
      fields.add(name_, joined_);
    }
  }
  // All values there are and the new ones become one line.
  void append(Exchange& x, http::Fields& fields) const {
    std::string_view all;
    for (const auto& field : fields) {
      if (!equals_ignoring_case(field.name, name_)) continue;
      all = all.data() ? x.arena.join({all, ",", field.value}) : field.value;
    }
    if (values_.empty()) return;
    all = all.data() ? x.arena.join({all, ",", joined_}) : std::string_view(joined_);
    remove_header(fields, name_);
    fields.add(name_, all);
    mark_host(x);
  }

  std::string name_;
  std::vector<std::string> values_;
  std::string joined_;
  Action action_ = Action::override;
  bool on_request_ = true, repeats_ = false, is_host_ = false, is_server_ = false;
};

}  // namespace

void register_set_header(PolicyCatalog& catalog) {
  catalog.add({.name = "set-header",
               .sections = bit(Section::inbound) | bit(Section::backend) | bit(Section::outbound) |
                           bit(Section::on_error),
               .grammar = &kSetHeaderGrammar,
               .make = &SetHeader::make,
               .help = "Sets, adds to or removes a header of the request or the response."});
}

}  // namespace mlgate::policy
