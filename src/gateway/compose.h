#pragma once
// Writes the head that goes to a backend: pure text work, into a buffer of the caller.
#include "gateway/call.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace mlgate::gateway {

// How the request body goes to the backend.
struct BodyFraming {
  enum class Kind : unsigned char { none, length, chunked };
  Kind kind = Kind::none;
  std::uint64_t length = 0;
  bool expect_continue = false;  // The body is held back until the backend asks for it.
};

// A complete HTTP/1.1 request head: the request line of `call.plan`, Host (the backend's unless a
// policy set it), the caller's fields without the hop-by-hop ones and the console's cookies,
// X-Forwarded-For with the caller's address appended, the framing, and `Connection: Upgrade` when
// an upgrade passes. Returns the size, or nullopt when `buffer` is too small.
std::optional<std::size_t> compose_forward_head(const Call& call, BodyFraming framing,
                                                std::span<char> buffer) noexcept;

// True for Connection, Keep-Alive, Proxy-Connection, Proxy-Authenticate, TE, Transfer-Encoding and
// Upgrade, which concern one connection only.
bool is_hop_by_hop(std::string_view name) noexcept;
// Removes hop-by-hop fields, those named by Connection included, and what would set a cookie of the
// console.
void remove_hop_by_hop(http::Fields& fields) noexcept;

}  // namespace mlgate::gateway
