#include "policy/xml.h"

namespace mlgate::policy {

namespace {

// A cursor over C# text that knows only what can hide a bracket.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  // From the opening bracket to behind its closing one; false when it never closes.
  bool balanced() {
    if (++depth_ > kDepthMax) return false;
    const char open = text_[at_];
    const char close = open == '(' ? ')' : open == '{' ? '}' : ']';
    ++at_;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == close) {
        ++at_;
        --depth_;
        return true;
      }
      if (!token()) return false;
    }
    return false;
  }
  std::size_t position() const noexcept { return at_; }

 private:
  static constexpr int kDepthMax = 200;

  char peek(std::size_t ahead) const noexcept {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }

  bool token() {
    switch (text_[at_]) {
      case '(':
      case '{':
      case '[':
        return balanced();
      case ')':
      case '}':
      case ']':
        return false;
      case '"':
        ++at_;
        return ordinary_string();
      case '\'':
        return character();
      case '@':
      case '$':
        return prefixed();
      case '/':
        return slash();
      default:
        ++at_;
        return true;
    }
  }

  bool prefixed() {
    bool verbatim = false, interpolated = false;
    std::size_t length = 0;
    while (peek(length) == '@' || peek(length) == '$') {
      (peek(length) == '@' ? verbatim : interpolated) = true;
      ++length;
    }
    at_ += length;
    if (peek(0) != '"') return true;
    ++at_;
    if (interpolated) return interpolated_string(verbatim);
    return verbatim ? verbatim_string() : ordinary_string();
  }

  bool ordinary_string() {
    while (at_ < text_.size() && text_[at_] != '\n') {
      const char c = text_[at_++];
      if (c == '"') return true;
      if (c == '\\') ++at_;
    }
    return false;
  }

  bool verbatim_string() {
    while (at_ < text_.size()) {
      if (text_[at_++] != '"') continue;
      if (peek(0) != '"') return true;
      ++at_;
    }
    return false;
  }

  bool interpolated_string(bool verbatim) {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        if (!verbatim || peek(0) != '"') return true;
        ++at_;
      } else if (c == '{') {
        if (peek(1) == '{')
          at_ += 2;
        else if (!balanced())
          return false;
      } else if (c == '\n' && !verbatim) {
        return false;
      } else {
        at_ += c == '\\' && !verbatim ? 2 : 1;
      }
    }
    return false;
  }

  bool character() {
    ++at_;
    if (peek(0) == '\\') ++at_;
    while (at_ < text_.size() && text_[at_] != '\n') {
      // The character itself may be a quote only behind a backslash, which was passed above.
      ++at_;
      if (peek(0) == '\'') {
        ++at_;
        return true;
      }
    }
    return false;
  }

  bool slash() {
    if (peek(1) == '/') {
      const auto end = text_.find('\n', at_);
      at_ = end == std::string_view::npos ? text_.size() : end + 1;
    } else if (peek(1) == '*') {
      const auto end = text_.find("*/", at_ + 2);
      if (end == std::string_view::npos) return false;
      at_ = end + 2;
    } else {
      ++at_;
    }
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 1;
  int depth_ = 0;
};

}  // namespace

std::size_t expression_length(std::string_view text) noexcept {
  if (text.size() < 3 || text[0] != '@' || (text[1] != '(' && text[1] != '{')) return 0;
  Scanner scanner(text);
  return scanner.balanced() ? scanner.position() : 0;
}

}  // namespace mlgate::policy
