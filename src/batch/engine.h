#pragma once
// Works off batch jobs: some threads that take pieces of jobs and run them, and one that follows
// the store's change feed, so that jobs of other processes are seen, too, and counts up the note
// that says we are alive. Any number of engines, in any number of processes, may share one store.
//
// Who is next: the caller with the fewest pieces under way, of his jobs the one with the fewest,
// and of those the one that waits longest. So a large job leaves room for small ones, and one
// subscription for another.
#include "batch/ledger.h"
#include "batch/liveness.h"
#include "batch/runner.h"

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace mlgate::batch {

struct EngineOptions {
  std::size_t threads = 2;
  std::chrono::milliseconds lease{10'000};
  std::chrono::milliseconds poll{100};  // For changes that other processes made.
  std::chrono::hours retention{30 * 24};
  std::size_t running_max = 40;  // As the ledger's.
};

// What follows from the documents of all jobs that wait or run: kept up to date by the change feed,
// and therefore a hint, since another process may be faster. Threads: any.
class JobBoard {
 public:
  JobBoard(store::Store& store, Liveness& liveness);
  // Takes in what was committed since the last call; whether there was anything.
  Result<bool> refresh();
  std::optional<Work> find(std::string_view job) const;
  // The job that is to be worked on next, of those not in `busy`.
  std::optional<std::string> next(const std::set<std::string>& busy, std::size_t running_max);
  // Nothing was free in it: it is left alone until it changes, or for a moment.
  void pass_over(const std::string& job, std::int64_t until_ns);
  bool has_litter() const;

 private:
  Result<void> reload();
  Result<void> take(const store::Change& change);
  bool has_free_piece(const Work& work) const;
  store::Store& store_;
  Liveness& liveness_;
  mutable std::mutex mutex_;  // Guards what follows.
  std::uint64_t seen_ = 0;
  bool loaded_ = false;
  std::map<std::string, Work, std::less<>> work_;
  std::map<std::string, std::pair<std::uint64_t, std::int64_t>, std::less<>> passed_;
  std::set<std::string, std::less<>> litter_;
};

class Engine {
 public:
  struct Parts {  // All outlive the engine.
    store::Store& store;
    Ledger& ledger;
    Runner& runner;
    const Clock& clock;
  };
  Engine(Parts parts, EngineOptions options);
  ~Engine();
  Result<void> start();
  // Leaves what is under way to others, or to the next start.
  void stop();

 private:
  void work_loop();
  void watch_loop();
  void tend_loop();
  void run(const Assignment& assignment);
  bool still_held(const Assignment& assignment);
  std::optional<Assignment> take();
  Result<void> beat(bool forced);
  void tend_litter();
  // Lets go of jobs that another process has ended.
  void forget_ended();
  bool stopping();
  void pause(std::chrono::milliseconds time);

  Parts parts_;
  EngineOptions options_;
  std::string id_;
  WorkerNote note_;
  Liveness liveness_;
  JobBoard board_;
  std::mutex beat_mutex_;
  std::int64_t beaten_ns_ = 0;  // Guarded by beat_mutex_, as note_.beat.
  // Of its own, because the store's thread takes it at every commit.
  std::mutex commits_mutex_;
  std::condition_variable changed_;
  std::uint64_t commits_ = 0;    // Of this process, as told by the store.
  bool watch_stopping_ = false;  // Guarded by commits_mutex_, as commits_.
  std::mutex mutex_;             // Guards what follows.
  std::condition_variable idle_;
  std::uint64_t news_ = 0;  // Times that the board changed.
  std::set<std::string> claiming_;
  std::map<std::string, std::size_t> held_;  // Pieces under way here, by job.
  bool stopping_ = false;
  std::map<std::string, std::int64_t> litter_seen_;  // The tending thread's.
  std::vector<std::thread> threads_;
  std::shared_ptr<Engine*> self_;  // For the store's listener, which cannot be taken away.
  std::shared_ptr<std::mutex> self_mutex_;
};

}  // namespace mlgate::batch
