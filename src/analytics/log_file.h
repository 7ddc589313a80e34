#pragma once
// A file of lines that grows at its end, for one writer thread. Nothing that happens to it stops
// the program: lines that cannot be written (disk full, file gone bad) are lost and counted, and no
// torn line stays behind. It takes part in both ways of rotating: by itself at a size, and from
// outside, by renaming with a reopen() afterwards or by truncating in place (every write goes to
// the end that the file has then).
#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace mlgate::analytics {

struct LogFileOptions {
  std::string path;
  std::uint64_t bytes_max = 0;  // Begins a new file rather than grow beyond; 0: never.
  int files_kept = 4;           // Older files: path.1 (the newest) … path.N.
};

// Thread: one at a time.
class LogFile {
 public:
  explicit LogFile(LogFileOptions options) : options_(std::move(options)) {}
  LogFile(const LogFile&) = delete;
  ~LogFile();

  // Opens for appending (0640), making the file when there is none. A file that was open before
  // stays open when that fails.
  Result<void> open();
  bool is_open() const noexcept { return fd_ >= 0; }
  // Appends whole lines; how many of them were lost.
  std::uint64_t write(std::string_view lines) noexcept;
  std::uint64_t rotations() const noexcept { return rotations_; }

 private:
  std::uint64_t size() const noexcept;
  void rotate() noexcept;
  // Takes back what came of a line before the disk was full.
  void cut_torn_line(std::string_view written) noexcept;

  LogFileOptions options_;
  int fd_ = -1;
  bool regular_ = false;
  std::uint64_t rotations_ = 0;
};

}  // namespace mlgate::analytics
