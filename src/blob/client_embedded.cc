#include "base/crypto.h"
#include "base/text.h"
#include "blob/access.h"
#include "blob/client.h"
#include "blob/fault.h"
#include "blob/storage.h"

#include <mutex>
#include <optional>

namespace mlgate::blob {
namespace {

// A blob of the embedded endpoint. Each use asks for permission again, as it would over HTTP: a
// token may expire, a lease may come between.
class EmbeddedFile final : public BlobFile {
 public:
  EmbeddedFile(const EmbeddedEndpoint& endpoint, BlobAddress address)
      : endpoint_(endpoint), address_(std::move(address)) {}

  Result<void> allow(Operation operation) {
    const Place& place = address_.place;
    Access& access = *endpoint_.access;
    auto claims = !address_.key.empty() ? access.by_key(place.account, address_.key, kInProcess)
                                        : access.by_sas(address_.sas, place, kInProcess);
    if (!claims) return std::unexpected(refused(claims.error()));
    if (auto allowed = access.allow(*claims, operation, place); !allowed)
      return std::unexpected(refused(allowed.error()));
    return {};
  }

  Result<Stat> stat() override {
    TRY_OK(allow(Operation::read_blob));
    auto info = endpoint_.storage->blob(address_.place, {});
    if (!info) return std::unexpected(refused(info.error()));
    return Stat{.bytes = info->bytes, .etag = info->etag};
  }

  Result<std::size_t> read(std::uint64_t offset, std::span<char> into,
                           const std::string& etag) override {
    TRY_OK(allow(Operation::read_blob));
    TRY(const auto reader, opened(etag));
    return reader->read(offset, into);
  }

  Result<void> put_block(std::string_view id, std::string_view bytes) override {
    TRY_OK(allow_write());
    TRY(Content content, endpoint_.storage->new_content());
    TRY_OK(content.append(bytes));
    auto done =
        endpoint_.storage->put_block(address_.place, base64_encode(id), std::move(content), {});
    if (!done) return std::unexpected(refused(done.error()));
    return {};
  }

  Result<void> ensure_container() override {
    Place container = address_.place;
    container.blob.clear();
    TRY_OK(allow(Operation::create_container));
    const auto made = endpoint_.storage->create_container(container, {}, PublicAccess::none);
    if (!made && !is_fault(made.error(), Fault::container_already_exists))
      return std::unexpected(refused(made.error()));
    return {};
  }

  Result<void> commit(const std::vector<std::string>& ids, std::string_view content_type) override {
    TRY_OK(allow_write());
    std::vector<BlockRef> blocks;
    blocks.reserve(ids.size());
    for (const std::string& id : ids)
      blocks.push_back({.from = BlockRef::From::latest, .id = base64_encode(id)});
    PutOptions options;
    options.headers.type = content_type;
    auto done = endpoint_.storage->put_block_list(address_.place, blocks, options, {});
    if (!done) return std::unexpected(refused(done.error()));
    return {};
  }

  Result<void> remove() override {
    TRY_OK(allow(Operation::delete_blob));
    auto gone = endpoint_.storage->delete_blob(address_.place, {});
    if (!gone && gone.error().code() != Errc::not_found)
      return std::unexpected(refused(gone.error()));
    return {};
  }

  Result<void> discard_blocks(std::string_view id_prefix) override {
    const auto done = endpoint_.storage->discard_blocks(address_.place, [&](std::string_view id) {
      const auto plain = base64_decode(id);
      return plain && plain->starts_with(id_prefix);
    });
    return done ? Result<void>() : std::unexpected(refused(done.error()));
  }

 private:
  // As the endpoint would say it, errors of the layers below included: their texts may name files,
  // and their fields mean something else to those who ask.
  static Error refused(const Error& error) {
    const FaultInfo& info = fault_of(error);
    const bool own = error.field() == info.code;
    const std::string_view text = own ? std::string_view(error.message()) : info.message;
    return explain_refusal(info.status, info.code, text, {}, 0);
  }

  // What creates a blob may write one that is not there yet.
  Result<void> allow_write() {
    const auto allowed = allow(Operation::write_blob);
    if (allowed || !allow(Operation::create_blob)) return allowed;
    const auto there = endpoint_.storage->blob(address_.place, {});
    return there ? allowed : Result<void>();
  }

  Result<std::shared_ptr<const BlobReader>> opened(const std::string& etag) {
    const std::lock_guard lock(mutex_);
    if (reader_ && (etag.empty() || reader_->info().etag == etag)) return reader_;
    auto made = endpoint_.storage->open_blob(address_.place, Conditions{.if_match = etag,
                                                                        .if_none_match = {},
                                                                        .if_modified_since = {},
                                                                        .if_unmodified_since = {},
                                                                        .lease_id = {}});
    if (!made) return std::unexpected(refused(made.error()));
    reader_ = std::make_shared<const BlobReader>(*std::move(made));
    return reader_;
  }

  EmbeddedEndpoint endpoint_;
  BlobAddress address_;
  std::mutex mutex_;
  std::shared_ptr<const BlobReader> reader_;  // Guarded by mutex_.
};

}  // namespace

Result<std::unique_ptr<BlobFile>> open_embedded(const EmbeddedEndpoint& endpoint,
                                                const BlobAddress& address) {
  return std::make_unique<EmbeddedFile>(endpoint, address);
}

}  // namespace mlgate::blob
