#pragma once
// Usage counted by who called what and when: what the usage reports are made of. The writer thread
// adds each call to the cell of its minute; another thread saves what was added to a journal every
// second, and every minute turns the journal into blocks: minutes, which are kept for two days,
// quarters of an hour for 400 days, days for ever. A killed process loses the last second, a
// machine without power the last minute. Memory holds the cells of about a minute and where blocks
// lie.
#include "analytics/counts.h"
#include "base/result.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace mlgate::analytics {

// What an entity was called in its latest calls; for reports about entities that are gone.
struct UsageName {
  std::string name;          // Resource name.
  std::uint64_t parent = 0;  // An operation's API.
  friend bool operator==(const UsageName&, const UsageName&) = default;
};

struct RollupOptions {
  std::string folder;                                       // Empty: in memory only.
  TimeMs minutes_ms = 2 * kDayMs;                           // How long minutes are kept.
  TimeMs quarters_ms = 400 * kDayMs;                        // How long quarters are kept.
  std::uint64_t minute_bytes_max = std::uint64_t{2} << 30;  // The oldest minutes go sooner.
  std::size_t cells_max = 200'000;  // In memory; further callers are counted without a name.
  std::size_t names_max = 50'000;   // Then no further ones are kept, for when they are gone.
};

struct UsageQuestion {
  std::uint64_t service = 0;      // 0: all.
  TimeMs from_ms = 0, to_ms = 0;  // A minute or quarter that has a part in it counts whole.
  TimeMs step_ms = 0;             // Cells are not to reach over multiples of it; 0: they may.
  bool by_key = true;             // Else sums of a service may come in place of its cells.
  bool latencies = false;         // Whether the spread of times is wanted.
};
// `start_ms` is that of the minute, quarter or day. Adds up and does nothing else: counting waits.
using UsageVisitor = std::function<void(TimeMs start_ms, const UsageKey& key, const Usage& usage)>;

class UsageRollups {
 public:
  static Result<std::unique_ptr<UsageRollups>> open(RollupOptions options);
  explicit UsageRollups(RollupOptions options = {});  // In memory; open() otherwise.
  ~UsageRollups();
  UsageRollups(const UsageRollups&) = delete;

  // Thread: the writer.
  void add(UsageRecords records);
  void add(const UsageRecord& record) {
    const UsageRecord* const one = &record;
    add(UsageRecords(&one, 1));
  }
  // Calls that were added; tells whether there is something new to see.
  std::uint64_t added_total() const noexcept { return added_.load(std::memory_order_relaxed); }

  // Calls that an end of the process would lose at the moment.
  std::uint64_t unsaved() const noexcept {
    return disk_ ? added_total() - saved_.load(std::memory_order_relaxed) : 0;
  }

  // Saves what was added and makes the blocks that are due. Thread: one, but the writer.
  void save(TimeMs now_ms);

  // Threads: any.
  void visit(const UsageQuestion& question, const UsageVisitor& visitor) const;
  UsageCounts sum(std::uint64_t service, TimeMs from_ms, TimeMs to_ms) const;
  // By entity number.
  std::unordered_map<std::uint64_t, UsageName> names() const;

  // Calls that were counted without saying whose, because there were too many callers.
  std::uint64_t merged_total() const noexcept { return merged_.load(std::memory_order_relaxed); }
  // Calls that no report has, because the disk took nothing for too long.
  std::uint64_t lost_total() const noexcept { return lost_.load(std::memory_order_relaxed); }
  // Times that saving failed, and blocks that could not be read.
  std::uint64_t failures_total() const noexcept {
    return failures_.load(std::memory_order_relaxed);
  }
  std::uint64_t bytes_on_disk() const noexcept { return bytes_.load(std::memory_order_relaxed); }

 private:
  using Cells = std::unordered_map<UsageKey, Usage, UsageKeyHash>;
  struct Minutes {
    std::map<TimeMs, Cells> cells;
    std::size_t count = 0;
    Usage& at(TimeMs minute, const UsageKey& key);
    const Usage* find(TimeMs minute, const UsageKey& key) const;
    // Takes the cells of another; what both have is added up.
    void take(Minutes&& from);
  };
  class Disk;

  Usage* cell_of(const UsageRecord& record);
  void remember_names(const UsageRecord& record);
  void remember(std::uint64_t number, std::string_view name, std::uint64_t parent);
  void visit_memory(const UsageQuestion& question, const UsageVisitor& visitor) const;

  RollupOptions options_;
  mutable std::mutex mutex_;  // Of what follows; held for as long as cells in memory are visited.
  Minutes fresh_;             // Since the last save.
  Minutes saving_;            // On their way into the journal.
  Minutes open_;              // In the journal.
  std::shared_ptr<const Minutes> sealing_;  // On their way into blocks.
  std::unordered_map<std::uint64_t, UsageName> names_;
  std::unordered_map<std::uint64_t, UsageName> new_names_;  // Not yet saved.
  std::atomic<std::uint64_t> added_{0}, merged_{0}, lost_{0}, bytes_{0}, saved_{0};
  mutable std::atomic<std::uint64_t> failures_{0};
  std::unique_ptr<Disk> disk_;  // Null: in memory only.
};

}  // namespace mlgate::analytics
