#include "policy/xml.h"

#include "base/text.h"

#include <algorithm>

namespace mlgate::policy {

namespace {

bool is_blank(char c) noexcept { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

bool is_name_start(char c) noexcept {
  return is_alpha(c) || c == '_' || c == ':' || (static_cast<unsigned char>(c) & 0x80) != 0;
}
bool is_name_char(char c) noexcept {
  return is_name_start(c) || is_digit(c) || c == '-' || c == '.';
}

void append_utf8(std::string& out, std::uint32_t code) {
  if (code < 0x80) {
    out += char(code);
  } else if (code < 0x800) {
    out += char(0xC0 | (code >> 6));
    out += char(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    out += char(0xE0 | (code >> 12));
    out += char(0x80 | ((code >> 6) & 0x3F));
    out += char(0x80 | (code & 0x3F));
  } else {
    out += char(0xF0 | (code >> 18));
    out += char(0x80 | ((code >> 12) & 0x3F));
    out += char(0x80 | ((code >> 6) & 0x3F));
    out += char(0x80 | (code & 0x3F));
  }
}

// What stands between '&' and ';'. False when it is no reference that XML knows.
bool append_reference(std::string& out, std::string_view name) {
  if (name == "amp")
    out += '&';
  else if (name == "lt")
    out += '<';
  else if (name == "gt")
    out += '>';
  else if (name == "quot")
    out += '"';
  else if (name == "apos")
    out += '\'';
  else if (name.size() > 1 && name[0] == '#') {
    const bool hex = name[1] == 'x';
    std::uint32_t code = 0;
    const auto digits = name.substr(hex ? 2 : 1);
    if (digits.empty() || digits.size() > 8) return false;
    for (const char c : digits) {
      const int digit = hex_digit(c);
      if (digit < 0 || (!hex && digit > 9)) return false;
      code = code * (hex ? 16 : 10) + std::uint32_t(digit);
    }
    const bool allowed = code == 9 || code == 10 || code == 13 || (code >= 0x20 && code < 0xD800) ||
                         (code >= 0xE000 && code <= 0xFFFD) ||
                         (code >= 0x10000 && code <= 0x10FFFF);
    if (!allowed) return false;
    append_utf8(out, code);
  } else {
    return false;
  }
  return true;
}

class Reader {
 public:
  Reader(std::string_view text, Format format, const SourceMap& map)
      : text_(text), format_(format), map_(map) {}

  Result<Element> document() {
    if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;
    TRY_OK(misc());
    if (at_ >= text_.size()) return wrong("Root element is missing.", at_);
    if (text_[at_] != '<') return wrong("Data at the root level is invalid.", at_);
    Element root;
    TRY_OK(element(root, 1));
    TRY_OK(misc());
    if (at_ < text_.size()) {
      return wrong(text_[at_] == '<' ? "There are multiple root elements."
                                     : "Data at the root level is invalid.",
                   at_ + (text_[at_] == '<' ? 1 : 0));
    }
    return root;
  }

 private:
  std::unexpected<Error> wrong(std::string text, std::size_t offset) const {
    const Position at = map_.position(std::min(offset, text_.size()));
    return fail(Errc::invalid_argument, std::move(text) + " Line " + std::to_string(at.line) +
                                            ", position " + std::to_string(at.column) + ".");
  }
  std::unexpected<Error> unexpected_token(std::string_view expecting) const {
    if (at_ >= text_.size()) return wrong("Unexpected end of file has occurred.", at_);
    std::size_t end = at_ + 1;
    while (end < text_.size() && (static_cast<unsigned char>(text_[end]) & 0xC0) == 0x80) ++end;
    std::string message = "'" + std::string(text_.substr(at_, end - at_)) +
                          "' is an unexpected token. The expected token is '" +
                          std::string(expecting) + "'.";
    return wrong(std::move(message), at_);
  }
  bool looking_at(std::string_view what) const noexcept {
    return text_.substr(at_).starts_with(what);
  }
  void skip_blanks() noexcept {
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
  }

  // Blanks, comments and processing instructions outside the root.
  Result<void> misc() {
    for (;;) {
      skip_blanks();
      if (looking_at("<!--")) {
        TRY_OK(skip_to("-->", 4));
      } else if (looking_at("<?")) {
        TRY_OK(skip_to("?>", 2));
      } else if (looking_at("<!DOCTYPE")) {
        return wrong("For security reasons DTD is prohibited in this XML document.", at_);
      } else {
        return {};
      }
    }
  }
  Result<void> skip_to(std::string_view end, std::size_t from) {
    const auto found = text_.find(end, at_ + from);
    if (found == std::string_view::npos) {
      return wrong("Unexpected end of file has occurred.", text_.size());
    }
    at_ = found + end.size();
    return {};
  }

  Result<std::string> name(std::string_view where) {
    const std::size_t begin = at_;
    if (at_ >= text_.size()) return wrong("Unexpected end of file has occurred.", at_);
    if (!is_name_start(text_[at_])) {
      std::string shown = text_[at_] < ' ' ? std::string("?") : std::string(1, text_[at_]);
      return wrong(std::string(where) + " cannot begin with the '" + shown + "' character.", at_);
    }
    while (at_ < text_.size() && is_name_char(text_[at_])) ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }

  Result<void> element(Element& out, std::size_t depth) {
    const std::size_t begin = at_;
    if (depth > kDocumentDepthMax) {
      return wrong("Elements are nested deeper than " + std::to_string(kDocumentDepthMax) + ".",
                   at_);
    }
    out.position = map_.position(at_);
    ++at_;
    TRY(out.name, name("Name"));
    for (;;) {
      const std::size_t before = at_;
      skip_blanks();
      if (looking_at("/>")) {
        at_ += 2;
        return {};
      }
      if (looking_at(">")) {
        ++at_;
        break;
      }
      if (at_ >= text_.size()) return wrong("Unexpected end of file has occurred.", at_);
      if (before == at_) {
        return wrong("'" + std::string(text_.substr(at_, 1)) +
                         "' is an unexpected token. Expecting white space.",
                     at_);
      }
      TRY_OK(attribute(out));
    }
    return content(out, begin, depth);
  }

  Result<void> attribute(Element& out) {
    Attribute made;
    const std::size_t begin = at_;
    TRY(made.name, name("Name"));
    if (out.attribute(made.name)) {
      return wrong("'" + made.name + "' is a duplicate attribute name.", begin);
    }
    skip_blanks();
    if (!looking_at("=")) return unexpected_token("=");
    ++at_;
    skip_blanks();
    if (!looking_at("\"") && !looking_at("'")) return unexpected_token("\"");
    const char quote = text_[at_++];
    made.text.position = map_.position(at_);
    const std::size_t raw = scan_expression();
    if (raw > 0 && at_ + raw < text_.size() && text_[at_ + raw] == quote) {
      made.text.value = text_.substr(at_, raw);
      made.text.expression = true;
      at_ += raw + 1;
    } else {
      TRY_OK(attribute_value(made.text, quote));
    }
    out.attributes.push_back(std::move(made));
    return {};
  }

  Result<void> attribute_value(Text& out, char quote) {
    while (at_ < text_.size() && text_[at_] != quote) {
      if (text_[at_] == '<') {
        return wrong("'<', hexadecimal value 0x3C, is an invalid attribute character.", at_);
      }
      if (text_[at_] == '&') {
        TRY_OK(reference(out.value));
      } else {
        // A line end in an attribute is a blank (XML 1.0, 3.3.3).
        out.value += is_blank(text_[at_]) ? ' ' : text_[at_];
        ++at_;
      }
    }
    if (at_ >= text_.size()) return wrong("Unexpected end of file has occurred.", at_);
    ++at_;
    out.expression = expression_length(out.value) == out.value.size() && !out.value.empty();
    return {};
  }

  Result<void> reference(std::string& out) {
    const auto end = text_.find(';', at_);
    const auto body = end == std::string_view::npos || end - at_ > 32
                          ? std::string_view()
                          : text_.substr(at_ + 1, end - at_ - 1);
    if (body.empty() || !append_reference(out, body)) {
      const bool named = !body.empty() && is_name_start(body[0]) &&
                         std::all_of(body.begin(), body.end(), is_name_char);
      return named ? wrong("Reference to undeclared entity '" + std::string(body) + "'.", at_ + 1)
                   : wrong("An error occurred while parsing EntityName.", at_ + 1);
    }
    at_ = end + 1;
    return {};
  }

  // Length of the raw expression that begins here. Scans that find no end are cheap in honest
  // documents; a budget keeps a hostile one from asking for many long ones.
  std::size_t scan_expression() noexcept {
    if (format_ != Format::rawxml || failed_scans_ >= kFailedScansMax) return 0;
    const std::size_t length = expression_length(text_.substr(at_));
    if (length == 0 && looking_at("@")) ++failed_scans_;
    return length;
  }

  // An expression as element text: nothing but blanks around it.
  bool raw_expression(Element& out) {
    if (!out.text.value.empty() || !out.children.empty()) return false;
    const std::size_t length = scan_expression();
    if (length == 0) return false;
    std::size_t behind = at_ + length;
    while (behind < text_.size() && is_blank(text_[behind])) ++behind;
    if (!text_.substr(std::min(behind, text_.size())).starts_with("</")) return false;
    out.text.value = text_.substr(at_, length);
    out.text.expression = true;
    out.text.position = map_.position(at_);
    at_ = behind;
    return true;
  }

  Result<void> content(Element& out, std::size_t begin, std::size_t depth) {
    std::string text;
    for (;;) {
      if (at_ >= text_.size()) {
        return wrong(
            "Unexpected end of file has occurred. The following elements are not closed: " +
                out.name + ".",
            at_);
      }
      if (looking_at("</")) break;
      if (looking_at("<!--")) {
        TRY_OK(skip_to("-->", 4));
      } else if (looking_at("<![CDATA[")) {
        const std::size_t from = at_ + 9;
        TRY_OK(skip_to("]]>", 9));
        note_text(out, from);
        text += text_.substr(from, at_ - 3 - from);
      } else if (looking_at("<?")) {
        TRY_OK(skip_to("?>", 2));
      } else if (text_[at_] == '<') {
        out.children.emplace_back();
        // The reference would dangle once the list grows, so the child is finished first.
        Element child;
        TRY_OK(element(child, depth + 1));
        out.children.back() = std::move(child);
      } else if (text_[at_] == '&') {
        note_text(out, at_);
        TRY_OK(reference(text));
      } else if (text_[at_] == '@' && trim(text).empty() && raw_expression(out)) {
        continue;
      } else {
        if (!is_blank(text_[at_])) note_text(out, at_);
        text += text_[at_++];
      }
    }
    if (!out.text.expression) {
      out.text.value = trim(text);
      out.text.expression =
          !out.text.value.empty() && expression_length(out.text.value) == out.text.value.size();
    }
    return end_tag(out, begin);
  }

  void note_text(Element& out, std::size_t offset) const {
    if (out.text.position.line == 0) out.text.position = map_.position(offset);
  }

  Result<void> end_tag(const Element& out, std::size_t begin) {
    const std::size_t at = at_;
    at_ += 2;
    TRY(const std::string closing, name("Name"));
    if (closing != out.name) {
      const Position start = map_.position(begin + 1);
      return wrong("The '" + out.name + "' start tag on line " + std::to_string(start.line) +
                       " position " + std::to_string(start.column) +
                       " does not match the end tag of '" + closing + "'.",
                   at + 2);
    }
    skip_blanks();
    if (!looking_at(">")) return unexpected_token(">");
    ++at_;
    return {};
  }

  std::string_view text_;
  Format format_;
  const SourceMap& map_;
  std::size_t at_ = 0;
  int failed_scans_ = 0;
  static constexpr int kFailedScansMax = 256;
};

// As it is written, and as policies read it: references decoded, blanks around it gone.
void keep_secret(std::string_view text, std::vector<std::string>& out) {
  std::string read;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text[at] == '&' ? text.find(';', at) : std::string_view::npos;
    if (end != std::string_view::npos &&
        append_reference(read, text.substr(at + 1, end - at - 1))) {
      at = end + 1;
    } else {
      read += text[at++];
    }
  }
  for (const std::string_view one : {trim(text), trim(read)})
    if (std::ranges::find(out, one) == out.end()) out.emplace_back(one);
}

bool is_named_value_char(char c) noexcept {
  return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_';
}

}  // namespace

const Attribute* Element::attribute(std::string_view wanted) const noexcept {
  for (const auto& one : attributes) {
    if (one.name == wanted) return &one;
  }
  return nullptr;
}

Position SourceMap::position(std::size_t result) const noexcept {
  std::size_t source = result;
  const auto after = std::upper_bound(
      pieces_.begin(), pieces_.end(), result,
      [](std::size_t offset, const Piece& piece) { return offset < piece.result; });
  if (after != pieces_.begin()) {
    const Piece& piece = *std::prev(after);
    source = piece.fixed ? piece.source : piece.source + (result - piece.result);
  }
  source = std::min(source, source_.size());
  if (source < counted_) {
    counted_ = 0;
    counted_position_ = {};
  }
  for (; counted_ < source; ++counted_) {
    const char c = source_[counted_];
    if (c == '\n') {
      ++counted_position_.line;
      counted_position_.column = 1;
    } else if ((static_cast<unsigned char>(c) & 0xC0) != 0x80 &&
               !(counted_ == 0 && source_.starts_with("\xEF\xBB\xBF"))) {
      ++counted_position_.column;
    }
  }
  return counted_position_;
}

Substituted substitute_named_values(std::string_view text, const NamedValues& named_values) {
  Substituted out{{}, SourceMap(text), {}, {}};
  std::size_t at = 0;
  while (at < text.size()) {
    const auto open = text.find("{{", at);
    if (open == std::string_view::npos) break;
    std::size_t end = open + 2;
    while (end < text.size() && is_named_value_char(text[end])) ++end;
    if (end == open + 2 || !text.substr(end).starts_with("}}")) {
      out.map.add(out.text.size(), at, false);
      out.text += text.substr(at, open + 1 - at);
      at = open + 1;
      continue;
    }
    out.map.add(out.text.size(), at, false);
    out.text += text.substr(at, open - at);
    const auto name = text.substr(open + 2, end - open - 2);
    out.map.add(out.text.size(), open, true);
    if (auto value = named_values ? named_values(name) : std::nullopt) {
      out.text += value->text;
      if (value->secret) keep_secret(value->text, out.secrets);
    } else {
      out.missing.push_back({std::string(name), out.text.size()});
    }
    at = end + 2;
  }
  out.map.add(out.text.size(), at, false);
  out.text += text.substr(at);
  return out;
}

Result<Element> read_xml(std::string_view text, Format format, const SourceMap& map) {
  return Reader(text, format, map).document();
}

}  // namespace mlgate::policy
