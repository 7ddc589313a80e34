#include "notify/template.h"

#include "base/text.h"

#include <algorithm>
#include <optional>

namespace mlgate::notify {
namespace {

bool starts_name(char c) { return is_alpha(c) || c == '_'; }
bool in_name(char c) { return starts_name(c) || is_digit(c); }
bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::string text_of(const Json& value) {
  switch (value.kind()) {
    case Json::Kind::string:
      return std::string(value.as_string());
    case Json::Kind::null:
    case Json::Kind::array:
    case Json::Kind::object:
      return {};
    default:
      return value.dump();
  }
}

void append_escaped(std::string_view text, Escaping escaping, std::string& out) {
  for (const char c : text) {
    if (escaping == Escaping::line) {
      // Control characters would end the header field that the subject is.
      out += static_cast<unsigned char>(c) < ' ' || c == '\x7f' ? ' ' : c;
      continue;
    }
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
}

}  // namespace

struct MailTemplate::Node {
  enum class Kind : unsigned char { text, value, choice, loop };
  Kind kind = Kind::text;
  std::string text = {};     // Of a text; what a choice compares with; the name that a loop gives.
  Reference reference = {};  // Of all others.
  bool negated = false;
  Nodes body = {}, otherwise = {};
};

// The names that are known at a place: those of the values, then those of the loops around it.
struct MailTemplate::Scope {
  const Json* values = nullptr;
  const Scope* outer = nullptr;
  std::string_view name = {};
  const Json* item = nullptr;

  const Json* find(const Reference& wanted) const {
    for (const Scope* scope = this; scope; scope = scope->outer) {
      const Json* found = scope->values ? scope->values->find(wanted.name)
                                        : (scope->name == wanted.name ? scope->item : nullptr);
      if (!found) continue;
      return wanted.member.empty() ? found : found->find(wanted.member);
    }
    return nullptr;
  }
};

struct MailTemplate::Output {
  std::string text;
  std::size_t steps = 0;
  bool is_full() { return ++steps > kStepsMax || text.size() >= kOutputMax; }
};

class TemplateParser {
 public:
  explicit TemplateParser(std::string_view text) : text_(text) {}

  using Node = MailTemplate::Node;
  using Nodes = MailTemplate::Nodes;
  using Reference = MailTemplate::Reference;
  enum class Stop : unsigned char { end_of_text, otherwise, end };

  Result<MailTemplate> parse() {
    MailTemplate out;
    Nodes nodes;
    TRY(const Stop stop, read(nodes, 0));
    if (stop != Stop::end_of_text)
      return wrong(stop == Stop::end ? "#end without #if or #foreach" : "#else without #if");
    out.nodes_ = std::make_shared<const Nodes>(std::move(nodes));
    return out;
  }

