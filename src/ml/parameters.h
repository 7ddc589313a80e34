#pragma once
// Reads and checks parameter values of a module by their declarations. Graphs send most values as
// text
// ("3"), some as JSON numbers or booleans; both are taken.
#include "ml/module.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace mlgate::ml {

// Errors: 0002 when it does not convert, 0004 below the range, 0008 above it.
Result<std::int64_t> to_integer(const ParameterInfo& info, const Json& value);
Result<double> to_real(const ParameterInfo& info, const Json& value);
Result<bool> to_boolean(const ParameterInfo& info, const Json& value);
Result<std::string> to_text(const ParameterInfo& info, const Json& value);

// Whether the value fits the declaration; the error's field is the parameter's name.
Result<void> check_parameter(const ParameterInfo& info, const Json& value);

// The value of a parameter that `info` declares, or its default.
const Json& value_or_default(const Parameters& parameters, const ParameterInfo& info) noexcept;
const ParameterInfo* find_parameter(const ModuleInfo& info, std::string_view name) noexcept;

}  // namespace mlgate::ml
