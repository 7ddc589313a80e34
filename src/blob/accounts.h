#pragma once
// Storage accounts of the embedded endpoint: a name and two keys, sealed in the store. The
// development account is always there, with random keys of its own; its public key is accepted
// beside them only where nobody but this machine can call.
#include "base/result.h"
#include "base/time.h"
#include "store/store.h"

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::blob {

struct Account {
  std::string name;
  std::string key1, key2;  // Base64 of 64 bytes.
  TimeMs created_ms = 0;
  std::string group;  // The resource group that it was created in; empty for the built-in one.
};

struct AccountOptions {
  // All listeners of the endpoint are bound to loopback addresses.
  bool bound_to_loopback = true;
};

class Accounts {
 public:
  Accounts(store::Store& store, const store::Vault& vault, const Clock& clock,
           AccountOptions options);

  // Makes the development account when it is not there.
  Result<void> open();
  // 3 to 24 lower-case letters and digits. conflict when it exists.
  Result<Account> create(std::string_view name, std::string_view group = {});
  Result<Account> find(std::string_view name);  // not_found
  Result<std::vector<Account>> list();
  // `which` is 1 or 2.
  Result<Account> regenerate(std::string_view name, int which);
  Result<void> remove(std::string_view name);

  // The keys (base64) that a caller at `peer` may sign with; not_found for unknown accounts.
  Result<std::vector<std::string>> keys_for(std::string_view name, std::string_view peer);
  // The secret that user delegation keys are derived from.
  const std::string& delegation_secret() const noexcept { return delegation_secret_; }

 private:
  struct Cache;
  store::Store& store_;
  const store::Vault& vault_;
  const Clock& clock_;
  AccountOptions options_;
  std::string delegation_secret_;
  std::shared_ptr<Cache> cache_;
};

}  // namespace mlgate::blob
