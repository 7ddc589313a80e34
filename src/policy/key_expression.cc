#include "policy/key_expression.h"

#include "base/text.h"
#include "policy/exchange.h"
#include "policy/xml.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace mlgate::policy {

namespace {

using Source = KeyExpression::Source;

struct Member {
  std::string_view text;
  Source source;
};
constexpr Member kMembers[] = {
    {"context.Request.IpAddress", Source::ip_address},
    {"context.Request.Method", Source::method},
    {"context.Request.Url.Host", Source::host},
    {"context.Request.Url.Path", Source::path},
    {"context.Request.OriginalUrl.Host", Source::host},
    {"context.Request.OriginalUrl.Path", Source::path},
    {"context.Subscription.Id", Source::subscription_id},
    {"context.Subscription.Key", Source::subscription_key},
    {"context.User.Id", Source::user_id},
    {"context.Product.Id", Source::product_id},
    {"context.Api.Id", Source::api_id},
    {"context.Api.Name", Source::api_name},
    {"context.Api.Path", Source::api_path},
    {"context.Api.Revision", Source::api_revision},
    {"context.Operation.Id", Source::operation_id},
    {"context.Operation.Name", Source::operation_name},
};
constexpr Member kLookups[] = {
    {"context.Request.Headers.GetValueOrDefault", Source::header},
    {"context.Request.Url.Query.GetValueOrDefault", Source::query},
    {"context.Request.OriginalUrl.Query.GetValueOrDefault", Source::query},
    {"context.Request.MatchedParameters.GetValueOrDefault", Source::matched},
    {"context.Request.MatchedParameters", Source::matched},
};
constexpr std::size_t kTermsMax = 16;

// The inside of "@( … )", or nothing when the text is a literal.
std::optional<std::string_view> inside(std::string_view text) {
  if (!text.starts_with("@(") || expression_length(text) != text.size()) return std::nullopt;
  return trim(text.substr(2, text.size() - 3));
}

class Scan {
 public:
  explicit Scan(std::string_view text) : rest_(text) {}

  void skip_blanks() {
    while (!rest_.empty() &&
           (rest_[0] == ' ' || rest_[0] == '\t' || rest_[0] == '\n' || rest_[0] == '\r'))
      rest_.remove_prefix(1);
  }
  bool at_end() {
    skip_blanks();
    return rest_.empty();
  }
  bool take(std::string_view token) {
    skip_blanks();
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }
  // A member chain such as context.User?.Id, without the marks of null-conditional access.
  std::string chain() {
    skip_blanks();
    std::string out;
    while (!rest_.empty()) {
      const char c = rest_[0];
      if (c == '?' && rest_.size() > 1 && rest_[1] == '.') {
        rest_.remove_prefix(1);
        continue;
      }
      if (!is_alpha(c) && !is_digit(c) && c != '.' && c != '_') break;
      out += c;
      rest_.remove_prefix(1);
    }
    return out;
  }
  std::optional<std::string> string() {
    skip_blanks();
    if (!rest_.starts_with('"')) return std::nullopt;
    std::string out;
    for (std::size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == '"') {
        rest_.remove_prefix(i + 1);
        return out;
      }
      if (rest_[i] == '\\' && i + 1 < rest_.size()) ++i;
      out += rest_[i];
    }
    return std::nullopt;
  }
  std::optional<int> number() {
    skip_blanks();
    const std::size_t end = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
    const auto value = parse_uint(rest_.substr(0, end));
    if (!value || *value > 999) return std::nullopt;
    rest_.remove_prefix(end);
    return int(*value);
  }

 private:
  std::string_view rest_;
};

std::unexpected<Error> not_known() {
  return fail(Errc::unsupported, "The expression is not supported by this build.");
}

Result<KeyExpression::Term> read_term(Scan& scan) {
  KeyExpression::Term out;
  if (auto text = scan.string()) {
    out.name = *std::move(text);
    return out;
  }
  const std::string chain = scan.chain();
  for (const auto& member : kMembers) {
    if (member.text != chain) continue;
    out.source = member.source;
    if (scan.take("??")) {
      auto otherwise = scan.string();
      if (!otherwise) return not_known();
      out.otherwise = *std::move(otherwise);
    }
    return out;
  }
  for (const auto& lookup : kLookups) {
    if (lookup.text != chain) continue;
    const bool index = scan.take("[");
    if (!index && !scan.take("(")) return not_known();
    auto name = scan.string();
    if (!name) return not_known();
    out.source = lookup.source;
    out.name = *std::move(name);
    if (!index && scan.take(",")) {
      auto otherwise = scan.string();
      if (!otherwise) return not_known();
      out.otherwise = *std::move(otherwise);
    }
    if (!scan.take(index ? "]" : ")")) return not_known();
    return out;
  }
  return not_known();
}

