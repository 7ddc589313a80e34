#pragma once
// Does one piece of a job: reads its part of the input, scores it in batches, stages the result in
// blocks; or puts the blocks of all parts together at the end. What comes out depends on the input,
// the published graph and nothing else: neither on who does which part, nor on how often one is
// begun.
#include "batch/format.h"
#include "batch/ledger.h"
#include "blob/client.h"
#include "ml/scorer.h"

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::batch {

struct RunnerOptions {
  std::size_t part_bytes = std::size_t{8} << 20;  // Of input; more when there would be too many.
  std::size_t block_bytes = std::size_t{4} << 20;
  std::size_t record_bytes_max = std::size_t{16} << 20;
  // Inputs of services that need all rows at once.
  std::size_t whole_bytes_max = std::size_t{256} << 20;
  std::size_t batch_cells_max = std::size_t{1} << 18;  // Output cells that are made at a time.
  std::size_t batch_rows_max = 2'048;
  std::string own_account;  // Of the embedded endpoint, for results without a place.
};

// Where the blob of a port is. References without any location mean the workspace's own container.
Result<blob::BlobAddress> locate(blob::BlobOpener& opener, const JobSpec& spec,
                                 const BlobReference& reference, const std::string& own_account);

// Where the rows that a job skips are reported: beside its first output, or, where the token is for
// that blob alone, in the workspace's own container.
BlobReference report_reference(const JobSpec& spec, const std::string& own_account);

struct OpenJob;  // What a process keeps of a job that it works on.

// Threads: any but a worker's, many at once; calls block.
class Runner {
 public:
  struct Parts {  // All outlive the runner.
    Ledger& ledger;
    blob::BlobOpener& opener;
    const ml::Catalogue& catalogue;
    ml::DatasetLoader datasets;
  };
  Runner(Parts parts, RunnerOptions options);
  ~Runner();

  // `still_held` tells whether the result may still be of use; asked between batches.
  // Failures that are the job's own end it, and those of its storage put it off; closed: the lease
  // was lost; others: the store cannot be reached, and the piece is to be tried again.
  Result<void> run(const Assignment& assignment, const std::function<bool()>& still_held);
  // Lets go of what is kept of the job.
  void forget(std::string_view job);
  // Jobs of which something is kept.
  std::vector<std::string> kept() const;
  // Drops what a job leaves behind: blocks without a result, inputs that were to be deleted at the
  // end, and results in our own container whose record has expired.
  Result<void> clean_up(const JobRecord& record);

 private:
  bool is_open(std::string_view job) const;
  Result<std::shared_ptr<const ml::Scorer>> scorer_of(const std::string& digest);
  Result<std::shared_ptr<OpenJob>> open(const Assignment& assignment);
  Result<void> open_blobs(OpenJob& job, const JobSpec& spec);
  Result<void> run_part(const Assignment& assignment, const std::function<bool()>& still_held);
  Result<void> run_finish(const Assignment& assignment);
  Result<void> drop_blocks(const JobSpec& spec);
  Result<void> remove_blob(const JobSpec& spec, const BlobReference& reference);

  Parts parts_;
  RunnerOptions options_;
  mutable std::mutex mutex_;  // Guards what follows.
  std::list<std::pair<std::string, std::shared_ptr<const ml::Scorer>>> scorers_;  // Latest first.
  std::map<std::string, std::shared_ptr<OpenJob>, std::less<>> open_;
};

// The id of a block: the same length for all of a blob.
std::string block_id(std::string_view job, std::uint64_t part, std::uint64_t epoch,
                     std::uint64_t number);

}  // namespace mlgate::batch
