#pragma once
// Who called, when the connection came from a proxy that we trust to say so: its X-Forwarded-For
// and X-Forwarded-Proto. What anybody else puts there is passed on and not believed.
#include "http/message.h"
#include "net/dial_guard.h"

#include <string_view>
#include <utility>
#include <vector>

namespace mlgate::gateway {

struct Caller {
  std::string_view address;  // Without port.
  std::string_view scheme;
};

class TrustedProxies {
 public:
  TrustedProxies() = default;
  explicit TrustedProxies(std::vector<net::IpRange> ranges) : ranges_(std::move(ranges)) {}
  bool empty() const noexcept { return ranges_.empty(); }
  // The right-most address of X-Forwarded-For that is no trusted proxy's; the left-most when all
  // are. What is no address ends the search: whoever wrote it may have written what is before it.
  Caller caller_of(Caller connection, const http::Fields& fields) const;

 private:
  bool trusts(std::string_view address) const;
  std::vector<net::IpRange> ranges_;
};

}  // namespace mlgate::gateway
