#pragma once
// The wire side of the blob client: one request, signed and repeated, and what its answer means.
#include "blob/client.h"
#include "blob/fault.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mlgate::blob {

struct ClientRequest {
  std::string method;
  std::string query;                                         // Without '?'.
  std::vector<std::pair<std::string, std::string>> headers;  // Names in lower case.
  std::string body;
  std::size_t answer_bytes_max = std::size_t{1} << 20;
  bool container = false;  // Of the container instead of the blob.
};

// Signs and sends; whatever is no success is an Error with the storage's code. unavailable: the
// storage could not be reached or served no answer, which passes.
class BlobCalls {
 public:
  BlobCalls(HttpCaller& http, const Clock& clock, BlobAddress address, RetryOptions retry);
  Result<http::Response> send(const ClientRequest& request);
  const BlobAddress& address() const noexcept { return address_; }

 private:
  Result<http::Response> send_once(const ClientRequest& request);
  // What texts name; the whole address may hold a token.
  const std::string& base() const noexcept;
  HttpCaller& http_;
  const Clock& clock_;
  BlobAddress address_;
  RetryOptions retry_;
};

std::string header_of(const http::Response& response, std::string_view name);
// The error that an answer of status 300 or above stands for.
Error error_of(const http::Response& response, TimeMs now);

}  // namespace mlgate::blob
