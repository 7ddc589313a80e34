#pragma once
// HTTP calls for verbs of the command line: blocking, on a worker of its own.
#include "http/client.h"
#include "net/tls_ca.h"
#include "net/worker.h"

#include <memory>
#include <string>

namespace mlgate::app {

class Fetcher {
 public:
  // `ca_certificate`: a file with authorities to trust besides the system's; may be empty.
  static Result<std::unique_ptr<Fetcher>> make(const std::string& ca_certificate,
                                               http::ClientLimits limits = {},
                                               net::AddressCheck check = {});
  ~Fetcher();
  Result<http::Response> fetch(http::FetchRequest request,
                               std::size_t body_bytes_max = std::size_t{64} << 20);

 private:
  Fetcher(net::TlsContext tls, http::ClientLimits limits, net::AddressCheck check);
  net::TlsContext tls_;
  net::Worker worker_{0};
  std::unique_ptr<net::TaskGroup> tasks_;
  std::unique_ptr<http::Client> client_;
};

}  // namespace mlgate::app