 private:
  std::unexpected<Error> wrong(std::string what) const {
    const auto lines = 1 + std::ranges::count(text_.substr(0, at_), '\n');
    return fail(Errc::invalid_argument, "line " + std::to_string(lines) + ": " + what);
  }
  bool at_end() const { return at_ >= text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  void skip_blanks() {
    while (is_blank(peek())) ++at_;
  }
  bool take(std::string_view token) {
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }
  // "#if" is one, "#ifs" and "#fff" are text.
  bool take_directive(std::string_view name) {
    const std::string_view rest = text_.substr(at_);
    if (!rest.starts_with(name)) return false;
    if (rest.size() > name.size() && in_name(rest[name.size()])) return false;
    at_ += name.size();
    return true;
  }
  std::string take_name() {
    const std::size_t begin = at_;
    if (starts_name(peek()))
      while (in_name(peek())) ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }
  bool is_loop_name(std::string_view name) const {
    return std::ranges::find(loops_, name) != loops_.end();
  }

  // "$Name", "${Name}" or "$item.Member"; the place stays where there is none. A dot belongs to a
  // reference only behind the name of a loop, so that "$OrganizationName." ends a sentence.
  std::optional<Reference> take_reference() {
    const std::size_t begin = at_;
    Reference out;
    if (!take("$")) return std::nullopt;
    const bool braced = take("{");
    out.name = take_name();
    if (!out.name.empty() && is_loop_name(out.name) && peek() == '.') {
      const std::size_t dot = at_++;
      out.member = take_name();
      if (out.member.empty()) at_ = dot;
    }
    if (out.name.empty() || (braced && !take("}"))) {
      at_ = begin;
      return std::nullopt;
    }
    out.written = text_.substr(begin, at_ - begin);
    return out;
  }

  Result<Stop> read(Nodes& out, std::size_t depth) {
    if (depth > MailTemplate::kDepthMax) return wrong("too many directives within each other");
    while (!at_end()) {
      if (take_directive("#end")) return Stop::end;
      if (take_directive("#else")) return Stop::otherwise;
      if (take_directive("#if")) {
        TRY_OK(read_choice(out, depth));
      } else if (take_directive("#foreach")) {
        TRY_OK(read_loop(out, depth));
      } else {
        read_text(out);
      }
    }
    return Stop::end_of_text;
  }

  void read_text(Nodes& out) {
    if (auto reference = take_reference()) {
      out.push_back({.kind = Node::Kind::value, .reference = *std::move(reference)});
      return;
    }
    const std::size_t begin = at_++;
    while (!at_end() && peek() != '$' && peek() != '#') ++at_;
    const std::string_view text = text_.substr(begin, at_ - begin);
    if (out.empty() || out.back().kind != Node::Kind::text)
      out.push_back({.kind = Node::Kind::text, .text = std::string(text)});
    else
      out.back().text += text;
  }

  Result<Reference> read_operand() {
    skip_blanks();
    if (!take("(")) return wrong("'(' is expected");
    skip_blanks();
    auto reference = take_reference();
    if (!reference) return wrong("a name like $DevFirstName is expected");
    skip_blanks();
    return *std::move(reference);
  }

  Result<void> read_close() {
    skip_blanks();
    if (!take(")")) return wrong("')' is expected");
    return {};
  }

  Result<void> read_choice(Nodes& out, std::size_t depth) {
    const std::size_t begin = at_;
    Node node{.kind = Node::Kind::choice};
    TRY(node.reference, read_operand());
    node.negated = take("!=");
    if (!node.negated && !take("==")) return wrong("'==' or '!=' is expected");
    skip_blanks();
    if (take_directive("true")) {
      node.text = "true";
    } else if (take("\"")) {
      const std::size_t first = at_;
      while (!at_end() && peek() != '"' && peek() != '\n') ++at_;
      node.text = text_.substr(first, at_ - first);
      if (!take("\"")) return wrong("the text is not closed");
    } else {
      return wrong("a text in quotes or true is expected");
    }
    TRY_OK(read_close());
    TRY(Stop stop, read(node.body, depth + 1));
    if (stop == Stop::otherwise) {
      TRY(stop, read(node.otherwise, depth + 1));
      if (stop == Stop::otherwise) return wrong("a second #else");
    }
    if (stop != Stop::end) {
      at_ = begin;
      return wrong("#if without #end");
    }
    out.push_back(std::move(node));
    return {};
  }

  Result<void> read_loop(Nodes& out, std::size_t depth) {
    const std::size_t begin = at_;
    Node node{.kind = Node::Kind::loop};
    TRY(const Reference item, read_operand());
    if (!item.member.empty()) return wrong("the name of the items has no '.'");
    node.text = item.name;
    if (!take_directive("in")) return wrong("'in' is expected");
    skip_blanks();
    auto list = take_reference();
    if (!list) return wrong("the name of a list is expected");
    node.reference = *std::move(list);
    TRY_OK(read_close());
    loops_.push_back(node.text);
    TRY(const Stop stop, read(node.body, depth + 1));
    loops_.pop_back();
    if (stop != Stop::end) {
      if (stop == Stop::otherwise) return wrong("#else without #if");
      at_ = begin;
      return wrong("#foreach without #end");
    }
    out.push_back(std::move(node));
    return {};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<std::string> loops_;
};

Result<MailTemplate> MailTemplate::parse(std::string_view text) {
  if (text.size() > kBytesMax)
    return fail(Errc::invalid_argument,
                "A template has at most " + std::to_string(kBytesMax / 1'024) + " KiB.");
  if (!is_utf8(text)) return fail(Errc::invalid_argument, "The text is not UTF-8.");
  return TemplateParser(text).parse();
}

void MailTemplate::run(const Nodes& nodes, const Scope& scope, Escaping escaping, Output& out) {
  for (const Node& node : nodes) {
    if (out.is_full()) return;
    const Json* value = node.kind == Node::Kind::text ? nullptr : scope.find(node.reference);
    switch (node.kind) {
      case Node::Kind::text:
        out.text += node.text;
        break;
      case Node::Kind::value:
        append_escaped(value ? text_of(*value) : node.reference.written, escaping, out.text);
        break;
      case Node::Kind::choice: {
        const bool same = (value ? text_of(*value) : std::string()) == node.text;
        run(same != node.negated ? node.body : node.otherwise, scope, escaping, out);
        break;
      }
      case Node::Kind::loop:
        if (!value || value->kind() != Json::Kind::array) break;
        for (const Json& item : value->items()) {
          if (out.is_full()) return;
          run(node.body, {.outer = &scope, .name = node.text, .item = &item}, escaping, out);
        }
        break;
    }
  }
}

std::string MailTemplate::render(const Json& values, Escaping escaping) const {
  Output out;
  if (nodes_) run(*nodes_, {.values = &values}, escaping, out);
  if (out.text.size() > kOutputMax) {
    std::size_t end = kOutputMax;
    while (end > 0 && (static_cast<unsigned char>(out.text[end]) & 0xC0U) == 0x80U) --end;
    out.text.resize(end);
  }
  return std::move(out.text);
}

}  // namespace mlgate::notify