// As sent, without decoding: keys only have to be the same for the same text.
std::string_view raw_query_value(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const auto piece = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(piece.size() + 1, query.size()));
    const auto equals = std::min(piece.find('='), piece.size());
    if (equals_ignoring_case(piece.substr(0, equals), name))
      return piece.substr(std::min(equals + 1, piece.size()));
  }
  return {};
}

std::string_view value_of(const KeyExpression::Term& term, Exchange& x) {
  const auto& matched = x.matched;
  switch (term.source) {
    case Source::literal:
      return term.name;
    case Source::ip_address:
      return x.request.peer;
    case Source::method:
      return x.request.method;
    case Source::host:
      return x.request.authority.substr(0, x.request.authority.rfind(':'));
    case Source::path:
      return x.request.path;
    case Source::header: {
      const auto* field = find_header(x.request.headers, term.name);
      return field ? field->value : std::string_view();
    }
    case Source::query:
      return raw_query_value(x.request.query, term.name);
    case Source::matched:
      for (const auto& one : x.parameters)
        if (equals_ignoring_case(one.name, term.name)) return one.value;
      return {};
    case Source::subscription_id:
      return matched.subscription_name;
    case Source::subscription_key:
      return matched.subscription_key;
    case Source::user_id:
      return matched.user_name;
    case Source::product_id:
      return matched.product_name;
    case Source::api_id:
      return matched.api_name;
    case Source::api_name:
      return matched.api_display_name;
    case Source::api_path:
      return matched.api_path;
    case Source::api_revision:
      return matched.api_revision;
    case Source::operation_id:
      return matched.operation_name;
    case Source::operation_name:
      return matched.operation_display_name;
  }
  return {};
}

Result<CountCondition::Comparison> read_comparison(Scan& scan) {
  using Compare = CountCondition::Compare;
  constexpr std::pair<std::string_view, Compare> kOperators[] = {
      {"==", Compare::equal},    {"!=", Compare::unequal}, {"<=", Compare::at_most},
      {">=", Compare::at_least}, {"<", Compare::less},     {">", Compare::greater}};
  const bool bracket = scan.take("(");
  if (scan.chain() != "context.Response.StatusCode") return not_known();
  CountCondition::Comparison out;
  bool found = false;
  for (const auto& [text, compare] : kOperators) {
    if (!scan.take(text)) continue;
    out.compare = compare;
    found = true;
    break;
  }
  const auto status = found ? scan.number() : std::nullopt;
  if (!status || (bracket && !scan.take(")"))) return not_known();
  out.status = *status;
  return out;
}

bool fits(const CountCondition::Comparison& one, int status) noexcept {
  switch (one.compare) {
    case CountCondition::Compare::equal:
      return status == one.status;
    case CountCondition::Compare::unequal:
      return status != one.status;
    case CountCondition::Compare::less:
      return status < one.status;
    case CountCondition::Compare::at_most:
      return status <= one.status;
    case CountCondition::Compare::greater:
      return status > one.status;
    case CountCondition::Compare::at_least:
      return status >= one.status;
  }
  return false;
}

}  // namespace

Result<KeyExpression> KeyExpression::parse(std::string_view text) {
  KeyExpression out;
  const auto code = inside(text);
  if (!code) {
    if (text.starts_with("@{")) return not_known();
    out.terms_.push_back({Source::literal, std::string(text), {}});
    return out;
  }
  Scan scan(*code);
  do {
    TRY(auto term, read_term(scan));
    out.terms_.push_back(std::move(term));
    if (out.terms_.size() > kTermsMax) return not_known();
  } while (scan.take("+"));
  if (!scan.at_end()) return not_known();
  return out;
}

std::string_view KeyExpression::value(Exchange& x) const {
  std::string_view out;
  for (const auto& term : terms_) {
    auto value = value_of(term, x);
    if (value.empty()) value = term.otherwise;
    out = terms_.size() == 1 ? value : x.arena.join({out, value});
  }
  return out;
}

Result<CountCondition> CountCondition::parse(std::string_view text) {
  CountCondition out;
  if (text == "true" || text == "false") {
    out.always_ = text == "true";
    return out;
  }
  const auto code = inside(text);
  if (!code) return not_known();
  if (*code == "true" || *code == "false") {
    out.always_ = *code == "true";
    return out;
  }
  Scan scan(*code);
  std::size_t count = 0;
  do {
    auto& all = out.any_of_.emplace_back();
    do {
      TRY(auto comparison, read_comparison(scan));
      all.push_back(comparison);
      if (++count > kTermsMax) return not_known();
    } while (scan.take("&&"));
  } while (scan.take("||"));
  if (!scan.at_end()) return not_known();
  return out;
}

bool CountCondition::holds(int status) const noexcept {
  if (any_of_.empty()) return always_;
  for (const auto& all : any_of_) {
    bool good = true;
    for (const auto& one : all) good = good && fits(one, status);
    if (good) return true;
  }
  return false;
}

}  // namespace mlgate::policy
