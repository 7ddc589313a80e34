#include "blob/cors.h"

#include "base/text.h"

#include <algorithm>

namespace mlgate::blob {
namespace {

bool allows_origin(const CorsRule& rule, std::string_view origin) {
  return std::ranges::any_of(rule.origins, [&](std::string_view allowed) {
    if (allowed == "*" || allowed == origin) return true;
    // "https://*.example.com"
    const std::size_t star = allowed.find('*');
    if (star == std::string_view::npos) return false;
    const std::string_view head = allowed.substr(0, star), tail = allowed.substr(star + 1);
    return origin.size() > head.size() + tail.size() && origin.starts_with(head) &&
           origin.ends_with(tail);
  });
}

bool allows_header(const CorsRule& rule, std::string_view name) {
  return std::ranges::any_of(rule.allowed_headers, [&](std::string_view allowed) {
    if (!allowed.ends_with('*')) return equals_ignoring_case(allowed, name);
    return starts_with_ignoring_case(name, allowed.substr(0, allowed.size() - 1));
  });
}

bool any_origin(const CorsRule& rule) {
  return std::ranges::find(rule.origins, "*") != rule.origins.end();
}

void add_origin(HeaderList& out, const CorsRule& rule, std::string_view origin) {
  if (any_origin(rule)) {
    out.emplace_back("Access-Control-Allow-Origin", "*");
    return;
  }
  out.emplace_back("Access-Control-Allow-Origin", origin);
  out.emplace_back("Access-Control-Allow-Credentials", "true");
  out.emplace_back("Vary", "Origin");
}

}  // namespace

const CorsRule* matching_rule(const std::vector<CorsRule>& rules, const CorsAsk& ask) {
  for (const CorsRule& rule : rules) {
    if (!allows_origin(rule, ask.origin)) continue;
    if (std::ranges::find(rule.methods, ask.method) == rule.methods.end()) continue;
    bool headers = true;
    if (!ask.headers.empty())
      for (const std::string_view name : split(ask.headers, ','))
        headers = headers && allows_header(rule, trim(name));
    if (headers) return &rule;
  }
  return nullptr;
}

void add_preflight_headers(HeaderList& out, const CorsRule& rule, const CorsAsk& ask) {
  add_origin(out, rule, ask.origin);
  out.emplace_back("Access-Control-Allow-Methods", ask.method);
  if (!ask.headers.empty()) out.emplace_back("Access-Control-Allow-Headers", ask.headers);
  out.emplace_back("Access-Control-Max-Age", std::to_string(rule.max_age_s));
}

void add_cors_headers(HeaderList& out, const CorsRule& rule, std::string_view origin) {
  add_origin(out, rule, origin);
  if (!rule.exposed_headers.empty())
    out.emplace_back("Access-Control-Expose-Headers", join(rule.exposed_headers, ","));
}

}  // namespace mlgate::blob
