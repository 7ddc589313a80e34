#pragma once
// URL templates of operations: `/jobs/{jobid}?api-version={apiversion}`, `/files/{*path}`, `/*`.
// Parsed once when a snapshot is built; what is read here is matched by the operation trie.
#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::gateway {

struct TemplatePiece {
  bool parameter = false;
  std::string text;  // Literal text, or the name of the parameter.
};

struct TemplateSegment {
  enum class Kind : unsigned char { literal, parameter, mixed, rest };
  Kind kind = Kind::literal;
  std::string text;  // Literal text, or the name of the parameter (rest: may be empty).
  std::vector<TemplatePiece> pieces;  // Of a mixed segment such as `report-{id}.csv`.
};

struct TemplateQuery {
  std::string name;
  std::string value;  // Exact value, or the parameter's name.
  bool literal = false;
};

struct UrlTemplate {
  std::vector<TemplateSegment> segments;
  std::vector<TemplateQuery> query;
  std::size_t literal_queries() const noexcept;
};

struct PathCase {
  bool sensitive = false;
};

// invalid_argument for unbalanced braces, a `{*rest}` or `*` that is not last, or more than 1,000
// characters.
Result<UrlTemplate> parse_url_template(std::string_view text);

}  // namespace mlgate::gateway
