#pragma once
// The files of the request log: segments of compressed blocks, named by the number of their first
// row, and the tail, which holds the rows that are not yet in a block as they were added. A row in
// the tail whose number a block has is in that block.
#include "analytics/request_rows_internal.h"

#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <vector>

namespace mlgate::analytics {

struct RequestSegment {
  std::filesystem::path path;
  // Open for as long as somebody may read it, also after the file has gone.
  int fd = -1;
  RequestSegment() = default;
  RequestSegment(const RequestSegment&) = delete;
  ~RequestSegment();
};

struct RequestBlock {
  std::shared_ptr<const RequestSegment> segment;
  std::uint64_t offset = 0;  // Of the body.
  RequestBlockHead head;
};

// Reads parts of blocks. Threads: any.
class RequestReader {
 public:
  Result<std::vector<KeyCalls>> keys(const RequestBlock& block) const;
  Result<RowIndex> index(const RequestBlock& block) const;
  Result<std::string> rows(const RequestBlock& block) const;
};

// Thread: one at a time; publish() and blocks() under a lock of the owner.
class RequestFiles {
 public:
  explicit RequestFiles(const RequestLogOptions& options)
      : options_(options), folder_(options.folder) {}

  // The number of the first row that no block has.
  Result<std::uint64_t> open();
  // Adds the rows of the tail to an empty batch.
  Result<void> read_tail(RequestBatch& batch);

  Result<RequestBlock> append(const RequestBatch& batch);
  void publish(RequestBlock block) { blocks_.push_back(std::move(block)); }
  Result<void> append_tail(std::uint64_t first, std::string_view rows);
  std::vector<RequestBlock> blocks() const { return {blocks_.begin(), blocks_.end()}; }
  // Removes the oldest segments; how many rows went because of their size. `lock` guards blocks().
  std::uint64_t forget_old(TimeMs now_ms, std::mutex& lock);
  std::uint64_t bytes() const noexcept;

 private:
  struct Segment {
    std::shared_ptr<const RequestSegment> file;
    std::uint64_t first = 0, rows = 0, bytes = 0;
    TimeMs begun = 0, time_max = 0;
  };
  std::filesystem::path tail() const { return folder_ / "tail"; }
  Result<void> scan(std::uint64_t first);
  Result<void> begin_segment(std::uint64_t first, TimeMs begun);

  const RequestLogOptions& options_;
  std::filesystem::path folder_;
  std::deque<Segment> segments_;     // Oldest first.
  std::deque<RequestBlock> blocks_;  // Oldest first.
  BatchPacker packer_;
  bool tail_used_ = false;
};

}  // namespace mlgate::analytics
