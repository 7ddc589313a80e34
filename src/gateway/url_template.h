#pragma once
// URL templates of operations: `/jobs/{jobid}?api-version={apiversion}`, `/files/{*path}`, `/*`.
// Parsed once when a snapshot is built; the segments go into the operation trie, the query part is
// matched here.
#include "base/result.h"
#include "policy/arena.h"
#include "policy/exchange.h"

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

// True when the segment fits; values of its parameters are appended to `out`.
bool match_segment(const TemplateSegment& segment, std::string_view text, PathCase path_case,
                   std::vector<policy::Parameter>& out);
// True when every query parameter of the template is there; values go to `out`, decoded in the
// arena.
bool match_query(const UrlTemplate& url_template, std::string_view query, policy::Arena& arena,
                 std::vector<policy::Parameter>& out);

}  // namespace mlgate::gateway
