#include "ml/parameters.h"

#include "base/number.h"
#include "base/text.h"
#include "ml/column_selection.h"
#include "table/cell_text.h"

#include <algorithm>
#include <cmath>

namespace mlgate::ml {
namespace {

std::string shown(const Json& value) {
  if (value.is_string()) return std::string(value.as_string());
  return value.dump();
}

std::unexpected<Error> no_conversion(const ParameterInfo& info, const Json& value,
                                     std::string_view wanted) {
  return std::unexpected(
      module_error(2, "Failed to convert \"" + info.name + "\" parameter value \"" + shown(value) +
                          "\" from \"String\" to \"" + std::string(wanted) + "\"."));
}

std::string number_text(double value) {
  std::string text;
  append_dotnet_double(text, value);
  return text;
}

// Below the range the text names the bound that the value has to exceed, which for integers is one
// less.
Result<void> check_range(const ParameterInfo& info, double value) {
  if (info.minimum && value < *info.minimum) {
    const bool integer = info.type == ParameterType::integer;
    return std::unexpected(
        integer ? module_error(4, "Parameter \"" + info.name + "\" value should be greater than " +
                                      number_text(*info.minimum - 1) + ".")
                : module_error(5, "Parameter \"" + info.name +
                                      "\" value should be greater than or equal to " +
                                      number_text(*info.minimum) + "."));
  }
  if (info.maximum && value > *info.maximum) {
    const std::string least = info.minimum ? number_text(*info.minimum) : "-Infinity";
    return std::unexpected(module_error(8, "Parameter \"" + info.name +
                                               "\" value should be in the range of [" + least +
                                               ", " + number_text(*info.maximum) + "]."));
  }
  return {};
}

template <class T>
Result<void> outcome(const Result<T>& read) {
  if (!read) return std::unexpected(read.error());
  return {};
}

Result<void> check_by_type(const ParameterInfo& info, const Json& value) {
  switch (info.type) {
    case ParameterType::integer:
      return outcome(to_integer(info, value));
    case ParameterType::real:
      return outcome(to_real(info, value));
    case ParameterType::boolean:
      return outcome(to_boolean(info, value));
    case ParameterType::text:
    case ParameterType::choice:
      return outcome(to_text(info, value));
    case ParameterType::column_selection:
      return outcome(ColumnSelection::parse(value));
  }
  return {};
}

}  // namespace

Result<std::int64_t> to_integer(const ParameterInfo& info, const Json& value) {
  std::optional<std::int64_t> number;
  if (value.is_number()) {
    number = value.as_int();
  } else if (value.is_string()) {
    number = table::parse_int64(value.as_string());
  }
  if (!number) return no_conversion(info, value, "Integer");
  TRY_OK(check_range(info, double(*number)));
  return *number;
}

Result<double> to_real(const ParameterInfo& info, const Json& value) {
  std::optional<double> number;
  if (value.is_number()) {
    number = value.as_double();
  } else if (value.is_string()) {
    number = table::parse_real(value.as_string());
  }
  if (!number || !std::isfinite(*number)) return no_conversion(info, value, "Double");
  TRY_OK(check_range(info, *number));
  return *number;
}

Result<bool> to_boolean(const ParameterInfo& info, const Json& value) {
  std::optional<bool> flag;
  if (value.is_bool()) {
    flag = value.as_bool();
  } else if (value.is_string()) {
    flag = table::parse_boolean(value.as_string());
  } else if (value.is_number()) {
    flag = table::parse_boolean(value.number_text());
  }
  if (!flag) return no_conversion(info, value, "Boolean");
  return *flag;
}

Result<std::string> to_text(const ParameterInfo& info, const Json& value) {
  if (value.is_object() || value.is_array() || value.is_null())
    return no_conversion(info, value, "String");
  std::string text = shown(value);
  if (info.type == ParameterType::choice &&
      std::ranges::find(info.choices, text) == info.choices.end())
    return no_conversion(info, value, join(info.choices, "|"));
  return text;
}

Result<void> check_parameter(const ParameterInfo& info, const Json& value) {
  Result<void> checked = check_by_type(info, value);
  if (checked) return checked;
  return fail(checked.error().code(), checked.error().message(), info.name);
}

const Json& value_or_default(const Parameters& parameters, const ParameterInfo& info) noexcept {
  const auto found = parameters.find(info.name);
  return found == parameters.end() ? info.default_value : found->second;
}

const ParameterInfo* find_parameter(const ModuleInfo& info, std::string_view name) noexcept {
  const auto found = std::ranges::find(info.parameters, name, &ParameterInfo::name);
  return found == info.parameters.end() ? nullptr : &*found;
}

}  // namespace mlgate::ml
