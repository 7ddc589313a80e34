#pragma once
// Rows of the index as values, and the steps that several calls of the store have in common. All
// run inside a read or write of Index.
#include "base/result.h"
#include "blob/index.h"
#include "blob/lease.h"
#include "blob/types.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mlgate::blob {

struct ContainerRow {
  std::uint64_t id = 0;
  std::uint64_t etag = 0;
  ContainerInfo info;
  Lease lease;
};

struct BlobRow {
  std::uint64_t id = 0;
  std::uint64_t container = 0;
  std::uint64_t etag = 0;
  BlobInfo info;
  Lease lease;
};

std::string etag_text(std::uint64_t etag);
// Larger than `old`, and unlike that of anything else that ever had the name.
std::uint64_t next_etag(std::uint64_t old, TimeMs now);

// ContainerNotFound when it is not there. `now` decides what its lease is worth.
Result<ContainerRow> find_container(Session& session, const Place& place, TimeMs now);
Result<void> save(Session& session, ContainerRow& row, TimeMs now);
Result<std::optional<BlobRow>> find_blob(Session& session, std::uint64_t container,
                                         std::string_view name, TimeMs now);
// Inserts (id 0) or updates; the info's times, etag and lease are brought up to date.
Result<void> save(Session& session, BlobRow& row, TimeMs now);
// What the two functions below read, from the first column on.
#define MLGATE_BLOB_COLUMNS                                                            \
  "id, container, name, etag, created, modified, bytes, headers, metadata, lease_id, " \
  "lease_duration, lease_expires, lease_breaks, copy_id, copy_source, copied"
#define MLGATE_CONTAINER_COLUMNS                                                     \
  "id, name, etag, modified, metadata, access, policies, lease_id, lease_duration, " \
  "lease_expires, lease_breaks"
BlobRow blob_row(const store::Statement& row, TimeMs now);
ContainerRow container_row(const store::Statement& row, TimeMs now);

enum class Intent : unsigned char { read, write };
// BlobNotFound and the like are the caller's; `etag` is empty for what does not exist.
Result<void> check_conditions(const Conditions& conditions, std::string_view etag,
                              TimeMs modified_ms, Intent intent);

// Both, and the lease, for a write to a blob that may not be there yet.
Result<void> check_blob_write(const std::optional<BlobRow>& row, const Conditions& conditions,
                              TimeMs now);
// The row that a write of new content leaves behind.
BlobRow replaced(std::optional<BlobRow> old, std::uint64_t container, const std::string& name,
                 TimeMs now);

// Readers open that many parts at once and keep them; of blobs with more, one by one.
inline constexpr std::size_t kOpenPartsMax = 64;
using ContentIds = std::vector<std::string>;

// Marks what the blob, and its uncommitted blocks, hold as garbage and forgets it. The parts that
// no reader may still have to open are the result: their files can go at once.
Result<ContentIds> drop_parts(Session& session, std::uint64_t blob, TimeMs now);
Result<void> drop_blocks(Session& session, std::uint64_t container, std::string_view name,
                         TimeMs now);
// Takes back the mark from what is in use after all, and leaves of `dropped` what is not.
Result<void> spare_used(Session& session, TimeMs now, ContentIds* dropped = nullptr);

std::string encode(const Metadata& metadata);
std::string encode(const ContentHeaders& headers);
std::string encode(const std::vector<AccessPolicy>& policies);

}  // namespace mlgate::blob
