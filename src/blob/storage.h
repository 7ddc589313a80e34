#pragma once
// The embedded blob store: content in files, everything else in an index (SQLite), both below one
// folder that several processes may share. The endpoint serves it over HTTP; batch jobs of the same
// program use it directly, after the same checks (access.h).
//
// All calls block and are meant for the threads of a pool; any number at once. What is acknowledged
// is on disk. Errors carry storage codes (fault.h); Errc::exhausted with InsufficientStorage means
// a full disk, and nothing acknowledged is lost by it.
//
// Content never changes once written: a blob is a list of content files, so a reader that has
// opened a blob goes on reading what it opened, whatever happens to the name meanwhile.
#include "base/result.h"
#include "base/time.h"
#include "blob/types.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::blob {

class Index;
class Files;

// Bytes on their way into the store: a temporary file that goes away with this object unless a call
// of Storage takes it. One thread at a time.
class Content {
 public:
  Content() = default;
  Content(Content&& other) noexcept;
  Content& operator=(Content&& other) noexcept;
  ~Content();

  Result<void> append(std::string_view bytes);
  std::uint64_t bytes() const noexcept { return bytes_; }
  std::uint64_t crc64() const noexcept { return crc64_; }

 private:
  friend class Files;
  friend class Storage;
  void drop() noexcept;
  std::string path_, kept_path_, id_;
  int descriptor_ = -1;
  std::uint64_t bytes_ = 0, crc64_ = 0;
};

// An opened blob. read() is const and may be called from several threads at once.
class BlobReader {
 public:
  BlobReader() = default;
  const BlobInfo& info() const noexcept { return info_; }
  std::uint64_t bytes() const noexcept { return info_.bytes; }
  // Fills `into` from `offset` on; fewer bytes only at the end of the blob.
  Result<std::size_t> read(std::uint64_t offset, std::span<char> into) const;
  // The part of one file that holds the bytes from `offset` on, for sendfile: descriptor, where in
  // it, and how many bytes follow there.
  struct Extent {
    std::shared_ptr<const int> descriptor;
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;
  };
  Result<Extent> extent(std::uint64_t offset) const;

 private:
  friend class Storage;
  struct Part {
    std::uint64_t begin = 0, bytes = 0;
    std::shared_ptr<const int> descriptor;
    std::string path;
  };
  std::size_t part_at(std::uint64_t offset) const;
  BlobInfo info_;
  std::vector<Part> parts_;
};

struct PutOptions {
  ContentHeaders headers;
  Metadata metadata;
};

struct CopyOptions {
  Conditions source;
  std::optional<Metadata> metadata;  // nullopt: the source's.
  std::string source_url;            // For the properties of the copy.
};

struct StorageOptions {
  // Written and renamed content is synced before it is acknowledged; off only for measurements.
  bool sync = true;
  std::int64_t uncommitted_age_ms = std::int64_t{7} * 24 * 3600 * 1000;
  // How long replaced content stays when it has so many parts that readers open them one by one;
  // other content goes at once, and readers keep what they have open.
  std::int64_t garbage_age_ms = 60'000;
};

class Storage {
 public:
  // Makes or opens `folder`.
  static Result<std::unique_ptr<Storage>> open(const std::filesystem::path& folder,
                                               const Clock& clock, StorageOptions options = {});
  ~Storage();

  // Blobs. `place.blob` is set in all of them.
  Result<Content> new_content();
  Result<BlobInfo> put_blob(const Place& place, Content content, const PutOptions& options,
                            const Conditions& conditions);
  // Stages a block; it counts once put_block_list names it. An empty `lease_id` on a leased blob
  // is refused.
  Result<void> put_block(const Place& place, std::string_view block_id, Content content,
                         std::string_view lease_id);
  Result<BlobInfo> put_block_list(const Place& place, const std::vector<BlockRef>& blocks,
                                  const PutOptions& options, const Conditions& conditions);
  // Drops uncommitted blocks whose ids (base64) `matches` picks: of a job that will not commit
  // them.
  Result<void> discard_blocks(const Place& place,
                              const std::function<bool(std::string_view id)>& matches);
  Result<BlockLists> block_lists(const Place& place, std::string_view lease_id);
  // NotModified and ConditionNotMet as conditions say.
  Result<BlobReader> open_blob(const Place& place, const Conditions& conditions);
  Result<BlobInfo> blob(const Place& place, const Conditions& conditions);
  Result<void> delete_blob(const Place& place, const Conditions& conditions);
  // Within the account, at once; shares the content.
  Result<BlobInfo> copy_blob(const Place& from, const Place& to, const CopyOptions& options,
                             const Conditions& conditions);
  Result<BlobInfo> set_headers(const Place& place, const ContentHeaders& headers,
                               const Conditions& conditions);
  Result<BlobInfo> set_metadata(const Place& place, const Metadata& metadata,
                                const Conditions& conditions);
  Result<LeaseAnswer> lease_blob(const Place& place, const LeaseRequest& request,
                                 const Conditions& conditions);
  Result<BlobPage> list_blobs(const Place& container, const ListQuery& query);
  // Would a write to the blob find its container, and would the lease let it? For refusing a body
  // before it comes.
  Result<void> check_write(const Place& place, const Conditions& conditions);

  // Containers.
  Result<ContainerInfo> create_container(const Place& place, const Metadata& metadata,
                                         PublicAccess access);
  Result<void> delete_container(const Place& place, const Conditions& conditions);
  Result<ContainerInfo> container(const Place& place, std::string_view lease_id);
  Result<ContainerInfo> set_container_metadata(const Place& place, const Metadata& metadata,
                                               const Conditions& conditions);
  Result<ContainerInfo> set_container_access(const Place& place, PublicAccess access,
                                             const std::vector<AccessPolicy>& policies,
                                             const Conditions& conditions);
  Result<LeaseAnswer> lease_container(const Place& place, const LeaseRequest& request,
                                      const Conditions& conditions);
  Result<ContainerPage> list_containers(std::string_view account, const ListQuery& query);

  // Service properties as the XML that was set; empty when none were.
  Result<std::string> service_properties(std::string_view account);
  Result<void> set_service_properties(std::string_view account, std::string_view xml);
  // Reads all that was committed and compares it with the checksums that it came with. `damaged`
  // hears of each file that is not what it was; how many bytes were read.
  struct Damage {
    Place place;
    std::string what;
  };
  Result<std::uint64_t> verify(const std::function<void(const Damage&)>& damaged);
  // Removes everything that the account has.
  Result<void> remove_account(std::string_view account);

  // Removes uncommitted blocks by age, content that nothing refers to, and what processes that
  // have died left behind. At start and every now and then; how many files went. On a full disk,
  // replaced content goes at once.
  enum class Pressure : unsigned char { none, disk_full };
  Result<std::size_t> collect_garbage(Pressure pressure = Pressure::none);

 private:
  Storage(const Clock& clock, StorageOptions options);
  Result<BlobReader> open_parts(const Place& place, const Conditions& conditions);
  void remove_files(const std::vector<std::string>& ids) const;
  Result<BlobInfo> change_blob(const Place& place, const Conditions& conditions,
                               const std::function<void(BlobInfo&)>& change);
  Result<ContainerInfo> change_container(const Place& place, const Conditions& conditions,
                                         const std::function<void(ContainerInfo&)>& change);
  Result<void> forget_old_uploads(TimeMs now);
  const Clock& clock_;
  StorageOptions options_;
  std::unique_ptr<Files> files_;
  std::unique_ptr<Index> index_;
};

}  // namespace mlgate::blob
