#pragma once
// The answer of a quota that is used up: 403, and when it is full again.
#include "policy/exchange.h"
#include "policy/policy.h"

namespace mlgate::policy {

Flow refuse_quota(Exchange& x, const QuotaVerdict& verdict);

}  // namespace mlgate::policy
