#pragma once
// Decides whether an address may be dialled. A gateway that fetches what others name could be sent
// into its own network (SSRF), so the decision falls on the resolved address that is used, not on
// the name: link-local (the clouds' metadata services live there), multicast and unspecified
// addresses are refused for all; loopback and private ones also for targets that a caller chose.
// Pure; safe from any thread once built.
#include "base/result.h"
#include "net/dial.h"

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace mlgate::net {

// An address in one form for both families: IPv4 is held mapped (::ffff:a.b.c.d).
struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};
  static Result<IpAddress> parse(
      std::string_view text);  // "10.0.0.1", "::1"; no brackets, no zone.
  bool is_v4() const noexcept;
  bool operator==(const IpAddress&) const = default;
};

// "10.0.0.0/8", "fd00::/8", or one address.
struct IpRange {
  IpAddress base;
  int prefix_bits = 128;  // Of the 16 bytes; an IPv4 /8 is 104.
  static Result<IpRange> parse(std::string_view text);
  bool contains(const IpAddress& address) const noexcept;
};

enum class DialTarget : unsigned char {
  configured,    // Written by those who run this program: backends, SMTP, identity providers.
  caller_chosen  // Named by a caller or taken from request data: blob references, import links.
};

enum class AddressKind : unsigned char {
  global,
  loopback,
  private_use,  // RFC 1918, shared (100.64/10), unique local, and what else is not routed globally.
  link_local,
  metadata,   // Addresses of cloud metadata services outside the link-local range.
  multicast,  // Broadcast too.
  unspecified
};
// An IPv6 address that carries an IPv4 one (mapped, compatible, NAT64, 6to4) counts as what it
// carries, when that is the stricter.
AddressKind kind_of(const IpAddress& address) noexcept;

// Whether a literal address is this machine's own; false for what is no address.
bool is_loopback(std::string_view literal);

class DialGuard {
 public:
  // Allowed for every target, whatever its kind ("dial.allow" of the configuration).
  void allow(const IpRange& range) { allowed_.push_back(range); }
  // One of our own listeners: allowed on this port even for targets that a caller chose.
  void allow_endpoint(const IpAddress& address, std::uint16_t port) {
    endpoints_.push_back({address, port});
  }

  // denied, naming the address and why.
  Result<void> check(const IpAddress& address, std::uint16_t port, DialTarget target) const;
  Result<void> check(const Address& address, DialTarget target) const;

  // For a Dialer; keeps a copy of this guard.
  AddressCheck for_target(DialTarget target) const;

 private:
  struct Endpoint {
    IpAddress address;
    std::uint16_t port = 0;
  };
  std::vector<IpRange> allowed_;
  std::vector<Endpoint> endpoints_;
};

}  // namespace mlgate::net
