#pragma once
// Spans and metrics as OTLP messages (opentelemetry-proto 1.x, binary), for POST to /v1/traces and
// /v1/metrics of a collector. Pure: no I/O.
#include "analytics/series.h"
#include "analytics/usage.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::analytics {

// Who sends: attributes of the resource.
struct OtlpResource {
  std::string service_name = "mlgate";
  std::string service_version;
  std::string instance_id;
};

// The spans of one sampled call as repeated fields of a ScopeSpans message: the call itself, and
// the call of the backend where there was one.
std::string encode_spans(const UsageRecord& record);
// An ExportTraceServiceRequest of spans that encode_spans() made.
std::string trace_request(const OtlpResource& resource, std::span<const std::string> spans);

struct MetricsTimes {
  std::uint64_t start_unix_ns = 0;  // When counting began: totals are since then.
  std::uint64_t now_unix_ns = 0;
};
// An ExportMetricsServiceRequest: Requests, DurationInMs, BackendDurationInMs, ClientDurationInMs
// and GatewayDurationInMs of meter "mlgate.gateway" (gateway.md 12), one point per series.
std::string metrics_request(const OtlpResource& resource, const std::vector<Series>& series,
                            MetricsTimes times);

}  // namespace mlgate::analytics
