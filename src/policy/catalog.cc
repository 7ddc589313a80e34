#include "policy/catalog.h"

#include "base/text.h"

#include <algorithm>
#include <tuple>

namespace mlgate::policy {

namespace {

constexpr ParamSpec kId{.name = "id", .help = "Named by LastError.PolicyId and in traces."};

bool is_header_name(std::string_view text) noexcept {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return is_alpha(c) || is_digit(c) || kMarks.find(c) != std::string_view::npos;
  });
}

std::string quoted_names(std::span<const ElementSpec> children) {
  std::string out;
  for (const auto& child : children) {
    if (!out.empty()) out += ", ";
    out += "'" + std::string(child.name) + "'";
  }
  return out;
}

// Why a value is not allowed, or nothing.
std::string refusal(const ParamSpec& spec, std::string_view value) {
  switch (spec.type) {
    case ParamType::text:
      return {};
    case ParamType::integer: {
      const auto number = parse_int(value);
      if (number && *number >= spec.min && *number <= spec.max) return {};
      return "The value must be a whole number from " + std::to_string(spec.min) + " to " +
             std::to_string(spec.max) + ".";
    }
    case ParamType::boolean:
      if (value == "true" || value == "false") return {};
      return "The value must be 'true' or 'false'.";
    case ParamType::choice: {
      std::string list;
      for (const auto choice : spec.choices) {
        if (choice == value) return {};
        list += (list.empty() ? "'" : ", '") + std::string(choice) + "'";
      }
      return "The value must be one of " + list + ".";
    }
    case ParamType::header_name:
      if (is_header_name(value)) return {};
      return "The value must be the name of a header.";
  }
  return {};
}

}  // namespace

bool Params::has(std::string_view name) const noexcept {
  for (const auto& value : values_) {
    if (value.name == name) return value.written;
  }
  return false;
}

std::string_view Params::text(std::string_view name) const noexcept {
  for (const auto& value : values_) {
    if (value.name == name) return value.text;
  }
  return {};
}

std::int64_t Params::integer(std::string_view name) const noexcept {
  return parse_int(text(name)).value_or(0);
}

bool Params::boolean(std::string_view name) const noexcept { return text(name) == "true"; }

void DocumentErrors::add(const Element& element, std::string_view text) {
  std::string message = "Error in element '" + element.name + "' on line " +
                        std::to_string(element.position.line) + ", column " +
                        std::to_string(element.position.column) + ": ";
  message += text;
  list_.push_back({element.position, list_.size(),
                   Error(Errc::invalid_argument, std::move(message), element.name)});
}

void DocumentErrors::add_invalid_value(const Element& element, std::string_view attribute,
                                       std::string_view value, std::string_view reason) {
  std::string text = "The '" + std::string(attribute) + "' attribute is invalid - The value '";
  text += value;
  text += "' is invalid. ";
  text += reason;
  add(element, text);
}

void DocumentErrors::add_missing(const Element& element, std::string_view attribute) {
  add(element, "The required attribute '" + std::string(attribute) + "' is missing.");
}

std::vector<Error> DocumentErrors::take() {
  std::sort(list_.begin(), list_.end(), [](const One& a, const One& b) {
    return std::tuple(a.position.line, a.position.column, a.order) <
           std::tuple(b.position.line, b.position.column, b.order);
  });
  std::vector<Error> out;
  for (auto& one : list_) {
    if (out.size() == kDocumentErrorsMax) break;
    out.push_back(std::move(one.error));
  }
  return out;
}

const PolicyInfo* PolicyCatalog::find(std::string_view name) const noexcept {
  for (const auto& info : list_) {
    if (info.name == name) return &info;
  }
  return nullptr;
}

std::string PolicyCatalog::allowed_in(Section section, Scope scope) const {
  std::string out = "'base'";
  for (const auto& info : list_) {
    if (!info.grammar || !(info.sections & bit(section)) || !(info.scopes & bit(scope))) continue;
    out += ", '" + std::string(info.name) + "'";
  }
  return out;
}

// Friend of Params, so that only checked values get in.
class ElementChecker {
 public:
  explicit ElementChecker(DocumentErrors& errors) : errors_(errors) {}

  PolicyNode check(const Element& element, const ElementSpec& spec) {
    PolicyNode node;
    node.element = &element;
    for (const auto& param : spec.attributes)
      node.params.values_.push_back(value_of(element, param));
    for (const auto& attribute : element.attributes) declared(element, spec, attribute);
    text(element, spec);
    for (const auto& child : element.children) {
      const auto found =
          std::find_if(spec.children.begin(), spec.children.end(),
                       [&](const ElementSpec& one) { return one.name == child.name; });
      if (found != spec.children.end()) {
        node.children.push_back(check(child, *found));
        continue;
      }
      std::string message =
          "The element '" + element.name + "' has invalid child element '" + child.name + "'.";
      if (!spec.children.empty()) {
        message += " List of possible elements expected: " + quoted_names(spec.children) + ".";
      }
      errors_.add(child, message);
    }
    return node;
  }

 private:
  Params::Value value_of(const Element& element, const ParamSpec& spec) {
    const Attribute* attribute = element.attribute(spec.name);
    if (!attribute) {
      if (spec.required) errors_.add_missing(element, spec.name);
      return {spec.name, std::string(spec.otherwise), false};
    }
    const Text& text = attribute->text;
    if (text.expression && !spec.expression) {
      errors_.add(element, "Policy expression is not allowed in attribute '" +
                               std::string(spec.name) + "'.");
    } else if (text.expression && spec.own_expression) {
      return {spec.name, text.value, true};
    } else if (text.expression) {
      errors_.add(element, "Policy expression in attribute '" + std::string(spec.name) +
                               "' is not supported by this build.");
    } else if (const auto reason = refusal(spec, text.value); !reason.empty()) {
      errors_.add_invalid_value(element, spec.name, text.value, reason);
    } else {
      return {spec.name, text.value, true};
    }
    return {spec.name, std::string(spec.otherwise), true};
  }

  void declared(const Element& element, const ElementSpec& spec, const Attribute& attribute) {
    for (const auto& param : spec.attributes) {
      if (param.name == attribute.name) return;
    }
    if (attribute.name == kId.name) {
      if (attribute.text.expression) {
        errors_.add(element, "Policy expression is not allowed in attribute 'id'.");
      }
      return;
    }
    errors_.add(element, "The '" + attribute.name + "' attribute is not declared.");
  }

  void text(const Element& element, const ElementSpec& spec) {
    if (element.text.value.empty()) return;
    if (spec.text) {
      if (element.text.expression) {
        errors_.add(element, "Policy expressions are not supported by this build.");
      }
      return;
    }
    std::string message = "The element '" + element.name + "' cannot contain text.";
    if (!spec.children.empty()) {
      message += " List of possible elements expected: " + quoted_names(spec.children) + ".";
    }
    errors_.add(element, message);
  }

  DocumentErrors& errors_;
};

PolicyNode check_element(const Element& element, const ElementSpec& spec, DocumentErrors& errors) {
  return ElementChecker(errors).check(element, spec);
}

}  // namespace mlgate::policy
