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

bool same_text(std::string_view a, std::string_view b, PathCase path_case) noexcept {
  return path_case.sensitive ? a == b : equals_ignoring_case(a, b);
}

// First place at or behind `from` where `what` stands in `text`.
std::size_t find_text(std::string_view text, std::string_view what, std::size_t from,
                      PathCase path_case) noexcept {
  for (std::size_t at = from; at + what.size() <= text.size(); ++at) {
    if (same_text(text.substr(at, what.size()), what, path_case)) return at;
  }
  return std::string_view::npos;
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

// Matches `pieces` from `index` on against `text`; values go to `out`.
bool match_pieces(const std::vector<TemplatePiece>& pieces, std::string_view text,
                  PathCase path_case, std::vector<policy::Parameter>& out) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (!pieces[i].parameter) {
      const auto part = text.substr(at, pieces[i].text.size());
      if (!same_text(part, pieces[i].text, path_case)) return false;
      at += pieces[i].text.size();
      continue;
    }
    std::size_t end = text.size();
    if (i + 1 < pieces.size()) {
      const auto& next = pieces[i + 1].text;
      // The last literal belongs to the end; an inner one to its first place behind at least one
      // character.
      if (i + 2 == pieces.size())
        end = text.size() >= next.size() ? text.size() - next.size() : 0;
      else
        end = find_text(text, next, at + 1, path_case);
    }
    if (end == std::string_view::npos || end <= at) return false;
    out.push_back({pieces[i].text, text.substr(at, end - at)});
    at = end;
  }
  return at == text.size();
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

bool match_segment(const TemplateSegment& segment, std::string_view text, PathCase path_case,
                   std::vector<policy::Parameter>& out) {
  switch (segment.kind) {
    case TemplateSegment::Kind::literal:
      return same_text(segment.text, text, path_case);
    case TemplateSegment::Kind::parameter:
      if (text.empty()) return false;
      out.push_back({segment.text, text});
      return true;
    case TemplateSegment::Kind::mixed: {
      const std::size_t before = out.size();
      if (match_pieces(segment.pieces, text, path_case, out)) return true;
      out.resize(before);
      return false;
    }
    case TemplateSegment::Kind::rest:
      return false;
  }
  return false;
}

bool match_query(const UrlTemplate& url_template, std::string_view query, policy::Arena& arena,
                 std::vector<policy::Parameter>& out) {
  const std::size_t before = out.size();
  for (const auto& wanted : url_template.query) {
    const auto value = query_value(query, wanted.name, arena);
    if (!value || (wanted.literal && *value != wanted.value)) {
      out.resize(before);
      return false;
    }
    if (!wanted.literal) out.push_back({wanted.value, *value});
  }
  return true;
}

}  // namespace mlgate::gateway
