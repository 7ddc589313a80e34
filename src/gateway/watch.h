#pragma once
// How one call is watched beyond its usage record: its place in a distributed trace, and, when the
// caller asks for it and may, a trace of every step. Whoever asks for neither pays for one look
// over the names of the request's fields.
#include "gateway/trace_context.h"
#include "gateway/trace_desk.h"
#include "policy/call_trace.h"
#include "policy/policy.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace mlgate::gateway {

struct Call;
struct CallSizes;
class RequestIds;

// The same for all calls of the process; outlives them.
struct Watching {
  TraceDesk* desk = nullptr;       // Null: calls cannot be traced.
  std::string link_base;           // "https://localhost:8444/console/api/traces/"
  bool join_traces = false;        // The gateway is a span of the caller's trace.
  std::uint64_t sample_below = 0;  // Of traces that begin here: those whose random number is below.
};

// The part of a Call that watching needs.
struct CallWatch {
  TraceContext context;
  std::string_view credential;                 // Apim-Debug-Authorization, as sent.
  bool asked = false;                          // Ocp-Apim-Trace: true.
  std::string_view answer_name, answer_value;  // A header that tells what became of the wish.
  std::unique_ptr<policy::CallTrace> trace;
  std::string link;

  bool wanted() const noexcept { return asked || !credential.empty(); }
};

// Looks over the request's fields; takes out those that are the gateway's alone.
void begin_watching(Call& call, RequestIds& ids) noexcept;
// The operation is known: a debug credential is checked.
void trace_matched(Call& call);
// The key is checked: Ocp-Apim-Trace is granted to subscriptions that may trace.
void trace_authorized(Call& call, bool has_key, bool admitted);
policy::Flow traced_step(Call& call, const policy::Step& step);
// The plan is made; the backend answered, or failed.
void trace_forward(Call& call);
void trace_answer(Call& call);
// An error was raised; on-error runs next.
void trace_error(Call& call);
// The answer's head is complete: adds what the caller is told of the trace.
void add_trace_header(Call& call);
void keep_trace(Call& call, const CallSizes& sizes);

}  // namespace mlgate::gateway
