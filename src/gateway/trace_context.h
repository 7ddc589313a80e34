#pragma once
// W3C Trace Context (traceparent, level 1): reads the caller's, and writes the one that goes to the
// backend. Where the gateway takes part in traces it is a span of its own: the backend's parent is
// the gateway's call of the backend, and that one's parent is the gateway's call.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace mlgate::gateway {

inline constexpr std::size_t kTraceparentBytes = 55;  // "00-{32 hex}-{16 hex}-{2 hex}"

struct TraceParent {
  std::uint64_t trace[2] = {0, 0};
  std::uint64_t span = 0;
  bool sampled = false;
};

// nullopt for anything that the recommendation does not allow: upper case, zero ids, version ff,
// anything behind a version 00. Of later versions what is known of it is read.
std::optional<TraceParent> parse_traceparent(std::string_view text) noexcept;
void write_traceparent(const TraceParent& parent, std::span<char, kTraceparentBytes> out) noexcept;

// A call's place in a trace. All zero: the gateway takes no part, and the caller's headers pass.
struct TraceContext {
  std::uint64_t trace[2] = {0, 0};
  std::uint64_t parent = 0;  // The caller's span; 0: the trace begins here.
  std::uint64_t span = 0;    // The gateway's.
  std::uint64_t backend_span = 0;
  bool sampled = false;
  bool keep_state = false;       // The caller's tracestate is for this trace.
  std::string_view trace_state;  // As sent, when it stood in one field.

  bool joined() const noexcept { return span != 0; }
};

}  // namespace mlgate::gateway
