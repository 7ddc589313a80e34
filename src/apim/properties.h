#pragma once
// Reads the `properties` object of a request body into fields and collects everything that is wrong
// with it, one error per field, each with its path, so that a caller is told all in one answer.
#include "base/json.h"
#include "base/result.h"
#include "base/time.h"

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::apim {

using Errors = std::vector<Error>;

// Appends an invalid_argument error for the field.
void reject(Errors& errors, std::string field, std::string message);

std::size_t count_characters(std::string_view utf8) noexcept;

struct TextRule {
  std::size_t min = 0, max = 65'536;  // In characters.
};

// A member that is null counts as absent everywhere.
class PropertyReader {
 public:
  // `prefix` is put before every field path: "contact.".
  PropertyReader(const Json& object, Errors& errors, std::string prefix = {});

  bool has(std::string_view name) const;
  std::string required_text(std::string_view name, TextRule rule);
  std::optional<std::string> optional_text(std::string_view name, TextRule rule);
  std::string text_or(std::string_view name, TextRule rule, std::string_view otherwise);
  bool flag(std::string_view name, bool otherwise);
  std::optional<bool> optional_flag(std::string_view name);
  std::optional<std::int64_t> optional_integer(std::string_view name, std::int64_t min,
                                               std::int64_t max);
  std::optional<TimeMs> optional_time(std::string_view name);
  std::vector<std::string> texts(std::string_view name);
  // The index of the member's text in `choices`, compared with case; nullopt when absent or wrong.
  std::optional<std::size_t> choice(std::string_view name,
                                    std::initializer_list<std::string_view> choices);
  // The member when it is an object (array); nullptr when absent or of another kind, which is an
  // error.
  const Json* object(std::string_view name);
  const Json* array(std::string_view name);
  void reject(std::string_view name, std::string message);

 private:
  const Json* member(std::string_view name) const;
  std::optional<std::string> read_text(std::string_view name, TextRule rule);

  const Json& object_;
  Errors& errors_;
  std::string prefix_;
};

// Copies the named members that are present and not null.
Json copy_members(const Json& from, std::initializer_list<std::string_view> names);

}  // namespace mlgate::apim
