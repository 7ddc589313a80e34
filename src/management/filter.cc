#include "management/filter.h"

#include "base/text.h"
#include "base/time.h"
#include "management/filter_tokens_internal.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

namespace mlgate::management {
namespace {

constexpr int kDepthMax = 32;
constexpr std::array<std::string_view, 6> kOperators{"eq", "ne", "ge", "le", "gt", "lt"};
constexpr std::array<std::string_view, 4> kFunctions{"contains", "substringof", "startswith",
                                                     "endswith"};

bool is_operator(std::string_view word) {
  return std::ranges::find(kOperators, word) != kOperators.end();
}

int compare_ignoring_case(std::string_view a, std::string_view b) {
  const LessIgnoringCase less;
  return less(a, b) ? -1 : less(b, a) ? 1 : 0;
}

bool holds(std::string_view op, int order) {
  if (op == "eq") return order == 0;
  if (op == "ne") return order != 0;
  if (op == "ge") return order >= 0;
  if (op == "le") return order <= 0;
  return op == "gt" ? order > 0 : order < 0;
}

bool function_holds(std::string_view function, std::string_view value, std::string_view part) {
  const std::string text = to_lower(value), what = to_lower(part);
  if (function == "startswith") return text.starts_with(what);
  if (function == "endswith") return text.ends_with(what);
  return text.find(what) != std::string::npos;
}

std::string_view text_of(const Json& item, const FilterField& field) {
  if (field.member == "@name" || (field.member.empty() && field.name == "name"))
    return item.string_or("name");
  return item["properties"].string_or(field.member.empty() ? field.name : field.member);
}

const Json& value_of(const Json& item, const FilterField& field) {
  return item["properties"][field.member.empty() ? field.name : field.member];
}

Predicate compare_text(FilterField field, std::string op, std::string literal) {
  if (field.type == FilterField::Type::id)
    return [field, op, literal = short_id(literal)](const Json& item) {
      const std::string_view text = text_of(item, field);
      return holds(op, compare_ignoring_case(text.empty() ? "" : short_id(text), literal));
    };
  return [field, op, literal](const Json& item) {
    return holds(op, compare_ignoring_case(text_of(item, field), literal));
  };
}

using Token = FilterToken;

class Parser {
 public:
  Parser(std::string_view text, std::span<const FilterField> fields)
      : tokens_(text), fields_(fields) {}

  Result<Predicate> run() {
    TRY_OK(advance());
    TRY(Predicate all, any_of(0));
    if (token_.kind != Token::Kind::end) return unexpected_token();
    return all;
  }

 private:
  static std::unexpected<Error> bad(const std::string& why, std::size_t at) {
    return bad_filter(why, at);
  }
  std::unexpected<Error> unexpected_token() const { return unexpected_in_filter(token_); }
  Result<void> advance() {
    TRY(token_, tokens_.next());
    return {};
  }

  bool is_word(std::string_view word) const { return token_.is_word(word); }

  Result<Predicate> any_of(int depth) {
    TRY(Predicate left, all_of(depth));
    while (is_word("or")) {
      TRY_OK(advance());
      TRY(Predicate right, all_of(depth));
      left = [left = std::move(left), right = std::move(right)](const Json& item) {
        return left(item) || right(item);
      };
    }
    return left;
  }

  Result<Predicate> all_of(int depth) {
    TRY(Predicate left, term(depth));
    while (is_word("and")) {
      TRY_OK(advance());
      TRY(Predicate right, term(depth));
      left = [left = std::move(left), right = std::move(right)](const Json& item) {
        return left(item) && right(item);
      };
    }
    return left;
  }

  Result<Predicate> term(int depth) {
    if (depth > kDepthMax) return bad("The filter is nested too deep", token_.at);
    if (is_word("not")) {
      TRY_OK(advance());
      TRY(Predicate inner, term(depth + 1));
      return [inner = std::move(inner)](const Json& item) { return !inner(item); };
    }
    if (token_.kind == Token::Kind::open) {
      TRY_OK(advance());
      TRY(Predicate inner, any_of(depth + 1));
      TRY_OK(expect(Token::Kind::close));
      return inner;
    }
    if (token_.kind != Token::Kind::word) return unexpected_token();
    const Token word = token_;
    TRY_OK(advance());
    if (token_.kind == Token::Kind::open) return function(word);
    return comparison(word);
  }

