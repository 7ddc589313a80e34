// Whom X-Forwarded-For makes the caller, and when.
#include "gateway/forwarded.h"

#include <gtest/gtest.h>

#include <string>

namespace mlgate::gateway {
namespace {

using Lines = std::vector<std::pair<std::string_view, std::string_view>>;

std::string caller(std::string_view peer, const Lines& lines) {
  TrustedProxies trusted(
      {net::IpRange::parse("10.0.0.0/8").value(), net::IpRange::parse("fd00::/8").value()});
  http::Fields fields;
  for (const auto& [name, value] : lines) fields.add(name, value);
  const Caller out = trusted.caller_of({peer, "http"}, fields);
  return std::string(out.scheme) + " " + std::string(out.address);
}

TEST(Forwarded, AStrangerIsNotBelieved) {
  EXPECT_EQ(
      caller("192.0.2.1", {{"X-Forwarded-For", "198.51.100.7"}, {"X-Forwarded-Proto", "https"}}),
      "http 192.0.2.1");
}

TEST(Forwarded, ATrustedProxyNamesTheCaller) {
  EXPECT_EQ(caller("10.1.1.1", {}), "http 10.1.1.1");
  EXPECT_EQ(
      caller("10.1.1.1", {{"x-forwarded-for", "198.51.100.7"}, {"X-Forwarded-Proto", "HTTPS"}}),
      "https 198.51.100.7");
  EXPECT_EQ(caller("fd00::1", {{"X-Forwarded-For", "2001:db8::5"}}), "http 2001:db8::5");
  // The same proxy, seen by a listener for both families.
  EXPECT_EQ(caller("::ffff:10.1.1.1", {{"X-Forwarded-For", "198.51.100.7"}}), "http 198.51.100.7");
  EXPECT_EQ(caller("10.1.1.1", {{"X-Forwarded-Proto", "gopher"}}), "http 10.1.1.1");
}

TEST(Forwarded, TheRightMostAddressThatIsNoProxysCounts) {
  // What the caller wrote himself stands to the left.
  EXPECT_EQ(caller("10.1.1.1", {{"X-Forwarded-For", "1.2.3.4, 198.51.100.7, 10.2.2.2"}}),
            "http 198.51.100.7");
  EXPECT_EQ(
      caller("10.1.1.1", {{"X-Forwarded-For", "1.2.3.4"}, {"X-Forwarded-For", "198.51.100.7"}}),
      "http 198.51.100.7");
  EXPECT_EQ(
      caller("10.1.1.1", {{"X-Forwarded-For", "198.51.100.7"}, {"X-Forwarded-For", "10.2.2.2"}}),
      "http 198.51.100.7");
  EXPECT_EQ(caller("10.1.1.1", {{"X-Forwarded-For", "10.3.3.3,10.2.2.2"}}), "http 10.3.3.3");
  EXPECT_EQ(caller("10.1.1.1", {{"X-Forwarded-Proto", "https, http"}}), "http 10.1.1.1");
}

TEST(Forwarded, PortsAreLeftOutAndWhatIsNoAddressEndsTheSearch) {
  EXPECT_EQ(caller("10.1.1.1", {{"X-Forwarded-For", "198.51.100.7:4711"}}), "http 198.51.100.7");
  EXPECT_EQ(caller("10.1.1.1", {{"X-Forwarded-For", "[2001:db8::5]:80"}}), "http 2001:db8::5");
  EXPECT_EQ(caller("10.1.1.1", {{"X-Forwarded-For", "198.51.100.7, unknown"}}), "http 10.1.1.1");
  EXPECT_EQ(caller("10.1.1.1", {{"X-Forwarded-For", "198.51.100.7, unknown, 10.2.2.2"}}),
            "http 10.2.2.2");
  for (const std::string_view odd : {"", ",", "[", "[]", ":", ", ,", "[::1", "1.2.3.4:5:6"})
    EXPECT_EQ(caller("10.1.1.1", {{"X-Forwarded-For", odd}}), "http 10.1.1.1") << odd;
}

}  // namespace
}  // namespace mlgate::gateway
