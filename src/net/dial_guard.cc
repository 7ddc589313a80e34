#include "net/dial_guard.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

namespace mlgate::net {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

IpAddress from_v4(const void* four_bytes) noexcept {
  IpAddress address;
  std::ranges::copy(kMappedPrefix, address.bytes.begin());
  std::memcpy(address.bytes.data() + 12, four_bytes, 4);
  return address;
}

struct KnownRange {
  std::uint32_t base;
  int prefix_bits;
  AddressKind kind;
};

constexpr std::uint32_t v4(unsigned a, unsigned b, unsigned c, unsigned d) noexcept {
  return std::uint32_t(a << 24 | b << 16 | c << 8 | d);
}

// IANA's registry of special-purpose addresses, and the metadata services that live outside
// link-local. The first that matches counts.
constexpr KnownRange kKnownV4[] = {
    {v4(168, 63, 129, 16), 32, AddressKind::metadata},    // Azure's host agent.
    {v4(100, 100, 100, 200), 32, AddressKind::metadata},  // Alibaba.
    {v4(192, 0, 0, 192), 32, AddressKind::metadata},      // Oracle.
    {v4(0, 0, 0, 0), 8, AddressKind::unspecified},        // Linux dials 0.0.0.0 as loopback.
    {v4(127, 0, 0, 0), 8, AddressKind::loopback},
    {v4(169, 254, 0, 0), 16, AddressKind::link_local},
    {v4(224, 0, 0, 0), 4, AddressKind::multicast},
    {v4(255, 255, 255, 255), 32, AddressKind::multicast},
    {v4(10, 0, 0, 0), 8, AddressKind::private_use},
    {v4(172, 16, 0, 0), 12, AddressKind::private_use},
    {v4(192, 168, 0, 0), 16, AddressKind::private_use},
    {v4(100, 64, 0, 0), 10, AddressKind::private_use},
    {v4(192, 0, 0, 0), 24, AddressKind::private_use},
    {v4(192, 0, 2, 0), 24, AddressKind::private_use},
    {v4(198, 18, 0, 0), 15, AddressKind::private_use},
    {v4(198, 51, 100, 0), 24, AddressKind::private_use},
    {v4(203, 0, 113, 0), 24, AddressKind::private_use},
    {v4(240, 0, 0, 0), 4, AddressKind::private_use}};

AddressKind kind_of_v4(const std::uint8_t* four) noexcept {
  const std::uint32_t address = v4(four[0], four[1], four[2], four[3]);
  for (const KnownRange& range : kKnownV4)
    if ((address ^ range.base) >> (32 - range.prefix_bits) == 0) return range.kind;
  return AddressKind::global;
}

// How bad it would be to dial there.
int severity(AddressKind kind) noexcept {
  switch (kind) {
    case AddressKind::global:
      return 0;
    case AddressKind::private_use:
    case AddressKind::loopback:
      return 1;
    default:
      return 2;
  }
}

bool has_prefix(const IpAddress& address, std::initializer_list<std::uint8_t> prefix) noexcept {
  return std::equal(prefix.begin(), prefix.end(), address.bytes.begin());
}

// Where an IPv6 address carries an IPv4 one, or null.
const std::uint8_t* carried_v4(const IpAddress& address) noexcept {
  const auto& b = address.bytes;
  if (has_prefix(address, {0x20, 0x02})) return &b[2];               // 6to4
  if (has_prefix(address, {0x00, 0x64, 0xff, 0x9b})) return &b[12];  // NAT64, well-known and local.
  const bool low =
      std::all_of(b.begin(), b.begin() + 8, [](std::uint8_t byte) { return byte == 0; });
  const bool compatible = low && b[8] == 0 && b[9] == 0 && b[10] == 0 && b[11] == 0;
  const bool translated = low && b[8] == 0xff && b[9] == 0xff && b[10] == 0 && b[11] == 0;
  return compatible || translated ? &b[12] : nullptr;
}

AddressKind kind_of_v6(const IpAddress& address) noexcept {
  const auto& b = address.bytes;
  if (address == IpAddress{}) return AddressKind::unspecified;
  if (std::all_of(b.begin(), b.end() - 1, [](std::uint8_t byte) { return byte == 0; }) &&
      b[15] == 1)
    return AddressKind::loopback;
  if (b[0] == 0xff) return AddressKind::multicast;
  if (b[0] == 0xfe && (b[1] & 0xc0) == 0x80) return AddressKind::link_local;
  if (has_prefix(address, {0xfd, 0x00, 0x0e, 0xc2})) return AddressKind::metadata;  // Amazon.
  if (has_prefix(address, {0xfd, 0x20, 0x00, 0xce})) return AddressKind::metadata;  // Google.
  const bool site_local = b[0] == 0xfe && (b[1] & 0xc0) == 0xc0;
  const bool documentation = has_prefix(address, {0x20, 0x01, 0x0d, 0xb8});
  const bool discard = has_prefix(address, {0x01, 0x00, 0, 0, 0, 0, 0, 0});
  if ((b[0] & 0xfe) == 0xfc || site_local || documentation || discard)
    return AddressKind::private_use;
  return AddressKind::global;
}

std::string_view why_refused(AddressKind kind) noexcept {
  switch (kind) {
    case AddressKind::loopback:
      return "a loopback address";
    case AddressKind::private_use:
      return "a private address";
    case AddressKind::link_local:
      return "a link-local address";
    case AddressKind::metadata:
      return "the address of a cloud metadata service";
    case AddressKind::multicast:
      return "a multicast address";
    case AddressKind::unspecified:
      return "no address of a machine";
    case AddressKind::global:
      break;
  }
  return "not allowed";
}

std::string text_of(const IpAddress& address) {
  char out[INET6_ADDRSTRLEN] = "";
  if (address.is_v4()) {
    ::inet_ntop(AF_INET, address.bytes.data() + 12, out, sizeof out);
  } else {
    ::inet_ntop(AF_INET6, address.bytes.data(), out, sizeof out);
  }
  return out;
}

}  // namespace

