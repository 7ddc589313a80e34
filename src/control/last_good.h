#pragma once
// The configuration that the gateway serves, on disk beside the store: the entities' documents as
// the store keeps them, secrets still sealed. A gateway whose store cannot be reached starts from
// it. The file is a journal of batches, each with its digest; a batch that a crash has cut short
// counts as not written. When the journal has grown to some times what it holds it is written anew
// and renamed into place. Written by a thread of its own, so a publish never waits for it.
#include "apim/delta.h"
#include "base/result.h"
#include "control/failure_log.h"

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace mlgate::control {

// Documents that changed together, as of a change number of the store.
struct ChangeBatch {
  std::uint64_t number = 0;
  std::vector<apim::ChangedDocument> documents;
};

class LastGood {
 public:
  // Everything there is, for writing the file anew; called on the writing thread.
  using ReadAll = std::function<Result<ChangeBatch>()>;

  LastGood(std::filesystem::path file, ReadAll read_all);
  LastGood(const LastGood&) = delete;
  ~LastGood() { stop(); }

  // What the file holds. not_found when there is none; invalid_argument when it is not one of ours.
  static Result<ChangeBatch> read(const std::filesystem::path& file);

  // Begins with what is served at `number`: the file is written anew unless it is of that number.
  void start(std::uint64_t number);
  // What has been published since. Never blocks for the disk.
  void note(ChangeBatch batch);
  // Writes what is still to be written, and ends the thread.
  void stop();
  // True while the file holds what was noted last; for tests and for people.
  bool up_to_date() const;
  // Times that it could not be written.
  std::uint64_t failures() const { return log_.failures(); }

 private:
  void run();
  Result<void> write_batches(std::vector<ChangeBatch> batches);
  Result<void> write_anew();

  std::filesystem::path file_;
  FailureLog log_{"write the last good snapshot"};
  ReadAll read_all_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<ChangeBatch> waiting_;
  std::size_t waiting_documents_ = 0;
  bool rewrite_ = false, busy_ = false, stopping_ = false;
  std::thread thread_;
  std::uint64_t base_bytes_ = 0, bytes_ = 0;  // Of the file when it was written anew, and now.
};

}  // namespace mlgate::control
