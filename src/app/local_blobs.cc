#include "app/local_blobs.h"

#include "base/crypto.h"
#include "blob/accounts.h"
#include "blob/authorization.h"

#include <cstdio>
#include <fstream>

namespace mlgate::app {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{4} << 20;

}  // namespace

Result<std::unique_ptr<LocalBlobs>> LocalBlobs::open(const DataFolder& data,
                                                     const std::string& base) {
  TRY(const store::Vault vault, store::Vault::open(data.master_key()));
  TRY(const auto store, store::open_sqlite(data.store()));
  blob::Accounts accounts(*store, vault, system_clock(), {});
  TRY(const blob::Account account, accounts.find(blob::kDevelopmentAccount));
  std::unique_ptr<LocalBlobs> self(new LocalBlobs);
  self->base_ = base + "/" + account.name;
  self->key_ = account.key1;
  self->connection_ = "DefaultEndpointsProtocol=http;AccountName=" + account.name +
                      ";AccountKey=" + account.key1 + ";BlobEndpoint=" + self->base_;
  constexpr std::string_view kProtocols[] = {"http/1.1"};
  TRY(self->tls_, net::make_client_context((data.tls() / "ca.pem").string(), kProtocols));
  self->http_ = std::make_unique<blob::HttpCaller>(net::AddressCheck(), self->tls_.get());
  return self;
}

Result<std::unique_ptr<blob::BlobFile>> LocalBlobs::open(const std::string& container,
                                                         const std::string& blob) {
  blob::BlobAddress address;
  address.place = {
      .account = std::string(blob::kDevelopmentAccount), .container = container, .blob = blob};
  address.base = base_;
  address.key = key_;
  return blob::open_remote(*http_, system_clock(), address, {});
}

Result<void> LocalBlobs::remove(const std::string& container, const std::string& blob) {
  TRY(const auto file, open(container, blob));
  return file->remove();
}

Result<void> LocalBlobs::upload(const Source& source, const std::string& container,
                                const std::string& blob) {
  TRY(const auto file, open(container, blob));
  TRY_OK(file->ensure_container());
  std::vector<std::string> ids;
  std::string block;
  for (;;) {
    block.resize(kBlockBytes);
    TRY(const std::size_t size, source(block));
    if (size == 0) break;
    char id[16];
    std::snprintf(id, sizeof id, "%08zu", ids.size());
    ids.emplace_back(id);
    TRY_OK(file->put_block(id, std::string_view(block).substr(0, size)));
  }
  return file->commit(ids, "text/csv");
}

Result<void> LocalBlobs::upload(const std::string& path, const std::string& container,
                                const std::string& blob) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(Errc::not_found, "cannot read " + path);
  return upload(
      [&](std::span<char> room) -> Result<std::size_t> {
        in.read(room.data(), std::streamsize(room.size()));
        if (in.bad()) return fail(Errc::unavailable, "cannot read " + path);
        return std::size_t(in.gcount());
      },
      container, blob);
}

Result<void> LocalBlobs::upload_text(std::string_view text, const std::string& container,
                                     const std::string& blob) {
  return upload(
      [&](std::span<char> room) -> Result<std::size_t> {
        const std::size_t size = text.copy(room.data(), room.size());
        text.remove_prefix(size);
        return size;
      },
      container, blob);
}

}  // namespace mlgate::app
