#include "app/remote_gateway.h"

#include "app/fetcher.h"
#include "base/text.h"

#include <chrono>
#include <memory>
#include <utility>
#include <vector>

namespace mlgate::app {

Result<std::function<Result<http::Response>(http::InnerRequest)>> remote_gateway(
    const std::string& ca_certificate, net::AddressCheck check) {
  const http::InnerLimits limits;
  http::ClientLimits times;
  times.response_time = std::chrono::duration_cast<std::chrono::seconds>(limits.time);
  TRY(std::shared_ptr<Fetcher> fetcher, Fetcher::make(ca_certificate, times, std::move(check)));
  return [fetcher, limits](http::InnerRequest request) -> Result<http::Response> {
    TRY_OK(http::check_headers(request));
    TRY(http::Response answer,
        fetcher->fetch({.method = std::move(request.method),
                        .url = request.scheme + "://" + request.authority + request.target,
                        .headers = std::move(request.headers),
                        .body = std::move(request.body)},
                       limits.answer_bytes_max));
    // As a call within the program has it: the length is told, what frames the message is not.
    std::erase_if(answer.headers, [](const auto& field) {
      return http::is_framing_field(field.first) &&
             !equals_ignoring_case(field.first, "content-length");
    });
    return answer;
  };
}

}  // namespace mlgate::app
