#include "net/dial_guard.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <string>

namespace mlgate::net {
namespace {

IpAddress ip(std::string_view text) {
  const auto address = IpAddress::parse(text);
  EXPECT_TRUE(address) << text;
  return address.value_or(IpAddress{});
}

IpRange range(std::string_view text) {
  const auto parsed = IpRange::parse(text);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(IpRange{});
}

bool passes(const DialGuard& guard, std::string_view address, DialTarget target,
            std::uint16_t port = 443) {
  const auto checked = guard.check(ip(address), port, target);
  if (!checked) {
    EXPECT_EQ(checked.error().code(), Errc::denied);
  }
  return checked.has_value();
}

TEST(DialGuard, KindsOfAddresses) {
  using enum AddressKind;
  for (const auto& [text, kind] : {std::pair{"8.8.8.8", global},
                                   {"127.0.0.1", loopback},
                                   {"127.255.0.9", loopback},
                                   {"10.1.2.3", private_use},
                                   {"172.16.0.1", private_use},
                                   {"172.31.255.255", private_use},
                                   {"172.32.0.1", global},
                                   {"192.168.1.1", private_use},
                                   {"100.64.0.1", private_use},
                                   {"100.128.0.1", global},
                                   {"198.18.0.1", private_use},
                                   {"240.0.0.1", private_use},
                                   {"0.0.0.0", unspecified},
                                   {"0.1.2.3", unspecified},
                                   {"169.254.169.254", link_local},
                                   {"169.254.0.1", link_local},
                                   {"168.63.129.16", metadata},
                                   {"168.63.129.17", global},
                                   {"100.100.100.200", metadata},
                                   {"224.0.0.1", multicast},
                                   {"255.255.255.255", multicast},
                                   {"2606:4700::1", global},
                                   {"::", unspecified},
                                   {"::1", loopback},
                                   {"fe80::1", link_local},
                                   {"febf::1", link_local},
                                   {"fec0::1", private_use},
                                   {"fd00::1", private_use},
                                   {"fc00::1", private_use},
                                   {"fd00:ec2::254", metadata},
                                   {"ff02::1", multicast},
                                   {"2001:db8::1", private_use},
                                   {"::ffff:127.0.0.1", loopback},
                                   {"::ffff:8.8.8.8", global},
                                   {"::ffff:169.254.169.254", link_local},
                                   {"::127.0.0.1", loopback},
                                   {"64:ff9b::10.0.0.1", private_use},
                                   {"64:ff9b::169.254.169.254", link_local},
                                   {"64:ff9b::8.8.8.8", global},
                                   {"2002:7f00:1::", loopback},
                                   {"::ffff:0:127.0.0.1", loopback}}) {
    EXPECT_EQ(kind_of(ip(text)), kind) << text;
  }
}

TEST(DialGuard, ConfiguredTargetsMayBeOnThisNetworkButNotMetadata) {
  const DialGuard guard;
  for (const auto* good : {"8.8.8.8", "127.0.0.1", "10.0.0.1", "192.168.0.1", "::1", "fd12::1"})
    EXPECT_TRUE(passes(guard, good, DialTarget::configured)) << good;
  for (const auto* bad : {"169.254.169.254", "fe80::1", "::ffff:169.254.169.254", "168.63.129.16",
                          "fd00:ec2::254", "224.0.0.1", "ff02::1", "0.0.0.0", "::"})
    EXPECT_FALSE(passes(guard, bad, DialTarget::configured)) << bad;
}

TEST(DialGuard, CallersMayNameThePublicNetworkOnly) {
  const DialGuard guard;
  EXPECT_TRUE(passes(guard, "8.8.8.8", DialTarget::caller_chosen));
  EXPECT_TRUE(passes(guard, "2606:4700::1", DialTarget::caller_chosen));
  for (const auto* bad : {"127.0.0.1", "::1", "::ffff:127.0.0.1", "10.0.0.1", "192.168.0.1",
                          "fd12::1", "169.254.169.254", "0.0.0.0", "64:ff9b::10.0.0.1"})
    EXPECT_FALSE(passes(guard, bad, DialTarget::caller_chosen)) << bad;
}

TEST(DialGuard, OwnEndpointsByAddressAndPort) {
  DialGuard guard;
  guard.allow_endpoint(ip("127.0.0.1"), 10000);
  EXPECT_TRUE(passes(guard, "127.0.0.1", DialTarget::caller_chosen, 10000));
  EXPECT_TRUE(passes(guard, "::ffff:127.0.0.1", DialTarget::caller_chosen, 10000));
  EXPECT_FALSE(passes(guard, "127.0.0.1", DialTarget::caller_chosen, 10001));
  EXPECT_FALSE(passes(guard, "127.0.0.2", DialTarget::caller_chosen, 10000));
}

TEST(DialGuard, AllowedRanges) {
  DialGuard guard;
  guard.allow(range("10.20.0.0/15"));
  guard.allow(range("169.254.169.254"));
  guard.allow(range("fd00::/9"));
  EXPECT_TRUE(passes(guard, "10.21.255.255", DialTarget::caller_chosen));
  EXPECT_FALSE(passes(guard, "10.22.0.0", DialTarget::caller_chosen));
  EXPECT_TRUE(passes(guard, "169.254.169.254", DialTarget::caller_chosen));
  EXPECT_FALSE(passes(guard, "169.254.169.253", DialTarget::caller_chosen));
  EXPECT_TRUE(passes(guard, "fd7f::1", DialTarget::caller_chosen));
  EXPECT_FALSE(passes(guard, "fd80::1", DialTarget::caller_chosen));
}

TEST(DialGuard, ErrorsNameAddressAndReason) {
  const auto checked = DialGuard().check(ip("169.254.169.254"), 80, DialTarget::configured);
  ASSERT_FALSE(checked);
  EXPECT_NE(checked.error().message().find("169.254.169.254"), std::string::npos);
  EXPECT_NE(checked.error().message().find("link-local"), std::string::npos);
}

TEST(DialGuard, ChecksSocketAddresses) {
  DialGuard guard;
  guard.allow_endpoint(ip("127.0.0.1"), 8080);
  const AddressCheck check = guard.for_target(DialTarget::caller_chosen);
  Address v4;
  auto& in = reinterpret_cast<sockaddr_in&>(v4.storage);
  in.sin_family = AF_INET;
  in.sin_port = htons(8080);
  in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  v4.size = sizeof in;
  EXPECT_TRUE(check(v4));
  in.sin_port = htons(8081);
  EXPECT_FALSE(check(v4));
  Address v6;
  auto& in6 = reinterpret_cast<sockaddr_in6&>(v6.storage);
  in6.sin6_family = AF_INET6;
  in6.sin6_addr = in6addr_loopback;
  v6.size = sizeof in6;
  EXPECT_FALSE(check(v6));
  Address local;
  local.storage.ss_family = AF_UNIX;
  EXPECT_FALSE(check(local));
}

TEST(IpRange, RefusesMalformedText) {
  for (const auto* bad : {"", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/x", "10.0/8", "::/129", "[::1]",
                          "fe80::1%lo", "10.0.0.0/-1", "a"})
    EXPECT_FALSE(IpRange::parse(bad)) << bad;
  EXPECT_TRUE(range("0.0.0.0/0").contains(ip("1.2.3.4")));
  EXPECT_FALSE(range("0.0.0.0/0").contains(ip("2001::1")));
  EXPECT_TRUE(range("::/0").contains(ip("2001::1")));
}

TEST(IpRange, LoopbackIsToldFromTheRest) {
  for (const char* own : {"127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"})
    EXPECT_TRUE(is_loopback(own)) << own;
  for (const char* other : {"0.0.0.0", "::", "10.0.0.1", "localhost", "", "127.0.0.0/8"})
    EXPECT_FALSE(is_loopback(other)) << other;
}

}  // namespace
}  // namespace mlgate::net
