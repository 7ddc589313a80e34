#pragma once
// The handler of a clear-text listener that carries nothing itself: every call is told to come back
// over https, with method and body kept (308). The body is not read, and nothing of the request but
// its address is repeated.
#include "http/server_call.h"

#include <cstdint>
#include <string>

namespace mlgate::http {

class HttpsRedirect final : public Handler {
 public:
  // `host` is named to callers that name none.
  HttpsRedirect(std::string host, std::uint16_t https_port)
      : host_(std::move(host)), https_port_(https_port) {}

  net::Awaitable<void> handle(ServerCall& call) override;
  Response protocol_error(int status, std::string_view what) override;

 private:
  std::string location(const RequestHead& head) const;
  std::string host_;
  std::uint16_t https_port_;
};

}  // namespace mlgate::http
