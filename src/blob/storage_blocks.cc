// Blocks: staged one by one, committed as a list.
#include "base/crypto.h"
#include "blob/fault.h"
#include "blob/files.h"
#include "blob/index.h"
#include "blob/rows_internal.h"
#include "blob/storage.h"

#include <unordered_map>

namespace mlgate::blob {
namespace {

constexpr std::size_t kBlockIdBytesMax = 64;  // Decoded.
constexpr std::uint64_t kUploadsForgottenAtOnce = 100;

struct Stored {
  std::string content;
  std::uint64_t bytes = 0, crc64 = 0;
};

Result<void> check_block_id(std::string_view id) {
  const auto raw = base64_decode(id);
  if (!raw || raw->empty() || raw->size() > kBlockIdBytesMax) return fail(Fault::invalid_block_id);
  return {};
}

struct Upload {
  std::uint64_t count = 0, id_bytes = 0;
};

Result<Upload> find_upload(Session& session, std::uint64_t container, std::string_view name) {
  TRY(store::Statement * find, session.statement("SELECT count, id_bytes FROM uploads WHERE"
                                                 " container=?1 AND name=?2"));
  TRY(const bool found, find->bind(1, container).bind(2, name).step());
  const Upload upload = found ? Upload{find->number(0), find->number(1)} : Upload();
  find->reset();
  return upload;
}

// Puts the block in, and marks the content that it replaces.
Result<void> stage(Session& session, std::uint64_t container, const Place& place,
                   std::string_view block, const Stored& stored, TimeMs now) {
  TRY(const Upload upload, find_upload(session, container, place.blob));
  if (upload.count != 0 && upload.id_bytes != block.size())
    return fail(Fault::invalid_blob_or_block,
                "The block ID differs in length from those of the blob's other blocks.");
  TRY(store::Statement * mark,
      session.statement("INSERT OR IGNORE INTO garbage SELECT content, ?4 FROM blocks WHERE"
                        " container=?1 AND name=?2 AND block=?3 RETURNING content"));
  TRY(const bool replaces, mark->bind(1, container)
                               .bind(2, place.blob)
                               .bind(3, block)
                               .bind(4, std::uint64_t(now))
                               .step());
  mark->reset();
  if (!replaces && upload.count >= kUncommittedBlocksMax)
    return fail(Fault::block_count_exceeds_limit);
  TRY(store::Statement * put,
      session.statement("INSERT OR REPLACE INTO blocks VALUES(?1,?2,?3,?4,?5,?6)"));
  TRY_OK(put->bind(1, container)
             .bind(2, place.blob)
             .bind(3, block)
             .bind(4, stored.content)
             .bind(5, stored.bytes)
             .bind(6, stored.crc64)
             .run());
  TRY(store::Statement * count,
      session.statement("INSERT OR REPLACE INTO uploads VALUES(?1,?2,?3,?4,?5)"));
  return count->bind(1, container)
      .bind(2, place.blob)
      .bind(3, upload.count + (replaces ? 0 : 1))
      .bind(4, std::uint64_t(block.size()))
      .bind(5, std::uint64_t(now))
      .run();
}

// The uncommitted blocks of a blob, by id.
Result<std::unordered_map<std::string, Stored>> uncommitted(Session& session,
                                                            std::uint64_t container,
                                                            std::string_view name) {
  std::unordered_map<std::string, Stored> blocks;
  TRY(store::Statement * rows,
      session.statement("SELECT block, content, bytes, crc64 FROM blocks WHERE container=?1 AND"
                        " name=?2"));
  rows->bind(1, container).bind(2, name);
  for (;;) {
    TRY(const bool more, rows->step());
    if (!more) return blocks;
    blocks[rows->text(0)] = {rows->text(1), rows->number(2), rows->number(3)};
  }
}

Result<std::unordered_map<std::string, Stored>> committed(Session& session, std::uint64_t blob) {
  std::unordered_map<std::string, Stored> blocks;
  TRY(store::Statement * rows,
      session.statement("SELECT block, content, bytes, crc64 FROM parts WHERE blob=?1"));
  rows->bind(1, blob);
  for (;;) {
    TRY(const bool more, rows->step());
    if (!more) return blocks;
    if (std::string id = rows->text(0); !id.empty())
      blocks[std::move(id)] = {rows->text(1), rows->number(2), rows->number(3)};
  }
}

using Blocks = std::unordered_map<std::string, Stored>;

Result<std::vector<const Stored*>> resolve(const std::vector<BlockRef>& wanted, const Blocks& fresh,
                                           const Blocks& old) {
  std::vector<const Stored*> found;
  found.reserve(wanted.size());
  for (const BlockRef& ref : wanted) {
    const Stored* stored = nullptr;
    if (ref.from != BlockRef::From::committed)
      if (const auto at = fresh.find(ref.id); at != fresh.end()) stored = &at->second;
    if (!stored && ref.from != BlockRef::From::uncommitted)
      if (const auto at = old.find(ref.id); at != old.end()) stored = &at->second;
    if (!stored) return fail(Fault::invalid_block_list);
    found.push_back(stored);
  }
  return found;
}

Result<std::uint64_t> insert_parts(Session& session, std::uint64_t blob,
                                   const std::vector<BlockRef>& blocks,
                                   const std::vector<const Stored*>& stored) {
  TRY(store::Statement * put, session.statement("INSERT INTO parts VALUES(?1,?2,?3,?4,?5,?6)"));
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < stored.size(); ++i) {
    TRY_OK(put->bind(1, blob)
               .bind(2, std::uint64_t(i))
               .bind(3, stored[i]->content)
               .bind(4, stored[i]->bytes)
               .bind(5, stored[i]->crc64)
               .bind(6, blocks[i].id)
               .run());
    bytes += stored[i]->bytes;
  }
  return bytes;
}

}  // namespace

