#include "http/redirect.h"

#include "http/uri.h"

namespace mlgate::http {
namespace {

constexpr int kPermanent = 308;

}  // namespace

std::string HttpsRedirect::location(const RequestHead& head) const {
  const auto authority = parse_authority(head.authority);
  const std::string_view host =
      authority && !authority->host.empty() ? authority->host : std::string_view(host_);
  const bool v6 = host.find(':') != std::string_view::npos;
  std::string out = "https://";
  out += v6 ? "[" + std::string(host) + "]" : std::string(host);
  if (https_port_ != 443) out += ":" + std::to_string(https_port_);
  out += head.path.starts_with('/') ? head.path : "/";
  if (!head.query.empty()) out += "?" + std::string(head.query);
  return out;
}

net::Awaitable<void> HttpsRedirect::handle(ServerCall& call) {
  Response response;
  response.status = kPermanent;
  response.set("Location", location(call.head()));
  const auto sent = co_await respond(call, response);
  if (!sent) call.abort();
}

Response HttpsRedirect::protocol_error(int status, std::string_view) {
  Response response;
  response.status = status;
  return response;
}

}  // namespace mlgate::http
