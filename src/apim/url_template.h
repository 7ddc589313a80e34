#pragma once
// The URL template of an operation, read for its rules: which parameters it names, and whether it
// is well formed. How calls are matched against it is the gateway's business.
#include "base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace mlgate::apim {

struct TemplateParameter {
  std::string name;  // Without braces and star.
  bool in_query = false;
  bool wildcard = false;  // `{*name}`: the rest of the path.
};

struct UrlTemplate {
  std::string path;                           // Before '?'.
  std::string query;                          // Behind '?'; empty when there is none.
  std::vector<TemplateParameter> parameters;  // In order of appearance.
};

// 1 to 1,000 characters; begins with '/' (or is "*" or "?…" behind an empty path). Parameters are
// `{name}`, anywhere in a path segment or as a query value, and `{*name}` as the last path segment;
// names are unique without regard to case.
Result<UrlTemplate> parse_url_template(std::string_view text);

}  // namespace mlgate::apim
