#pragma once
// Who may do what: turns what a caller presents (a key, a signed request, a SAS token, a bearer
// token, nothing) into Claims, and asks the claims whether an operation on a place is allowed. The
// endpoint and the direct use of the store by batch jobs pass through the same two steps:
//
//   TRY(const Claims claims, access.by_sas(token, place, caller));
//   TRY_OK(access.allow(claims, Operation::read_blob, place));
#include "base/result.h"
#include "base/time.h"
#include "blob/accounts.h"
#include "blob/authorization.h"
#include "blob/storage.h"

#include <functional>
#include <string>
#include <string_view>

namespace mlgate::blob {

enum class Operation : unsigned char {
  list_containers,
  read_service,   // Service properties, account information.
  write_service,  // Service properties.
  delegate,       // Get User Delegation Key.
  create_container,
  read_container,   // Properties, metadata.
  write_container,  // Metadata.
  delete_container,
  container_access,  // Access level and stored policies, read or set.
  lease_container,
  break_container_lease,
  list_blobs,
  read_blob,    // Content, properties, metadata, block list.
  create_blob,  // A blob that is not there yet; write_blob does, too.
  write_blob,   // Content, properties, metadata, blocks.
  delete_blob,
  lease_blob,
  break_blob_lease,
};

// Where a request comes from. For use inside the program: 127.0.0.1 over https.
struct Caller {
  std::string_view address;
  bool https = false;
};
inline constexpr Caller kInProcess{"127.0.0.1", true};

// Accepts a bearer token and says whose it is, or why not. Whom it accepts may do everything.
struct Principal {
  std::string object_id, tenant_id;
};
using BearerCheck = std::function<Result<Principal>(std::string_view token)>;

struct Claims {
  enum class Kind : unsigned char { anonymous, owner, account_sas, service_sas, delegation_sas };
  Kind kind = Kind::anonymous;
  std::string account;
  Sas sas;  // Effective: with start, expiry and permissions of the stored policy filled in.
  Principal principal;  // Of a bearer token; empty otherwise.
  // Where a service SAS holds; the blob is empty for sr=c.
  std::string container, blob;
};

class Access {
 public:
  Access(Accounts& accounts, Storage& storage, const Clock& clock, BearerCheck bearer = {});

  // An account key, as a connection string holds it.
  Result<Claims> by_key(std::string_view account, std::string_view key, Caller caller);
  // A token as it stands behind '?'; `place` is what is about to be used.
  Result<Claims> by_sas(std::string_view token, const Place& place, Caller caller);
  // Whatever the request carries: Authorization field, SAS, or nothing (anonymous).
  Result<Claims> by_request(const SignedRequest& request, const Place& place, Caller caller);

  Result<void> allow(const Claims& claims, Operation operation, const Place& place);
  // The same for a call that makes a blob or replaces it: who may only create gets the conditions
  // under which the call cannot replace anything.
  Result<Conditions> allow_put(const Claims& claims, const Place& place, Conditions conditions);

  // The key (base64) that signs user delegation SAS with these six fields.
  std::string delegation_key(std::string_view account, const Sas& fields) const;

 private:
  struct SasUse {
    const Place& place;
    Caller caller;
    const SignedRequest* request = nullptr;
    std::string_view snapshot;
  };
  Result<Claims> by_parsed_sas(Sas sas, const SasUse& use);
  Result<Claims> by_shared_key(const SignedRequest& request, const AuthorizationField& field,
                               const Place& place, Caller caller);
  Result<void> apply_stored_policy(Sas& sas, const Place& place);
  Result<void> check_use(const Sas& sas, Caller caller) const;
  Accounts& accounts_;
  Storage& storage_;
  const Clock& clock_;
  BearerCheck bearer_;
};

}  // namespace mlgate::blob
