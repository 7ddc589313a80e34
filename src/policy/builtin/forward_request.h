#pragma once
// forward-request: sends the request to the backend. Also what the built-in document below the
// global one consists of.
#include "policy/policy.h"

namespace mlgate::policy {

class PolicyCatalog;

// `<forward-request />` without attributes; lives as long as the program.
const Policy* default_forward_request() noexcept;
void register_forward_request(PolicyCatalog& catalog);

}  // namespace mlgate::policy
