#pragma once
// Storage connection strings and blob references as callers of batch jobs give them: which account,
// where, and with which credential. Nothing here opens a connection.
#include "base/result.h"
#include "blob/types.h"

#include <string>
#include <string_view>

namespace mlgate::blob {

// "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=k;EndpointSuffix=…", or with
// BlobEndpoint and SharedAccessSignature, or UseDevelopmentStorage=true. Names are compared without
// case; unknown ones are passed over.
struct ConnectionString {
  bool development = false;
  std::string protocol = "https";
  std::string account, key;  // Key in base64.
  std::string sas;           // Without '?'.
  std::string blob_endpoint;
  std::string endpoint_suffix;  // Empty when not given.
  std::string proxy;            // DevelopmentStorageProxyUri.
};
// The error names the member that is wrong and repeats no secret.
Result<ConnectionString> parse_connection_string(std::string_view text);

// The address of a blob and how to be let in. Either `key` or `sas` is set, or neither for a blob
// that anybody may read.
struct BlobAddress {
  Place place;
  // Scheme, host and, in path style, account: "https://a.blob.core.windows.net" or
  // "http://127.0.0.1:10000/devstoreaccount1". Empty when the string names no endpoint, so that it
  // may mean the embedded one.
  std::string base;
  std::string default_base;  // What an empty base means outside of the embedded endpoint.
  std::string key, sas;
  bool development = false;

  // "base/container/blob", percent-encoded, without credentials.
  std::string url() const;
};

// "container/blob" with or without a slash in front; percent-escapes are taken as they are. Errors
// carry the reason as the field: "ContainerIsEmpty", "ContainerSegmentInvalid",
// "InputBlobRelativeLocationInvalid".
Result<Place> parse_relative_location(std::string_view text);

Result<BlobAddress> address_of(const ConnectionString& connection, std::string_view relative);
// BaseLocation, RelativeLocation and SasBlobToken (with or without '?').
Result<BlobAddress> address_of(std::string_view base_location, std::string_view relative,
                               std::string_view sas_token);

}  // namespace mlgate::blob
