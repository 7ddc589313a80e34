#include "gateway/url_template.h"

#include "base/text.h"
#include "gateway/path.h"

#include <algorithm>

namespace mlgate::gateway {

namespace {

constexpr std::size_t kTemplateBytesMax = 1000;

std::string decoded(std::string_view text, std::string_view kept, bool plus_is_blank) {
  policy::Arena arena;
  return std::string(decode(text, kept, plus_is_blank, arena));
}

Result<TemplateSegment> parse_segment(std::string_view text, bool last) {
  TemplateSegment out;
  if (text == "*") {
    if (!last) return fail(Errc::invalid_argument, "'*' must be the last segment");
    out.kind = TemplateSegment::Kind::rest;
    return out;
  }
  std::size_t at = 0;
  while (at < text.size()) {
    const auto open = std::min(text.find('{', at), text.size());
    const auto literal = text.substr(at, open - at);
    if (literal.find('}') != std::string_view::npos) {
      return fail(Errc::invalid_argument, "'}' without '{'");
    }
    if (!literal.empty()) out.pieces.push_back({false, decoded(literal, "/\\", false)});
    if (open == text.size()) break;
    const auto close = text.find('}', open);
    if (close == std::string_view::npos) return fail(Errc::invalid_argument, "'{' without '}'");
    const auto name = text.substr(open + 1, close - open - 1);
    if (name.empty() || name.find('{') != std::string_view::npos) {
      return fail(Errc::invalid_argument, "a parameter needs a name");
    }
    if (!out.pieces.empty() && out.pieces.back().parameter) {
      return fail(Errc::invalid_argument, "two parameters need text between them");
    }
    out.pieces.push_back({true, std::string(name)});
    at = close + 1;
  }
  if (out.pieces.size() > 1) {
    out.kind = TemplateSegment::Kind::mixed;
    const bool wild = std::any_of(out.pieces.begin(), out.pieces.end(), [](const auto& piece) {
      return piece.parameter && piece.text.starts_with('*');
    });
    if (wild) return fail(Errc::invalid_argument, "'{*name}' must be a whole segment");
    return out;
  }
  if (out.pieces.empty()) return out;
  out.text = std::move(out.pieces.front().text);
  if (out.pieces.front().parameter) {
    out.kind = TemplateSegment::Kind::parameter;
    if (out.text.starts_with('*')) {
      if (!last) return fail(Errc::invalid_argument, "'{*name}' must be the last segment");
      out.kind = TemplateSegment::Kind::rest;
      out.text.erase(0, 1);
    }
  }
  out.pieces.clear();
  return out;
}

Result<TemplateQuery> parse_query(std::string_view pair) {
  TemplateQuery out;
  const auto equals = std::min(pair.find('='), pair.size());
  out.name = decoded(pair.substr(0, equals), {}, true);
  auto value = pair.substr(std::min(equals + 1, pair.size()));
  if (out.name.empty() || out.name.find_first_of("{}") != std::string::npos) {
    return fail(Errc::invalid_argument, "a query parameter needs a name");
  }
  if (value.size() > 2 && value.starts_with('{') && value.ends_with('}')) {
    out.value = value.substr(1, value.size() - 2);
  } else {
    out.literal = true;
    out.value = decoded(value, {}, true);
  }
  if (!out.literal && out.value.find_first_of("{}") != std::string::npos) {
    return fail(Errc::invalid_argument, "a query parameter takes one '{name}'");
  }
  return out;
}

}  // namespace

std::size_t UrlTemplate::literal_queries() const noexcept {
  return std::size_t(
      std::count_if(query.begin(), query.end(), [](const auto& q) { return q.literal; }));
}

Result<UrlTemplate> parse_url_template(std::string_view text) {
  if (text.size() > kTemplateBytesMax) {
    return fail(Errc::invalid_argument, "a URL template has at most 1000 characters");
  }
  UrlTemplate out;
  const auto question = std::min(text.find('?'), text.size());
  auto path = text.substr(0, question);
  if (path.starts_with('/')) path.remove_prefix(1);
  if (path.ends_with('/')) path.remove_suffix(1);
  if (!path.empty()) {
    const auto parts = split(path, '/');
    for (std::size_t i = 0; i < parts.size(); ++i) {
      TRY(auto segment, parse_segment(parts[i], i + 1 == parts.size()));
      out.segments.push_back(std::move(segment));
    }
  }
  const auto query = text.substr(std::min(question + 1, text.size()));
  if (query.empty()) return out;
  for (const auto pair : split(query, '&')) {
    if (pair.empty()) continue;
    TRY(auto one, parse_query(pair));
    out.query.push_back(std::move(one));
  }
  return out;
}

}  // namespace mlgate::gateway
