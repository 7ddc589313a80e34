#pragma once
// The store and its vault, as the entities want to see them.
#include "apim/documents.h"
#include "store/store.h"

namespace mlgate::management {

class StoreDocuments final : public apim::Documents {
 public:
  explicit StoreDocuments(store::Store& store) : store_(store) {}
  Result<std::optional<apim::StoredDocument>> get(std::string_view key) override;
  Result<std::vector<apim::StoredDocument>> list(std::string_view prefix) override;
  Result<std::uint64_t> commit(std::vector<apim::DocumentWrite> writes) override;

 private:
  store::Store& store_;
};

class VaultSecrets final : public apim::Secrets {
 public:
  explicit VaultSecrets(const store::Vault& vault);
  std::string seal(std::string_view plain, std::string_view place) const override;
  Result<std::string> unseal(std::string_view sealed, std::string_view place) const override;
  std::string fingerprint(std::string_view secret) const override;

 private:
  const store::Vault& vault_;
  std::string fingerprint_key_;
};

}  // namespace mlgate::management
