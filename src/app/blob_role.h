#pragma once
// Blob storage of the program: the accounts and the store, which every process of the folder has,
// since batch jobs use them directly, and the endpoint, for those that play the role `blob`.
#include "app/data_folder.h"
#include "app/settings.h"
#include "blob/access.h"
#include "blob/accounts.h"
#include "blob/endpoint.h"
#include "blob/storage.h"
#include "identity/identity.h"
#include "net/compute_pool.h"
#include "store/store.h"

#include <memory>

namespace mlgate::app {

class BlobRole {
 public:
  static Result<std::unique_ptr<BlobRole>> open(const Settings& settings, const DataFolder& data,
                                                store::Store& store, const store::Vault& vault,
                                                const identity::Identity& identity);
  blob::Accounts& accounts() noexcept { return *accounts_; }
  blob::Storage& storage() noexcept { return *storage_; }
  blob::Access& access() noexcept { return *access_; }

  // Makes the endpoint and the pool that it works on.
  http::Handler& make_endpoint(const Settings& settings);
  // Both do nothing in a process without the endpoint.
  void start();
  void stop();

 private:
  std::unique_ptr<blob::Accounts> accounts_;
  std::unique_ptr<blob::Storage> storage_;
  std::unique_ptr<blob::Access> access_;
  std::unique_ptr<net::ComputePool> pool_;
  std::unique_ptr<blob::Endpoint> endpoint_;
};

// Is the address one that only this machine can reach?
bool is_loopback_bind(std::string_view address) noexcept;

}  // namespace mlgate::app
