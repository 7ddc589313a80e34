#include "analytics/access_log.h"

#include "base/json.h"
#include "base/text.h"

#include <charconv>

namespace mlgate::analytics {

namespace {

void append_number(std::string& out, std::int64_t number) {
  char text[20];
  out.append(text, std::to_chars(text, text + sizeof text, number).ptr);
}

// Nearly every text is plain ASCII that needs no escape.
void append_text(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c < ' ' || c > '~' || c == '"' || c == '\\') {
      append_json_string(out, text);
      return;
    }
  }
  out += '"';
  out += text;
  out += '"';
}

void append_guid(std::string& out, const std::uint64_t (&id)[2]) {
  constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (int digit = 0; digit < 32; ++digit) {
    if (digit == 8 || digit == 12 || digit == 16 || digit == 20) out += '-';
    out += kHex[(id[digit / 16] >> (60 - 4 * (digit % 16))) & 0xF];
  }
  out += '"';
}

// Milliseconds with three decimals.
void append_ms(std::string& out, std::int64_t ns) {
  const std::int64_t us = (ns < 0 ? 0 : ns) / 1000;
  append_number(out, us / 1000);
  const auto rest = us % 1000;
  out += '.';
  out += char('0' + rest / 100);
  out += char('0' + rest / 10 % 10);
  out += char('0' + rest % 10);
}

void text_field(std::string& out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  out += ",\"";
  out += name;
  out += "\":";
  append_text(out, value);
}

void number_field(std::string& out, std::string_view name, std::int64_t value) {
  out += ",\"";
  out += name;
  out += "\":";
  append_number(out, value);
}

void ms_field(std::string& out, std::string_view name, std::int64_t ns) {
  out += ",\"";
  out += name;
  out += "\":";
  append_ms(out, ns);
}

bool is_key_name(std::string_view raw, std::string_view key_name) {
  if (key_name.empty() || raw.size() < key_name.size()) return false;
  if (raw.find('%') == std::string_view::npos) return equals_ignoring_case(raw, key_name);
  const auto name = percent_decode(raw);
  return name && equals_ignoring_case(*name, key_name);
}

// The query without the value of the key parameter.
void append_query(std::string& out, std::string_view query, std::string_view key_name) {
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto pair = query.substr(0, end);
    const auto equals = pair.find('=');
    if (equals != std::string_view::npos && is_key_name(pair.substr(0, equals), key_name)) {
      out += pair.substr(0, equals + 1);
    } else {
      out += pair;
    }
    if (end == query.size()) return;
    out += '&';
    query.remove_prefix(end + 1);
  }
}

void append_target(std::string& out, std::string_view target, std::string_view key_name) {
  const auto question = target.find('?');
  out += target.substr(0, question);
  if (question == std::string_view::npos) return;
  out += '?';
  append_query(out, target.substr(question + 1), key_name);
}

std::string url_of(const UsageRecord& record) {
  std::string url;
  url.reserve(record.path.size() + record.query.size() + record.authority.size() + 16);
  url += record.scheme;
  url += "://";
  url += record.authority;
  url += record.path;
  if (!record.query.empty()) {
    url += '?';
    append_query(url, record.query, record.key_query_name);
  }
  return url;
}

void append_error(std::string& out, const UsageRecord& record) {
  out += "{\"elapsed\":";
  append_ms(out, record.error_elapsed_ns);
  text_field(out, "source", record.error_source);
  text_field(out, "scope", record.error_scope);
  text_field(out, "section", record.error_section);
  text_field(out, "reason", record.error_reason);
  text_field(out, "message", record.error_message);
  out += '}';
}

// A call raises at most one error: on-error runs once.
void append_errors(std::string& out, const UsageRecord& record) {
  out += ",\"lastError\":";
  append_error(out, record);
  out += ",\"errors\":[";
  append_error(out, record);
  out += ']';
}

void append_hex(std::string& out, std::uint64_t number) {
  constexpr char kHex[] = "0123456789abcdef";
  for (int shift = 60; shift >= 0; shift -= 4) out += kHex[(number >> shift) & 0xF];
}

// Ties the line to its spans.
void append_trace(std::string& out, const UsageRecord& record) {
  out += ",\"traceId\":\"";
  append_hex(out, record.trace_id[0]);
  append_hex(out, record.trace_id[1]);
  out += "\",\"spanId\":\"";
  append_hex(out, record.span_id);
  out += '"';
}

void append_backend(std::string& out, const UsageRecord& record) {
  if (record.backend_response_code != 0) {
    number_field(out, "backendResponseCode", record.backend_response_code);
  }
  ms_field(out, "backendTime", record.backend_ns);
  text_field(out, "backendId", record.backend_id);
  text_field(out, "backendProtocol", record.backend_protocol);
  text_field(out, "backendMethod", record.backend_method);
  std::string url(record.backend_url);
  append_target(url, record.backend_target, record.key_query_name);
  text_field(out, "backendUrl", url);
}

}  // namespace

void AccessLogFormat::append_time(std::string& out, TimeMs time) {
  const TimeMs second = time - (time % 1000 + 1000) % 1000;
  if (second != second_) {
    second_ = second;
    second_text_ = to_iso8601(second).substr(0, 19);
  }
  const auto ms = time - second;
  out += second_text_;
  out += '.';
  out += char('0' + ms / 100);
  out += char('0' + ms / 10 % 10);
  out += char('0' + ms % 10);
  out += 'Z';
}

void AccessLogFormat::append(std::string& out, const UsageRecord& record) {
  out += "{\"timestamp\":\"";
  append_time(out, record.start_ms);
  out += "\",\"isRequestSuccess\":";
  out += record.response_code >= 200 && record.response_code < 400 ? "true" : "false";
  out += ",\"correlationId\":";
  append_guid(out, record.correlation_id);
  text_field(out, "method", record.method);
  text_field(out, "url", url_of(record));
  number_field(out, "responseCode", record.response_code);
  number_field(out, "responseSize", std::int64_t(record.response_bytes));
  number_field(out, "requestSize", std::int64_t(record.request_bytes));
  out += ",\"cache\":\"none\",\"cacheTime\":0.000";
  ms_field(out, "totalTime", record.total_ns);
  ms_field(out, "clientTime", record.client_ns);
  text_field(out, "callerIpAddress", record.caller_address);
  text_field(out, "clientProtocol", record.client_protocol);
  text_field(out, "clientTlsVersion", record.tls_version);
  text_field(out, "serviceName", record.service_name);
  text_field(out, "apiId", record.api_name);
  text_field(out, "apiRevision", record.api_revision);
  text_field(out, "operationId", record.operation_name);
  text_field(out, "productId", record.product_name);
  text_field(out, "userId", record.user_name);
  text_field(out, "apimSubscriptionId", record.subscription_name);
  if (!record.backend_url.empty()) append_backend(out, record);
  if (record.span_id != 0) append_trace(out, record);
  if (!record.error_source.empty()) append_errors(out, record);
  out += "}\n";
}

}  // namespace mlgate::analytics
