#pragma once
// Usage that lasts: the counted calls and the single ones, and the thread that saves both every
// second. The writer thread only adds to memory.
#include "analytics/request_log.h"
#include "analytics/rollups.h"

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace mlgate::analytics {

struct UsageOptions {
  std::string folder;  // Empty: in memory only. Another process's folder is left to it: see open().
  RollupOptions rollups;
  RequestLogOptions requests;
};

class UsageStore {
 public:
  // When another process has the folder, the first free one of "{folder}-2", "{folder}-3", … is
  // used.
  static Result<std::unique_ptr<UsageStore>> open(UsageOptions options, const Clock& clock);
  ~UsageStore();
  UsageStore(const UsageStore&) = delete;

  // Thread: the writer.
  void add(UsageRecords records) {
    rollups_->add(records);
    requests_->add(records);
  }
  // Saves what was added and ends the thread; nothing is added afterwards.
  void stop();

  // Which of these folders it is, from 1: the number of this process among those that share the
  // data, for as long as it lives.
  std::size_t place() const noexcept { return place_; }
  const UsageRollups& rollups() const noexcept { return *rollups_; }
  const RequestLog& requests() const noexcept { return *requests_; }

 private:
  explicit UsageStore(const Clock& clock) : clock_(clock) {}
  void run();

  const Clock& clock_;
  std::size_t place_ = 1;
  std::unique_ptr<UsageRollups> rollups_;
  std::unique_ptr<RequestLog> requests_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace mlgate::analytics
