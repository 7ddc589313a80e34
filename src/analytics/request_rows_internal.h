#pragma once
// How rows of the request log lie in batches, in the tail and in blocks.
#include "analytics/request_log.h"
#include "analytics/rollup_format_internal.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::analytics {

struct RequestBatch {
  std::uint64_t first = 0;  // Number of its first row.
  std::vector<UsageKey> keys;
  std::vector<std::uint32_t> calls;  // Of each key.
  std::vector<std::uint16_t> slots;  // Hashed places in `keys`; a power of two of them.
  std::vector<std::uint16_t> which;
  std::vector<TimeMs> times;
  std::vector<std::uint32_t> ends;  // Of each row in `rows`.
  std::string rows;
  std::size_t saved = 0;  // Rows that are in the tail.
  bool lent = false;      // A reader may have it for as long as it likes: it is not used again.

  // Adds a row and what the rest says of it.
  void add(const UsageRecord& record, AddressDetail addresses);
  // The row itself was appended to `rows` before.
  void note(const UsageKey& key, TimeMs time);
  bool is_full(std::size_t rows_max) const noexcept;
  std::string_view row(std::size_t i) const noexcept;
  std::uint16_t place_of(const UsageKey& key);
  // As new, but for the memory that it has.
  void begin_again(std::uint64_t first_row);
};

// Takes a row off the front; nothing when there is none.
std::optional<RequestRow> read_row(ByteReader& in);

// In front of a block: what it is about, and the sizes of its parts: the keys with the calls of
// each, which row is whose and when (compressed), and the rows (compressed).
struct RequestBlockHead {
  static constexpr std::size_t kBytes = 80;
  std::uint64_t first = 0;
  std::uint32_t rows = 0, keys = 0;
  TimeMs time_min = 0, time_max = 0;
  std::uint32_t keys_bytes = 0, index_bytes = 0, rows_bytes = 0, rows_raw_bytes = 0;
  std::uint64_t checksum = 0;  // Of the keys; the others bear their own.

  std::uint64_t body_bytes() const noexcept {
    return std::uint64_t{keys_bytes} + index_bytes + rows_bytes;
  }
  std::string encode() const;
  static std::optional<RequestBlockHead> decode(std::string_view bytes) noexcept;
};

// Makes blocks; keeps its memory from one to the next. Thread: one.
class BatchPacker {
 public:
  BatchPacker();
  ~BatchPacker();
  // A block, its head in front; valid until the next one is made.
  std::string_view pack(const RequestBatch& batch);

 private:
  // Appends `raw`, compressed and with a checksum of its own; how many bytes it became.
  std::uint32_t append_compressed(std::string_view raw);
  struct Context;
  std::unique_ptr<Context> context_;
  std::string index_, block_;
};

struct KeyCalls {
  UsageKey key;
  std::uint64_t calls = 0;
};
std::vector<KeyCalls> read_keys(std::string_view part, std::uint32_t count);
struct RowIndex {
  std::vector<std::uint16_t> which;
  std::vector<TimeMs> times;
};
Result<RowIndex> unpack_index(std::string_view part, const RequestBlockHead& head);
Result<std::string> unpack_rows(std::string_view part, const RequestBlockHead& head);

}  // namespace mlgate::analytics
