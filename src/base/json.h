#pragma once
// JSON for everything that is not the data path: an ordered document value, its exact reader
// (simdjson) and the writer. Numbers keep their text, so nothing is lost between reading and
// writing.
#include "base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mlgate {

// Appends compact JSON to a string. Commas are its own business:
//   JsonWriter w; w.object().field("a", 1).key("b").array().value("x").end().end(); w.text()
class JsonWriter {
 public:
  JsonWriter() = default;
  JsonWriter& object() { return open('{', '}'); }
  JsonWriter& array() { return open('[', ']'); }
  JsonWriter& end();
  JsonWriter& key(std::string_view name);
  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(const std::string& text) { return value(std::string_view(text)); }
  JsonWriter& value(bool flag) { return raw(flag ? "true" : "false"); }
  JsonWriter& value(std::int64_t number);
  JsonWriter& value(std::uint64_t number);
  JsonWriter& value(int number) { return value(std::int64_t(number)); }
  JsonWriter& value(unsigned number) { return value(std::uint64_t(number)); }
  JsonWriter& value(double number);  // Shortest exact form; NaN and infinities become null.
  JsonWriter& null() { return raw("null"); }
  // Inserts text that is JSON already.
  JsonWriter& raw(std::string_view json);
  template <class T>
  JsonWriter& field(std::string_view name, const T& v) {
    key(name);
    return value(v);
  }
  const std::string& text() const& noexcept { return out_; }
  std::string text() && noexcept { return std::move(out_); }

 private:
  JsonWriter& open(char begin, char end);
  void comma();
  std::string out_;
  std::string ends_;  // Closing brackets still to come, innermost last.
  bool need_comma_ = false;
};

// Appends `text` as a JSON string with quotes. Bytes that are not UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view text);

// A JSON value that may be changed: for documents of the control plane. Objects keep member order.
class Json {
 public:
  enum class Kind : unsigned char { null, boolean, number, string, array, object };
  using Member = std::pair<std::string, Json>;

  Json() = default;
  Json(std::nullptr_t) {}                                 // NOLINT(google-explicit-constructor)
  Json(bool flag) : kind_(Kind::boolean), flag_(flag) {}  // NOLINT(google-explicit-constructor)
  Json(std::string text)
      : kind_(Kind::string), text_(std::move(text)) {}  // NOLINT(google-explicit-constructor)
  Json(std::string_view text)
      : kind_(Kind::string), text_(text) {}  // NOLINT(google-explicit-constructor)
  Json(const char* text)
      : kind_(Kind::string), text_(text) {}         // NOLINT(google-explicit-constructor)
  Json(std::int64_t number);                        // NOLINT(google-explicit-constructor)
  Json(int number) : Json(std::int64_t(number)) {}  // NOLINT(google-explicit-constructor)
  Json(double number);                              // NOLINT(google-explicit-constructor)
  static Json number(std::string text);             // `text` is a JSON number.
  static Json object(std::vector<Member> members = {});
  static Json array(std::vector<Json> items = {});

  // Depth at most 64 (deeper is invalid_argument); the message gives the byte offset where known.
  static Result<Json> parse(std::string_view text);

  Kind kind() const noexcept { return kind_; }
  bool is_null() const noexcept { return kind_ == Kind::null; }
  bool is_object() const noexcept { return kind_ == Kind::object; }
  bool is_array() const noexcept { return kind_ == Kind::array; }
  bool is_string() const noexcept { return kind_ == Kind::string; }
  bool is_number() const noexcept { return kind_ == Kind::number; }
  bool is_bool() const noexcept { return kind_ == Kind::boolean; }

  std::optional<bool> as_bool() const noexcept;
  std::optional<std::int64_t> as_int() const noexcept;
  std::optional<double> as_double() const noexcept;
  // The text of a string; empty for other kinds.
  std::string_view as_string() const noexcept;
  // The text of a number as it was written.
  std::string_view number_text() const noexcept;

  const std::vector<Json>& items() const noexcept { return items_; }
  std::vector<Json>& items() noexcept { return items_; }
  const std::vector<Member>& members() const noexcept { return members_; }
  std::vector<Member>& members() noexcept { return members_; }

  // Member by exact name, or nullptr; for anything but an object always nullptr.
  const Json* find(std::string_view name) const noexcept;
  Json* find(std::string_view name) noexcept;
  // The member's value; a shared null when it is absent.
  const Json& operator[](std::string_view name) const noexcept;
  // Text of a string member, or `otherwise`.
  std::string_view string_or(std::string_view name, std::string_view otherwise = {}) const noexcept;
  bool bool_or(std::string_view name, bool otherwise) const noexcept;
  std::int64_t int_or(std::string_view name, std::int64_t otherwise) const noexcept;
  // Replaces or appends a member; a null kind becomes an object first.
  Json& set(std::string_view name, Json value);
  bool erase(std::string_view name);
  void push(Json value);

  // RFC 7396.
  void merge_patch(const Json& patch);

  std::string dump() const;
  void write(JsonWriter& writer) const;
  friend bool operator==(const Json&, const Json&) = default;

 private:
  Kind kind_ = Kind::null;
  bool flag_ = false;
  std::string text_;
  std::vector<Json> items_;
  std::vector<Member> members_;
};

}  // namespace mlgate
