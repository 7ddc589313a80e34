#pragma once
// The part of the rollups that lies on disk: journals of the last minute, and the blocks made of
// them. A block names the journal that it was made of; as long as a journal is there it is read
// again at the next start, and the blocks made of it do not count. So a crash at any point loses
// nothing that was saved and counts nothing twice.
#include "analytics/block_files_internal.h"
#include "analytics/rollups.h"

#include <filesystem>
#include <shared_mutex>

namespace mlgate::analytics {

class UsageRollups::Disk {
 public:
  explicit Disk(UsageRollups& rollups) : rollups_(rollups), files_(rollups.options_.folder) {}
  ~Disk();
  Result<void> open();
  void save(TimeMs now_ms);
  void visit(const UsageQuestion& question, const UsageVisitor& visitor) const;

 private:
  std::filesystem::path journal(std::uint64_t generation) const;
  Result<void> lock_folder();
  Result<std::uint64_t> first_journal() const;
  Result<void> read_journal(const std::filesystem::path& path);
  Result<void> read_names();
  void save_names();
  void save_fresh();
  void seal(TimeMs now_ms);
  Result<void> make_blocks(const Minutes& minutes, TimeMs now_ms);
  Result<void> append(Level level, TimeMs start_ms, BlockWriter& block);
  Result<void> merge(Level from, Level to, TimeMs start_ms);
  Result<void> merge_due(Level from, Level to, TimeMs now_ms);
  void forget_old(TimeMs now_ms);
  void forget(const UsageFile& file);
  void count_bytes();
  void failed(const Error& error);

  UsageRollups& rollups_;
  BlockFiles files_;
  BlockIndex working_;    // The saving thread's.
  BlockIndex published_;  // Under the lock of the rollups.
  std::vector<BlockRef> added_;
  std::uint64_t generation_ = 1;  // Of the journal that is written.
  TimeMs sealed_ms_ = 0, failed_ms_ = 0;
  std::uint64_t names_bytes_ = 0;
  int lock_ = -1;
  mutable std::shared_mutex reading_;  // Held shared while blocks are read: no file goes meanwhile.
};

}  // namespace mlgate::analytics