  Result<void> expect(Token::Kind kind) {
    if (token_.kind != kind) return unexpected_token();
    return advance();
  }

  Result<FilterField> field_of(const Token& token) const {
    std::string_view name = token.text;
    if (starts_with_ignoring_case(name, "properties/")) name.remove_prefix(11);
    for (const FilterField& field : fields_)
      if (equals_ignoring_case(field.name, name)) return field;
    return bad("The list cannot be filtered by '" + token.text + "'", token.at);
  }

  Result<Predicate> function(const Token& name) {
    const std::string called = to_lower(name.text);
    if (std::ranges::find(kFunctions, called) == kFunctions.end())
      return bad("The function '" + name.text + "' is not known", name.at);
    TRY_OK(advance());
    Token first = token_;
    TRY_OK(advance());
    TRY_OK(expect(Token::Kind::comma));
    Token second = token_;
    TRY_OK(advance());
    TRY_OK(expect(Token::Kind::close));
    // OData 3 has substringof('part', field); both orders are in use.
    if (first.kind == Token::Kind::text && called == "substringof") std::swap(first, second);
    if (first.kind != Token::Kind::word || second.kind != Token::Kind::text)
      return bad("The function '" + name.text + "' takes a field and a string", name.at);
    TRY(const FilterField field, field_of(first));
    if (field.allows != FilterField::Allows::everything)
      return bad("The field '" + first.text + "' takes no functions", first.at);
    return Predicate([field, called, part = second.text](const Json& item) {
      const std::string_view text = text_of(item, field);
      if (function_holds(called, text, part)) return true;
      return field.type == FilterField::Type::id && !text.empty() &&
             (function_holds(called, short_id(text), part) ||
              function_holds(called, short_id(text), short_id(part)));
    });
  }

  Result<Predicate> comparison(const Token& left) {
    TRY(const FilterField field, field_of(left));
    const Token op = token_;
    const std::string what = to_lower(op.text);
    if (op.kind != Token::Kind::word || !is_operator(what)) return unexpected_token();
    const bool equality = what == "eq" || what == "ne";
    if ((field.allows == FilterField::Allows::eq && what != "eq") ||
        (field.allows == FilterField::Allows::equality && !equality))
      return bad("The field '" + left.text + "' does not take '" + op.text + "'", op.at);
    TRY_OK(advance());
    const Token literal = token_;
    if (literal.kind != Token::Kind::text && literal.kind != Token::Kind::word)
      return unexpected_token();
    TRY_OK(advance());
    if (literal.kind == Token::Kind::word && equals_ignoring_case(literal.text, "null")) {
      if (!equality) return bad("null takes eq and ne only", literal.at);
      return Predicate([field, equal = what == "eq"](const Json& item) {
        const bool null = field.name == "name" ? false : value_of(item, field).is_null();
        return null == equal;
      });
    }
    return typed_comparison(field, what, literal);
  }

  Result<Predicate> typed_comparison(const FilterField& field, const std::string& op,
                                     const Token& literal) const {
    switch (field.type) {
      case FilterField::Type::flag: {
        const bool yes = equals_ignoring_case(literal.text, "true");
        if (!yes && !equals_ignoring_case(literal.text, "false"))
          return bad("'" + literal.text + "' is neither true nor false", literal.at);
        return Predicate([field, op, yes](const Json& item) {
          return holds(op, value_of(item, field).as_bool().value_or(false) == yes ? 0 : 1);
        });
      }
      case FilterField::Type::date: {
        const auto time = parse_iso8601(literal.text);
        if (!time) return bad("'" + literal.text + "' is not a date", literal.at);
        return Predicate([field, op, time = *time](const Json& item) {
          const auto there = parse_iso8601(text_of(item, field));
          return there && holds(op, *there < time ? -1 : *there > time ? 1 : 0);
        });
      }
      case FilterField::Type::text:
      case FilterField::Type::id:
        break;
    }
    if (literal.kind != Token::Kind::text)
      return bad("A string in single quotes is expected", literal.at);
    return compare_text(field, op, literal.text);
  }

  FilterTokens tokens_;
  std::span<const FilterField> fields_;
  Token token_;
};

}  // namespace

Result<Predicate> parse_filter(std::string_view text, std::span<const FilterField> fields) {
  TRY_OK(check_filter_size(text));
  return Parser(text, fields).run();
}

}  // namespace mlgate::management
