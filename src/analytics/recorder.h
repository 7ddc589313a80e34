#pragma once
// Takes the usage records of all workers: one ring per worker, one writer thread that counts them
// and writes the access log in large pieces. stop() writes what is there; what a full ring refused
// is counted.
#include "analytics/access_log.h"
#include "analytics/ring.h"
#include "analytics/totals.h"
#include "analytics/usage.h"
#include "base/result.h"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace mlgate::analytics {

struct RecorderOptions {
  std::string access_log_path;  // Empty: no access log; the calls are counted all the same.
  std::size_t workers = 1;
  std::size_t ring_bytes = 1 << 20;  // Per worker; a power of two.
};

class Recorder {
 public:
  // Opens the log for appending (0640) and starts the thread.
  static Result<std::unique_ptr<Recorder>> start(RecorderOptions options);
  Recorder(const Recorder&) = delete;
  ~Recorder();

  // Worker `index` alone uses it.
  UsageSink& sink(std::size_t index) noexcept;
  // Writes all that was recorded and ends the thread. No sink is used afterwards.
  void stop();
  // Closes and opens the log again, after a rotation.
  void reopen() noexcept { reopen_.store(true, std::memory_order_release); }
  // Returns when everything recorded before has been counted and written.
  void flush();

  const UsageTotals& totals() const noexcept { return totals_; }
  std::uint64_t dropped_total() const noexcept;
  // Log lines that could not be written, e.g. because the disk is full.
  std::uint64_t lost_lines_total() const noexcept { return lost_.load(std::memory_order_relaxed); }

 private:
  class Sink;
  explicit Recorder(RecorderOptions options);
  Result<void> open_log();
  void run();
  bool drain();
  void write_out();
  void wake() noexcept;

  RecorderOptions options_;
  std::vector<std::unique_ptr<Sink>> sinks_;
  UsageTotals totals_;
  AccessLogFormat format_;
  std::string pending_;
  std::uint64_t pending_lines_ = 0;
  int file_ = -1;
  std::atomic<bool> reopen_{false};
  std::atomic<bool> awake_{false};
  std::atomic<std::uint64_t> lost_{0};
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable flushed_;
  std::uint64_t flush_wanted_ = 0, flush_done_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace mlgate::analytics