Result<void> Storage::put_block(const Place& place, std::string_view block_id, Content content,
                                std::string_view lease_id) {
  const TimeMs now = clock_.now_ms();
  TRY_OK(check_block_id(block_id));
  if (content.bytes() == 0)
    return fail(Fault::invalid_header_value, "A block has at least one byte.");
  TRY_OK(files_->keep(content));
  const Stored stored{content.id_, content.bytes(), content.crc64()};
  TRY_OK(index_->write([&](Session& session) -> Result<void> {
    TRY(const ContainerRow container, find_container(session, place, now));
    TRY(const std::optional<BlobRow> blob, find_blob(session, container.id, place.blob, now));
    if (blob) {
      TRY_OK(check_write_lease(blob->lease, lease_id, LeaseOf::blob, now));
    } else if (!lease_id.empty()) {
      return fail(Fault::lease_not_present_with_blob_operation);
    }
    return stage(session, container.id, place, block_id, stored, now);
  }));
  files_->settle(content);
  return {};
}

Result<BlobInfo> Storage::put_block_list(const Place& place, const std::vector<BlockRef>& blocks,
                                         const PutOptions& options, const Conditions& conditions) {
  if (blocks.size() > kBlocksMax)
    return fail(Fault::invalid_block_list, "A blob has at most 50,000 blocks.");
  const TimeMs now = clock_.now_ms();
  BlobRow row;
  ContentIds dropped;
  TRY_OK(index_->write([&](Session& session) -> Result<void> {
    dropped.clear();  // An earlier try may have failed.
    TRY(const ContainerRow container, find_container(session, place, now));
    TRY(std::optional<BlobRow> old, find_blob(session, container.id, place.blob, now));
    TRY_OK(check_blob_write(old, conditions, now));
    TRY(const Blocks fresh, uncommitted(session, container.id, place.blob));
    Blocks before;
    if (old) {
      TRY(before, committed(session, old->id));
    }
    TRY(const std::vector<const Stored*> stored, resolve(blocks, fresh, before));
    if (old) {
      TRY(dropped, drop_parts(session, old->id, now));
    }
    TRY_OK(drop_blocks(session, container.id, place.blob, now));
    row = replaced(std::move(old), container.id, place.blob, now);
    row.info.headers = options.headers;
    row.info.metadata = options.metadata;
    row.info.bytes = 0;
    for (const Stored* one : stored) row.info.bytes += one->bytes;
    TRY_OK(save(session, row, now));
    TRY_OK(insert_parts(session, row.id, blocks, stored));
    return spare_used(session, now, &dropped);
  }));
  remove_files(dropped);
  return row.info;
}

