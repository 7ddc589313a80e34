#include "gateway/pipeline_run.h"

#include <algorithm>
#include <optional>
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
  call.x.release_slots();
  call.x.count_deferred();
  call.answered_here = true;
  return Step::answer;
}

// The query without the parameters that the backend's credentials set.
std::string_view without(std::string_view query, const std::vector<std::string>& names,
                         policy::Arena& arena) {
  if (names.empty() || query.empty()) return query;
  char* const begin = arena.take(query.size());
  char* out = begin;
  for (std::string_view rest = query; !rest.empty();) {
    const auto piece = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(piece.size() + 1, rest.size()));
    const auto name = decode(piece.substr(0, piece.find('=')), {}, true, arena);
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    if (out != begin) *out++ = '&';
    out = std::copy(piece.begin(), piece.end(), out);
  }
  return {begin, std::size_t(out - begin)};
}

// Prefix of the service URL, one slash, what is left of the caller's path; query parts joined, the
// service's first, the backend's credentials last.
void plan_target(Call& call) {
  auto& x = call.x;
  const auto& backend = *call.plan.backend;
  const auto tail = call.path.tail(call.api_segments, x.arena);
  const auto* part = call.backend_part;
  const std::string_view theirs =
      part ? without(x.request.query, part->query_names, x.arena) : x.request.query;
  const std::string_view added = part ? std::string_view(part->query) : std::string_view();
  const bool both = !backend.query.empty() && !theirs.empty();
  const bool more = !added.empty() && (!backend.query.empty() || !theirs.empty());
  const bool any = !backend.query.empty() || !theirs.empty() || !added.empty();
  const auto target = x.arena.join({backend.path_prefix, "/", tail, any ? "?" : "", backend.query,
                                    both ? "&" : "", theirs, more ? "&" : "", added});
  const std::size_t path_size = backend.path_prefix.size() + 1 + tail.size();
  call.plan.target = target;
  call.plan.path = target.substr(0, path_size);
  call.plan.query = any ? target.substr(path_size + 1) : std::string_view();
  call.plan.timeout_ms =
      x.forward.timeout_ms != 0 ? x.forward.timeout_ms : call.options.backend_timeout_ms;
  call.plan.continue_ms = x.forward.continue_ms;
  call.plan.buffer_request = x.forward.buffer_request;
}

// No member can be used, or the breaker is open: that is a response like a backend's, and no error.
void answer_unavailable(Call& call, const BackendPart& part) {
  constexpr std::int64_t kSecondNs = 1'000'000'000;
  auto& x = call.x;
  policy::answer_error(x, 503, "Service Unavailable",
                       part.is_pool() ? "Backend pool is temporarily unavailable."
                                      : "Backend is temporarily unavailable.");
  std::int64_t wait_ns = part.closed_in_ns(x.now_ns);
  // Nobody knows when an unhealthy backend is well again; its next check is the first chance.
  if (wait_ns == 0) wait_ns = part.probe ? part.probe->interval_ms * 1'000'000 : kSecondNs;
  x.response.headers.add("Retry-After", x.number_text((wait_ns + kSecondNs - 1) / kSecondNs));
  call.answered_here = true;
}

enum class Target : unsigned char { found, unavailable, none };

Target choose_target(Call& call) {
  const auto& choice = call.x.backend;
  if (!choice.id.empty()) {
    const auto found = call.service->backends.find(choice.id);
    if (found == call.service->backends.end()) return Target::none;
    call.backend_part = found->second->choose(call.x.now_ns);
    if (!call.backend_part) {
      answer_unavailable(call, *found->second);
      return Target::unavailable;
    }
    call.plan.backend = &call.backend_part->target;
  } else if (!choice.base_url.empty()) {
    const auto& urls = *call.service->base_urls;
    const auto found = urls.find(choice.base_url);
    if (found == urls.end()) return Target::none;
    call.plan.backend = &found->second;
  } else {
    call.plan.backend = &call.binding->api->backend;
  }
  return call.plan.backend->kind == Backend::Kind::none ? Target::none : Target::found;
}

// nullopt: there is a response already, and the backend section goes on.
std::optional<Step> forward(Call& call) {
  auto& x = call.x;
  switch (choose_target(call)) {
    case Target::none:
      call.plan.backend = nullptr;
      return fail_forward(call, "BackendConnectionFailure", "No backend is configured.");
    case Target::unavailable:
      return std::nullopt;
    case Target::found:
      break;
  }
  if (call.backend_part) {
    for (const auto& [name, value] : call.backend_part->headers) {
      policy::remove_header(x.request.headers, name);
      x.request.headers.add(name, value);
    }
  }
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
        if (const auto planned = forward(call)) return *planned;
        break;
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
  x.count_deferred();
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
  x.release_slots();  // The error has left what they were taken for.
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
