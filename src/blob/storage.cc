// Opening, collection of garbage, and what concerns whole blobs. Blocks are in storage_blocks.cc,
// containers and lists in storage_containers.cc.
#include "blob/storage.h"

#include "base/check.h"
#include "base/crypto.h"
#include "base/text.h"
#include "blob/fault.h"
#include "blob/files.h"
#include "blob/index.h"
#include "blob/rows_internal.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace mlgate::blob {
namespace {

constexpr int kOpenTries = 5;
constexpr std::uint64_t kGarbageBatch = 1'000;

Result<std::shared_ptr<const int>> open_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    if (errno == EMFILE || errno == ENFILE) return fail(Fault::server_busy);
    if (errno == ENOENT)
      return fail(Errc::conflict, "the blob was replaced while it was being read");
    return fail(Errc::unavailable, std::string("cannot open content: ") + std::strerror(errno));
  }
  return std::shared_ptr<const int>(new int(fd), [](const int* held) {
    ::close(*held);
    delete held;
  });
}

}  // namespace

Storage::Storage(const Clock& clock, StorageOptions options) : clock_(clock), options_(options) {}

Storage::~Storage() = default;

Result<std::unique_ptr<Storage>> Storage::open(const std::filesystem::path& folder,
                                               const Clock& clock, StorageOptions options) {
  std::unique_ptr<Storage> self(new Storage(clock, options));
  TRY(self->files_, Files::open(folder, options.sync));
  TRY(self->index_, Index::open((folder / "index.db").string()));
  return self;
}

Result<Content> Storage::new_content() { return files_->create(); }

Result<BlobInfo> Storage::put_blob(const Place& place, Content content, const PutOptions& options,
                                   const Conditions& conditions) {
  const TimeMs now = clock_.now_ms();
  const bool empty = content.bytes() == 0;
  if (!empty) {
    TRY_OK(files_->keep(content));
  }
  BlobRow row;
  ContentIds dropped;
  TRY_OK(index_->write([&](Session& session) -> Result<void> {
    dropped.clear();  // An earlier try may have failed.
    TRY(const ContainerRow container, find_container(session, place, now));
    TRY(std::optional<BlobRow> old, find_blob(session, container.id, place.blob, now));
    TRY_OK(check_blob_write(old, conditions, now));
    if (old) {
      TRY(dropped, drop_parts(session, old->id, now));
    }
    TRY_OK(drop_blocks(session, container.id, place.blob, now));
    row = replaced(std::move(old), container.id, place.blob, now);
    row.info.bytes = content.bytes();
    row.info.headers = options.headers;
    row.info.metadata = options.metadata;
    TRY_OK(save(session, row, now));
    if (!empty) {
      TRY(store::Statement * part,
          session.statement("INSERT INTO parts VALUES(?1, 0, ?2, ?3, ?4, '')"));
      TRY_OK(part->bind(1, row.id)
                 .bind(2, content.id_)
                 .bind(3, content.bytes())
                 .bind(4, content.crc64())
                 .run());
    }
    return spare_used(session, now, &dropped);
  }));
  files_->settle(content);
  remove_files(dropped);
  return row.info;
}

Result<BlobReader> Storage::open_blob(const Place& place, const Conditions& conditions) {
  // Between reading the parts and opening them, the blob may be replaced: then it is another one.
  for (int tries = 1;; ++tries) {
    auto reader = open_parts(place, conditions);
    if (reader || reader.error().code() != Errc::conflict || tries == kOpenTries) return reader;
  }
}

Result<BlobReader> Storage::open_parts(const Place& place, const Conditions& conditions) {
  const TimeMs now = clock_.now_ms();
  return index_->read([&](Session& session) -> Result<BlobReader> {
    TRY(const ContainerRow container, find_container(session, place, now));
    TRY(const std::optional<BlobRow> row, find_blob(session, container.id, place.blob, now));
    if (!row) return fail(Fault::blob_not_found);
    TRY_OK(check_conditions(conditions, row->info.etag, row->info.modified_ms, Intent::read));
    TRY_OK(check_read_lease(row->lease, conditions.lease_id, LeaseOf::blob, now));
    BlobReader reader;
    reader.info_ = row->info;
    TRY(store::Statement * parts,
        session.statement("SELECT content, bytes FROM parts WHERE blob=?1 ORDER BY ordinal"));
    parts->bind(1, row->id);
    std::uint64_t begin = 0;
    for (;;) {
      TRY(const bool more, parts->step());
      if (!more) break;
      reader.parts_.push_back({begin, parts->number(1), nullptr, files_->path_of(parts->text(0))});
      begin += parts->number(1);
    }
    if (begin != row->info.bytes) return fail(Errc::internal, "the parts of a blob do not add up");
    if (reader.parts_.size() <= kOpenPartsMax) {
      for (BlobReader::Part& part : reader.parts_) {
        TRY(part.descriptor, open_file(part.path));
      }
    }
    return reader;
  });
}

