#pragma once
// The words of a $filter, for all that read one: lists of entities and reports.
#include "base/result.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace mlgate::management {

struct FilterToken {
  enum class Kind : unsigned char { end, word, text, open, close, comma };
  Kind kind = Kind::end;
  std::string text;    // Of a string without its quotes.
  std::size_t at = 0;  // Position in the filter, from 0.

  bool is_word(std::string_view word) const;  // Without regard to case.
};

class FilterTokens {
 public:
  explicit FilterTokens(std::string_view text) : text_(text) {}
  // The next one; `end` again and again at the end. datetime'...' is a string.
  Result<FilterToken> next();

 private:
  Result<FilterToken> string(std::size_t token_at);
  std::string_view text_;
  std::size_t at_ = 0;
};

// A filter has at most 4,096 bytes.
Result<void> check_filter_size(std::string_view text);
// "{why} at position {at}.", target $filter.
std::unexpected<Error> bad_filter(const std::string& why, std::size_t at);
std::unexpected<Error> unexpected_in_filter(const FilterToken& token);

// "/subscriptions/…/service/x/products/y" as "/products/y"; "/apis/" as "/apis"; in lower case.
std::string short_id(std::string_view id);

}  // namespace mlgate::management
