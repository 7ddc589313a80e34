// From text to a compiled document: substitution, reading, checking, making.
#include "policy/catalog.h"
#include "policy/pipeline.h"
#include "policy/xml.h"

#include <algorithm>
#include <unordered_map>

namespace mlgate::policy {

namespace {

constexpr std::array<std::string_view, kSections> kSectionNames = {"inbound", "backend", "outbound",
                                                                   "on-error"};

class DocumentCompiler {
 public:
  DocumentCompiler(const PolicyCatalog& catalog, const Placement& placement)
      : catalog_(catalog), placement_(placement) {}

  Compiled compile(const Element& root, std::vector<std::string> secrets) {
    auto document = std::make_shared<CompiledDocument>();
    document->scope = placement_.scope;
    document->secrets = std::move(secrets);
    if (root.name != "policies") {
      errors_.add(root,
                  "The '" + root.name +
                      "' element is not declared. List of possible elements expected: 'policies'.");
    } else {
      for (const auto& attribute : root.attributes) {
        errors_.add(root, "The '" + attribute.name + "' attribute is not declared.");
      }
      if (!root.text.value.empty()) {
        errors_.add(root,
                    "The element 'policies' cannot contain text. List of possible elements "
                    "expected: " +
                        missing_sections(*document) + ".");
      }
      for (const auto& child : root.children) section(child, *document);
    }
    Compiled out;
    out.errors = errors_.take();
    if (out.errors.empty()) out.document = std::move(document);
    return out;
  }

 private:
  static std::string missing_sections(const CompiledDocument& document) {
    std::string out;
    for (std::size_t i = 0; i < kSections; ++i) {
      if (document.sections[i]) continue;
      out += (out.empty() ? "'" : ", '") + std::string(kSectionNames[i]) + "'";
    }
    return out;
  }

  void section(const Element& element, CompiledDocument& document) {
    const auto found = std::find(kSectionNames.begin(), kSectionNames.end(), element.name);
    const auto index = std::size_t(found - kSectionNames.begin());
    if (found == kSectionNames.end() || document.sections[index]) {
      const auto possible = missing_sections(document);
      std::string text = "The element 'policies' has invalid child element '" + element.name + "'.";
      if (!possible.empty()) text += " List of possible elements expected: " + possible + ".";
      errors_.add(element, text);
      return;
    }
    for (const auto& attribute : element.attributes) {
      errors_.add(element, "The '" + attribute.name + "' attribute is not declared.");
    }
    const auto section = Section(index);
    if (!element.text.value.empty()) {
      errors_.add(element, "The element '" + element.name +
                               "' cannot contain text. List of possible elements expected: " +
                               catalog_.allowed_in(section, placement_.scope) + ".");
    }
    auto& items = document.sections[index].emplace();
    int forwarding = 0;
    for (const auto& child : element.children) {
      if (section == Section::backend && forwards(child) && ++forwarding > 1) {
        errors_.add(child,
                    "Only one element of the 'backend' section may forward the request: "
                    "'forward-request' or 'base'.");
      }
    }
    steps(element, section, {}, items);
  }

  // Is it, or does it hold, what forwards the request?
  bool forwards(const Element& element) const {
    if (element.name == "base") return true;
    const PolicyInfo* info = catalog_.find(element.name);
    if (!info) return false;
    return info->forwards ||
           (info->leave && std::any_of(element.children.begin(), element.children.end(),
                                       [&](const Element& child) { return forwards(child); }));
  }

  // The policies below `parent`, one after the other, those within others in their place.
  void steps(const Element& parent, Section section, const std::string& path,
             std::vector<Item>& items) {
    std::unordered_map<std::string, int> ordinals;
    for (const auto& child : parent.children) {
      const std::string here =
          path + child.name + "[" + std::to_string(++ordinals[child.name]) + "]";
      step(child, parent, section, here, items);
    }
  }

  void step(const Element& element, const Element& parent, Section section, const std::string& path,
            std::vector<Item>& items) {
    Item out{.policy = {}, .source = element.name, .id = {}, .path = path};
    if (const auto* id = element.attribute("id")) out.id = id->text.value;
    if (element.name == "base") {
      static constexpr ElementSpec kBase{.name = "base", .attributes = {}, .children = {}};
      (void)check_element(element, kBase, errors_);
      items.push_back(std::move(out));
      return;
    }
    const PolicyInfo* info = catalog_.find(element.name);
    if (!placed(element, parent, section, info)) return;
    if (!info->leave) {
      const PolicyNode node = check_element(element, *info->grammar, errors_);
      out.policy = info->make(node, {section, placement_}, errors_);
      items.push_back(std::move(out));
      return;
    }
    Element head = element;
    head.children.clear();
    const PolicyNode node = check_element(head, *info->grammar, errors_);
    out.policy = info->make(node, {section, placement_}, errors_);
    items.push_back(out);
    steps(element, section, path + "/", items);
    // A policy that lives as long as the program needs no owner.
    out.policy = std::shared_ptr<const Policy>(std::shared_ptr<void>(), info->leave);
    items.push_back(std::move(out));
  }

