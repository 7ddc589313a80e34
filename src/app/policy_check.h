#pragma once
// Compiles a policy document as the gateway would, so that the management interface refuses what
// could not be served.
#include "apim/policy_text.h"
#include "base/result.h"
#include "management/management.h"

#include <string_view>
#include <vector>

namespace mlgate::app {

std::vector<Error> check_policy(const apim::PolicyScope& scope, std::string_view text,
                                apim::PolicyFormat format, const management::PolicyWorld& world);

}  // namespace mlgate::app
