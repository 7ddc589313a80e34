#include "apim/policy_text.h"

#include "base/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace mlgate::apim {
namespace {

constexpr int kNestingMax = 64;
constexpr std::array<std::pair<std::string_view, char>, 5> kEntities{
    {{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}, {"&apos;", '\''}}};

bool begins_expression(std::string_view text) noexcept {
  return text.starts_with("@(") || text.starts_with("@{");
}

// Walks over C# text, so that brackets in strings, characters and comments do not count.
class CodeScan {
 public:
  explicit CodeScan(std::string_view text) : text_(text) {}

  // `at` is an opening bracket; the index behind its closing one, npos when it is never closed.
  std::size_t skip_brackets(std::size_t at, int depth) const {
    if (depth > kNestingMax) return npos;
    const char close = text_[at] == '(' ? ')' : text_[at] == '{' ? '}' : ']';
    for (std::size_t i = at + 1; i < text_.size();) {
      const char c = text_[i];
      if (c == close) return i + 1;
      if (c == ')' || c == '}' || c == ']') return npos;
      i = skip_one(i, depth);
      if (i == npos) return npos;
    }
    return npos;
  }

 private:
  static constexpr std::size_t npos = std::string_view::npos;

  std::size_t skip_one(std::size_t i, int depth) const {
    const std::string_view rest = text_.substr(i);
    if (rest[0] == '(' || rest[0] == '{' || rest[0] == '[') return skip_brackets(i, depth + 1);
    if (rest.starts_with("//")) return find_behind("\n", i);
    if (rest.starts_with("/*")) return find_behind("*/", i + 2);
    if (rest.starts_with("$@\"") || rest.starts_with("@$\""))
      return skip_string(i + 3, {.verbatim = true, .interpolated = true}, depth);
    if (rest.starts_with("@\"")) return skip_string(i + 2, {.verbatim = true}, depth);
    if (rest.starts_with("$\"")) return skip_string(i + 2, {.interpolated = true}, depth);
    if (rest[0] == '"') return skip_string(i + 1, {}, depth);
    if (rest[0] == '\'') return skip_character(i + 1);
    return i + 1;
  }

  std::size_t find_behind(std::string_view what, std::size_t from) const {
    const std::size_t found = text_.find(what, from);
    return found == npos ? npos : found + what.size();
  }

  std::size_t skip_character(std::size_t i) const {
    for (; i < text_.size(); ++i) {
      if (text_[i] == '\\')
        ++i;
      else if (text_[i] == '\'')
        return i + 1;
    }
    return npos;
  }

  struct StringKind {
    bool verbatim = false;
    bool interpolated = false;
  };

  std::size_t skip_string(std::size_t i, StringKind kind, int depth) const {
    while (i < text_.size()) {
      const std::string_view rest = text_.substr(i);
      if (!kind.verbatim && rest[0] == '\\') {
        i += 2;
      } else if (kind.verbatim && rest.starts_with("\"\"")) {
        i += 2;
      } else if (rest[0] == '"') {
        return i + 1;
      } else if (kind.interpolated && rest.starts_with("{{")) {
        i += 2;
      } else if (kind.interpolated && rest[0] == '{') {
        i = skip_brackets(i, depth + 1);
        if (i == npos) return npos;
      } else {
        ++i;
      }
    }
    return npos;
  }

  std::string_view text_;
};

std::string escape(std::string_view text, char quote) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"' && quote == '"')
      out += "&quot;";
    else if (c == '\'' && quote == '\'')
      out += "&apos;";
    else
      out += c;
  }
  return out;
}

void append_utf8(std::string& out, unsigned code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | (code >> 6));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | (code >> 12));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (code >> 18));
    out += static_cast<char>(0x80 | ((code >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

// "&#65;" or "&#x41;" at the beginning of `text`: appended to `out`; its length, 0 when it is none.
std::size_t decode_number(std::string_view text, std::string& out) {
  if (!text.starts_with("&#")) return 0;
  const std::size_t end = text.find(';');
  if (end == std::string_view::npos || end > 10) return 0;
  std::string_view digits = text.substr(2, end - 2);
  const bool hex = digits.starts_with('x');
  if (hex) digits.remove_prefix(1);
  unsigned code = 0;
  const auto [last, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), code, hex ? 16 : 10);
  if (error != std::errc() || last != digits.data() + digits.size() || code == 0 ||
      code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
    return 0;
  append_utf8(out, code);
  return end + 1;
}

std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const std::string_view rest = text.substr(i);
    const auto* entity = std::ranges::find_if(
        kEntities, [&](const auto& one) { return rest.starts_with(one.first); });
    if (entity != kEntities.end()) {
      out += entity->second;
      i += entity->first.size();
    } else if (const std::size_t size = decode_number(rest, out); size != 0) {
      i += size;
    } else {
      out += text[i++];
    }
  }
  return out;
}

class Converter {
 public:
  Converter(std::string_view text, PolicyFormat from) : text_(text), from_(from) {}

  std::string run() {
    while (at_ < text_.size()) {
      if (text_[at_] == '<')
        markup();
      else
        content();
    }
    return std::move(out_);
  }

 private:
  static constexpr std::size_t npos = std::string_view::npos;

  void copy_to(std::size_t end) {
    end = std::min(end, text_.size());
    out_.append(text_.substr(at_, end - at_));
    at_ = end;
  }

  bool copy_section(std::string_view begin, std::string_view end) {
    if (!text_.substr(at_).starts_with(begin)) return false;
    const std::size_t found = text_.find(end, at_ + begin.size());
    copy_to(found == npos ? npos : found + end.size());
    return true;
  }

  void markup() {
    if (copy_section("<!--", "-->") || copy_section("<![CDATA[", "]]>") || copy_section("<?", "?>"))
      return;
    while (at_ < text_.size() && text_[at_] != '>') {
      const char c = text_[at_];
      copy_to(at_ + 1);
      if (c == '"' || c == '\'') attribute_value(c);
    }
    copy_to(at_ + 1);
  }

  // Behind the opening quote; copies up to and including the closing one.
  void attribute_value(char quote) {
    std::size_t end = text_.find(quote, at_);
    if (begins_expression(text_.substr(at_))) {
      if (from_ == PolicyFormat::rawxml) {
        const std::size_t close = CodeScan(text_).skip_brackets(at_ + 1, 0);
        if (close != npos && close < text_.size() && text_[close] == quote) end = close;
      }
      if (end != npos) expression(end, quote);
    }
    copy_to(end == npos ? npos : end + 1);
  }

  void content() {
    std::size_t end = std::min(text_.find('<', at_), text_.size());
    const std::size_t begin = text_.find_first_not_of(" \t\r\n", at_);
    if (begin == npos || !begins_expression(text_.substr(begin))) return copy_to(end);
    copy_to(begin);
    if (from_ == PolicyFormat::rawxml) {
      const std::size_t close = CodeScan(text_).skip_brackets(begin + 1, 0);
      if (close != npos) end = close;
    }
    expression(end, '\0');
  }

  void expression(std::size_t end, char quote) {
    const std::string_view code = text_.substr(at_, end - at_);
    out_ += from_ == PolicyFormat::rawxml ? escape(code, quote) : unescape(code);
    at_ = end;
  }

  std::string_view text_;
  PolicyFormat from_;
  std::size_t at_ = 0;
  std::string out_;
};

}  // namespace

std::string convert_policy(std::string_view text, PolicyFormat from, PolicyFormat to) {
  if (from == to) return std::string(text);
  return Converter(text, from).run();
}

}  // namespace mlgate::apim
