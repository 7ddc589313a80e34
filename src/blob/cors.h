#pragma once
// Which scripts of which web pages may call: the CORS rules of an account. None until they are set.
#include "blob/xml.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mlgate::blob {

struct CorsAsk {
  std::string_view origin;
  std::string_view method;
  std::string_view headers;  // Of a preflight: names with commas.
};

// The first rule that allows it, or nullptr.
const CorsRule* matching_rule(const std::vector<CorsRule>& rules, const CorsAsk& ask);

using HeaderList = std::vector<std::pair<std::string, std::string>>;
void add_preflight_headers(HeaderList& out, const CorsRule& rule, const CorsAsk& ask);
void add_cors_headers(HeaderList& out, const CorsRule& rule, std::string_view origin);

}  // namespace mlgate::blob
