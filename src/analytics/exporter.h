#pragma once
// Sends spans and metrics to an OpenTelemetry collector (OTLP over HTTP), on a thread of its own.
// The queue of spans is bounded by bytes; while the collector is away what does not fit is dropped
// and counted, and it is asked again after a pause that doubles from try to try. Metrics are
// totals, so a push that failed loses nothing.
#include "analytics/otlp.h"
#include "analytics/recorder.h"
#include "base/result.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace mlgate::analytics {

struct Pushed {
  int status = 0;                       // Of the collector's answer.
  std::chrono::seconds retry_after{0};  // What it asked for; 0: nothing.
};
// Sends one message to "/v1/traces" or "/v1/metrics" and waits for the answer, for seconds at most.
using PushOtlp = std::function<Result<Pushed>(std::string_view path, std::string body)>;

struct ExporterOptions {
  OtlpResource resource;
  PushOtlp push;
  std::function<std::vector<Series>()> series;  // The metrics, asked for before each push.
  std::size_t queue_bytes_max = 4 << 20;
  std::size_t batch_spans_max = 512;
  std::chrono::milliseconds batch_every{2'000};
  std::chrono::milliseconds metrics_every{60'000};
  std::chrono::milliseconds pause_first{1'000}, pause_max{60'000};
};

struct ExporterCounts {
  std::uint64_t exported_spans = 0;
  std::uint64_t dropped_spans = 0;  // The queue was full, or the collector refused them for good.
  std::uint64_t failed_pushes = 0;
  std::uint64_t pushes = 0;
  std::size_t queued_spans = 0;
};

class OtlpExporter final : public SpanSink {
 public:
  explicit OtlpExporter(ExporterOptions options);
  OtlpExporter(const OtlpExporter&) = delete;
  ~OtlpExporter() override { stop(); }

  void offer(const UsageRecord& record) override;
  // Pushes metrics from here on too; before that, spans alone.
  void set_series(std::function<std::vector<Series>()> series);
  // Tries once more to send what is there, then ends the thread.
  void stop();
  ExporterCounts counts() const;

 private:
  enum class Outcome : unsigned char { taken, refused, later };
  using Time = std::chrono::steady_clock::time_point;

  void run();
  void wait(std::unique_lock<std::mutex>& lock);
  bool push_spans();
  bool push_metrics();
  Outcome push(std::string_view path, std::string body);

  ExporterOptions options_;
  std::uint64_t start_unix_ns_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::string> queue_;  // Each: the spans of one call.
  std::size_t queue_bytes_ = 0;
  ExporterCounts counts_;
  Time batch_due_, metrics_due_, not_before_;
  std::chrono::milliseconds pause_{0};
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace mlgate::analytics
