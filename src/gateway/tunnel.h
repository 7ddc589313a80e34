#pragma once
// Two connections joined: what comes on one goes out on the other, as bytes, both ways at once,
// each side read only as fast as the other takes. For WebSocket once its handshake is done.
#include "net/stream.h"
#include "net/task.h"

#include <cstdint>
#include <string_view>

namespace mlgate::net {
class Worker;
}

namespace mlgate::gateway {

struct TunnelEnd {
  net::Stream* stream = nullptr;
  std::string_view early;  // Read already, to be passed on first.
};

struct TunnelBytes {
  std::uint64_t from_caller = 0, from_backend = 0;
};

// Ends when either side broke or both have ended, and when nothing moved for as long as `idle` says
// (`closing` once one side has ended).
net::Awaitable<TunnelBytes> run_tunnel(net::Worker& worker, TunnelEnd caller, TunnelEnd backend,
                                       net::Deadline& idle, net::Deadline& closing);

}  // namespace mlgate::gateway
