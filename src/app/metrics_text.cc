// One look as Prometheus text. Every family stands here, in one place; their names are part of the
// interface.
#include "analytics/prometheus.h"
#include "app/observer.h"

#include <map>

namespace mlgate::app {
namespace {

using analytics::Histogram;
using analytics::MetricType;
using analytics::PrometheusText;
using analytics::Series;

constexpr std::string_view kGatewayId = "managed", kLocation = "local";
constexpr std::string_view kClasses[] = {"Successful", "Unauthorized", "Failed", "Other"};

std::string code_text(int code) { return code == 0 ? std::string() : std::to_string(code); }
std::string category(int code) {
  return code < 100 ? std::string() : std::to_string(code / 100) + "xx";
}

void write_requests(PrometheusText& out, const std::vector<Series>& series) {
  out.family("mlgate_gateway_requests_total", MetricType::counter,
             "Calls answered by the gateway, by API and answer.");
  for (const Series& one : series) {
    const std::string code = code_text(one.response_code);
    const std::string backend = code_text(one.backend_response_code);
    out.sample({{"hostname", one.service},
                {"api_id", one.api},
                {"response_code", code},
                {"response_code_category", category(one.response_code)},
                {"backend_response_code", backend},
                {"backend_response_code_category", category(one.backend_response_code)},
                {"cache", "none"},
                {"last_error_reason", one.error_reason},
                {"status", analytics::to_text(one.status)},
                {"gateway_id", kGatewayId},
                {"location", kLocation}},
               one.total.count);
  }
}

// Durations and bytes by service and API alone, which keeps the text small.
struct ApiTotals {
  Histogram total, backend, client, gateway;
  std::uint64_t request_bytes = 0, response_bytes = 0;
};
using ApiMap = std::map<std::pair<std::string_view, std::string_view>, ApiTotals>;

ApiMap totals_of(const std::vector<Series>& series) {
  ApiMap out;
  for (const Series& one : series) {
    ApiTotals& api = out[{one.service, one.api}];
    api.total.add(one.total);
    api.backend.add(one.backend);
    api.client.add(one.client);
    api.gateway.add(one.gateway);
    api.request_bytes += one.request_bytes;
    api.response_bytes += one.response_bytes;
  }
  return out;
}

void write_durations(PrometheusText& out, const ApiMap& apis, std::string_view name,
                     std::string_view help, Histogram ApiTotals::* values) {
  out.family(name, MetricType::histogram, help);
  for (const auto& [key, api] : apis)
    out.histogram({{"hostname", key.first}, {"api_id", key.second}}, api.*values);
}

void write_calls(PrometheusText& out, const Observation& seen) {
  write_requests(out, seen.series);
  const ApiMap apis = totals_of(seen.series);
  write_durations(out, apis, "mlgate_gateway_duration_seconds",
                  "From the head of the request to the end of the answer.", &ApiTotals::total);
  write_durations(out, apis, "mlgate_gateway_backend_duration_seconds",
                  "Until the head of the backend's answer.", &ApiTotals::backend);
  write_durations(out, apis, "mlgate_gateway_client_duration_seconds",
                  "Waiting for the caller to send or to take bytes.", &ApiTotals::client);
  write_durations(out, apis, "mlgate_gateway_gateway_duration_seconds",
                  "What is neither the backend's nor the caller's.", &ApiTotals::gateway);
  out.family("mlgate_gateway_request_bytes_total", MetricType::counter, "Bytes of requests.");
  for (const auto& [key, api] : apis)
    out.sample({{"hostname", key.first}, {"api_id", key.second}}, api.request_bytes);
  out.family("mlgate_gateway_response_bytes_total", MetricType::counter, "Bytes of answers.");
  for (const auto& [key, api] : apis)
    out.sample({{"hostname", key.first}, {"api_id", key.second}}, api.response_bytes);
  out.single("mlgate_gateway_series_overflow_total", MetricType::counter,
             "Calls counted under the name _other, because there were too many series.",
             double(seen.series_overflowed));
}

void write_usage(PrometheusText& out, const Observation& seen) {
  const auto& usage = seen.usage;
  out.single("mlgate_usage_bytes", MetricType::gauge, "Counted usage on disk.",
             double(usage.bytes));
  out.single("mlgate_usage_unsaved_calls", MetricType::gauge,
             "Calls that an end of the process would lose, at most a second's.",
             double(usage.unsaved_calls));
  out.single("mlgate_usage_merged_calls_total", MetricType::counter,
             "Calls counted without saying whose, because there were too many callers at once.",
             double(usage.merged_calls));
  out.single("mlgate_usage_lost_calls_total", MetricType::counter,
             "Calls that no report has, because usage could not be saved.",
             double(usage.lost_calls));
  out.single("mlgate_usage_failures_total", MetricType::counter,
             "Times that usage could not be saved or read.", double(usage.failures));
  out.single("mlgate_usage_requests_bytes", MetricType::gauge,
             "Single calls on disk, for the report by request.", double(usage.request_bytes));
  out.single("mlgate_usage_requests_dropped_total", MetricType::counter,
             "Single calls that were never saved.", double(usage.dropped_rows));
  out.single("mlgate_usage_requests_forgotten_total", MetricType::counter,
             "Single calls that went before their time, to make room.",
             double(usage.forgotten_rows));
}

template <class F>
void by_worker(PrometheusText& out, const Observation& seen, std::string_view name, MetricType type,
               std::string_view help, F value) {
  out.family(name, type, help);
  for (std::size_t i = 0; i < seen.workers.size(); ++i)
    out.sample({{"worker", std::to_string(i)}}, value(seen.workers[i]));
}

void write_workers(PrometheusText& out, const Observation& seen) {
  out.family("mlgate_worker_calls_total", MetricType::counter,
             "Calls that ended, exact even when records are dropped.");
  for (std::size_t i = 0; i < seen.workers.size(); ++i) {
    for (std::size_t status = 0; status < 4; ++status) {
      out.sample({{"worker", std::to_string(i)}, {"status", kClasses[status]}},
                 seen.workers[i].classes[status]);
    }
  }
  by_worker(out, seen, "mlgate_worker_calls_active", MetricType::gauge, "Calls under way.",
            [](const WorkerView& w) { return w.started - w.ended; });
  by_worker(out, seen, "mlgate_worker_lag_seconds", MetricType::gauge,
            "How long the worker takes to turn to a new task.",
            [](const WorkerView& w) { return w.lag_seconds; });
  by_worker(out, seen, "mlgate_worker_dropped_records_total", MetricType::counter,
            "Calls missing in the access log and in the series, because the ring was full.",
            [](const WorkerView& w) { return w.dropped_records; });
  by_worker(out, seen, "mlgate_worker_blocks", MetricType::gauge, "Buffers made, of 68 KiB.",
            [](const WorkerView& w) { return std::uint64_t(w.local.blocks_made); });
  by_worker(out, seen, "mlgate_worker_blocks_unused", MetricType::gauge,
            "Buffers that wait for use.",
            [](const WorkerView& w) { return std::uint64_t(w.local.blocks_unused); });
  by_worker(out, seen, "mlgate_worker_backend_connections_idle", MetricType::gauge,
            "Connections to backends that are kept for the next call.",
            [](const WorkerView& w) { return std::uint64_t(w.local.idle_backends); });
}

void write_listeners(PrometheusText& out, const Observation& seen) {
  std::map<std::string, http::ServerCounts> sums;
  for (const WorkerView& worker : seen.workers) {
    for (const ListenerView& listener : worker.local.listeners) {
      http::ServerCounts& sum = sums[listener.name];
      sum.connections += listener.counts.connections;
      sum.accepted_total += listener.counts.accepted_total;
      sum.refused_total += listener.counts.refused_total;
      sum.failed_handshakes_total += listener.counts.failed_handshakes_total;
    }
  }
  out.family("mlgate_requests_total", MetricType::counter,
             "Requests that came to the listeners of a role, health checks included.");
  for (const auto& [role, count] : seen.requests) out.sample({{"role", role}}, count);
  out.family("mlgate_connections", MetricType::gauge, "Open connections of callers.");
  for (const auto& [name, sum] : sums)
    out.sample({{"listener", name}}, std::uint64_t(sum.connections));
  out.family("mlgate_connections_accepted_total", MetricType::counter, "Connections taken.");
  for (const auto& [name, sum] : sums) out.sample({{"listener", name}}, sum.accepted_total);
  out.family("mlgate_connections_refused_total", MetricType::counter,
             "Connections refused for want of descriptors, or above the limit.");
  for (const auto& [name, sum] : sums) out.sample({{"listener", name}}, sum.refused_total);
  out.family("mlgate_tls_handshakes_failed_total", MetricType::counter,
             "Connections that ended before TLS was agreed on.");
  for (const auto& [name, sum] : sums)
    out.sample({{"listener", name}}, sum.failed_handshakes_total);
  out.family("mlgate_malformed_messages_total", MetricType::counter,
             "Messages that were answered with this status because they could not be read.");
  for (const MalformedView& one : seen.malformed)
    out.sample({{"role", one.role}, {"status", std::to_string(one.status)}}, one.count);
}

void write_program(PrometheusText& out, const Observation& seen) {
  const auto gauge = [&](std::string_view name, std::string_view help, double value) {
    out.single(name, MetricType::gauge, help, value);
  };
  const auto counter = [&](std::string_view name, std::string_view help, std::uint64_t value) {
    out.single(name, MetricType::counter, help, double(value));
  };
  gauge("mlgate_ready", "1 while the process serves.", seen.ready && !seen.draining ? 1 : 0);
  gauge("mlgate_short_of_memory", "1 while calls are refused to save memory.",
        seen.short_of_memory ? 1 : 0);
  gauge("mlgate_snapshot_version", "Number of the configuration that is served.",
        double(seen.snapshot_version));
  gauge("mlgate_capacity_percent", "Processor time of the last seconds, of all cores.",
        seen.capacity_percent);
  counter("mlgate_refused_calls_total", "Calls refused to save memory.", seen.refused_calls);
  counter("mlgate_access_log_lost_lines_total", "Lines that could not be written.",
          seen.log_lines_lost);
  counter("mlgate_bugs_total", "Situations that cannot be, met all the same.", seen.bugs);
  gauge("mlgate_rate_limit_counters", "Counters of rate limits.", double(seen.rate_counters));
  gauge("mlgate_quota_counters", "Counters of quotas.", double(seen.quota_counters));
  counter("mlgate_rate_limit_table_full_total", "Calls refused for want of a counter.",
          seen.rate_table_full);
  counter("mlgate_quota_table_full_total", "Calls refused for want of a counter.",
          seen.quota_table_full);
  gauge("mlgate_control_queue", "Management requests that wait.", double(seen.control_queue));
  gauge("mlgate_compute_queue", "Scoring calls and runs that wait.", double(seen.compute_queue));
  gauge("mlgate_traces", "Traces of calls that are kept.", double(seen.traces));
  gauge("mlgate_trace_bytes", "Memory that they take.", double(seen.trace_bytes));
  counter("mlgate_otlp_spans_exported_total", "Sampled calls sent to the collector.",
          seen.exporter.exported_spans);
  counter("mlgate_otlp_spans_dropped_total", "Sampled calls that were not.",
          seen.exporter.dropped_spans);
  counter("mlgate_otlp_failed_pushes_total", "Messages that the collector did not take.",
          seen.exporter.failed_pushes);
  gauge("mlgate_otlp_spans_queued", "Sampled calls that wait.", double(seen.exporter.queued_spans));
}

// What is kept for the next start, and what comes from the store.
void write_follower(PrometheusText& out, const StoreFollower::Counts& seen) {
  const auto counter = [&](std::string_view name, std::string_view help, double value) {
    out.single(name, MetricType::counter, help, value);
  };
  counter("mlgate_quota_checkpoints_total", "Times that counters of quotas were written.",
          double(seen.quotas.writes));
  counter("mlgate_quota_checkpoint_bytes_total", "Bytes that were.", double(seen.quotas.bytes));
  counter("mlgate_quota_checkpoint_seconds_total", "Time that it took.", seen.quotas.seconds);
  counter("mlgate_quota_checkpoint_failures_total",
          "Times that counters of quotas could not be written.", double(seen.quotas.failures));
  counter("mlgate_configuration_failures_total",
          "Times that changes of the configuration could not be read or served.",
          double(seen.feed_failures));
  counter("mlgate_last_good_failures_total",
          "Times that the snapshot for a start without the store could not be written.",
          double(seen.last_good_failures));
}

void write_process(PrometheusText& out, const ProcessStats& process) {
  out.single("process_cpu_seconds_total", MetricType::counter, "User and system time.",
             process.cpu_seconds);
  out.single("process_resident_memory_bytes", MetricType::gauge, "Resident memory.",
             double(process.resident_bytes));
  out.single("process_virtual_memory_bytes", MetricType::gauge, "Virtual memory.",
             double(process.virtual_bytes));
  out.single("process_open_fds", MetricType::gauge, "Open descriptors.",
             double(process.open_descriptors));
  out.single("process_max_fds", MetricType::gauge, "Most descriptors that may be open.",
             double(process.descriptors_max));
  out.single("process_threads", MetricType::gauge, "Threads.", double(process.threads));
  out.single("process_start_time_seconds", MetricType::gauge, "Start, in Unix time.",
             process.start_unix_seconds);
}

}  // namespace

std::string metrics_text(const Observation& seen) {
  PrometheusText out;
  write_calls(out, seen);
  write_usage(out, seen);
  write_workers(out, seen);
  write_listeners(out, seen);
  write_program(out, seen);
  write_follower(out, seen.follower);
  write_process(out, seen.process);
  return std::move(out).text();
}

}  // namespace mlgate::app
