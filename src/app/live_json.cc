// One look as JSON: totals since the start, from which whoever asks twice makes rates.
#include "app/observer.h"
#include "base/json.h"

#include <map>

namespace mlgate::app {
namespace {

using analytics::Histogram;
using analytics::Series;

struct ApiLine {
  std::array<std::uint64_t, 4> classes{};
  Histogram total, backend;
  std::uint64_t request_bytes = 0, response_bytes = 0;
};

double ms(std::int64_t ns) { return double(ns) / 1e6; }

void write_histogram(JsonWriter& w, std::string_view name, const Histogram& values) {
  w.key(name).object().field("count", values.count).field("sumMs", ms(values.sum_ns));
  w.field("p50Ms", ms(values.quantile_ns(0.5))).field("p99Ms", ms(values.quantile_ns(0.99)));
  w.key("buckets").array();
  for (const auto bucket : values.buckets) w.value(bucket);
  w.end().end();
}

void write_apis(JsonWriter& w, const std::vector<Series>& series) {
  std::map<std::pair<std::string_view, std::string_view>, ApiLine> apis;
  for (const Series& one : series) {
    ApiLine& api = apis[{one.service, one.api}];
    api.classes[std::size_t(one.status)] += one.total.count;
    api.total.add(one.total);
    api.backend.add(one.backend);
    api.request_bytes += one.request_bytes;
    api.response_bytes += one.response_bytes;
  }
  w.key("apis").array();
  for (const auto& [key, api] : apis) {
    w.object().field("service", key.first).field("api", key.second);
    w.field("successful", api.classes[0]).field("unauthorized", api.classes[1]);
    w.field("failed", api.classes[2]).field("other", api.classes[3]);
    w.field("requestBytes", api.request_bytes).field("responseBytes", api.response_bytes);
    write_histogram(w, "duration", api.total);
    write_histogram(w, "backendDuration", api.backend);
    w.end();
  }
  w.end();
}

void write_workers(JsonWriter& w, const std::vector<WorkerView>& workers) {
  w.key("workers").array();
  for (const WorkerView& one : workers) {
    std::size_t connections = 0;
    std::uint64_t refused = 0;
    for (const ListenerView& listener : one.local.listeners) {
      connections += listener.counts.connections;
      refused += listener.counts.refused_total;
    }
    w.object().field("calls", one.ended).field("active", one.started - one.ended);
    w.field("connections", std::uint64_t(connections)).field("refusedConnections", refused);
    w.field("lagMs", one.lag_seconds * 1e3).field("droppedRecords", one.dropped_records);
    w.field("requestBytes", one.request_bytes).field("responseBytes", one.response_bytes);
    w.field("idleBackendConnections", std::uint64_t(one.local.idle_backends)).end();
  }
  w.end();
}

}  // namespace

std::string live_json(const Observation& seen) {
  JsonWriter w;
  w.object().field("time", to_iso8601(seen.now_ms)).field("timeMs", seen.now_ms);
  w.field("uptimeSeconds", seen.uptime_seconds).field("ready", seen.ready && !seen.draining);
  w.field("shortOfMemory", seen.short_of_memory).field("snapshotVersion", seen.snapshot_version);
  w.field("capacityPercent", seen.capacity_percent);
  w.key("process").object().field("cpuSeconds", seen.process.cpu_seconds);
  w.field("residentBytes", seen.process.resident_bytes);
  w.field("openDescriptors", seen.process.open_descriptors);
  w.field("descriptorsMax", seen.process.descriptors_max).end();
  write_workers(w, seen.workers);
  w.key("boundsMs").array();
  for (const auto bound : analytics::kDurationBoundsNs) w.value(ms(bound));
  w.end();
  write_apis(w, seen.series);
  w.key("limits").object().field("rateCounters", std::uint64_t(seen.rate_counters));
  w.field("quotaCounters", std::uint64_t(seen.quota_counters)).end();
  w.key("log").object().field("lostLines", seen.log_lines_lost).end();
  w.key("refused").object().field("calls", seen.refused_calls).end();
  w.key("queues").object().field("control", std::uint64_t(seen.control_queue));
  w.field("compute", std::uint64_t(seen.compute_queue)).end();
  w.key("export").object().field("spans", seen.exporter.exported_spans);
  w.field("dropped", seen.exporter.dropped_spans);
  w.field("queued", std::uint64_t(seen.exporter.queued_spans)).end().end();
  return std::move(w).text();
}

}  // namespace mlgate::app
