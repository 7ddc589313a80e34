#pragma once
// A request of the blob protocol, read from its head: which account, container and blob it is
// about, which operation it asks for, and the fields that operations have in common. Owns its text,
// so that pool threads may use it while the connection reads on.
#include "base/result.h"
#include "blob/access.h"
#include "blob/range.h"
#include "blob/types.h"
#include "http/head_parser.h"

#include <optional>
#include <string>
#include <string_view>

namespace mlgate::blob {

enum class Verb : unsigned char {
  preflight,
  list_containers,
  get_service_properties,
  set_service_properties,
  account_information,
  delegation_key,
  create_container,
  container_properties,
  container_metadata,
  set_container_metadata,
  delete_container,
  get_acl,
  set_acl,
  lease_container,
  list_blobs,
  put_blob,
  put_block,
  put_block_list,
  get_block_list,
  get_blob,
  blob_properties,
  blob_metadata,
  set_blob_properties,
  set_blob_metadata,
  delete_blob,
  copy_blob,
  lease_blob,
};

// Where the request's bytes are; valid while the call is.
struct BlobRequest {
  std::string_view method, path, query;
  const http::Fields* headers = nullptr;
  std::uint64_t content_length = 0;
  Caller caller;
  Place place;
  // "http://host:port/account" or, when the account is in the host, "http://host:port".
  std::string base_url;
  std::string comp, restype;
  Verb verb = Verb::get_blob;

  std::string_view header(std::string_view name) const noexcept { return headers->get(name); }
  std::optional<std::string> parameter(std::string_view name) const {
    return http::query_parameter(query, name);
  }
  // The protocol version that the caller speaks; the oldest when it does not say.
  std::string_view version() const noexcept;
  SignedRequest to_sign() const noexcept { return {method, path, query, headers, content_length}; }
  bool head() const noexcept { return method == "HEAD"; }
};

// `bare` is filled as far as the request can be read, so that an error can be answered by it.
Result<void> read_request(const http::RequestHead& head, Caller caller, std::string_view scheme,
                          BlobRequest& bare);
// Of a URL: the source of a copy. CannotVerifyCopySource for other hosts.
Result<Place> place_of_url(const BlobRequest& request, std::string_view url,
                           std::string& query_of_url);

Result<Conditions> conditions_of(const BlobRequest& request, std::string_view prefix = "");
Result<Metadata> metadata_of(const BlobRequest& request);
ContentHeaders content_headers_of(const BlobRequest& request);
std::optional<Range> range_of(const BlobRequest& request);
Result<LeaseRequest> lease_of(const BlobRequest& request);
Result<PublicAccess> public_access_of(const BlobRequest& request);
Result<ListQuery> list_query_of(const BlobRequest& request);

}  // namespace mlgate::blob