Result<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string copy(text);
  in_addr four{};
  IpAddress address;
  if (copy.find('\0') == std::string::npos) {
    if (::inet_pton(AF_INET, copy.c_str(), &four) == 1) return from_v4(&four);
    if (::inet_pton(AF_INET6, copy.c_str(), address.bytes.data()) == 1) return address;
  }
  return fail(Errc::invalid_argument, "'" + copy + "' is not an IP address");
}

bool IpAddress::is_v4() const noexcept {
  return std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes.begin());
}

Result<IpRange> IpRange::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  TRY(const IpAddress base, IpAddress::parse(text.substr(0, slash)));
  // The form of the text decides what the prefix counts: "::ffff:10.0.0.0/104" is an IPv6 range.
  const bool dotted = text.substr(0, slash).find(':') == std::string_view::npos;
  IpRange range{base, 128};
  if (slash != std::string_view::npos) {
    const auto bits = parse_uint(text.substr(slash + 1));
    if (!bits || *bits > (dotted ? 32u : 128u))
      return fail(Errc::invalid_argument,
                  "'" + std::string(text) + "' is not a range of addresses");
    range.prefix_bits = int(*bits) + (dotted ? 96 : 0);
  }
  return range;
}

bool IpRange::contains(const IpAddress& address) const noexcept {
  const auto whole = std::size_t(prefix_bits / 8);
  if (!std::equal(base.bytes.begin(), base.bytes.begin() + std::ptrdiff_t(whole),
                  address.bytes.begin()))
    return false;
  const int rest = prefix_bits % 8;
  return rest == 0 || ((base.bytes[whole] ^ address.bytes[whole]) >> (8 - rest)) == 0;
}

AddressKind kind_of(const IpAddress& address) noexcept {
  if (address.is_v4()) return kind_of_v4(address.bytes.data() + 12);
  const AddressKind own = kind_of_v6(address);
  const std::uint8_t* carried = carried_v4(address);
  if (!carried || own != AddressKind::global) return own;
  const AddressKind inner = kind_of_v4(carried);
  return severity(inner) > severity(own) ? inner : own;
}

bool is_loopback(std::string_view literal) {
  const auto one = IpRange::parse(literal);
  return one && one->prefix_bits == 128 && kind_of(one->base) == AddressKind::loopback;
}

Result<void> DialGuard::check(const IpAddress& address, std::uint16_t port,
                              DialTarget target) const {
  const AddressKind kind = kind_of(address);
  if (kind == AddressKind::global) return {};
  if (std::ranges::any_of(allowed_, [&](const IpRange& r) { return r.contains(address); }))
    return {};
  const int bearable = target == DialTarget::configured ? 1 : 0;
  if (severity(kind) <= bearable) return {};
  if (std::ranges::any_of(
          endpoints_, [&](const Endpoint& e) { return e.port == port && e.address == address; }))
    return {};
  return fail(Errc::denied, text_of(address) + " is " + std::string(why_refused(kind)) +
                                ", which may not be called from here");
}

Result<void> DialGuard::check(const Address& address, DialTarget target) const {
  if (address.storage.ss_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(address.storage);
    return check(from_v4(&in.sin_addr), ntohs(in.sin_port), target);
  }
  if (address.storage.ss_family == AF_INET6) {
    const auto& in = reinterpret_cast<const sockaddr_in6&>(address.storage);
    IpAddress ip;
    std::memcpy(ip.bytes.data(), &in.sin6_addr, ip.bytes.size());
    return check(ip, ntohs(in.sin6_port), target);
  }
  return fail(Errc::denied, "only internet addresses may be called");
}

AddressCheck DialGuard::for_target(DialTarget target) const {
  return [guard = *this, target](const Address& address) { return guard.check(address, target); };
}

}  // namespace mlgate::net
