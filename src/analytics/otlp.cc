#include "analytics/otlp.h"

#include "analytics/protobuf.h"

#include <array>

namespace mlgate::analytics {

namespace {

// Numbers of the fields and enums in opentelemetry-proto.
constexpr int kServerSpan = 2, kClientSpan = 3, kStatusError = 2, kCumulative = 2;
constexpr std::string_view kScope = "mlgate.gateway";

void attribute(ProtoWriter& out, int field, std::string_view key, std::string_view value) {
  if (value.empty()) return;
  const std::size_t inner = ProtoWriter::size_of(value.size());
  out.begin(field, ProtoWriter::size_of(key.size()) + ProtoWriter::size_of(inner));
  out.bytes(1, key).begin(2, inner).bytes(1, value);
}

void attribute(ProtoWriter& out, int field, std::string_view key, std::int64_t value) {
  out.message(
      field, ProtoWriter().bytes(1, key).message(2, ProtoWriter().varint(3, std::uint64_t(value))));
}

std::string big_endian(std::uint64_t number) {
  std::string out;
  for (int shift = 56; shift >= 0; shift -= 8) out += char(number >> shift & 0xFF);
  return out;
}

struct SpanHead {
  std::uint64_t id, parent;
  std::string_view name;
  int kind;
  std::uint64_t start_ns, end_ns;
};

ProtoWriter span_of(const UsageRecord& record, const SpanHead& head) {
  ProtoWriter span;
  span.reserve(1'024);
  span.bytes(1, big_endian(record.trace_id[0]) + big_endian(record.trace_id[1]));
  span.bytes(2, big_endian(head.id));
  if (!record.trace_state.empty()) span.bytes(3, record.trace_state);
  if (head.parent != 0) span.bytes(4, big_endian(head.parent));
  span.bytes(5, head.name).varint(6, std::uint64_t(head.kind));
  span.fixed64(7, head.start_ns).fixed64(8, head.end_ns);
  return span;
}

void set_status(ProtoWriter& span, bool failed, std::string_view message) {
  if (!failed) return;
  ProtoWriter status;
  if (!message.empty()) status.bytes(2, message);
  span.message(15, status.varint(3, kStatusError));
}

std::uint64_t start_of(const UsageRecord& record) {
  return std::uint64_t(record.start_ms) * 1'000'000;
}

ProtoWriter call_span(const UsageRecord& record) {
  const auto start = start_of(record);
  std::string name(record.method);
  if (!record.api_name.empty()) name += " " + std::string(record.api_name);
  if (!record.operation_name.empty()) name += "/" + std::string(record.operation_name);
  ProtoWriter span = span_of(record, {.id = record.span_id,
                                      .parent = record.parent_span_id,
                                      .name = name,
                                      .kind = kServerSpan,
                                      .start_ns = start,
                                      .end_ns = start + std::uint64_t(record.total_ns)});
  attribute(span, 9, "http.request.method", record.method);
  attribute(span, 9, "url.scheme", record.scheme);
  attribute(span, 9, "url.path", record.path);
  attribute(span, 9, "server.address", record.authority);
  attribute(span, 9, "client.address", record.caller_address);
  if (record.response_code != 0) {
    attribute(span, 9, "http.response.status_code", std::int64_t{record.response_code});
  }
  attribute(span, 9, "mlgate.service", record.service_name);
  attribute(span, 9, "mlgate.api", record.api_name);
  attribute(span, 9, "mlgate.operation", record.operation_name);
  attribute(span, 9, "mlgate.product", record.product_name);
  attribute(span, 9, "error.type", record.error_reason);
  set_status(span, record.response_code == 0 || record.response_code >= 500, record.error_message);
  return span;
}

ProtoWriter backend_span(const UsageRecord& record) {
  const auto start = start_of(record) + std::uint64_t(record.backend_start_ns);
  ProtoWriter span = span_of(record, {.id = record.backend_span_id,
                                      .parent = record.span_id,
                                      .name = record.backend_method,
                                      .kind = kClientSpan,
                                      .start_ns = start,
                                      .end_ns = start + std::uint64_t(record.backend_ns)});
  attribute(span, 9, "http.request.method", record.backend_method);
  // Without the query, which may hold keys.
  const auto path = record.backend_target.substr(0, record.backend_target.find('?'));
  attribute(span, 9, "url.full", std::string(record.backend_url) + std::string(path));
  attribute(span, 9, "network.protocol.name", record.backend_protocol);
  if (record.backend_response_code != 0) {
    attribute(span, 9, "http.response.status_code", std::int64_t{record.backend_response_code});
  }
  set_status(span, record.backend_response_code == 0 || record.backend_response_code >= 400, {});
  return span;
}

ProtoWriter resource_message(const OtlpResource& resource) {
  ProtoWriter out;
  attribute(out, 1, "service.name", resource.service_name);
  attribute(out, 1, "service.version", resource.service_version);
  attribute(out, 1, "service.instance.id", resource.instance_id);
  return out;
}

ProtoWriter scope_message() { return ProtoWriter().bytes(1, kScope); }

std::string category(int code) {
  return code < 100 ? std::string() : std::to_string(code / 100) + "xx";
}

// The attributes that every instrument has.
std::string attributes_of(const Series& series, int field) {
  ProtoWriter out;
  attribute(out, field, "GatewayId", std::string_view("managed"));
  attribute(out, field, "Location", std::string_view("local"));
  attribute(out, field, "Hostname", series.service);
  attribute(out, field, "ApiId", series.api);
  attribute(out, field, "ResponseCode",
            std::string_view(series.response_code ? std::to_string(series.response_code) : ""));
  attribute(out, field, "ResponseCodeCategory", std::string_view(category(series.response_code)));
  const int backend = series.backend_response_code;
  attribute(out, field, "BackendResponseCode",
            std::string_view(backend ? std::to_string(backend) : ""));
  attribute(out, field, "BackendResponseCodeCategory", std::string_view(category(backend)));
  attribute(out, field, "Cache", std::string_view("none"));
  attribute(out, field, "LastErrorReason", series.error_reason);
  attribute(out, field, "Status", to_text(series.status));
  return std::move(out).text();
}

ProtoWriter requests_metric(const std::vector<Series>& series, MetricsTimes times) {
  ProtoWriter sum;
  for (const auto& one : series) {
    ProtoWriter point;
    point.fixed64(2, times.start_unix_ns).fixed64(3, times.now_unix_ns);
    point.fixed64(6, one.total.count);
    sum.bytes(1, point.text() + attributes_of(one, 7));
  }
  sum.varint(2, kCumulative).varint(3, 1);
  ProtoWriter metric;
  metric.bytes(1, "Requests").bytes(2, "Calls answered.").bytes(3, "{request}").message(7, sum);
  return metric;
}

const std::vector<std::uint64_t>& bounds_ms() {
  static const std::vector<std::uint64_t> bounds = [] {
    std::vector<std::uint64_t> out;
    for (const auto ns : kDurationBoundsNs)
      out.push_back(std::bit_cast<std::uint64_t>(double(ns) / 1e6));
    return out;
  }();
  return bounds;
}

struct DurationMetric {
  std::string_view name, description;
  Histogram Series::* values;
};

ProtoWriter duration_metric(const std::vector<Series>& series, MetricsTimes times,
                            const DurationMetric& what) {
  ProtoWriter histogram;
  for (const auto& one : series) {
    const Histogram& values = one.*what.values;
    if (values.count == 0) continue;
    ProtoWriter point;
    point.fixed64(2, times.start_unix_ns).fixed64(3, times.now_unix_ns);
    point.fixed64(4, values.count).real(5, double(values.sum_ns) / 1e6);
    point.packed(6, values.buckets).packed(7, bounds_ms());
    histogram.bytes(1, point.text() + attributes_of(one, 9));
  }
  histogram.varint(2, kCumulative);
  ProtoWriter metric;
  metric.bytes(1, what.name).bytes(2, what.description).bytes(3, "ms").message(9, histogram);
  return metric;
}

}  // namespace

std::string encode_spans(const UsageRecord& record) {
  ProtoWriter out;
  out.message(2, call_span(record));
  if (!record.backend_url.empty()) out.message(2, backend_span(record));
  return std::move(out).text();
}

std::string trace_request(const OtlpResource& resource, std::span<const std::string> spans) {
  std::string scope_spans = ProtoWriter().message(1, scope_message()).text();
  for (const auto& one : spans) scope_spans += one;
  ProtoWriter resource_spans;
  resource_spans.message(1, resource_message(resource)).bytes(2, scope_spans);
  return ProtoWriter().message(1, resource_spans).text();
}

std::string metrics_request(const OtlpResource& resource, const std::vector<Series>& series,
                            MetricsTimes times) {
  ProtoWriter scope_metrics;
  scope_metrics.message(1, scope_message());
  scope_metrics.message(2, requests_metric(series, times));
  for (const auto& what : std::array<DurationMetric, 4>{
           {{"DurationInMs", "From the request's head to the answer's end.", &Series::total},
            {"BackendDurationInMs", "Until the backend's head.", &Series::backend},
            {"ClientDurationInMs", "Waiting for the caller.", &Series::client},
            {"GatewayDurationInMs", "The rest.", &Series::gateway}}}) {
    scope_metrics.message(2, duration_metric(series, times, what));
  }
  ProtoWriter resource_metrics;
  resource_metrics.message(1, resource_message(resource)).message(2, scope_metrics);
  return ProtoWriter().message(1, resource_metrics).text();
}

}  // namespace mlgate::analytics
