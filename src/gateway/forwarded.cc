#include "gateway/forwarded.h"

#include "base/text.h"

#include <algorithm>

namespace mlgate::gateway {
namespace {

// "10.0.0.1", "10.0.0.1:80", "::1", "[::1]", "[::1]:80": without brackets and port.
std::string_view bare_address(std::string_view text) noexcept {
  text = trim(text);
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    return close == text.npos ? std::string_view() : text.substr(1, close - 1);
  }
  const std::size_t colon = text.find(':');
  const bool port = colon != std::string_view::npos && text.find(':', colon + 1) == text.npos;
  return port ? text.substr(0, colon) : text;
}

// Takes the last element off a list.
std::string_view last_element(std::string_view& list) noexcept {
  const std::size_t comma = list.rfind(',');
  const std::string_view last = list.substr(comma == list.npos ? 0 : comma + 1);
  list = comma == list.npos ? std::string_view() : list.substr(0, comma);
  return last;
}

}  // namespace

bool TrustedProxies::trusts(std::string_view address) const {
  const auto parsed = net::IpAddress::parse(address);
  return parsed && std::ranges::any_of(
                       ranges_, [&](const net::IpRange& range) { return range.contains(*parsed); });
}

Caller TrustedProxies::caller_of(Caller caller, const http::Fields& fields) const {
  if (!trusts(caller.address)) return caller;
  bool asking = true;
  bool has_scheme = false;
  for (auto at = fields.end(); at != fields.begin();) {
    const auto& [name, value] = *--at;
    if (!has_scheme && equals_ignoring_case(name, "X-Forwarded-Proto")) {
      std::string_view list = value;
      const std::string_view scheme = trim(last_element(list));
      for (const std::string_view known : {"http", "https"})
        if (equals_ignoring_case(scheme, known)) caller.scheme = known;
      has_scheme = true;
    }
    if (!equals_ignoring_case(name, "X-Forwarded-For")) continue;
    for (std::string_view list = value; asking && !list.empty();) {
      const std::string_view address = bare_address(last_element(list));
      asking = net::IpAddress::parse(address).has_value();
      if (!asking) break;
      caller.address = address;
      asking = trusts(address);
    }
  }
  return caller;
}

}  // namespace mlgate::gateway
