#pragma once
// Calls of the pages to a gateway that runs in another process: they go to the address that its
// callers use, under the rules for what the configuration names. The gateway sees the console as
// the caller's address.
#include "base/result.h"
#include "http/inner_call.h"
#include "http/message.h"
#include "net/dial.h"

#include <functional>
#include <string>

namespace mlgate::app {

// Blocking; any thread, many at once. `ca_certificate`: a file with the authority of the gateway.
Result<std::function<Result<http::Response>(http::InnerRequest)>> remote_gateway(
    const std::string& ca_certificate, net::AddressCheck check);

}  // namespace mlgate::app
