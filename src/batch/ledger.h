#pragma once
// The protocol by which processes share batch jobs, over the store alone. Nothing in it assumes
// one process or one host, and no decision rests on a clock: a piece of work belongs to the lease
// with the highest epoch, and every commit names the epoch it was done under, so that a worker
// which was given up, and comes back, is refused. Whether a worker is to be given up is for the
// caller to say (liveness.h); a wrong answer costs work, never a result.
#include "batch/job.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mlgate::batch {

inline constexpr std::string_view kJobs = "bes.job";          // Key: endpoint/job.
inline constexpr std::string_view kWork = "bes.work";         // Key: job.
inline constexpr std::string_view kPartResults = "bes.part";  // Key: job/number.
inline constexpr std::string_view kSlots = "bes.slots";       // Key: endpoint.
inline constexpr std::string_view kGraphs = "bes.graph";      // Key: digest.
inline constexpr std::string_view kLitter = "bes.litter";     // Key: job.
inline constexpr std::string_view kLeft = "bes.left";         // Key: endpoint/job.
inline constexpr std::string_view kWorkers = "bes.worker";    // Key: worker.

struct LedgerLimits {
  std::size_t running_max = 40;          // Jobs of one endpoint; the rest waits.
  std::size_t parts_in_flight_max = 64;  // Of one job.
  // Jobs in the store: that wait or run, and records altogether. Processes that share a store may
  // pass them by what each lets in within a second.
  std::size_t waiting_max = 10'000, stored_max = 200'000;
  unsigned tries_max = 20;  // Of one part, before the job fails.
  // How long, all pauses together, a job waits for a storage that fails; each is twice as long as
  // the one before, and at most a minute.
  std::chrono::milliseconds storage_wait{600'000};
  std::chrono::milliseconds first_pause{1'000};
};

// A record with what is known of its work while there is any.
struct JobView {
  JobRecord record;
  std::optional<Work> work;
  JobState state() const noexcept;
};

// What a worker has been given to do.
struct Assignment {
  enum class Kind : unsigned char { part, finish };
  Kind kind = Kind::part;
  JobSpec spec;
  Work work;  // As it was committed with the lease in it.
  Part part;  // For kind part.
  Lease lease;
};

// Calls block on the store. Threads: any, many at once. Errors of worker calls: `closed` when the
// lease is no longer held, that is when the work done under it is void.
class Ledger {
 public:
  using IsDead = std::function<bool(std::string_view worker)>;
  struct Parts {
    store::Store& store;
    const store::Vault& vault;
    const Clock& clock;
  };
  explicit Ledger(Parts parts, LedgerLimits limits = {});

  // For callers of the service ------------------------------------------------------------------

  // Durable on return. `graph` is the JSON of what spec.graph is the digest of. exhausted, with the
  // field kJobs or kWork, from the limit of stored or of waiting jobs on.
  Result<void> submit(const JobSpec& spec, std::string_view graph);
  // conflict, with the state's name as the field, for a job that was started before.
  Result<void> start(std::string_view endpoint, std::string_view job);
  // Cancels a job that has not ended; removes the record of one that has. Results in our own
  // container stay as long as the record would have.
  Result<void> cancel_or_remove(std::string_view endpoint, std::string_view job);
  // Cancels all jobs of the endpoint that have not ended.
  Result<void> cancel_all(std::string_view endpoint);
  // Ids of endpoints that have jobs waiting or running.
  Result<std::set<std::string, std::less<>>> busy_endpoints();
  Result<JobView> find(std::string_view endpoint, std::string_view job);
  // The latest first, without references to blobs; at most `limit`, after the job `after`.
  Result<std::vector<JobView>> list(std::string_view endpoint, std::string_view after,
                                    std::size_t limit);

  // For workers ---------------------------------------------------------------------------------

  // The next piece of the job that is free, leased to `worker`; nullopt when there is none.
  Result<std::optional<Assignment>> claim(std::string_view job, std::string_view worker,
                                          const IsDead& is_dead);
  struct Boundary {
    std::string etag;
    std::uint64_t input_bytes = 0, header_bytes = 0;
    std::uint64_t end = 0;   // Of the part.
    std::uint64_t rows = 0;  // In the part.
    bool at_end = false;
  };
  // Says where the part ends, so that others may go on behind it. conflict when the input is not
  // the one that the job began with.
  Result<void> set_boundary(const Assignment& assignment, const Boundary& boundary);
  Result<void> complete(const Assignment& assignment, const PartResult& result);
  // The part cannot be done. The job fails when everything before it is done, with the text of the
  // first such part.
  Result<void> give_up(const Assignment& assignment, std::string text);
  // Leaves the piece to others, undone.
  Result<void> put_back(const Assignment& assignment);

  // The same because the storage failed: the job is left alone for a while, longer each time until
  // something succeeds. False, and nothing changed, when it has waited long enough.
  Result<bool> put_off(const Assignment& assignment, std::string text);

  // Whether the piece is still this assignment's; closed when not. To be asked right before what
  // cannot be taken back.
  Result<void> check(const Assignment& assignment);
  // All parts of a job that is about to finish, in order; asked under the lease to finish it.
  Result<std::vector<PartResult>> results(const Assignment& assignment);
  // Ends the job: Finished, or Failed when work.failure or `failure` says why.
  Result<void> finish(const Assignment& assignment, std::optional<std::string> failure);

  // All three in one, for a job of a single part whose result is already put together.
  Result<void> finish_whole(const Assignment& assignment, const Boundary& boundary,
                            const PartResult& result);

  Result<std::string> graph(std::string_view digest);

  // Jobs to clean up after: blocks without a result, inputs and results that are to go.
  // `remove_litter` ends it.
  Result<std::vector<JobRecord>> litter();
  Result<void> remove_litter(std::string_view job);

  // Removes records that ended before `before`, with their results in our own container, and graphs
  // that no record needs any more. Returns how many records went.
  Result<std::size_t> sweep(TimeMs before);

 private:
  // What a change of work writes besides it. `ended`: the work document goes.
  struct Extra {
    std::vector<store::Write> writes;
    bool ended = false;
  };
  // Decides on `work`, which it may change, and on what else is written. It may be asked again when
  // somebody else was faster.
  using Decide = std::function<Result<Extra>(Work& work)>;
  Result<Work> change(std::string_view job, const Decide& decide);
  Result<void> change_part(const Assignment& assignment,
                           const std::function<Result<Extra>(Work&, Part&)>& decide);
  // Takes the piece from its worker and decides the rest.
  Result<void> let_go(const Assignment& assignment, const Decide& decide);
  // Counts one more failure of the storage; false when that is one too many.
  bool count_trouble(Work& work) const noexcept;
  Result<JobRecord> record(std::string_view endpoint, std::string_view job);
  // Everything that ends the job; false when the record has gone.
  Result<Extra> end(Work& work, const std::optional<std::string>& failure);
  store::Write end_record(JobRecord record, JobState state, std::string details, const Work* work);
  // The write that takes a running job out of its endpoint's slots; none when it is in none.
  Result<void> free_slot(const Work& work, std::vector<store::Write>& writes);
  Result<bool> take_slot(const Work& work, std::vector<store::Write>& writes);
  // Removes records of `collection` that ended before `before`; the graphs of others are needed.
  Result<std::size_t> sweep_records(std::string_view collection, TimeMs before,
                                    std::set<std::string, std::less<>>& needed);
  Result<void> drop_results(std::string_view job, std::vector<store::Write>& writes);
  Result<std::optional<Assignment>> take(Work& work, std::string_view worker, const IsDead& is_dead,
                                         Extra& extra);

  // Later than every time it gave before, so that jobs started in one millisecond keep their order.
  TimeMs queue_time(TimeMs now) noexcept;

  // How many documents a collection has, counted every second and between that by what we add.
  struct Census {
    std::mutex mutex;
    std::optional<std::int64_t> counted_ns;
    std::uint64_t count = 0;
  };
  // Makes room for one more; exhausted when there are `most`.
  Result<void> admit(Census& census, std::string_view collection, std::size_t most);

  Parts parts_;
  std::atomic<TimeMs> last_queued_ms_{0};
  LedgerLimits limits_;
  Census stored_, waiting_;
};

}  // namespace mlgate::batch
