#include "management/documents.h"

#include "base/crypto.h"
#include "base/text.h"

namespace mlgate::management {
namespace {

constexpr std::string_view kCollection = "apim.entity";

}  // namespace

Result<std::optional<apim::StoredDocument>> StoreDocuments::get(std::string_view key) {
  TRY(auto found, store_.get(kCollection, key));
  if (!found) return std::nullopt;
  return apim::StoredDocument{std::move(found->key), std::move(found->body), found->version};
}

Result<std::vector<apim::StoredDocument>> StoreDocuments::list(std::string_view prefix) {
  TRY(auto found, store_.list(kCollection, prefix));
  std::vector<apim::StoredDocument> out;
  out.reserve(found.size());
  for (store::Document& one : found)
    out.push_back({std::move(one.key), std::move(one.body), one.version});
  return out;
}

Result<std::uint64_t> StoreDocuments::commit(std::vector<apim::DocumentWrite> writes) {
  std::vector<store::Write> out;
  out.reserve(writes.size());
  for (apim::DocumentWrite& one : writes) {
    store::Write write{std::string(kCollection), std::move(one.key), std::move(one.body)};
    if (one.expected_version) {
      write.expect = *one.expected_version == 0 ? store::Expect::absent : store::Expect::version;
      write.version = *one.expected_version;
    }
    out.push_back(std::move(write));
  }
  return store_.commit(std::move(out));
}

VaultSecrets::VaultSecrets(const store::Vault& vault)
    : vault_(vault), fingerprint_key_(vault.derive("apim.key.fingerprint")) {}

std::string VaultSecrets::seal(std::string_view plain, std::string_view place) const {
  return vault_.seal(plain, place);
}

Result<std::string> VaultSecrets::unseal(std::string_view sealed, std::string_view place) const {
  return vault_.unseal(sealed, place);
}

std::string VaultSecrets::fingerprint(std::string_view secret) const {
  return to_hex(hmac_sha256(fingerprint_key_, secret));
}

}  // namespace mlgate::management
