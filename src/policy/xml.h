#pragma once
// Reads the XML of policy documents, in which C# expressions stand in attribute values and element
// text. As people type them (`rawxml`) they hold quotes, angle brackets and ampersands that no XML
// parser would take, so the reader knows enough of C# to find where an expression ends. Every
// element keeps the place of its `<` in the text as it was sent, before named values were put in.
#include "base/result.h"
#include "policy/pipeline.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::policy {

struct Position {
  std::uint32_t line = 1;    // From 1.
  std::uint32_t column = 1;  // From 1, in characters (UTF-8 code points).
};

// Text of an attribute or an element: a literal, or an expression with its `@(…)` or `@{…}`.
struct Text {
  std::string value;  // Entities decoded.
  bool expression = false;
  Position position{0, 0};
};

struct Attribute {
  std::string name;
  Text text;
};

struct Element {
  std::string name;
  Position position;
  std::vector<Attribute> attributes;
  std::vector<Element> children;
  Text text;  // Character data that is not blank, of the element itself, joined and trimmed.

  const Attribute* attribute(std::string_view wanted) const noexcept;
};

// Positions of the text after substitution, as positions of the text before it.
class SourceMap {
 public:
  explicit SourceMap(std::string_view source) : source_(source) {}
  // The bytes of the result from `result` on come from `source` on, byte by byte; with `fixed` they
  // all come from the one place `source`.
  void add(std::size_t result, std::size_t source, bool fixed) {
    pieces_.push_back({result, source, fixed});
  }
  Position position(std::size_t result) const noexcept;

 private:
  struct Piece {
    std::size_t result, source;
    bool fixed;
  };
  std::string_view source_;
  std::vector<Piece> pieces_;
  // Places are asked for in rising order, so counting goes on from the latest one.
  mutable std::size_t counted_ = 0;
  mutable Position counted_position_;
};

struct Substituted {
  std::string text;
  SourceMap map;
  struct Missing {
    std::string name;
    std::size_t offset = 0;  // In `text`.
  };
  std::vector<Missing> missing;
  std::vector<std::string> secrets;  // Values that are nobody's to see.
};
// Puts named values in place of `{{name}}`, whose names consist of letters, digits, '-', '.' and
// '_'.
Substituted substitute_named_values(std::string_view text, const NamedValues& named_values);

// The root element, or the first error with its line and position, in the words of .NET's reader.
Result<Element> read_xml(std::string_view text, Format format, const SourceMap& map);

// Length of the expression that `text` begins with (`@(…)` or `@{…}`), or 0 when its bracket never
// closes. Strings (ordinary, verbatim, interpolated), characters and comments are skipped as C#
// does.
std::size_t expression_length(std::string_view text) noexcept;

}  // namespace mlgate::policy
