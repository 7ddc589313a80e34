#include "gateway/pipeline_run.h"

#include <utility>

namespace mlgate::gateway {

using policy::Flow;
using policy::Section;

namespace {

Flow run_step(Call& call, const policy::Step& step) {
  if (call.x.trace) [[unlikely]]
    return traced_step(call, step);
  return step.policy->apply(call.x);
}

void note_place(Call& call, const policy::Step& step) {
  auto& error = call.x.error;
  error.source = step.source;
  error.scope = to_text(step.scope);
  error.section = to_text(step.section);
  error.path = step.path;
  error.policy_id = step.id;
}

Step answered(Call& call) {
  call.answered_here = true;
  return Step::answer;
}

// Prefix of the service URL, one slash, what is left of the caller's path; query parts joined, the
// service's first.
void plan_target(Call& call) {
  auto& x = call.x;
  const auto& backend = *call.plan.backend;
  const auto tail = call.path.tail(call.api_segments, x.arena);
  const std::string_view theirs = x.request.query;
  const bool both = !backend.query.empty() && !theirs.empty();
  const bool any = !backend.query.empty() || !theirs.empty();
  const auto target = x.arena.join(
      {backend.path_prefix, "/", tail, any ? "?" : "", backend.query, both ? "&" : "", theirs});
  const std::size_t path_size = backend.path_prefix.size() + 1 + tail.size();
  call.plan.target = target;
  call.plan.path = target.substr(0, path_size);
  call.plan.query = any ? target.substr(path_size + 1) : std::string_view();
  call.plan.timeout_ms = x.forward.timeout_ms;
}

Step forward(Call& call) {
  const auto& backend = call.binding->api->backend;
  if (backend.kind == Backend::Kind::none) {
    return fail_forward(call, "BackendConnectionFailure", "No backend is configured.");
  }
  call.plan.backend = &backend;
  plan_target(call);
  if (call.x.trace) [[unlikely]]
    trace_forward(call);
  return Step::forward;
}

Step run_backend(Call& call) {
  const auto& steps = (*call.pipeline)[Section::backend];
  while (call.backend_step < steps.size()) {
    const auto& step = steps[call.backend_step++];
    switch (run_step(call, step)) {
      case Flow::next:
        break;
      case Flow::respond:
        return answered(call);
      case Flow::error:
        note_place(call, step);
        return run_on_error(call);
      case Flow::forward:
        return forward(call);
    }
  }
  auto& x = call.x;
  if (x.response.status == 0) {
    // Nothing was forwarded: outbound sees an empty 200.
    x.response.status = 200;
    call.answered_here = true;
    for (const auto& field : x.response_additions) x.response.headers.add(field.name, field.value);
    x.response_additions.clear();
  }
  for (const auto& step : (*call.pipeline)[Section::outbound]) {
    switch (run_step(call, step)) {
      case Flow::respond:
        return answered(call);
      case Flow::error:
        note_place(call, step);
        return run_on_error(call);
      case Flow::next:
      case Flow::forward:
        break;
    }
  }
  return call.answered_here ? Step::answer : Step::forward;
}

}  // namespace

Step run_inbound(Call& call) {
  for (const auto& step : (*call.pipeline)[Section::inbound]) {
    switch (run_step(call, step)) {
      case Flow::respond:
        return answered(call);
      case Flow::error:
        note_place(call, step);
        return run_on_error(call);
      case Flow::next:
      case Flow::forward:
        break;
    }
  }
  return run_backend(call);
}

Step run_after_backend(Call& call) { return run_backend(call); }

Step run_on_error(Call& call) {
  auto& x = call.x;
  const bool again = std::exchange(x.error.raised, true);  // on-error runs at most once.
  if (!again) x.error.at_ns = system_clock().steady_ns();
  if (x.trace) [[unlikely]]
    trace_error(call);
  if (call.pipeline && !again) {
    for (const auto& step : (*call.pipeline)[Section::on_error]) {
      const Flow flow = run_step(call, step);
      if (flow == Flow::respond) break;
      if (flow != Flow::error) continue;
      // An error inside on-error ends processing.
      note_place(call, step);
      policy::answer_failure(x);
      break;
    }
  }
  return answered(call);
}

Step fail_forward(Call& call, std::string_view reason, std::string_view message) {
  auto& x = call.x;
  const auto& steps = (*call.pipeline)[Section::backend];
  if (call.backend_step > 0 && call.backend_step <= steps.size()) {
    note_place(call, steps[call.backend_step - 1]);
  }
  x.error.reason = reason;
  x.error.message = message;
  if (x.response.status == 0) policy::answer_failure(x);
  return run_on_error(call);
}

}  // namespace mlgate::gateway
