#pragma once
// One record per call, from the worker that served it to the one thread that writes the access log
// and counts usage. A worker only copies the record into its own ring; when the ring is full the
// record is dropped and counted, because a call never waits for its log.
#include "base/time.h"

#include <cstdint>
#include <span>
#include <string_view>

namespace mlgate::analytics {

// What the cache of the gateway had to do with a call.
enum class CacheUse : unsigned char { none, hit, miss };
constexpr std::string_view to_text(CacheUse use) noexcept {
  return use == CacheUse::hit ? "hit" : use == CacheUse::miss ? "miss" : "none";
}

// Views are copied by UsageSink::record(). Empty texts and zero numbers are left out of the log
// line.
struct UsageRecord {
  TimeMs start_ms = 0;
  std::uint64_t correlation_id[2] = {0, 0};  // Written as a GUID.
  std::uint64_t service = 0, api = 0, operation = 0, product = 0, subscription = 0, user = 0;
  std::int64_t total_ns = 0, backend_ns = 0, client_ns = 0;
  std::int64_t backend_start_ns = 0;  // From the start of the call.
  std::int64_t error_elapsed_ns = 0;  // Until the error was raised.
  // The call's place in a distributed trace; zero when it takes part in none.
  std::uint64_t trace_id[2] = {0, 0};
  std::uint64_t span_id = 0, parent_span_id = 0, backend_span_id = 0;
  bool sampled = false;
  std::uint64_t request_bytes = 0, response_bytes = 0;
  std::uint16_t response_code = 0;  // 0: the caller went away.
  std::uint16_t backend_response_code = 0;
  CacheUse cache = CacheUse::none;
  std::string_view method;
  std::string_view scheme, authority, path,
      query;  // The URL, without the value of the key parameter.
  std::string_view key_query_name;
  std::string_view caller_address;
  std::string_view client_protocol, tls_version;
  std::string_view service_name, api_name, api_revision, operation_name, product_name;
  std::string_view subscription_name, user_name;
  std::string_view backend_id, backend_method, backend_url, backend_protocol, backend_target;
  std::string_view error_source, error_reason, error_message, error_scope, error_section;
  std::string_view trace_state;
};

// Several at once: those who count take their lock once for all of them.
using UsageRecords = std::span<const UsageRecord* const>;

// Where a worker leaves its records. Thread: one worker's.
class UsageSink {
 public:
  virtual ~UsageSink() = default;
  // A call reached the gateway; its record follows when it is over.
  virtual void started() noexcept {}
  // Copies; never waits. False when the record was dropped.
  virtual bool record(const UsageRecord& record) noexcept = 0;
};

}  // namespace mlgate::analytics
