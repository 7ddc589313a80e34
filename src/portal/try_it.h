#pragma once
// POST /console/api/send: makes a call for the Try It form of the developer portal. The browser
// names an instance, an API and an operation that its person may see, and fills in the gaps of the
// operation's URL template; where the call goes follows from these alone. It goes to this program's
// own gateway, under the caller's address and with a key of his own, so that a person can reach
// nothing by it that he cannot reach by calling the gateway himself.
#include "http/inner_call.h"
#include "http/message.h"
#include "portal/visit.h"

#include <atomic>
#include <cstddef>
#include <functional>
#include <optional>
#include <string_view>

namespace mlgate::portal {

// Makes the call at the gateway, within the program or over the wire.
using CallGateway = std::function<Result<http::Response>(http::InnerRequest)>;

// Plain blocking handler for the control pool; any thread, many at once.
class TryIt {
 public:
  static constexpr std::string_view kPath = "/console/api/send";
  static constexpr std::size_t kBodyBytesMax = 4 << 20;
  // A call keeps a thread of the control pool while it waits, so there are few at a time.
  static constexpr int kCallsMax = 3;
  static constexpr std::size_t kItemsMax = 100;  // Headers, and query parameters.

  // All outlive it.
  TryIt(apim::Repository& repository, const SessionGuard& guard, GatewayPlace gateway,
        CallGateway call)
      : repository_(repository),
        guard_(guard),
        gateway_(std::move(gateway)),
        call_(std::move(call)) {}

  http::Response handle(const http::Request& request);
  // The answer to a request whose head does not come from a page of ours.
  std::optional<http::Response> admit(const http::Request& head) const;

 private:
  Result<http::Response> answer(const http::Request& request);
  Result<http::InnerRequest> prepare(const Visit& visit, const Json& body);
  Result<void> add_headers(const Visit& visit, const Json& body, const apim::Api& api,
                           const ApiAddress& address, http::InnerRequest& out);

  apim::Repository& repository_;
  const SessionGuard& guard_;
  GatewayPlace gateway_;
  CallGateway call_;
  std::atomic<int> calls_ = 0;
};

// A URL template with its gaps filled: the path, and the query without '?'. Values of the path may
// not be empty, nor "." or "..", which a gateway could take for a step; `{*rest}` keeps its
// slashes.
struct FilledTemplate {
  std::string path, query;
};
Result<FilledTemplate> fill_template(std::string_view url_template, const Json& parameters);

}  // namespace mlgate::portal
