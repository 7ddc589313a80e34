#include "app/fetcher.h"

#include <future>
#include <string_view>
#include <utility>

namespace mlgate::app {
namespace {

net::Awaitable<void> deliver(http::Client& client, http::FetchRequest request,
                             std::size_t body_bytes_max,
                             std::promise<Result<http::Response>>& result) {
  result.set_value(co_await client.fetch(std::move(request), body_bytes_max));
}

}  // namespace

Result<std::unique_ptr<Fetcher>> Fetcher::make(const std::string& ca_certificate,
                                               http::ClientLimits limits, net::AddressCheck check) {
  constexpr std::string_view kProtocols[] = {"http/1.1"};
  TRY(net::TlsContext tls, net::make_client_context(ca_certificate, kProtocols));
  return std::unique_ptr<Fetcher>(new Fetcher(std::move(tls), limits, std::move(check)));
}

Fetcher::Fetcher(net::TlsContext tls, http::ClientLimits limits, net::AddressCheck check)
    : tls_(std::move(tls)) {
  worker_.start();
  worker_.run_and_wait([&] {
    tasks_ = std::make_unique<net::TaskGroup>(worker_.executor());
    client_ = std::make_unique<http::Client>(worker_, std::move(check), tls_.get(), limits);
  });
}

Fetcher::~Fetcher() {
  worker_.run_and_wait([this] {
    client_.reset();
    tasks_.reset();
  });
}

Result<http::Response> Fetcher::fetch(http::FetchRequest request, std::size_t body_bytes_max) {
  std::promise<Result<http::Response>> result;
  worker_.run_and_wait(
      [&] { net::spawn(*tasks_, deliver(*client_, std::move(request), body_bytes_max, result)); });
  return result.get_future().get();
}

}  // namespace mlgate::app
