#pragma once
// /data-api: the interface of the developer portal. What it shows is filtered by whoever asks
// (portal/catalogue.h); what it changes are the caller's own subscriptions and name. Contracts are
// flat: `name` is the display name, ids are short. "/data-api/service/{name}/…" is about an
// instance by name, "/data-api/…" about the default one.
//
// Callers are known by the session of the console's pages; whoever shows none is a guest.
#include "http/message.h"
#include "portal/visit.h"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::portal {

// A usage report of an instance ("byApi"), for whoever may see all of it.
using Reports = std::function<http::Response(const apim::Service& service, std::string_view kind,
                                             std::string_view query)>;

// Plain blocking handler for the control pool; any thread, many at once.
class DataApi {
 public:
  static constexpr std::size_t kBodyBytesMax = 64 << 10;

  // All outlive it.
  DataApi(apim::Repository& repository, const SessionGuard& guard, GatewayPlace gateway,
          Reports reports)
      : repository_(repository),
        guard_(guard),
        gateway_(std::move(gateway)),
        reports_(std::move(reports)) {}

  static bool owns(std::string_view path);
  http::Response handle(const http::Request& request);

  // What a handler is given.
  struct Call {
    DataApi& api;
    const http::Request& request;
    Visit visit;
    std::vector<std::string> args;  // Captured by `{}`, decoded.
    Json body;                      // An object; empty when none was sent.
  };
  apim::Repository& repository() noexcept { return repository_; }
  const GatewayPlace& gateway() const noexcept { return gateway_; }
  const Reports& reports() const noexcept { return reports_; }

 private:
  Result<http::Response> answer(const http::Request& request);

  apim::Repository& repository_;
  const SessionGuard& guard_;
  GatewayPlace gateway_;
  Reports reports_;
};

}  // namespace mlgate::portal
