#pragma once
// What follows from the documents of all jobs that wait or run: which is to be worked on next, and
// which place in line each has. Kept up to date by the store's change feed, and therefore a hint,
// since another process may be faster. What it costs to ask grows with the jobs that run and with
// those who call, not with the jobs that wait.
//
// Who is next: the caller with the fewest pieces under way, of his jobs the one with the fewest,
// and of those the one that waits longest. A slot of an endpoint goes to the caller that has the
// fewest of them. So a large job leaves room for small ones, and one subscription for another.
#include "batch/ledger.h"
#include "batch/liveness.h"

#include <compare>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mlgate::batch {

// Threads: any.
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

  struct Queue {
    std::size_t running = 0;         // Jobs of the endpoint.
    std::uint64_t pieces = 0;        // Under way, of all jobs.
    std::vector<std::string> order;  // Jobs of the endpoint that wait, as they will be begun.
  };
  // As things are: when no job ends and none comes.
  Queue queue(std::string_view endpoint) const;

 private:
  using Waiting = std::set<std::pair<TimeMs, std::string>>;
  struct Lane {  // The jobs of one caller at one endpoint.
    std::size_t running = 0;
    Waiting waiting;
  };
  struct Endpoint {
    std::size_t running = 0;
    std::map<std::string, Lane, std::less<>> lanes;  // By caller.
  };
  // The order in which the waiting jobs of an endpoint get slots.
  struct Turn {
    std::size_t slots = 0, pieces = 0;
    TimeMs queued_ms = 0;
    std::string_view job, caller;
    auto operator<=>(const Turn&) const = default;
  };

  Result<void> reload();
  Result<void> take(const store::Change& change);
  void put(Work work);
  void erase(std::string_view job);
  // Counts the job in or out.
  void count(const Work& work, bool in);
  bool is_passed_over(const Work& work, std::int64_t now_ns) const;
  bool has_free_piece(const Work& work) const;
  std::size_t pieces_of(std::string_view caller) const;
  std::optional<Turn> next_slot(const Endpoint& endpoint, const std::set<std::string>& busy,
                                const std::map<std::string_view, std::size_t>& claimed) const;

  store::Store& store_;
  Liveness& liveness_;
  mutable std::mutex mutex_;  // Guards what follows.
  std::uint64_t seen_ = 0;
  bool loaded_ = false;
  std::map<std::string, Work, std::less<>> work_;
  std::set<std::string, std::less<>> running_;
  std::map<std::string, Endpoint, std::less<>> endpoints_;
  std::map<std::string, std::size_t, std::less<>> pieces_;  // Under way, by caller.
  std::uint64_t leases_ = 0;
  std::map<std::string, std::pair<std::uint64_t, std::int64_t>, std::less<>> passed_;
  std::set<std::string, std::less<>> litter_;
};

}  // namespace mlgate::batch
