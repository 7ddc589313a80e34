#include "app/blob_role.h"

#include <array>

namespace mlgate::app {
namespace {

constexpr std::size_t kQueueMax = 10'000;

// What tokens for storage are issued for.
std::vector<std::string> storage_audiences() {
  return {"https://storage.azure.com", "https://storage.azure.com/"};
}

}  // namespace

bool is_loopback_bind(std::string_view address) noexcept {
  return address == "::1" || address.starts_with("127.");
}

Result<std::unique_ptr<BlobRole>> BlobRole::open(const Settings& settings, const DataFolder& data,
                                                 store::Store& store, const store::Vault& vault,
                                                 const identity::Identity& identity) {
  const Clock& clock = system_clock();
  auto self = std::make_unique<BlobRole>();
  self->accounts_ = std::make_unique<blob::Accounts>(
      store, vault, clock,
      blob::AccountOptions{.bound_to_loopback = is_loopback_bind(settings.text("bind"))});
  TRY_OK(self->accounts_->open());
  blob::StorageOptions options;
  options.sync = settings.flag("blob.sync");
  TRY(self->storage_, blob::Storage::open(data.blobs(), clock, options));
  self->access_ = std::make_unique<blob::Access>(
      *self->accounts_, *self->storage_, clock,
      [&identity,
       tenant = settings.text("arm.tenant_id")](std::string_view token) -> Result<blob::Principal> {
        TRY(const identity::Principal principal, identity.check_token(token, storage_audiences()));
        if (principal.role != identity::Role::administrator)
          return fail(Errc::denied, "the blobs are the administrators'");
        return blob::Principal{principal.object_id, tenant};
      });
  return self;
}

http::Handler& BlobRole::make_endpoint(const Settings& settings) {
  pool_ = std::make_unique<net::ComputePool>("blob", std::size_t(settings.integer("blob.threads")),
                                             kQueueMax);
  endpoint_ = std::make_unique<blob::Endpoint>(
      blob::EndpointParts{*storage_, *access_, *accounts_, *pool_, system_clock()});
  return *endpoint_;
}

void BlobRole::start() {
  if (endpoint_) endpoint_->start();
}

void BlobRole::stop() {
  if (endpoint_) endpoint_->stop();
  pool_.reset();
}

}  // namespace mlgate::app
