#include "analytics/access_log.h"

#include "analytics/url_text_internal.h"
#include "base/json.h"
#include "base/text.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace mlgate::analytics {

namespace {

// No byte needs an escape or a closer look. The loop has no early end, so that it runs on vectors.
bool is_plain(std::string_view text) noexcept {
  unsigned odd = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    odd |= unsigned(byte < 0x20) | unsigned(byte > 0x7e) | unsigned(byte == '"') |
           unsigned(byte == '\\');
  }
  return odd == 0;
}

// Writes into room that was made for the whole line, so that each piece is a copy and nothing more.
class Line {
 public:
  explicit Line(char* at) noexcept : at_(at) {}
  char* end() const noexcept { return at_; }

  Line& operator<<(std::string_view text) noexcept {
    if (!text.empty()) std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
    return *this;
  }
  Line& operator<<(char c) noexcept {
    *at_++ = c;
    return *this;
  }
  void number(std::int64_t number) noexcept {
    at_ = std::to_chars(at_, at_ + kNumberBytesMax, number).ptr;
  }
  // Milliseconds with three decimals.
  void ms(std::int64_t ns) noexcept {
    const std::int64_t us = (ns < 0 ? 0 : ns) / 1000;
    number(us / 1000);
    *at_++ = '.';
    three_digits(us % 1000);
  }
  void three_digits(std::int64_t number) noexcept {
    *at_++ = char('0' + number / 100);
    *at_++ = char('0' + number / 10 % 10);
    *at_++ = char('0' + number % 10);
  }
  void hex(std::uint64_t number, int digits) noexcept {
    constexpr char kHex[] = "0123456789abcdef";
    for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4)
      *at_++ = kHex[(number >> shift) & 0xF];
  }
  void guid(const std::uint64_t (&id)[2]) noexcept {
    hex(id[0] >> 32, 8);
    *at_++ = '-';
    hex(id[0] >> 16, 4);
    *at_++ = '-';
    hex(id[0], 4);
    *at_++ = '-';
    hex(id[1] >> 48, 4);
    *at_++ = '-';
    hex(id[1], 12);
  }
  // Within quotes that others write. Nearly every text is plain.
  void escaped(std::string_view text) {
    if (is_plain(text)) {
      *this << text;
      return;
    }
    std::string quoted;
    append_json_string(quoted, text);
    *this << std::string_view(quoted).substr(1, quoted.size() - 2);
  }
  // `front` is `,"name":"`.
  void text_field(std::string_view front, std::string_view value) {
    if (value.empty()) return;
    *this << front;
    escaped(value);
    *at_++ = '"';
  }

 private:
  static constexpr std::size_t kNumberBytesMax = 20;
  char* at_;
};

// Names, numbers and punctuation of a line; its texts come on top, each byte as six at most.
constexpr std::size_t kFixedBytesMax = 2048;
constexpr std::size_t kEscapeBytesMax = 6;

// Texts that stand in the line twice are counted twice.
std::size_t line_bytes_max(const UsageRecord& record) noexcept {
  const std::size_t once =
      record.method.size() + record.scheme.size() + record.authority.size() + record.path.size() +
      record.query.size() + record.caller_address.size() + record.client_protocol.size() +
      record.tls_version.size() + record.service_name.size() + record.api_name.size() +
      record.api_revision.size() + record.operation_name.size() + record.product_name.size() +
      record.subscription_name.size() + record.user_name.size() + record.backend_id.size() +
      record.backend_method.size() + record.backend_url.size() + record.backend_protocol.size() +
      record.backend_target.size();
  const std::size_t twice = record.error_source.size() + record.error_reason.size() +
                            record.error_message.size() + record.error_scope.size() +
                            record.error_section.size();
  return kFixedBytesMax + kEscapeBytesMax * (once + 2 * twice);
}

// The query without the value of the key parameter.
void append_query(Line& out, std::string_view query, std::string_view key_name) {
  each_open_piece(query, key_name, [&](std::string_view piece) { out.escaped(piece); });
}

void append_url(Line& out, const UsageRecord& record) {
  out << ",\"url\":\"";
  out.escaped(record.scheme);
  out << "://";
  out.escaped(record.authority);
  out.escaped(record.path);
  if (!record.query.empty()) {
    out << '?';
    append_query(out, record.query, record.key_query_name);
  }
  out << '"';
}

