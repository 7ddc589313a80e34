#pragma once
// The files of counted usage: blocks of cells, each of one minute, quarter or day, appended and
// never changed. A piece of time may have several blocks, which add up. Files are named by level
// and time, so that forgetting is removing a file; what a crash cut off or left half-done is
// removed when the files are opened.
#include "analytics/rollup_format_internal.h"
#include "base/result.h"

#include <array>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace mlgate::analytics {

struct UsageFile {
  std::filesystem::path path;
  Level level = Level::minute;
  TimeMs start_ms = 0;
};

struct BlockRef {
  std::shared_ptr<const UsageFile> file;
  TimeMs start_ms = 0;       // Of the minute, quarter or day.
  std::uint64_t offset = 0;  // Of the body.
  std::uint32_t totals_bytes = 0, cells_bytes = 0;
  std::uint64_t checksum = 0;
};

// What a reader takes of a block.
enum class Part : unsigned char { totals, cells };

// Which blocks there are.
class BlockIndex {
 public:
  using Blocks = std::map<TimeMs, std::vector<BlockRef>>;
  void add(BlockRef block) {
    levels_[std::size_t(block.file->level)][block.start_ms].push_back(std::move(block));
  }
  const Blocks& level(Level level) const noexcept { return levels_[std::size_t(level)]; }
  bool has(Level level, TimeMs start_ms) const { return this->level(level).contains(start_ms); }
  // Forgets the blocks of that file.
  void forget(const UsageFile& file);

  // The fewest blocks that hold each call of `from <= time < to` once: days and quarters where they
  // lie inside, finer ones at the ends as far as they are kept. With a step, no block reaches over
  // a multiple of it, unless there is no finer one.
  std::vector<BlockRef> cover(TimeMs from_ms, TimeMs to_ms, TimeMs step_ms) const;

 private:
  struct Period {
    TimeMs from_ms, to_ms;
    bool holds(TimeMs start, TimeMs length) const noexcept {
      return from_ms <= start && to_ms - start >= length;
    }
  };
  bool has_any(Level level, TimeMs start, TimeMs length) const;
  void take(Level level, TimeMs start, std::vector<BlockRef>& out) const;
  void cover_day(TimeMs day, const Period& period, TimeMs step, std::vector<BlockRef>& out) const;
  void cover_quarter(TimeMs quarter, const Period& period, std::vector<BlockRef>& out) const;
  std::array<Blocks, 3> levels_;
};

// Reads blocks; keeps the file of the last one open. Thread: one.
class BlockReader {
 public:
  BlockReader() = default;
  BlockReader(const BlockReader&) = delete;
  ~BlockReader();
  // The cells of a block; an error when they are damaged.
  Result<std::string> read(const BlockRef& block, Part part);

 private:
  std::shared_ptr<const UsageFile> file_;
  int fd_ = -1;
};

// Writes them. Thread: one at a time.
class BlockFiles {
 public:
  explicit BlockFiles(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // Blocks that were made of a journal from `journal_min` on are removed: it will be read again.
  Result<BlockIndex> open(std::uint64_t journal_min);
  // `bytes` are a head and its body.
  Result<BlockRef> append(const std::string& bytes);
  // What was appended since the last commit is on disk; or taken back.
  Result<void> commit();
  void roll_back() noexcept;
  // Every file with the bytes that it has.
  const std::map<std::filesystem::path, std::uint64_t>& sizes() const noexcept { return sizes_; }
  void remove(const UsageFile& file) noexcept;

  static TimeMs file_length(Level level) noexcept;

 private:
  Result<void> scan(const std::filesystem::path& path, std::uint64_t journal_min, BlockIndex& out);
  std::shared_ptr<const UsageFile> file_of(const BlockHead& head) const;

  std::filesystem::path folder_;
  std::map<std::filesystem::path, std::uint64_t> sizes_;
  std::map<std::filesystem::path, std::uint64_t> before_;  // Of files appended to, since commit.
};

}  // namespace mlgate::analytics
