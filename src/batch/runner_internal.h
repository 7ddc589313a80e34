#pragma once
// Parts of the runner: what is kept of an open job, and the scoring of one part's records.
#include "batch/record_scan.h"
#include "batch/runner.h"

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::batch {

struct OpenPort {
  std::string name, location;  // "container/blob"
  Format format = Format::csv;
  std::unique_ptr<blob::BlobFile> file;
};

struct OpenJob {
  JobSpec spec;
  std::shared_ptr<const ml::Scorer> scorer;
  ml::Parameters globals;
  std::vector<OpenPort> inputs, outputs;  // In the scorer's order.
  OpenPort report;                        // Skipped rows; without a file unless rows may be.
  blob::BlobFile::Stat stat;              // Of the first input.
  bool whole = false;                     // Not to be cut.
  std::mutex mutex;
  std::string header;  // Of the input; guarded by `mutex` until it is set, and never changed then.
};

// Collects the bytes of one output of one part and stages them as blocks.
class BlockWriter {
 public:
  // `port` is what errors name.
  BlockWriter(const OpenPort& port, std::string_view job, std::uint64_t part, std::uint64_t epoch,
              std::size_t block_bytes);
  std::string& buffer() noexcept { return buffer_; }
  // Stages what is there if it is enough for a block.
  Result<void> stage();
  Result<void> finish();
  std::uint64_t blocks() const noexcept { return blocks_; }

 private:
  Result<void> flush();
  const OpenPort& port_;
  std::string job_;
  std::uint64_t part_, epoch_, blocks_ = 0;
  std::size_t block_bytes_;
  std::string buffer_;
};

// The records of a part, scored in batches that are small enough for the caches.
class PartScorer {
 public:
  struct Input {
    std::string_view header, bytes;  // `bytes` begin behind the header.
    const std::vector<std::size_t>& ends;
    std::uint64_t rows_before = 0;
    bool writes_header = false;  // The results' header comes from this part.
  };
  PartScorer(const OpenJob& job, const RunnerOptions& options, std::vector<BlockWriter>& outputs,
             BlockWriter& report);
  // closed: not held any more; any other error is the job's.
  Result<void> run(const Input& input, const std::function<bool()>& still_held);
  std::uint64_t rows() const noexcept { return rows_; }
  std::uint64_t skipped() const noexcept { return skipped_; }

 private:
  Result<void> score(const Input& input, std::size_t first, std::size_t last);
  Result<std::vector<table::Table>> try_score(const Input& input, std::size_t first,
                                              std::size_t last) const;
  Result<void> write(const Input& input, const std::vector<table::Table>& results);
  Result<void> skip(const Input& input, std::size_t record, const Error& error);
  std::size_t batch_rows() const noexcept;

  const OpenJob& job_;
  const RunnerOptions& options_;
  std::vector<BlockWriter>& outputs_;
  BlockWriter& report_;
  std::vector<table::Schema> schemas_;  // Of the outputs, from the first batch.
  bool header_written_ = false;
  std::uint64_t rows_ = 0, skipped_ = 0;
};

// The first line of a report of skipped rows.
std::string report_header();

// A port and its blob, for people; never a credential.
std::string place_text(std::string_view kind, const OpenPort& port);

}  // namespace mlgate::batch
