#pragma once
// Brings what is in the store into the gateway: everything at start, then what each commit has
// changed, found by the store's change numbers, so that a missed notification loses nothing.
// Threads: any that may block; callers are served one after another.
#include "apim/delta.h"
#include "control/control.h"
#include "control/failure_log.h"
#include "control/last_good.h"
#include "store/store.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace mlgate::control {

class Feed {
 public:
  // The collection of the entities' documents. All references outlive the feed; `last_good` may be
  // null.
  Feed(store::Store& store, std::string collection, const apim::Secrets& secrets, Control& control);
  ~Feed() { stop_polling(); }

  // Everything that is stored, all or none.
  Result<void> load();
  // What changed since. A change that cannot be served is the error; what was served stays, and the
  // change is looked at again next time.
  Result<void> follow();
  // Follows changes of other processes from time to time, on a thread of its own.
  void start_polling(std::chrono::milliseconds every);
  void stop_polling();
  // Keeps `file` at what is served. After load().
  void keep(LastGood& last_good);
  // For LastGood: every document of an instance, as of a change number.
  Result<ChangeBatch> read_all();
  std::uint64_t position() const;
  // Times that polling could not read or serve what changed.
  std::uint64_t failures() const { return log_.failures(); }

 private:
  struct Changed {
    std::uint64_t position = 0;
    // By instance; of one that is not served by now, everything.
    std::map<std::string, std::vector<apim::ChangedDocument>, std::less<>> instances;
  };
  Result<Changed> read_changes();
  Result<void> serve(const std::string& instance,
                     const std::vector<apim::ChangedDocument>& changed);

  store::Store& store_;
  std::string collection_;
  const apim::Secrets& secrets_;
  Control& control_;
  LastGood* last_good_ = nullptr;
  mutable std::mutex mutex_;
  std::uint64_t position_ = 0;
  std::map<std::string, apim::EntityNumber, std::less<>> served_;  // Instances, by lower-case name.

  FailureLog log_{"follow changes of the configuration"};
  std::mutex polling_mutex_;
  std::condition_variable polling_wake_;
  bool polling_ends_ = false;
  std::thread polling_;
};

// Serves what a last-good snapshot holds.
Result<void> serve_last_good(const ChangeBatch& batch, const apim::Secrets& secrets,
                             Control& control);

}  // namespace mlgate::control
