#pragma once
// Runs the sections of a pipeline on a call: what happens between the decisions.
#include "gateway/call.h"

namespace mlgate::gateway {

// Inbound, then the backend section up to the forwarding.
Step run_inbound(Call& call);
// The rest of the backend section from `call.backend_step`, then outbound.
Step run_after_backend(Call& call);
// `x.response` holds the built-in answer and `x.error` says why: runs on-error, once, and answers.
Step run_on_error(Call& call);
// Raises an error in the forwarding policy: on-error runs.
Step fail_forward(Call& call, std::string_view reason, std::string_view message);

}  // namespace mlgate::gateway
