#include "apim/properties.h"

#include "base/text.h"

#include <algorithm>

namespace mlgate::apim {

void reject(Errors& errors, std::string field, std::string message) {
  errors.emplace_back(Errc::invalid_argument, std::move(message), std::move(field));
}

std::size_t count_characters(std::string_view utf8) noexcept {
  return static_cast<std::size_t>(std::ranges::count_if(
      utf8, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

PropertyReader::PropertyReader(const Json& object, Errors& errors, std::string prefix)
    : object_(object), errors_(errors), prefix_(std::move(prefix)) {}

const Json* PropertyReader::member(std::string_view name) const {
  const Json* found = object_.find(name);
  return found == nullptr || found->is_null() ? nullptr : found;
}

void PropertyReader::reject(std::string_view name, std::string message) {
  apim::reject(errors_, prefix_ + std::string(name), std::move(message));
}

bool PropertyReader::has(std::string_view name) const { return member(name) != nullptr; }

std::optional<std::string> PropertyReader::read_text(std::string_view name, TextRule rule) {
  const Json* found = member(name);
  if (found == nullptr) return std::nullopt;
  if (!found->is_string()) {
    reject(name, "'" + std::string(name) + "' has to be a string.");
    return std::nullopt;
  }
  const std::size_t size = count_characters(found->as_string());
  if (size < rule.min || size > rule.max)
    reject(name, "'" + std::string(name) + "' must be between " + std::to_string(rule.min) +
                     " and " + std::to_string(rule.max) + " characters long.");
  return std::string(found->as_string());
}

std::string PropertyReader::required_text(std::string_view name, TextRule rule) {
  if (!has(name)) {
    reject(name, "'" + std::string(name) + "' is required.");
    return {};
  }
  return read_text(name, rule).value_or(std::string());
}

std::optional<std::string> PropertyReader::optional_text(std::string_view name, TextRule rule) {
  return read_text(name, rule);
}

std::string PropertyReader::text_or(std::string_view name, TextRule rule,
                                    std::string_view otherwise) {
  return read_text(name, rule).value_or(std::string(otherwise));
}

std::optional<bool> PropertyReader::optional_flag(std::string_view name) {
  const Json* found = member(name);
  if (found == nullptr) return std::nullopt;
  if (!found->is_bool()) reject(name, "'" + std::string(name) + "' has to be true or false.");
  return found->as_bool();
}

bool PropertyReader::flag(std::string_view name, bool otherwise) {
  return optional_flag(name).value_or(otherwise);
}

std::optional<std::int64_t> PropertyReader::optional_integer(std::string_view name,
                                                             std::int64_t min, std::int64_t max) {
  const Json* found = member(name);
  if (found == nullptr) return std::nullopt;
  const auto number = found->as_int();
  if (!number || *number < min || *number > max) {
    reject(name, "'" + std::string(name) + "' has to be a whole number from " +
                     std::to_string(min) + " to " + std::to_string(max) + ".");
    return std::nullopt;
  }
  return number;
}

std::optional<TimeMs> PropertyReader::optional_time(std::string_view name) {
  const Json* found = member(name);
  if (found == nullptr) return std::nullopt;
  const auto time = parse_iso8601(found->as_string());
  if (!time) reject(name, "'" + std::string(name) + "' has to be a date in ISO 8601 format.");
  return time;
}

std::vector<std::string> PropertyReader::texts(std::string_view name) {
  std::vector<std::string> out;
  const Json* list = array(name);
  if (list == nullptr) return out;
  for (const Json& item : list->items()) {
    if (!item.is_string()) {
      reject(name, "'" + std::string(name) + "' has to be a list of strings.");
      return out;
    }
    out.emplace_back(item.as_string());
  }
  return out;
}

std::optional<std::size_t> PropertyReader::choice(std::string_view name,
                                                  std::initializer_list<std::string_view> choices) {
  const Json* found = member(name);
  if (found == nullptr) return std::nullopt;
  const auto* at = std::ranges::find(choices, found->as_string());
  if (found->is_string() && at != choices.end())
    return static_cast<std::size_t>(at - choices.begin());
  std::string names;
  for (const std::string_view one : choices)
    names += (names.empty() ? "" : ", ") + std::string(one);
  reject(name, "'" + std::string(name) + "' has to be one of: " + names + ".");
  return std::nullopt;
}

const Json* PropertyReader::object(std::string_view name) {
  const Json* found = member(name);
  if (found == nullptr || found->is_object()) return found;
  reject(name, "'" + std::string(name) + "' has to be an object.");
  return nullptr;
}

const Json* PropertyReader::array(std::string_view name) {
  const Json* found = member(name);
  if (found == nullptr || found->is_array()) return found;
  reject(name, "'" + std::string(name) + "' has to be a list.");
  return nullptr;
}

Json copy_members(const Json& from, std::initializer_list<std::string_view> names) {
  Json out = Json::object();
  for (const std::string_view name : names)
    if (const Json* found = from.find(name); found != nullptr && !found->is_null())
      out.set(name, *found);
  return out;
}

}  // namespace mlgate::apim
