#pragma once
// What policies there are, where each may stand, and which attributes and children it has. A policy
// declares its parameters once: checking, error texts, defaults and the reference manual all come
// from the declaration. The catalogue is an object filled by an explicit list (builtin.cc).
#include "base/result.h"
#include "policy/pipeline.h"
#include "policy/xml.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::policy {

enum class ParamType : unsigned char { text, integer, boolean, choice, header_name };

struct ParamSpec {
  std::string_view name{};
  ParamType type = ParamType::text;
  bool required = false;
  bool expression = false;                      // The grammar allows a policy expression here.
  bool own_expression = false;                  // The policy reads expressions of it itself.
  std::int64_t min = 0, max = 0;                // Of an integer.
  std::string_view otherwise{};                 // Default, as text; empty: none.
  std::span<const std::string_view> choices{};  // Of a choice.
  std::string_view help{};
};

struct ElementSpec {
  std::string_view name{};
  std::span<const ParamSpec> attributes{};
  std::span<const ElementSpec> children{};
  bool text = false;  // Holds text, and no children.
};

// Values of one element, checked, with defaults filled in.
class Params {
 public:
  bool has(std::string_view name) const noexcept;  // Written in the document.
  std::string_view text(std::string_view name) const noexcept;
  std::int64_t integer(std::string_view name) const noexcept;
  bool boolean(std::string_view name) const noexcept;

 private:
  friend class ElementChecker;
  struct Value {
    std::string_view name;
    std::string text;
    bool written = false;
  };
  std::vector<Value> values_;
};

struct PolicyNode {
  const Element* element = nullptr;
  Params params;
  std::vector<PolicyNode> children;
};

// Errors of a document, each at its element.
class DocumentErrors {
 public:
  void add(const Element& element, std::string_view text);
  void add_invalid_value(const Element& element, std::string_view attribute, std::string_view value,
                         std::string_view reason);
  void add_missing(const Element& element, std::string_view attribute);
  bool empty() const noexcept { return list_.empty(); }
  // In document order, at most kDocumentErrorsMax.
  std::vector<Error> take();

 private:
  struct One {
    Position position;
    std::size_t order;
    Error error;
  };
  std::vector<One> list_;
};

struct PolicyPlace {
  Section section = Section::inbound;
  Placement placement;
};

// nullptr when it added errors.
using MakePolicy = std::shared_ptr<const Policy> (*)(const PolicyNode& node,
                                                     const PolicyPlace& place,
                                                     DocumentErrors& errors);

constexpr unsigned bit(Section section) noexcept { return 1u << unsigned(section); }
constexpr unsigned bit(Scope scope) noexcept { return 1u << unsigned(scope); }
inline constexpr unsigned kAllScopes = 0xF;

struct PolicyInfo {
  std::string_view name{};
  unsigned sections = 0;  // bit(Section) of each that it may stand in.
  unsigned scopes = kAllScopes;
  bool once = false;      // At most once in a document.
  bool forwards = false;  // Counts as the one forwarding policy of a backend section.
  // Its children are policies, which run between it and this one; it lives as long as the program.
  const Policy* leave = nullptr;
  const ElementSpec* grammar = nullptr;  // Null: known, and not supported by this build.
  MakePolicy make = nullptr;
  std::string_view help{};
};

class PolicyCatalog {
 public:
  void add(const PolicyInfo& info) { list_.push_back(info); }
  const PolicyInfo* find(std::string_view name) const noexcept;
  const std::vector<PolicyInfo>& list() const noexcept { return list_; }
  // "'base', 'set-header', …" as the error texts list them: what this build runs in that place.
  std::string allowed_in(Section section, Scope scope) const;

 private:
  std::vector<PolicyInfo> list_;
};

// Every policy of this program.
PolicyCatalog builtin_policies();

// Checks `element` against its declaration; errors go to `errors`.
PolicyNode check_element(const Element& element, const ElementSpec& spec, DocumentErrors& errors);

}  // namespace mlgate::policy