void append_error(Line& out, const UsageRecord& record) {
  out << "{\"elapsed\":";
  out.ms(record.error_elapsed_ns);
  out.text_field(",\"source\":\"", record.error_source);
  out.text_field(",\"scope\":\"", record.error_scope);
  out.text_field(",\"section\":\"", record.error_section);
  out.text_field(",\"reason\":\"", record.error_reason);
  out.text_field(",\"message\":\"", record.error_message);
  out << '}';
}

// A call raises at most one error: on-error runs once.
void append_errors(Line& out, const UsageRecord& record) {
  out << ",\"lastError\":";
  append_error(out, record);
  out << ",\"errors\":[";
  append_error(out, record);
  out << ']';
}

// Ties the line to its spans.
void append_trace(Line& out, const UsageRecord& record) {
  out << ",\"traceId\":\"";
  out.hex(record.trace_id[0], 16);
  out.hex(record.trace_id[1], 16);
  out << "\",\"spanId\":\"";
  out.hex(record.span_id, 16);
  out << '"';
}

void append_backend(Line& out, const UsageRecord& record) {
  if (record.backend_response_code != 0) {
    out << ",\"backendResponseCode\":";
    out.number(record.backend_response_code);
  }
  out << ",\"backendTime\":";
  out.ms(record.backend_ns);
  out.text_field(",\"backendId\":\"", record.backend_id);
  out.text_field(",\"backendProtocol\":\"", record.backend_protocol);
  out.text_field(",\"backendMethod\":\"", record.backend_method);
  out << ",\"backendUrl\":\"";
  out.escaped(record.backend_url);
  const auto target = record.backend_target;
  const auto question = std::min(target.find('?'), target.size());
  out.escaped(target.substr(0, question));
  if (question < target.size()) {
    out << '?';
    append_query(out, target.substr(question + 1), record.key_query_name);
  }
  out << '"';
}

void append_numbers(Line& out, const UsageRecord& record) {
  out << ",\"responseCode\":";
  out.number(record.response_code);
  out << ",\"responseSize\":";
  out.number(std::int64_t(record.response_bytes));
  out << ",\"requestSize\":";
  out.number(std::int64_t(record.request_bytes));
  out << ",\"cache\":\"" << to_text(record.cache) << "\",\"cacheTime\":0.000,\"totalTime\":";
  out.ms(record.total_ns);
  out << ",\"clientTime\":";
  out.ms(record.client_ns);
}

}  // namespace

void AccessLogFormat::note_second(TimeMs second) {
  if (second == second_) return;
  second_ = second;
  second_text_ = to_iso8601(second).substr(0, 19);
}

char* AccessLogFormat::write(char* at, const UsageRecord& record) {
  Line out(at);
  const TimeMs ms = (record.start_ms % 1000 + 1000) % 1000;
  note_second(record.start_ms - ms);
  out << "{\"timestamp\":\"" << second_text_ << '.';
  out.three_digits(ms);
  out << (record.response_code >= 200 && record.response_code < 400
              ? std::string_view("Z\",\"isRequestSuccess\":true,\"correlationId\":\"")
              : std::string_view("Z\",\"isRequestSuccess\":false,\"correlationId\":\""));
  out.guid(record.correlation_id);
  out << '"';
  out.text_field(",\"method\":\"", record.method);
  append_url(out, record);
  append_numbers(out, record);
  out.text_field(",\"callerIpAddress\":\"", record.caller_address);
  out.text_field(",\"clientProtocol\":\"", record.client_protocol);
  out.text_field(",\"clientTlsVersion\":\"", record.tls_version);
  out.text_field(",\"serviceName\":\"", record.service_name);
  out.text_field(",\"apiId\":\"", record.api_name);
  out.text_field(",\"apiRevision\":\"", record.api_revision);
  out.text_field(",\"operationId\":\"", record.operation_name);
  out.text_field(",\"productId\":\"", record.product_name);
  out.text_field(",\"userId\":\"", record.user_name);
  out.text_field(",\"apimSubscriptionId\":\"", record.subscription_name);
  if (!record.backend_url.empty()) append_backend(out, record);
  if (record.span_id != 0) append_trace(out, record);
  if (!record.error_source.empty()) append_errors(out, record);
  out << "}\n";
  return out.end();
}

void AccessLogFormat::append(std::string& out, const UsageRecord& record) {
  const std::size_t wanted = line_bytes_max(record);
  if (room_.size() < wanted) room_.resize(wanted);
  const char* const end = write(room_.data(), record);
  out.append(room_.data(), std::size_t(end - room_.data()));
}

}  // namespace mlgate::analytics