  // Is this policy there, and may it stand here?
  bool placed(const Element& element, const Element& parent, Section section,
              const PolicyInfo* info) {
    const auto before = [&](bool wrong, std::string text) {
      if (wrong) errors_.add(element, text);
      return wrong;
    };
    if (before(!info, "The element '" + parent.name + "' has invalid child element '" +
                          element.name + "'. List of possible elements expected: " +
                          catalog_.allowed_in(section, placement_.scope) + "."))
      return false;
    if (before(!(info->sections & bit(section)),
               "Policy is not allowed in the '" + std::string(to_text(section)) + "' section."))
      return false;
    if (before(
            !(info->scopes & bit(placement_.scope)),
            "Policy is not allowed in the '" + std::string(to_text(placement_.scope)) + "' scope."))
      return false;
    if (before(!info->grammar, "Policy '" + element.name + "' is not supported by this build."))
      return false;
    return !before(info->once && ++once_[element.name] > 1,
                   "Only one '" + element.name + "' policy is allowed in a policy document.");
  }

  const PolicyCatalog& catalog_;
  Placement placement_;
  DocumentErrors errors_;
  std::unordered_map<std::string, int> once_;
};

// The last element that begins at or before `position`, in document order.
const Element* element_at(const Element& root, Position position) {
  const auto after = [&](const Element& element) {
    return element.position.line != position.line ? element.position.line > position.line
                                                  : element.position.column > position.column;
  };
  if (after(root)) return nullptr;
  const Element* found = &root;
  for (const auto& child : root.children) {
    if (const auto* inner = element_at(child, position)) found = inner;
  }
  return found;
}

std::vector<Error> missing_values(const Substituted& substituted, Format format) {
  const auto root = read_xml(substituted.text, format, substituted.map);
  std::vector<Error> out;
  for (const auto& missing : substituted.missing) {
    if (out.size() == kDocumentErrorsMax) break;
    const Element* element =
        root ? element_at(*root, substituted.map.position(missing.offset)) : nullptr;
    out.emplace_back(Errc::invalid_argument, "Cannot find a property '" + missing.name + "'",
                     element ? element->name : "value");
  }
  return out;
}

}  // namespace

std::string_view to_text(Section section) noexcept { return kSectionNames[std::size_t(section)]; }

std::string_view to_text(Scope scope) noexcept {
  constexpr std::array<std::string_view, kScopes> kNames = {"global", "product", "api",
                                                            "operation"};
  return kNames[std::size_t(scope)];
}

std::optional<Format> parse_format(std::string_view text) noexcept {
  if (text == "xml") return Format::xml;
  if (text == "rawxml") return Format::rawxml;
  return std::nullopt;
}

Compiled compile_document(const PolicyCatalog& catalog, std::string_view text, Format format,
                          const Placement& placement, const NamedValues& named_values) {
  const auto only = [](std::string message) {
    Compiled out;
    out.errors.emplace_back(Errc::invalid_argument, std::move(message));
    return out;
  };
  if (text.size() > kDocumentBytesMax) {
    return only("The policy document is larger than " + std::to_string(kDocumentBytesMax) +
                " bytes.");
  }
  auto substituted = substitute_named_values(text, named_values);
  if (substituted.text.size() > 4 * kDocumentBytesMax) {
    return only("The policy document with its named values is larger than " +
                std::to_string(4 * kDocumentBytesMax) + " bytes.");
  }
  if (!substituted.missing.empty()) return {nullptr, missing_values(substituted, format)};
  const auto root = read_xml(substituted.text, format, substituted.map);
  if (!root) return {nullptr, {root.error()}};
  return DocumentCompiler(catalog, placement).compile(*root, std::move(substituted.secrets));
}

std::vector<Error> check_document(const PolicyCatalog& catalog, std::string_view text,
                                  Format format, Scope scope, const NamedValues& named_values) {
  return compile_document(catalog, text, format, {.scope = scope}, named_values).errors;
}

}  // namespace mlgate::policy
