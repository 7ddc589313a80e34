#pragma once
// Takes the usage records of all workers: one ring per worker, one writer thread that counts them
// and writes the access log in large pieces. stop() writes what is there; what a full ring refused
// is counted.
#include "analytics/access_log.h"
#include "analytics/counters.h"
#include "analytics/log_file.h"
#include "analytics/ring.h"
#include "analytics/series.h"
#include "analytics/usage.h"
#include "analytics/usage_store.h"
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

// Takes the spans of sampled calls. Called on the writer thread; does not wait.
class SpanSink {
 public:
  virtual ~SpanSink() = default;
  virtual void offer(const UsageRecord& record) = 0;
};

struct RecorderOptions {
  std::string access_log_path;  // Empty: no access log; the calls are counted all the same.
  std::uint64_t access_log_bytes_max = 0;  // See LogFileOptions.
  int access_logs_kept = 4;
  std::size_t workers = 1;
  std::size_t ring_bytes = 1 << 20;  // Per worker; a power of two.
  std::size_t series_max = 2'000;
  SpanSink* spans = nullptr;  // Outlives the recorder. Null: no spans.
  UsageOptions usage;
};

class Recorder {
 public:
  // Opens the log for appending (0640) and the usage, and starts the threads.
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

  const UsageStore& usage() const noexcept { return *usage_; }
  const CallSeries& series() const noexcept { return series_; }
  // Of one worker. Threads: any.
  const WorkerCounters& counters(std::size_t index) const noexcept;
  std::uint64_t dropped_total() const noexcept;
  // Log lines that could not be written, e.g. because the disk is full, and failed rotations.
  std::uint64_t lost_lines_total() const noexcept { return lost_.load(std::memory_order_relaxed); }

 private:
  class Sink;
  explicit Recorder(RecorderOptions options);
  void run();
  void drain();
  void write_out();
  void wake() noexcept;

  RecorderOptions options_;
  std::vector<std::unique_ptr<Sink>> sinks_;
  std::unique_ptr<UsageStore> usage_;
  CallSeries series_;
  AccessLogFormat format_;
  LogFile file_;
  std::string pending_;
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
