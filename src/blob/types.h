#pragma once
// The nouns of blob storage: where a blob is, what is known of it, and under which conditions it
// may be touched.
#include "base/time.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mlgate::blob {

// The longest body of Put Blob and Put Block, and the most blocks of a blob.
inline constexpr std::uint64_t kBlobBytesMax = std::uint64_t{5000} << 20;
inline constexpr std::uint64_t kBlockBytesMax = std::uint64_t{4000} << 20;
inline constexpr std::size_t kBlocksMax = 50'000;
inline constexpr std::size_t kUncommittedBlocksMax = 100'000;
inline constexpr std::size_t kBlobNameBytesMax = 1'024;
inline constexpr std::size_t kMetadataBytesMax = 8 * 1024;

// Names as people see them: percent-decoded.
struct Place {
  std::string account;
  std::string container;
  std::string blob;  // Empty: the container itself.
};

// Pairs in order of arrival; names are kept as sent and compared without case.
using Metadata = std::vector<std::pair<std::string, std::string>>;

// What the caller demands of the state that it meets. ETags with their quotes, or "*".
struct Conditions {
  std::string if_match;
  std::string if_none_match;
  std::optional<TimeMs> if_modified_since;
  std::optional<TimeMs> if_unmodified_since;
  std::string lease_id;

  bool any_but_lease() const noexcept {
    return !if_match.empty() || !if_none_match.empty() || if_modified_since || if_unmodified_since;
  }
};

enum class LeaseState : unsigned char { available, leased, expired, breaking, broken };
struct LeaseStatus {
  LeaseState state = LeaseState::available;
  bool infinite = false;  // While leased.
  bool locked() const noexcept {
    return state == LeaseState::leased || state == LeaseState::breaking;
  }
};

struct ContentHeaders {
  std::string type, encoding, language, disposition, cache_control;
  std::string md5;  // Base64; empty when none was given.
};

struct BlobInfo {
  std::string name;
  std::string etag;  // With its quotes.
  TimeMs created_ms = 0;
  TimeMs modified_ms = 0;
  std::uint64_t bytes = 0;
  ContentHeaders headers;
  Metadata metadata;
  LeaseStatus lease;
  // Of the last Copy Blob to here; empty when there was none.
  std::string copy_id, copy_source;
  TimeMs copied_ms = 0;
};

enum class PublicAccess : unsigned char { none, blob, container };

// A stored access policy of a container; times are empty or as given.
struct AccessPolicy {
  std::string id, start, expiry, permissions;
};

struct ContainerInfo {
  std::string name;
  std::string etag;
  TimeMs modified_ms = 0;
  Metadata metadata;
  LeaseStatus lease;
  PublicAccess access = PublicAccess::none;
  std::vector<AccessPolicy> policies;
};

struct BlockInfo {
  std::string id;  // Base64, as the caller names it.
  std::uint64_t bytes = 0;
};
struct BlockLists {
  std::vector<BlockInfo> committed;    // In order.
  std::vector<BlockInfo> uncommitted;  // By id.
  std::optional<BlobInfo> blob;        // nullopt: only uncommitted blocks are there.
};
// An entry of Put Block List, and where it is looked for.
struct BlockRef {
  enum class From : unsigned char { committed, uncommitted, latest };
  From from = From::latest;
  std::string id;
};

struct LeaseRequest {
  enum class Action : unsigned char { acquire, renew, change, release, break_lease };
  Action action = Action::acquire;
  std::string id;                       // The lease that is acted on; not for acquire.
  std::string proposed_id;              // Acquire (optional) and change.
  std::int64_t duration_s = -1;         // Acquire: 15 to 60, or -1 for ever.
  std::optional<std::int64_t> break_s;  // Break: 0 to 60.
};
struct LeaseAnswer {
  std::string id;
  std::int64_t break_left_s = 0;
  std::string etag;
  TimeMs modified_ms = 0;
};

struct ListQuery {
  std::string prefix, delimiter;
  std::string marker;  // As an earlier page gave it; empty: from the start.
  std::size_t max_results = 5'000;
  bool uncommitted = false;  // Blobs that have only uncommitted blocks, too.
};
struct BlobPage {
  // In order of the name; those with `prefix` stand for all names that begin so.
  struct Item {
    std::string prefix;
    BlobInfo blob;
  };
  std::vector<Item> items;
  std::string next_marker;  // Empty: the last page.
};
struct ContainerPage {
  std::vector<ContainerInfo> items;
  std::string next_marker;
};

}  // namespace mlgate::blob
