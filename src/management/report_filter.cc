#include "base/text.h"
#include "management/filter_tokens_internal.h"
#include "management/report_filter_internal.h"

#include <algorithm>

namespace mlgate::management {
namespace {

constexpr std::array<std::string_view, 6> kMembers{"userId",      "productId",      "apiId",
                                                   "operationId", "subscriptionId", "apiRegion"};
// Times and bounds beyond these cannot be meant; sums with them stay far from overflow.
constexpr TimeMs kTimeMax = 253'402'300'799'999;  // The end of year 9999.

class Parser {
 public:
  Parser(std::string_view text, std::span<const Dimension> dimensions)
      : tokens_(text), dimensions_(dimensions) {}

  Result<ReportFilter> run() {
    TRY_OK(advance());
    for (;;) {
      TRY_OK(comparison());
      if (token_.kind == FilterToken::Kind::end) break;
      if (!token_.is_word("and")) return unexpected_in_filter(token_);
      TRY_OK(advance());
    }
    if (!bounded_)
      return fail(Errc::invalid_argument,
                  "The filter has to bound the period from below: timestamp ge ….", "$filter");
    return std::move(out_);
  }

 private:
  Result<void> advance() {
    TRY(token_, tokens_.next());
    return {};
  }

  Result<void> comparison() {
    if (token_.kind != FilterToken::Kind::word) return unexpected_in_filter(token_);
    const FilterToken field = token_;
    TRY_OK(advance());
    const FilterToken op = token_;
    if (op.kind != FilterToken::Kind::word) return unexpected_in_filter(op);
    TRY_OK(advance());
    const FilterToken literal = token_;
    if (literal.kind != FilterToken::Kind::text && literal.kind != FilterToken::Kind::word)
      return unexpected_in_filter(literal);
    TRY_OK(advance());
    return field.is_word("timestamp") ? bound(op, literal) : match(field, op, literal);
  }

  Result<void> bound(const FilterToken& op, const FilterToken& literal) {
    const auto time = parse_iso8601(literal.text);
    if (!time || *time < 0 || *time > kTimeMax)
      return bad_filter("'" + literal.text + "' is not a time", literal.at);
    if (op.is_word("ge") || op.is_word("gt")) {
      out_.from_ms = std::max(out_.from_ms, *time + (op.is_word("gt") ? 1 : 0));
      bounded_ = true;
    } else if (op.is_word("le") || op.is_word("lt")) {
      out_.to_ms = std::min(out_.to_ms, *time + (op.is_word("le") ? 1 : 0));
    } else {
      return bad_filter("The field 'timestamp' does not take '" + op.text + "'", op.at);
    }
    return {};
  }

  Result<void> match(const FilterToken& field, const FilterToken& op, const FilterToken& literal) {
    const auto named = [&](Dimension one) { return field.is_word(member_of(one)); };
    const auto dimension = std::ranges::find_if(dimensions_, named);
    if (dimension == dimensions_.end())
      return bad_filter("The report cannot be filtered by '" + field.text + "'", field.at);
    if (!op.is_word("eq"))
      return bad_filter("The field '" + field.text + "' does not take '" + op.text + "'", op.at);
    if (literal.kind != FilterToken::Kind::text)
      return bad_filter("A string in single quotes is expected", literal.at);
    const bool id = *dimension != Dimension::region && literal.text.find('/') != std::string::npos;
    out_.matches.push_back({*dimension, id ? short_id(literal.text) : to_lower(literal.text)});
    return {};
  }

  FilterTokens tokens_;
  std::span<const Dimension> dimensions_;
  FilterToken token_;
  ReportFilter out_;
  bool bounded_ = false;
};

}  // namespace

std::string_view member_of(Dimension dimension) noexcept {
  return kMembers[static_cast<std::size_t>(dimension)];
}

Result<ReportFilter> parse_report_filter(std::string_view text,
                                         std::span<const Dimension> dimensions) {
  TRY_OK(check_filter_size(text));
  return Parser(text, dimensions).run();
}

std::optional<TimeMs> parse_duration(std::string_view text) noexcept {
  struct Unit {
    char letter;
    bool time;  // Behind the 'T'.
    TimeMs ms;
  };
  constexpr std::array<Unit, 4> kUnits{
      {{'D', false, 86'400'000}, {'H', true, 3'600'000}, {'M', true, 60'000}, {'S', true, 1'000}}};
  if (!text.starts_with('P')) return std::nullopt;
  text.remove_prefix(1);
  bool time = false;
  std::size_t next = 0;  // Units come in their order, each once.
  std::optional<TimeMs> out;
  while (!text.empty()) {
    if (text.front() == 'T' && !time) {
      time = true;
      text.remove_prefix(1);
      if (text.empty()) return std::nullopt;
      continue;
    }
    const std::size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
    const auto number = end > 0 && end <= 9 ? parse_int(text.substr(0, end)) : std::nullopt;
    if (!number || end == text.size()) return std::nullopt;
    while (next < kUnits.size() && (kUnits[next].letter != text[end] || kUnits[next].time != time))
      ++next;
    if (next == kUnits.size()) return std::nullopt;
    out = out.value_or(0) + *number * kUnits[next].ms;
    ++next;
    text.remove_prefix(end + 1);
  }
  return out;
}

}  // namespace mlgate::management
