#include "base/text.h"
#include "management/filter_tokens_internal.h"

#include <algorithm>

namespace mlgate::management {
namespace {

constexpr std::size_t kFilterBytesMax = 4'096;

}  // namespace

bool FilterToken::is_word(std::string_view word) const {
  return kind == Kind::word && equals_ignoring_case(text, word);
}

Result<FilterToken> FilterTokens::next() {
  while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  FilterToken token;
  token.at = at_;
  if (at_ == text_.size()) return token;
  const char c = text_[at_];
  if (c == '\'') return string(at_);
  if (c == '(' || c == ')' || c == ',') {
    token.kind = c == '('   ? FilterToken::Kind::open
                 : c == ')' ? FilterToken::Kind::close
                            : FilterToken::Kind::comma;
    token.text = c;
    ++at_;
    return token;
  }
  const std::size_t end = std::min(text_.find_first_of(" \t(),'", at_), text_.size());
  token.kind = FilterToken::Kind::word;
  token.text = text_.substr(at_, end - at_);
  at_ = end;
  const bool quoted = at_ < text_.size() && text_[at_] == '\'';
  if (quoted && token.is_word("datetime")) return string(token.at);
  return token;
}

// At an opening quote; a doubled quote stands for one.
Result<FilterToken> FilterTokens::string(std::size_t token_at) {
  FilterToken token{FilterToken::Kind::text, {}, token_at};
  for (std::size_t i = at_ + 1; i < text_.size(); ++i) {
    if (text_[i] != '\'') {
      token.text += text_[i];
    } else if (i + 1 < text_.size() && text_[i + 1] == '\'') {
      token.text += '\'';
      ++i;
    } else {
      at_ = i + 1;
      return token;
    }
  }
  return bad_filter("A string is not closed", token_at);
}

Result<void> check_filter_size(std::string_view text) {
  if (text.size() <= kFilterBytesMax) return {};
  return fail(Errc::invalid_argument, "The filter has more than 4096 characters.", "$filter");
}

std::unexpected<Error> bad_filter(const std::string& why, std::size_t at) {
  return fail(Errc::invalid_argument, why + " at position " + std::to_string(at) + ".", "$filter");
}

std::unexpected<Error> unexpected_in_filter(const FilterToken& token) {
  return bad_filter(token.kind == FilterToken::Kind::end ? "The filter ends too early"
                                                         : "Unexpected '" + token.text + "'",
                    token.at);
}

// "/subscriptions/…/service/x/products/y" as "/products/y"; "/apis/" as "/apis".
std::string short_id(std::string_view id) {
  constexpr std::string_view kMark = "/providers/microsoft.apimanagement/service/";
  std::string lower = to_lower(id);
  if (const std::size_t mark = lower.find(kMark); mark != std::string::npos) {
    const std::size_t slash = lower.find('/', mark + kMark.size());
    lower = slash == std::string::npos ? "/" : lower.substr(slash);
  }
  if (lower.size() > 1 && lower.ends_with('/')) lower.pop_back();
  return lower;
}

}  // namespace mlgate::management
