#pragma once
// Which ports a role listens on.
#include "base/result.h"

#include <cstdint>
#include <string>

namespace mlgate::app {

struct RolePorts {
  std::uint16_t http = 0, https = 0;
};

// The port to listen on: the given one if it is free, or with 0 any. Checked without SO_REUSEPORT,
// so that a second mlgate does not quietly share the port of the first. conflict names `flag`, the
// setting that moves it.
Result<std::uint16_t> free_port(const std::string& host, std::uint16_t port,
                                const std::string& flag);

}  // namespace mlgate::app
