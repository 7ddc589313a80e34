#pragma once
// One look at the running program, for /metrics, `mlgate top` and /console/api/live. What workers
// own is asked of them on their own threads, so that the data path keeps no counters that two
// threads write; the rest is read where it lies.
#include "analytics/exporter.h"
#include "analytics/recorder.h"
#include "app/front_door.h"
#include "app/health.h"
#include "app/process_stats.h"
#include "app/pulse.h"
#include "app/store_follower.h"
#include "base/time.h"
#include "gateway/publisher.h"
#include "gateway/trace_desk.h"
#include "http/server.h"
#include "net/compute_pool.h"
#include "net/worker.h"
#include "policy/limits.h"

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace mlgate::app {

struct ListenerView {
  std::string name;  // "gateway.http"
  http::ServerCounts counts;
};

// What a worker says of itself.
struct WorkerLocal {
  std::vector<ListenerView> listeners;
  std::size_t blocks_made = 0, blocks_unused = 0;
  std::size_t idle_backends = 0;
};

struct WorkerView {
  WorkerLocal local;  // Empty when the worker did not answer in time.
  double lag_seconds = 0;
  std::uint64_t started = 0, ended = 0;
  std::array<std::uint64_t, 4> classes{};  // By analytics::ResponseClass.
  std::uint64_t request_bytes = 0, response_bytes = 0, dropped_records = 0;
};

struct MalformedView {
  std::string role;
  int status = 0;
  std::uint64_t count = 0;
};

struct Observation {
  TimeMs now_ms = 0;
  double uptime_seconds = 0;
  bool ready = false, draining = false, short_of_memory = false;
  std::uint64_t snapshot_version = 0;
  double capacity_percent = 0;
  ProcessStats process;
  std::vector<WorkerView> workers;
  std::vector<std::pair<std::string, std::uint64_t>> requests;  // By role.
  std::vector<MalformedView> malformed;
  std::vector<analytics::Series> series;
  std::uint64_t series_overflowed = 0;
  std::uint64_t log_lines_lost = 0, refused_calls = 0, bugs = 0;
  std::size_t rate_counters = 0, quota_counters = 0;
  std::uint64_t rate_table_full = 0, quota_table_full = 0;
  StoreFollower::Counts follower;
  std::size_t control_queue = 0, compute_queue = 0;
  std::size_t traces = 0, trace_bytes = 0;
  analytics::ExporterCounts exporter;
  struct UsageView {
    std::uint64_t bytes = 0, unsaved_calls = 0, merged_calls = 0, lost_calls = 0, failures = 0;
    std::uint64_t request_bytes = 0, dropped_rows = 0, forgotten_rows = 0;
  } usage;
};

class Observer {
 public:
  // All outlive it.
  struct Parts {
    const analytics::Recorder& recorder;
    const policy::Limits& limits;
    const StoreFollower& follower;
    const gateway::Publisher& publisher;
    const gateway::TraceDesk& traces;
    const net::ComputePool& control_pool;
    const net::ComputePool& compute_pool;
    const Health& health;
    const Pulse& pulse;
    const analytics::OtlpExporter* exporter = nullptr;
    std::vector<net::Worker*> workers;
    std::function<WorkerLocal(net::Worker&)> local;  // On the worker's thread.
    const std::vector<std::unique_ptr<FrontDoor>>& fronts;
  };
  explicit Observer(Parts parts) : parts_(std::move(parts)) {}

  // May block for a second, when a worker does not answer. Threads: any but a worker.
  Observation look() const;

 private:
  std::vector<WorkerLocal> ask_workers() const;
  Parts parts_;
};

// Prometheus text (gateway.md 12).
std::string metrics_text(const Observation& seen);
// The same as JSON, for `mlgate top`.
std::string live_json(const Observation& seen);

}  // namespace mlgate::app
