#pragma once
// How counted usage lies in files: numbers as varints, cells in the order of their keys, and in
// front of each block the sums of each service, so that a report over time alone need not read the
// cells. A cell of one call, of which there are many, takes some twenty bytes.
#include "analytics/counts.h"
#include "base/result.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace mlgate::analytics {

inline void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += char(value | 0x80);
  out += char(value);
}
inline void append_fixed(std::string& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += char(value >> (8 * i) & 0xFF);
}
std::uint64_t fixed_at(std::string_view bytes, std::size_t at, int count) noexcept;

// Reads varints and texts off the front; what runs out of bytes reads zeros and is not good.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) noexcept
      : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}
  std::uint64_t varint() noexcept;
  std::string_view text(std::size_t bytes) noexcept;
  bool good() const noexcept { return good_; }
  bool at_end() const noexcept { return at_ == end_; }
  std::size_t left() const noexcept { return std::size_t(end_ - at_); }

 private:
  const char* at_;
  const char* end_;
  bool good_ = true;
};

using UsageCells = std::map<UsageKey, Usage>;

// Whether somebody wants to know how the times are spread; reading them costs as much as the rest.
enum class Detail : unsigned char { counts, latencies };

void append_cell(std::string& out, const UsageKey& key, const Usage& usage);

// Takes cells off the front of a text.
class CellReader {
 public:
  CellReader(std::string_view bytes, Detail detail) noexcept : in_(bytes), detail_(detail) {}
  // False at the end and at damage.
  bool next();
  const UsageKey& key() const noexcept { return key_; }
  const Usage& usage() const noexcept { return usage_; }
  bool good() const noexcept { return in_.good(); }

 private:
  ByteReader in_;
  Detail detail_;
  UsageKey key_;
  Usage usage_;
};

enum class Level : unsigned char { minute, quarter, day };

// In front of every block in a file.
struct BlockHead {
  static constexpr std::size_t kBytes = 48;
  Level level = Level::minute;
  TimeMs start_ms = 0;
  std::uint64_t generation = 0;  // Of the journal that its calls were in.
  std::uint32_t totals_bytes = 0, cells_bytes = 0;
  std::uint64_t checksum = 0;  // sums_of() both parts.

  std::string encode() const;
  // Nothing when the bytes are no head.
  static std::optional<BlockHead> decode(std::string_view bytes) noexcept;
};

// Makes a block of cells that come in order.
class BlockWriter {
 public:
  void add(const UsageKey& key, const Usage& usage);
  bool empty() const noexcept { return cells_.empty(); }
  // Head and body.
  std::string finish(Level level, TimeMs start_ms, std::uint64_t generation);

 private:
  UsageCells totals_;  // By service.
  std::string cells_;
};

std::uint64_t checksum_of(std::string_view bytes) noexcept;
// 32 bits each, the one of the totals below.
std::uint64_t sums_of(std::string_view totals, std::string_view cells) noexcept;

}  // namespace mlgate::analytics
