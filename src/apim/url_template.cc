#include "apim/url_template.h"

#include "base/text.h"

#include <algorithm>

namespace mlgate::apim {
namespace {

constexpr std::size_t kTemplateBytesMax = 1'000;

std::unexpected<Error> bad(std::string text) {
  return fail(Errc::invalid_argument, std::move(text), "urlTemplate");
}

Result<void> check_name(std::string_view name) {
  if (name.empty()) return bad("A parameter of the UriTemplate has no name.");
  const bool odd = std::ranges::any_of(name, [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == '*' || c == '/' || c == '?' || c == '&' ||
           c == '=' || c == '#' || c == 0x7F;
  });
  if (odd)
    return bad("The parameter name '" + std::string(name) + "' of the UriTemplate is not valid.");
  return {};
}

// Reads one part of the template and appends its parameters to `out`.
Result<void> read_part(std::string_view part, bool in_query, UrlTemplate& out) {
  for (std::size_t i = 0; i < part.size(); ++i) {
    const char c = part[i];
    if (c == '}') return bad("The UriTemplate has a '}' without a '{' before it.");
    if (c != '{') continue;
    const std::size_t end = part.find_first_of("{}", i + 1);
    if (end == std::string_view::npos || part[end] == '{')
      return bad("The UriTemplate has a '{' that is not closed.");
    TemplateParameter parameter{.name = std::string(part.substr(i + 1, end - i - 1)),
                                .in_query = in_query};
    if (parameter.name.starts_with('*')) {
      parameter.wildcard = true;
      parameter.name.erase(0, 1);
      const bool whole = i > 0 && part[i - 1] == '/' && end + 1 == part.size();
      if (in_query || !whole)
        return bad("The wildcard '{*" + parameter.name +
                   "}' has to be the last segment of the path.");
    }
    TRY_OK(check_name(parameter.name));
    for (const TemplateParameter& other : out.parameters)
      if (equals_ignoring_case(other.name, parameter.name))
        return bad("The parameter '" + parameter.name +
                   "' is used more than once in the UriTemplate.");
    out.parameters.push_back(std::move(parameter));
    i = end;
  }
  return {};
}

// "a={a}&b=1": every item is `name=value` or a bare name; braces stand in values only.
Result<void> check_query_items(std::string_view query) {
  for (const std::string_view item : split(query, '&')) {
    const std::string_view name = item.substr(0, item.find('='));
    if (name.empty()) return bad("The query part of the UriTemplate has an item without a name.");
    if (name.find_first_of("{}") != std::string_view::npos)
      return bad("The query part of the UriTemplate has a parameter in place of a name.");
  }
  return {};
}

}  // namespace

Result<UrlTemplate> parse_url_template(std::string_view text) {
  if (text.empty()) return bad("The UriTemplate must not be empty.");
  if (text.size() > kTemplateBytesMax) return bad("The UriTemplate has more than 1000 characters.");
  const bool odd = std::ranges::any_of(
      text, [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '#' || c == 0x7F; });
  if (odd || !is_utf8(text)) return bad("The UriTemplate holds a character that no URL has.");
  UrlTemplate out;
  const std::size_t mark = text.find('?');
  out.path = text.substr(0, mark);
  if (mark != std::string_view::npos) out.query = text.substr(mark + 1);
  if (!out.path.starts_with('/') && !out.path.empty() && out.path != "*")
    return bad("The UriTemplate has to begin with '/'.");
  const std::size_t star = out.path.find('*');
  if (star != std::string::npos && !(star > 0 && out.path[star - 1] == '{') &&
      star + 1 != out.path.size())
    return bad("The wildcard '*' has to be the last character of the path.");
  TRY_OK(read_part(out.path, false, out));
  if (mark != std::string_view::npos) {
    if (out.query.find('?') != std::string::npos)
      return bad("The UriTemplate has more than one '?'.");
    if (!out.query.empty()) {
      TRY_OK(check_query_items(out.query));
      TRY_OK(read_part(out.query, true, out));
    }
  }
  return out;
}

}  // namespace mlgate::apim