std::size_t BlobReader::part_at(std::uint64_t offset) const {
  const auto after = std::ranges::upper_bound(parts_, offset, {}, &Part::begin);
  return std::size_t(after - parts_.begin()) - 1;
}

Result<BlobReader::Extent> BlobReader::extent(std::uint64_t offset) const {
  if (offset >= bytes()) return Extent();
  const Part& part = parts_[part_at(offset)];
  Extent out{part.descriptor, offset - part.begin, part.begin + part.bytes - offset};
  if (!out.descriptor) {
    TRY(out.descriptor, open_file(part.path));
  }
  return out;
}

Result<std::size_t> BlobReader::read(std::uint64_t offset, std::span<char> into) const {
  std::size_t done = 0;
  while (done < into.size() && offset + done < bytes()) {
    TRY(const Extent extent, this->extent(offset + done));
    std::uint64_t at = extent.offset;
    std::uint64_t left = std::min<std::uint64_t>(extent.bytes, into.size() - done);
    while (left > 0) {
      const ssize_t got = ::pread(*extent.descriptor, into.data() + done, left, off_t(at));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0)
        return fail(Errc::unavailable,
                    got == 0 ? std::string("content is shorter than recorded")
                             : std::string("cannot read content: ") + std::strerror(errno));
      done += std::size_t(got);
      at += std::uint64_t(got);
      left -= std::uint64_t(got);
    }
  }
  return done;
}

Result<BlobInfo> Storage::blob(const Place& place, const Conditions& conditions) {
  const TimeMs now = clock_.now_ms();
  return index_->read([&](Session& session) -> Result<BlobInfo> {
    TRY(const ContainerRow container, find_container(session, place, now));
    TRY(const std::optional<BlobRow> row, find_blob(session, container.id, place.blob, now));
    if (!row) return fail(Fault::blob_not_found);
    TRY_OK(check_conditions(conditions, row->info.etag, row->info.modified_ms, Intent::read));
    TRY_OK(check_read_lease(row->lease, conditions.lease_id, LeaseOf::blob, now));
    return row->info;
  });
}

Result<void> Storage::check_write(const Place& place, const Conditions& conditions) {
  const TimeMs now = clock_.now_ms();
  return index_->read([&](Session& session) -> Result<void> {
    TRY(const ContainerRow container, find_container(session, place, now));
    TRY(const std::optional<BlobRow> row, find_blob(session, container.id, place.blob, now));
    return check_blob_write(row, conditions, now);
  });
}

Result<void> Storage::delete_blob(const Place& place, const Conditions& conditions) {
  const TimeMs now = clock_.now_ms();
  ContentIds dropped;
  TRY_OK(index_->write([&](Session& session) -> Result<void> {
    dropped.clear();  // An earlier try may have failed.
    TRY(const ContainerRow container, find_container(session, place, now));
    TRY(const std::optional<BlobRow> row, find_blob(session, container.id, place.blob, now));
    if (!row) return fail(Fault::blob_not_found);
    TRY_OK(check_blob_write(row, conditions, now));
    TRY(dropped, drop_parts(session, row->id, now));
    TRY_OK(drop_blocks(session, container.id, place.blob, now));
    TRY(store::Statement * erase, session.statement("DELETE FROM blobs WHERE id=?1"));
    TRY_OK(erase->bind(1, row->id).run());
    return spare_used(session, now, &dropped);
  }));
  remove_files(dropped);
  return {};
}

void Storage::remove_files(const std::vector<std::string>& ids) const {
  for (const std::string& id : ids) files_->remove(id);
}

Result<BlobInfo> Storage::copy_blob(const Place& from, const Place& to, const CopyOptions& options,
                                    const Conditions& conditions) {
  const TimeMs now = clock_.now_ms();
  BlobRow row;
  ContentIds dropped;
  TRY_OK(index_->write([&](Session& session) -> Result<void> {
    dropped.clear();  // An earlier try may have failed.
    TRY(const ContainerRow source_container, find_container(session, from, now));
    TRY(const std::optional<BlobRow> source,
        find_blob(session, source_container.id, from.blob, now));
    if (!source) return fail(Fault::cannot_verify_copy_source);
    TRY_OK(check_conditions(options.source, source->info.etag, source->info.modified_ms,
                            Intent::write));
    TRY_OK(check_read_lease(source->lease, options.source.lease_id, LeaseOf::blob, now));
    TRY(const ContainerRow container, find_container(session, to, now));
    TRY(std::optional<BlobRow> old, find_blob(session, container.id, to.blob, now));
    TRY_OK(check_blob_write(old, conditions, now));
    const bool onto_itself = old && old->id == source->id;
    if (old && !onto_itself) {
      TRY(dropped, drop_parts(session, old->id, now));
    }
    TRY_OK(drop_blocks(session, container.id, to.blob, now));
    row = replaced(std::move(old), container.id, to.blob, now);
    row.info.bytes = source->info.bytes;
    row.info.headers = source->info.headers;
    row.info.metadata = options.metadata.value_or(source->info.metadata);
    row.info.copy_id = new_guid();
    row.info.copy_source = options.source_url;
    row.info.copied_ms = now;
    TRY_OK(save(session, row, now));
    if (!onto_itself) {
      TRY(store::Statement * parts,
          session.statement("INSERT INTO parts SELECT ?2, ordinal, content, bytes, crc64, block"
                            " FROM parts WHERE blob=?1"));
      TRY_OK(parts->bind(1, source->id).bind(2, row.id).run());
    }
    return spare_used(session, now, &dropped);
  }));
  remove_files(dropped);
  return row.info;
}