Result<BlockLists> Storage::block_lists(const Place& place, std::string_view lease_id) {
  const TimeMs now = clock_.now_ms();
  return index_->read([&](Session& session) -> Result<BlockLists> {
    TRY(const ContainerRow container, find_container(session, place, now));
    TRY(const std::optional<BlobRow> row, find_blob(session, container.id, place.blob, now));
    BlockLists lists;
    if (row) {
      TRY_OK(check_read_lease(row->lease, lease_id, LeaseOf::blob, now));
      lists.blob = row->info;
      TRY(store::Statement * parts,
          session.statement("SELECT block, bytes FROM parts WHERE blob=?1 ORDER BY ordinal"));
      parts->bind(1, row->id);
      for (;;) {
        TRY(const bool more, parts->step());
        if (!more) break;
        if (std::string id = parts->text(0); !id.empty())
          lists.committed.push_back({std::move(id), parts->number(1)});
      }
    }
    TRY(store::Statement * blocks,
        session.statement("SELECT block, bytes FROM blocks WHERE container=?1 AND name=?2 ORDER BY"
                          " block"));
    blocks->bind(1, container.id).bind(2, place.blob);
    for (;;) {
      TRY(const bool more, blocks->step());
      if (!more) break;
      lists.uncommitted.push_back({blocks->text(0), blocks->number(1)});
    }
    if (!row && lists.uncommitted.empty()) return fail(Fault::blob_not_found);
    return lists;
  });
}

Result<void> Storage::discard_blocks(const Place& place,
                                     const std::function<bool(std::string_view id)>& matches) {
  const TimeMs now = clock_.now_ms();
  return index_->write([&](Session& session) -> Result<void> {
    const auto container = find_container(session, place, now);
    if (!container && is_fault(container.error(), Fault::container_not_found)) return {};
    if (!container) return std::unexpected(container.error());
    TRY(const Blocks blocks, uncommitted(session, container->id, place.blob));
    Upload upload;
    TRY(upload, find_upload(session, container->id, place.blob));
    TRY(store::Statement * mark, session.statement("INSERT OR IGNORE INTO garbage VALUES(?1,?2)"));
    TRY(store::Statement * erase,
        session.statement("DELETE FROM blocks WHERE container=?1 AND name=?2 AND block=?3"));
    for (const auto& [id, stored] : blocks) {
      if (!matches(id)) continue;
      TRY_OK(mark->bind(1, stored.content).bind(2, std::uint64_t(now)).run());
      TRY_OK(erase->bind(1, container->id).bind(2, place.blob).bind(3, id).run());
      --upload.count;
    }
    TRY(store::Statement * left,
        session.statement(upload.count == 0
                              ? "DELETE FROM uploads WHERE container=?1 AND name=?2"
                              : "UPDATE uploads SET count=?3 WHERE container=?1 AND name=?2"));
    left->bind(1, container->id).bind(2, place.blob);
    if (upload.count != 0) left->bind(3, upload.count);
    TRY_OK(left->run());
    return spare_used(session, now);
  });
}

Result<void> Storage::forget_old_uploads(TimeMs now) {
  const auto until = std::uint64_t(now - options_.uncommitted_age_ms);
  for (;;) {
    std::size_t forgotten = 0;
    TRY_OK(index_->write([&](Session& session) -> Result<void> {
      forgotten = 0;
      std::vector<std::pair<std::uint64_t, std::string>> old;
      TRY(store::Statement * rows,
          session.statement("SELECT container, name FROM uploads WHERE since<?1 LIMIT ?2"));
      rows->bind(1, until).bind(2, kUploadsForgottenAtOnce);
      for (;;) {
        TRY(const bool more, rows->step());
        if (!more) break;
        old.emplace_back(rows->number(0), rows->text(1));
      }
      for (const auto& [container, name] : old) {
        TRY_OK(drop_blocks(session, container, name, now));
      }
      forgotten = old.size();
      return spare_used(session, now);
    }));
    if (forgotten < kUploadsForgottenAtOnce) return {};
  }
}

}  // namespace mlgate::blob
