#include "gateway/watch.h"

#include "base/text.h"
#include "gateway/call.h"

#include <algorithm>
#include <array>

namespace mlgate::gateway {

using policy::CallTrace;
using policy::Flow;
using policy::Section;

namespace {

constexpr std::string_view kTraceparent = "traceparent", kTracestate = "tracestate";
constexpr std::string_view kAskHeader = "Ocp-Apim-Trace";
constexpr std::string_view kCredentialHeader = "Apim-Debug-Authorization";
constexpr std::size_t kStateBytesMax = 512;

constexpr std::array kSecretFields = {
    std::string_view("Authorization"),   std::string_view("Proxy-Authorization"),
    std::string_view("Cookie"),          std::string_view("Set-Cookie"),
    std::string_view("Api-Key"),         std::string_view("X-Api-Key"),
    std::string_view("X-Functions-Key"), std::string_view("Ocp-Apim-Subscription-Key")};

std::int64_t now_ns() { return system_clock().steady_ns(); }

bool is_secret_field(const Call& call, std::string_view name) {
  if (call.binding && equals_ignoring_case(name, call.binding->api->key_header)) return true;
  return std::ranges::any_of(
      kSecretFields, [&](std::string_view secret) { return equals_ignoring_case(name, secret); });
}

Json fields_json(const Call& call, const http::Fields& fields) {
  Json out = Json::array();
  for (const auto& [name, value] : fields) {
    const std::string shown = is_secret_field(call, name) ? std::string(CallTrace::kHidden)
                                                          : call.watch.trace->clean(value);
    out.push(Json::object({{"name", Json(name)}, {"value", Json(shown)}}));
  }
  return out;
}

// What a step of this section is given.
Json input_json(const Call& call, Section section) {
  const auto& x = call.x;
  if (section == Section::inbound || section == Section::backend) {
    std::string url = std::string(x.request.scheme) + "://" + std::string(x.request.authority) +
                      std::string(x.request.path);
    if (!x.request.query.empty()) url += "?" + std::string(x.request.query);
    return Json::object({{"method", Json(x.request.method)},
                         {"url", Json(call.watch.trace->clean(url))},
                         {"headers", fields_json(call, x.request.headers)}});
  }
  return Json::object({{"status", Json(x.response.status)},
                       {"reason", Json(x.response.reason)},
                       {"headers", fields_json(call, x.response.headers)}});
}

Json error_json(const Call& call) {
  const auto& error = call.x.error;
  return Json::object({{"source", Json(error.source)},
                       {"reason", Json(error.reason)},
                       {"message", Json(call.watch.trace->clean(error.message))},
                       {"section", Json(error.section)},
                       {"path", Json(error.path)}});
}

std::string_view to_text(Flow flow) {
  switch (flow) {
    case Flow::next:
      return "next";
    case Flow::respond:
      return "respond";
    case Flow::error:
      return "error";
    case Flow::forward:
      break;
  }
  return "forward";
}

// The values of a query string for which `is_secret` holds by their names, as they stand there.
template <class IsSecret>
void hide_parameters(CallTrace& trace, std::string_view query, const IsSecret& is_secret) {
  while (!query.empty()) {
    const auto pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const auto equals = pair.find('=');
    if (equals == std::string_view::npos) continue;
    if (is_secret(pair.substr(0, equals))) trace.hide(pair.substr(equals + 1));
  }
}

// Secret named values in the policies that the call may run through.
void hide_named_values(Call& call) {
  CallTrace& trace = *call.watch.trace;
  const auto index = std::size_t(call.operation - call.binding->api->operations.data());
  for (const ProductContext& context : call.binding->contexts)
    for (const auto& document : context.pipelines[index]->documents)
      for (const auto& secret : document->secrets) trace.hide(secret);
}

// Values that stand for a secret wherever they show up again.
void hide_secrets(Call& call) {
  CallTrace& trace = *call.watch.trace;
  if (call.subscription) {
    trace.hide(call.subscription->primary_key);
    trace.hide(call.subscription->secondary_key);
  }
  trace.hide(call.watch.credential);
  for (const auto& [name, value] : call.x.request.headers) {
    if (is_secret_field(call, name)) trace.hide(value);
  }
  hide_parameters(trace, call.x.request.query, [&](std::string_view encoded) {
    const auto name = percent_decode(encoded);
    return name && equals_ignoring_case(*name, call.key_query_name);
  });
}

// What the backend is shown to let the gateway in.
void hide_credentials(CallTrace& trace, const BackendPart& part) {
  for (const auto& [name, value] : part.headers) trace.hide(value);
  hide_parameters(trace, part.query, [](std::string_view) { return true; });
}

void start_trace(Call& call) {
  call.watch.trace = std::make_unique<CallTrace>(call.x.now_ms, call.began_ns);
  call.x.trace = call.watch.trace.get();
  hide_named_values(call);
  hide_secrets(call);
  const auto& matched = call.x.matched;
  call.watch.trace->add(Section::inbound, "configuration",
                        Json::object({{"input", input_json(call, Section::inbound)},
                                      {"service", Json(matched.service_name)},
                                      {"api", Json(matched.api_name)},
                                      {"revision", Json(matched.api_revision)},
                                      {"operation", Json(matched.operation_name)},
                                      {"method", Json(call.operation->method)},
                                      {"urlTemplate", Json(call.operation->url_template)}}),
                        now_ns());
}

void join_trace(Call& call, std::string_view parent_text, int parents, RequestIds& ids) {
  TraceContext& context = call.watch.context;
  std::uint64_t random[2];
  ids.next(random);
  const auto parent = parents == 1 ? parse_traceparent(parent_text) : std::nullopt;
  if (parent) {
    std::ranges::copy(parent->trace, context.trace);
    context.parent = parent->span;
    context.sampled = parent->sampled;
    context.keep_state = true;
  } else {
    std::ranges::copy(call.x.request_id, context.trace);
    // "Below the highest number" has to mean all.
    const std::uint64_t below = call.options.watching->sample_below;
    context.sampled = below == ~std::uint64_t{0} || random[0] < below;
    context.trace_state = {};
  }
  context.span = random[0];
  context.backend_span = random[1];
}

}  // namespace

void begin_watching(Call& call, RequestIds& ids) noexcept {
  const Watching* watching = call.options.watching;
  if (!watching) return;
  std::string_view parent;
  int parents = 0, states = 0;
  for (const auto& [name, value] : call.x.request.headers) {
    switch (name.size()) {
      case kTraceparent.size():
        if (!equals_ignoring_case(name, kTraceparent)) break;
        parent = value;
        ++parents;
        break;
      case kTracestate.size():
        if (!equals_ignoring_case(name, kTracestate)) break;
        call.watch.context.trace_state =
            ++states == 1 && value.size() <= kStateBytesMax ? value : std::string_view();
        break;
      case kAskHeader.size():
        if (equals_ignoring_case(name, kAskHeader))
          call.watch.asked = equals_ignoring_case(value, "true");
        break;
      case kCredentialHeader.size():
        if (equals_ignoring_case(name, kCredentialHeader)) call.watch.credential = value;
        break;
      default:
        break;
    }
  }
  if (watching->join_traces) join_trace(call, parent, parents, ids);
  if (!call.watch.wanted()) return;
  // A credential is for the gateway, and no business of the backend.
  policy::remove_header(call.x.request.headers, kCredentialHeader);
  policy::remove_header(call.x.request.headers, kAskHeader);
  if (!watching->desk) {
    call.watch.asked = false;
    call.watch.credential = {};
  }
}

void trace_matched(Call& call) {
  CallWatch& watch = call.watch;
  if (watch.credential.empty()) return;
  TimeMs expires_ms = 0;
  const auto state = call.options.watching->desk->check(
      watch.credential, call.x.matched.service, call.x.matched.api, call.x.now_ms, expires_ms);
  switch (state) {
    case CredentialState::good:
      watch.answer_name = "Apim-Trace-Id";
      watch.answer_value = call.x.request_id_text();
      start_trace(call);
      call.options.watching->desk->announce(watch.answer_value);
      return;
    case CredentialState::expired:
      watch.answer_name = "Apim-Debug-Authorization-Expired";
      watch.answer_value =
          expires_ms == 0 ? std::string_view("true") : call.x.arena.copy(to_iso8601(expires_ms));
      return;
    case CredentialState::wrong_api:
      watch.answer_name = "Apim-Debug-Authorization-WrongAPI";
      watch.answer_value = "true";
      return;
  }
}

void trace_authorized(Call& call, bool has_key, bool admitted) {
  CallWatch& watch = call.watch;
  if (!watch.trace && watch.asked && call.subscription && call.subscription->allow_tracing) {
    watch.link = TraceDesk::new_link();
    watch.answer_name = "Ocp-Apim-Trace-Location";
    watch.answer_value = call.x.arena.join({call.options.watching->link_base, watch.link});
    start_trace(call);
    call.options.watching->desk->announce(call.x.request_id_text());
  }
  if (!watch.trace) return;
  hide_secrets(call);
  const auto& matched = call.x.matched;
  const std::string_view decision = admitted ? "admitted" : "denied";
  watch.trace->add(Section::inbound, "authorization",
                   Json::object({{"key", Json(has_key ? "given" : "none")},
                                 {"decision", Json(decision)},
                                 {"subscription", Json(matched.subscription_name)},
                                 {"product", Json(matched.product_name)},
                                 {"user", Json(matched.user_name)}}),
                   now_ns());
}

Flow traced_step(Call& call, const policy::Step& step) {
  Json input = input_json(call, step.section);
  const std::int64_t began = now_ns();
  const Flow flow = step.policy->apply(call.x);
  const std::int64_t ended = now_ns();
  Json data = Json::object({{"path", Json(step.path)},
                            {"scope", Json(policy::to_text(step.scope))},
                            {"decision", Json(to_text(flow))},
                            {"elapsedMicroseconds", Json(double(ended - began) / 1e3)},
                            {"input", std::move(input)}});
  if (!step.id.empty()) data.set("id", Json(step.id));
  if (flow == Flow::error) data.set("error", error_json(call));
  call.watch.trace->add(step.section, step.source, std::move(data), ended);
  return flow;
}

void trace_forward(Call& call) {
  const Backend& backend = *call.plan.backend;
  if (call.backend_part) hide_credentials(*call.watch.trace, *call.backend_part);
  const bool local = backend.kind == Backend::Kind::local;
  const std::string url = backend.origin + std::string(call.plan.target);
  call.watch.trace->add(Section::backend, "forward-request",
                        Json::object({{"url", Json(call.watch.trace->clean(url))},
                                      {"how", Json(local ? "in this process" : "HTTP/1.1")},
                                      {"timeoutMs", Json(std::int64_t(call.plan.timeout_ms))},
                                      {"input", input_json(call, Section::backend)}}),
                        now_ns());
}

void trace_answer(Call& call) {
  call.watch.trace->add(Section::backend, "forward-request",
                        Json::object({{"response", input_json(call, Section::outbound)}}),
                        now_ns());
}

void trace_error(Call& call) {
  call.watch.trace->add(
      Section::on_error, call.x.error.source.empty() ? "gateway" : call.x.error.source,
      Json::object({{"error", error_json(call)}, {"answer", input_json(call, Section::on_error)}}),
      now_ns());
}

void add_trace_header(Call& call) {
  const CallWatch& watch = call.watch;
  if (!watch.answer_name.empty())
    call.x.response.headers.add(watch.answer_name, watch.answer_value);
}

void keep_trace(Call& call, const CallSizes& sizes) {
  CallTrace& trace = *call.watch.trace;
  trace.end(call.began_ns + sizes.total_ns);
  trace.add(Section::outbound, "response",
            Json::object({{"status", Json(call.x.response.status)},
                          {"sent", Json(sizes.sent)},
                          {"bytes", Json(std::int64_t(sizes.response_bytes))},
                          {"headers", fields_json(call, call.x.response.headers)}}),
            call.began_ns + sizes.total_ns);
  const std::string_view id = call.x.request_id_text();
  call.options.watching->desk->keep(call.x.matched.service, id,
                                    trace.json(call.x.matched.service_name, id),
                                    std::move(call.watch.link), call.x.now_ms);
}

}  // namespace mlgate::gateway