Result<BlobInfo> Storage::change_blob(const Place& place, const Conditions& conditions,
                                      const std::function<void(BlobInfo&)>& change) {
  const TimeMs now = clock_.now_ms();
  BlobRow row;
  TRY_OK(index_->write([&](Session& session) -> Result<void> {
    TRY(const ContainerRow container, find_container(session, place, now));
    TRY(std::optional<BlobRow> old, find_blob(session, container.id, place.blob, now));
    if (!old) return fail(Fault::blob_not_found);
    TRY_OK(check_blob_write(old, conditions, now));
    row = *std::move(old);
    change(row.info);
    row.etag = next_etag(row.etag, now);
    row.info.modified_ms = now;
    forget_ended(row.lease, now);
    return save(session, row, now);
  }));
  return row.info;
}

Result<BlobInfo> Storage::set_headers(const Place& place, const ContentHeaders& headers,
                                      const Conditions& conditions) {
  return change_blob(place, conditions, [&](BlobInfo& info) { info.headers = headers; });
}

Result<BlobInfo> Storage::set_metadata(const Place& place, const Metadata& metadata,
                                       const Conditions& conditions) {
  return change_blob(place, conditions, [&](BlobInfo& info) { info.metadata = metadata; });
}

Result<LeaseAnswer> Storage::lease_blob(const Place& place, const LeaseRequest& request,
                                        const Conditions& conditions) {
  const TimeMs now = clock_.now_ms();
  LeaseAnswer answer;
  TRY_OK(index_->write([&](Session& session) -> Result<void> {
    TRY(const ContainerRow container, find_container(session, place, now));
    TRY(std::optional<BlobRow> row, find_blob(session, container.id, place.blob, now));
    if (!row) return fail(Fault::blob_not_found);
    TRY_OK(check_conditions(conditions, row->info.etag, row->info.modified_ms, Intent::write));
    TRY(answer, apply(row->lease, request, now));
    TRY_OK(save(session, *row, now));
    answer.etag = row->info.etag;
    answer.modified_ms = row->info.modified_ms;
    return {};
  }));
  return answer;
}

Result<std::size_t> Storage::collect_garbage(Pressure pressure) {
  const TimeMs now = clock_.now_ms();
  TRY_OK(forget_old_uploads(now));
  const auto used = [this](std::string_view id) -> Result<bool> {
    return index_->read([&](Session& session) -> Result<bool> {
      TRY(store::Statement * find,
          session.statement("SELECT 1 FROM parts WHERE content=?1 UNION ALL"
                            " SELECT 1 FROM blocks WHERE content=?1 LIMIT 1"));
      return find->bind(1, id).step();
    });
  };
  TRY(std::size_t gone, files_->sweep(used));
  const TimeMs until = pressure == Pressure::disk_full ? now + 1 : now - options_.garbage_age_ms;
  for (;;) {
    std::vector<std::string> ids;
    TRY_OK(index_->read([&](Session& session) -> Result<void> {
      TRY(store::Statement * old,
          session.statement("SELECT content FROM garbage WHERE since<?1 LIMIT ?2"));
      old->bind(1, std::uint64_t(until)).bind(2, kGarbageBatch);
      for (;;) {
        TRY(const bool more, old->step());
        if (!more) return {};
        ids.push_back(old->text(0));
      }
    }));
    if (ids.empty()) return gone;
    // The files go first: a crash in between leaves rows, which the next collection sees again.
    for (const std::string& id : ids) files_->remove(id);
    gone += ids.size();
    TRY_OK(index_->write([&](Session& session) -> Result<void> {
      TRY(store::Statement * erase, session.statement("DELETE FROM garbage WHERE content=?1"));
      for (const std::string& id : ids) {
        TRY_OK(erase->bind(1, id).run());
      }
      return {};
    }));
  }
}

}  // namespace mlgate::blob
