#pragma once
// Works off batch jobs: some threads that take pieces of jobs and run them, and one that follows
// the store's change feed, so that jobs of other processes are seen, too, and counts up the note
// that says we are alive. Any number of engines, in any number of processes, may share one store.
#include "batch/job_board.h"
#include "batch/ledger.h"
#include "batch/liveness.h"
#include "batch/runner.h"

#include <algorithm>
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
  Result<void> beat(std::chrono::milliseconds age);
  // How often while we hold leases.
  std::chrono::milliseconds busy_beat() const noexcept {
    return std::min<std::chrono::milliseconds>(options_.lease / 4, kBeatEvery);
  }
  void tend_litter();
  // Removes the notes of workers that were killed.
  void tend_notes();
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
