#include "app/observer.h"

#include "base/check.h"

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>

namespace mlgate::app {
namespace {

constexpr std::chrono::seconds kAnswerTime{1};

// Outlives the question: a worker may answer after we stopped waiting.
struct Answers {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<WorkerLocal> of;
  std::size_t missing = 0;
};

WorkerView view_of(const analytics::WorkerCounters& counters) {
  WorkerView out;
  // Ended first: read the other way round, a call could seem to have ended before it began.
  out.ended = counters.ended.read();
  out.started = std::max(counters.started.read(), out.ended);
  for (std::size_t i = 0; i < out.classes.size(); ++i) out.classes[i] = counters.classes[i].read();
  out.request_bytes = counters.request_bytes.read();
  out.response_bytes = counters.response_bytes.read();
  out.dropped_records = counters.dropped_records.read();
  return out;
}

}  // namespace

std::vector<WorkerLocal> Observer::ask_workers() const {
  auto answers = std::make_shared<Answers>();
  answers->of.resize(parts_.workers.size());
  answers->missing = parts_.workers.size();
  for (std::size_t i = 0; i < parts_.workers.size(); ++i) {
    net::Worker& worker = *parts_.workers[i];
    worker.post([answers, i, &worker, local = parts_.local] {
      WorkerLocal mine = local(worker);
      const std::scoped_lock lock(answers->mutex);
      answers->of[i] = std::move(mine);
      --answers->missing;
      answers->changed.notify_one();
    });
  }
  std::unique_lock lock(answers->mutex);
  answers->changed.wait_for(lock, kAnswerTime, [&] { return answers->missing == 0; });
  return answers->of;
}

Observation Observer::look() const {
  Observation out;
  out.now_ms = system_clock().now_ms();
  out.process = process_stats();
  out.uptime_seconds = std::max(0.0, double(out.now_ms) / 1e3 - out.process.start_unix_seconds);
  out.ready = parts_.health.ready.load(std::memory_order_relaxed);
  out.draining = parts_.health.draining.load(std::memory_order_relaxed);
  out.short_of_memory = parts_.health.short_of_memory.load(std::memory_order_relaxed);
  out.refused_calls = parts_.health.refused_calls.load(std::memory_order_relaxed);
  out.snapshot_version = parts_.publisher.current()->version;
  out.capacity_percent = parts_.pulse.capacity_percent();
  std::vector<WorkerLocal> locals = ask_workers();
  for (std::size_t i = 0; i < parts_.workers.size(); ++i) {
    WorkerView view = view_of(parts_.recorder.counters(i));
    view.local = std::move(locals[i]);
    view.lag_seconds = parts_.pulse.worker_lag_seconds(i);
    out.workers.push_back(std::move(view));
  }
  for (const auto& front : parts_.fronts) {
    out.requests.emplace_back(front->role(), front->requests_total());
    for (const auto& [status, count] : front->malformed_total())
      out.malformed.push_back({front->role(), status, count});
  }
  out.series = parts_.recorder.series().copy();
  out.series_overflowed = parts_.recorder.series().overflowed_total();
  out.log_lines_lost = parts_.recorder.lost_lines_total();
  const analytics::UsageRollups& rollups = parts_.recorder.usage().rollups();
  const analytics::RequestLog& requests = parts_.recorder.usage().requests();
  out.usage = {.bytes = rollups.bytes_on_disk(),
               .unsaved_calls = std::max(rollups.unsaved(), requests.unsaved()),
               .merged_calls = rollups.merged_total(),
               .lost_calls = rollups.lost_total(),
               .failures = rollups.failures_total() + requests.failures_total(),
               .request_bytes = requests.bytes_on_disk(),
               .dropped_rows = requests.dropped_total(),
               .forgotten_rows = requests.forgotten_total()};
  out.bugs = bugs_total();
  out.rate_counters = parts_.limits.rates.counters();
  out.quota_counters = parts_.limits.quotas.counters();
  out.rate_table_full = parts_.limits.rates.table_full_total();
  out.quota_table_full = parts_.limits.quotas.table_full_total();
  out.follower = parts_.follower.counts();
  out.control_queue = parts_.control_pool.queued();
  out.compute_queue = parts_.compute_pool.queued();
  out.traces = parts_.traces.traces();
  out.trace_bytes = parts_.traces.bytes();
  if (parts_.exporter) out.exporter = parts_.exporter->counts();
  return out;
}

}  // namespace mlgate::app
