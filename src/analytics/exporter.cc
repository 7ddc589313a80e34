#include "analytics/exporter.h"

#include "base/time.h"

#include <algorithm>
#include <utility>

namespace mlgate::analytics {

namespace {

using Steady = std::chrono::steady_clock;

std::uint64_t unix_ns() { return std::uint64_t(system_clock().now_ms()) * 1'000'000; }

}  // namespace

OtlpExporter::OtlpExporter(ExporterOptions options)
    : options_(std::move(options)), start_unix_ns_(unix_ns()) {
  const auto now = Steady::now();
  batch_due_ = now + options_.batch_every;
  metrics_due_ = now + options_.metrics_every;
  not_before_ = now;
  thread_ = std::thread([this] { run(); });
}

void OtlpExporter::set_series(std::function<std::vector<Series>()> series) {
  const std::scoped_lock lock(mutex_);
  options_.series = std::move(series);
}

void OtlpExporter::offer(const UsageRecord& record) {
  std::string spans = encode_spans(record);
  const std::scoped_lock lock(mutex_);
  if (queue_bytes_ + spans.size() > options_.queue_bytes_max) {
    ++counts_.dropped_spans;
    return;
  }
  queue_bytes_ += spans.size();
  queue_.push_back(std::move(spans));
  if (queue_.size() == options_.batch_spans_max) wake_.notify_one();
}

ExporterCounts OtlpExporter::counts() const {
  const std::scoped_lock lock(mutex_);
  ExporterCounts out = counts_;
  out.queued_spans = queue_.size();
  return out;
}

void OtlpExporter::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

OtlpExporter::Outcome OtlpExporter::push(std::string_view path, std::string body) {
  const auto answer = options_.push(path, std::move(body));
  const std::scoped_lock lock(mutex_);
  ++counts_.pushes;
  if (answer && answer->status >= 200 && answer->status < 300) {
    pause_ = std::chrono::milliseconds(0);
    return Outcome::taken;
  }
  ++counts_.failed_pushes;
  // By the protocol these alone mean "try again"; other answers will not change.
  const bool later = !answer || answer->status == 429 || answer->status == 502 ||
                     answer->status == 503 || answer->status == 504;
  if (!later) return Outcome::refused;
  pause_ = pause_.count() == 0 ? options_.pause_first : std::min(pause_ * 2, options_.pause_max);
  const std::chrono::milliseconds asked = answer ? answer->retry_after : std::chrono::seconds(0);
  not_before_ = Steady::now() + std::max(pause_, std::min(asked, options_.pause_max));
  return Outcome::later;
}

// False when the collector does not take anything for the moment.
bool OtlpExporter::push_spans() {
  for (;;) {
    std::vector<std::string> batch;
    {
      const std::scoped_lock lock(mutex_);
      const auto count = std::min(queue_.size(), options_.batch_spans_max);
      if (count == 0) return true;
      // They leave the queue when they are sent; offer() adds at the other end only.
      batch.assign(queue_.begin(), queue_.begin() + std::ptrdiff_t(count));
    }
    const auto outcome = push("/v1/traces", trace_request(options_.resource, batch));
    if (outcome == Outcome::later) return false;
    const std::scoped_lock lock(mutex_);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      queue_bytes_ -= queue_.front().size();
      queue_.pop_front();
    }
    (outcome == Outcome::taken ? counts_.exported_spans : counts_.dropped_spans) += batch.size();
  }
}

bool OtlpExporter::push_metrics() {
  std::function<std::vector<Series>()> series;
  {
    const std::scoped_lock lock(mutex_);
    series = options_.series;
  }
  if (!series) return true;
  const auto body = metrics_request(options_.resource, series(),
                                    {.start_unix_ns = start_unix_ns_, .now_unix_ns = unix_ns()});
  return push("/v1/metrics", body) != Outcome::later;
}

void OtlpExporter::wait(std::unique_lock<std::mutex>& lock) {
  const auto due = [&] {
    if (stopping_) return true;
    const auto now = Steady::now();
    if (now < not_before_) return false;
    return queue_.size() >= options_.batch_spans_max || now >= batch_due_ || now >= metrics_due_;
  };
  while (!due()) {
    wake_.wait_until(lock, std::max(not_before_, std::min(batch_due_, metrics_due_)));
  }
}

void OtlpExporter::run() {
  for (;;) {
    bool last = false, metrics = false;
    {
      std::unique_lock lock(mutex_);
      wait(lock);
      last = stopping_;
      const auto now = Steady::now();
      batch_due_ = now + options_.batch_every;
      metrics = last || now >= metrics_due_;
      if (metrics) metrics_due_ = now + options_.metrics_every;
    }
    const bool awake = push_spans();
    if (awake && metrics) (void)push_metrics();
    if (last) return;
  }
}

}  // namespace mlgate::analytics
