#include "base/json.h"

#include "base/check.h"
#include "base/text.h"

#include <simdjson.h>

#include <array>
#include <charconv>
#include <cmath>

namespace mlgate {

void append_json_string(std::string& out, std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  std::size_t clean = 0;  // Start of the run that needs no escape.
  const auto flush = [&](std::size_t to) { out.append(text.data() + clean, to - clean); };
  const bool valid = is_utf8(text);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x80 && !valid) {
      // Slow path for broken text only: every sequence that does not stand alone is replaced.
      std::size_t length = 1;
      while (length < 4 && i + length < text.size() && !is_utf8(text.substr(i, length))) ++length;
      flush(i);
      if (is_utf8(text.substr(i, length))) {
        out.append(text.data() + i, length);
        i += length - 1;
      } else {
        out += "\xEF\xBF\xBD";
      }
      clean = i + 1;
      continue;
    }
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    flush(i);
    clean = i + 1;
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      default:
        out += "\\u00";
        out += kHex[c >> 4];
        out += kHex[c & 15];
    }
  }
  flush(text.size());
  out += '"';
}

void JsonWriter::comma() {
  if (need_comma_) out_ += ',';
  need_comma_ = true;
}

JsonWriter& JsonWriter::open(char begin, char end) {
  comma();
  out_ += begin;
  ends_ += end;
  need_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::end() {
  CHECK(!ends_.empty());
  out_ += ends_.back();
  ends_.pop_back();
  need_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  comma();
  append_json_string(out_, name);
  out_ += ':';
  need_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
  comma();
  append_json_string(out_, text);
  return *this;
}

JsonWriter& JsonWriter::raw(std::string_view json) {
  comma();
  out_ += json;
  return *this;
}

namespace {
template <class T>
std::string number_to_text(T number) {
  std::array<char, 40> text{};
  const auto [end, code] = std::to_chars(text.data(), text.data() + text.size(), number);
  return {text.data(), end};
}
}  // namespace

JsonWriter& JsonWriter::value(std::int64_t number) { return raw(number_to_text(number)); }
JsonWriter& JsonWriter::value(std::uint64_t number) { return raw(number_to_text(number)); }
JsonWriter& JsonWriter::value(double number) {
  if (!std::isfinite(number)) return null();
  return raw(number_to_text(number));
}

Json::Json(std::int64_t number) : kind_(Kind::number), text_(number_to_text(number)) {}
Json::Json(double number)
    : kind_(std::isfinite(number) ? Kind::number : Kind::null),
      text_(std::isfinite(number) ? number_to_text(number) : std::string()) {}

Json Json::number(std::string text) {
  Json out;
  out.kind_ = Kind::number;
  out.text_ = std::move(text);
  return out;
}

Json Json::object(std::vector<Member> members) {
  Json out;
  out.kind_ = Kind::object;
  out.members_ = std::move(members);
  return out;
}

Json Json::array(std::vector<Json> items) {
  Json out;
  out.kind_ = Kind::array;
  out.items_ = std::move(items);
  return out;
}

namespace {

constexpr int kDepthMax = 64;

Result<Json> convert(simdjson::ondemand::value value, int depth);

template <class Source>
Result<Json> convert_any(Source& source, int depth) {
  namespace od = simdjson::ondemand;
  if (depth > kDepthMax)
    return fail(Errc::invalid_argument, "JSON is nested deeper than 64 levels");
  switch (od::json_type(source.type())) {
    case od::json_type::object: {
      std::vector<Json::Member> members;
      for (auto field : source.get_object()) {
        std::string name(std::string_view(field.unescaped_key()));
        TRY(Json member, convert(field.value(), depth + 1));
        members.emplace_back(std::move(name), std::move(member));
      }
      return Json::object(std::move(members));
    }
    case od::json_type::array: {
      std::vector<Json> items;
      for (auto item : source.get_array()) {
        TRY(Json element, convert(item.value(), depth + 1));
        items.push_back(std::move(element));
      }
      return Json::array(std::move(items));
    }
    case od::json_type::string:
      return Json(std::string_view(source.get_string()));
    case od::json_type::boolean:
      return Json(bool(source.get_bool()));
    case od::json_type::number: {
      const std::string_view text = trim(std::string_view(source.raw_json_token()));
      const double checked = source.get_double();  // Throws on what is not a JSON number.
      (void)checked;
      return Json::number(std::string(text));
    }
    case od::json_type::null:
      if (!bool(source.is_null())) return fail(Errc::invalid_argument, "not a JSON value");
      return Json();
  }
  return fail(Errc::invalid_argument, "not a JSON value");
}

Result<Json> convert(simdjson::ondemand::value value, int depth) {
  return convert_any(value, depth);
}

}  // namespace

Result<Json> Json::parse(std::string_view text) {
  try {
    simdjson::ondemand::parser parser;
    const simdjson::padded_string padded(text);
    simdjson::ondemand::document document = parser.iterate(padded);
    TRY(Json out, convert_any(document, 0));
    const char* rest = nullptr;
    if (!document.current_location().get(rest))
      return fail(Errc::invalid_argument, "text behind the JSON value");
    return out;
  } catch (const simdjson::simdjson_error& error) {
    return fail(Errc::invalid_argument, std::string("not valid JSON: ") + error.what());
  }
}

std::optional<bool> Json::as_bool() const noexcept {
  return kind_ == Kind::boolean ? std::optional(flag_) : std::nullopt;
}
std::optional<std::int64_t> Json::as_int() const noexcept {
  return kind_ == Kind::number ? parse_int(text_) : std::nullopt;
}
std::optional<double> Json::as_double() const noexcept {
  return kind_ == Kind::number ? parse_double(text_) : std::nullopt;
}
std::string_view Json::as_string() const noexcept {
  return kind_ == Kind::string ? std::string_view(text_) : std::string_view();
}
std::string_view Json::number_text() const noexcept {
  return kind_ == Kind::number ? std::string_view(text_) : std::string_view();
}

const Json* Json::find(std::string_view name) const noexcept {
  for (const Member& member : members_)
    if (member.first == name) return &member.second;
  return nullptr;
}
Json* Json::find(std::string_view name) noexcept {
  for (Member& member : members_)
    if (member.first == name) return &member.second;
  return nullptr;
}
const Json& Json::operator[](std::string_view name) const noexcept {
  static const Json null_value;
  const Json* member = find(name);
  return member ? *member : null_value;
}
std::string_view Json::string_or(std::string_view name, std::string_view otherwise) const noexcept {
  const Json* member = find(name);
  return member && member->is_string() ? member->as_string() : otherwise;
}
bool Json::bool_or(std::string_view name, bool otherwise) const noexcept {
  return (*this)[name].as_bool().value_or(otherwise);
}
std::int64_t Json::int_or(std::string_view name, std::int64_t otherwise) const noexcept {
  return (*this)[name].as_int().value_or(otherwise);
}

Json& Json::set(std::string_view name, Json value) {
  if (kind_ == Kind::null) kind_ = Kind::object;
  if (Json* member = find(name)) {
    *member = std::move(value);
    return *this;
  }
  members_.emplace_back(std::string(name), std::move(value));
  return *this;
}

bool Json::erase(std::string_view name) {
  return std::erase_if(members_, [&](const Member& m) { return m.first == name; }) > 0;
}

void Json::push(Json value) {
  if (kind_ == Kind::null) kind_ = Kind::array;
  items_.push_back(std::move(value));
}

void Json::merge_patch(const Json& patch) {
  if (!patch.is_object()) {
    *this = patch;
    return;
  }
  if (!is_object()) *this = Json::object();
  for (const auto& [name, value] : patch.members()) {
    if (value.is_null()) {
      erase(name);
      continue;
    }
    Json* member = find(name);
    if (!member) {
      set(name, Json());
      member = find(name);
    }
    member->merge_patch(value);
  }
}

void Json::write(JsonWriter& writer) const {
  switch (kind_) {
    case Kind::null:
      writer.null();
      return;
    case Kind::boolean:
      writer.value(flag_);
      return;
    case Kind::number:
      writer.raw(text_);
      return;
    case Kind::string:
      writer.value(std::string_view(text_));
      return;
    case Kind::array:
      writer.array();
      for (const Json& item : items_) item.write(writer);
      writer.end();
      return;
    case Kind::object:
      writer.object();
      for (const auto& [name, value] : members_) {
        writer.key(name);
        value.write(writer);
      }
      writer.end();
      return;
  }
}

std::string Json::dump() const {
  JsonWriter writer;
  write(writer);
  return std::move(writer).text();
}

}  // namespace mlgate
