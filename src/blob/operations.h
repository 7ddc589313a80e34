#pragma once
// The operations of the protocol that need no streaming: each reads its parameters, asks for
// permission, calls the store, and says what came of it. Blocking; for the threads of a pool.
#include "blob/access.h"
#include "blob/cors.h"
#include "blob/request.h"
#include "blob/storage.h"
#include "blob/xml.h"
#include "http/message.h"

#include <string>
#include <string_view>

namespace mlgate::blob {

class Operations {
 public:
  Operations(Storage& storage, Access& access, Accounts& accounts, const Clock& clock)
      : storage_(storage), access_(access), accounts_(accounts), clock_(clock) {}

  Result<http::Response> perform(const BlobRequest& request, std::string_view body);
  // Would perform get as far as its body? For refusing one before it is read.
  Result<void> check(const BlobRequest& request);

  // The claims of a caller who may do what the request asks.
  Result<Claims> authorize(const BlobRequest& request);
  // For the two that bring content: the conditions that hold for them.
  Result<Conditions> authorize_put(const BlobRequest& request);

  // The fields that the account's CORS rules add for the request's Origin.
  HeaderList cors_fields(const BlobRequest& request);

 private:
  using Answer = Result<http::Response>;
  Answer on_service(const BlobRequest& request, const Claims& claims, std::string_view body);
  Answer on_container(const BlobRequest& request, std::string_view body);
  Answer on_blob(const BlobRequest& request, const Claims& claims, std::string_view body);
  Answer preflight(const BlobRequest& request);
  Answer delegation_key(const BlobRequest& request, const Claims& claims, std::string_view body);
  Answer put_block_list(const BlobRequest& request, std::string_view body);
  Answer copy_blob(const BlobRequest& request, const Claims& claims);
  Answer delete_blob(const BlobRequest& request);
  Answer lease(const BlobRequest& request);
  Result<ServiceProperties> properties_of(const std::string& account);

  Storage& storage_;
  Access& access_;
  Accounts& accounts_;
  const Clock& clock_;
};

// Does the body have the checksums that the request's Content-MD5 and x-ms-content-crc64 state?
Result<void> check_digests(const BlobRequest& request, std::string_view body);
// `raw_md5` is only looked at when Content-MD5 is there.
Result<void> check_digests(const BlobRequest& request, std::string_view raw_md5,
                           std::uint64_t crc64);

}  // namespace mlgate::blob
