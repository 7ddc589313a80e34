#include "app/operations.h"

#include "analytics/prometheus.h"
#include "app/process_stats.h"
#include "base/crypto.h"
#include "base/text.h"
#include "http/uri.h"

#include <algorithm>
#include <thread>

namespace mlgate::app {
namespace {

constexpr std::string_view kMetricsPath = "/metrics", kApiPath = "/console/api/";
constexpr std::string_view kLive = "live", kTraces = "traces/";
constexpr std::uint64_t kReserveMin = 64, kReserveMax = 4'096;
constexpr double kOfGroupLimit = 0.9;

std::uint64_t memory_limit(const Settings& settings) {
  const auto megabytes = std::uint64_t(settings.integer("limits.memory"));
  if (megabytes > 0) return megabytes << 20;
  return std::uint64_t(double(group_memory_limit()) * kOfGroupLimit);
}

// The number below which a random one lies for `percent` of the traces.
std::uint64_t sample_below(std::int64_t percent) {
  if (percent >= 100) return ~std::uint64_t{0};
  return (~std::uint64_t{0} / 100) * std::uint64_t(percent);
}

gateway::TraceDeskOptions desk_options(const Settings& settings) {
  return {.traces_max = std::size_t(settings.integer("traces.kept")),
          .bytes_max = std::size_t(settings.integer("traces.bytes"))};
}

http::Response json_response(int status, std::string body) {
  http::Response out;
  out.status = status;
  out.set("Content-Type", "application/json; charset=utf-8");
  out.set("Cache-Control", "no-store");
  out.set("X-Content-Type-Options", "nosniff");
  out.body = std::move(body);
  return out;
}

http::Response refused(int status, std::string_view code, std::string_view message) {
  JsonWriter w;
  w.object().key("error").object().field("code", code).field("message", message).end().end();
  http::Response out = json_response(status, std::move(w).text());
  if (status == 401) out.set("WWW-Authenticate", "Bearer");
  return out;
}

bool is_loopback(std::string_view peer) {
  return peer == "::1" || peer.starts_with("127.") || peer.starts_with("::ffff:127.");
}

// A call that came through a proxy on this machine comes from somewhere else.
bool is_local_call(const http::Request& request) {
  for (const char* name : {"X-Forwarded-For", "X-Real-IP", "Forwarded", "Via"})
    if (!request.header(name).empty()) return false;
  return is_loopback(request.peer);
}

std::vector<std::pair<std::string, std::string>> headers_of(const std::vector<std::string>& list) {
  std::vector<std::pair<std::string, std::string>> out = {
      {"Content-Type", "application/x-protobuf"}};
  for (const std::string& one : list) {
    const auto equals = one.find('=');
    if (equals != std::string::npos)
      out.emplace_back(one.substr(0, equals), one.substr(equals + 1));
  }
  return out;
}

std::chrono::seconds retry_after(const http::Response& answer) {
  for (const auto& [name, value] : answer.headers)
    if (equals_ignoring_case(name, "Retry-After"))
      return std::chrono::seconds(std::clamp<std::int64_t>(parse_int(value).value_or(0), 0, 3'600));
  return std::chrono::seconds(0);
}

}  // namespace

Result<net::DialGuard> make_dial_guard(const Settings& settings) {
  net::DialGuard guard;
  std::vector<std::string> ranges = settings.list("dial.allow");
  if (settings.flag("dial.allow_link_local"))
    ranges.insert(ranges.end(), {"169.254.0.0/16", "fe80::/10"});
  for (const std::string& range : ranges) {
    auto parsed = net::IpRange::parse(range);
    if (!parsed) return std::unexpected(std::move(parsed).error().within("setting 'dial.allow'"));
    guard.allow(*parsed);
  }
  return guard;
}

Result<gateway::TrustedProxies> trusted_proxies(const Settings& settings) {
  constexpr const char* kName = "gateway.trusted_proxies";
  std::vector<net::IpRange> ranges;
  for (const std::string& range : settings.list(kName)) {
    auto parsed = net::IpRange::parse(range);
    if (!parsed)
      return fail(Errc::invalid_argument,
                  "setting '" + std::string(kName) + "': " + parsed.error().message(), kName);
    ranges.push_back(*parsed);
  }
  return gateway::TrustedProxies(std::move(ranges));
}

Result<gateway::PathCase> path_case(const Settings& settings) {
  const std::string& text = settings.text("gateway.path_case");
  if (text == "insensitive") return gateway::PathCase{.sensitive = false};
  if (text == "sensitive") return gateway::PathCase{.sensitive = true};
  return fail(Errc::invalid_argument,
              "setting 'gateway.path_case' is '" + text + "'; it is insensitive or sensitive",
              "gateway.path_case");
}

Operations::Operations(const Settings& settings, std::uint64_t descriptors)
    : settings_(settings), descriptors_(descriptors), traces_(desk_options(settings)) {
  watching_.desk = &traces_;
  const std::string& mode = settings.text("telemetry.trace_context");
  const bool exports = !settings.text("telemetry.otlp_endpoint").empty();
  watching_.join_traces = mode == "join" || (mode == "auto" && exports);
  watching_.sample_below = sample_below(settings.integer("telemetry.sample_percent"));
}

Operations::~Operations() {
  end_watch();
  end_export();
}

Result<std::unique_ptr<Operations>> Operations::make(const Settings& settings,
                                                     const DataFolder& data) {
  const auto one_of = [&](const char* name, std::initializer_list<std::string_view> values) {
    return std::ranges::find(values, settings.text(name)) != values.end();
  };
  if (!one_of("telemetry.trace_context", {"auto", "join", "pass"})) {
    return fail(Errc::invalid_argument,
                "setting 'telemetry.trace_context' has to be auto, join or pass",
                "telemetry.trace_context");
  }
  if (!one_of("metrics.access", {"loopback", "token", "any"})) {
    return fail(Errc::invalid_argument, "setting 'metrics.access' has to be loopback, token or any",
                "metrics.access");
  }
  std::unique_ptr<Operations> out(new Operations(settings, raise_descriptor_limit()));
  out->sockets_ = inherited_sockets();
  TRY_OK(out->make_exporter(settings, data));
  return out;
}

Result<void> Operations::make_exporter(const Settings& settings, const DataFolder& data) {
  std::string endpoint = settings.text("telemetry.otlp_endpoint");
  if (endpoint.empty()) return {};
  while (endpoint.ends_with('/')) endpoint.pop_back();
  if (const auto url = http::parse_url(endpoint); !url) {
    Error error = url.error();
    return std::unexpected(std::move(error).within("setting 'telemetry.otlp_endpoint'"));
  }
  http::ClientLimits limits;
  limits.connect_time = limits.response_time = std::chrono::seconds(5);
  TRY(const net::DialGuard guard, make_dial_guard(settings));
  TRY(fetcher_, Fetcher::make((data.tls() / "ca.pem").string(), limits,
                              guard.for_target(net::DialTarget::configured)));
  analytics::ExporterOptions options;
  options.resource = {.service_name = settings.text("telemetry.service_name"),
                      .service_version = MLGATE_VERSION,
                      .instance_id = new_guid()};
  options.metrics_every = std::chrono::seconds(settings.integer("telemetry.metrics_interval"));
  options.push = [this, endpoint, headers = headers_of(settings.list("telemetry.otlp_headers"))](
                     std::string_view path, std::string body) -> Result<analytics::Pushed> {
    TRY(const http::Response answer, fetcher_->fetch({.method = "POST",
                                                      .url = endpoint + std::string(path),
                                                      .headers = headers,
                                                      .body = std::move(body)}));
    return analytics::Pushed{.status = answer.status, .retry_after = retry_after(answer)};
  };
  exporter_ = std::make_unique<analytics::OtlpExporter>(std::move(options));
  return {};
}

management::Tracing Operations::tracing() {
  return {
      .issue =
          [this](apim::EntityNumber service, apim::EntityNumber api, TimeMs now_ms,
                 TimeMs expires_ms) {
            return traces_.issue(
                {.service = service, .api = api, .issued_ms = now_ms, .expires_ms = expires_ms});
          },
      .invalidate = [this](apim::EntityNumber service,
                           TimeMs now_ms) { traces_.invalidate(service, now_ms); },
      .find = [this](apim::EntityNumber service, std::string_view id,
                     TimeMs now_ms) { return traces_.find(service, id, now_ms); }};
}

void Operations::set_console(const std::string& url) {
  watching_.link_base = url + std::string(kApiPath) + std::string(kTraces);
}

std::optional<InheritedSocket> Operations::inherited(std::string_view name,
                                                     std::uint16_t port) const {
  for (const InheritedSocket& socket : sockets_)
    if (socket.name == name) return socket;
  for (const InheritedSocket& socket : sockets_)
    if (port != 0 && socket.port == port) return socket;
  return std::nullopt;
}

int Operations::descriptor_max(std::string_view role) const noexcept {
  auto reserve = std::uint64_t(settings_.integer("limits.descriptors_reserve"));
  if (reserve == 0) reserve = std::clamp(descriptors_ / 8, kReserveMin, kReserveMax);
  reserve = std::min(reserve, descriptors_ / 2);
  if (role == "console" || role == "metrics") reserve /= 2;
  return int(std::min<std::uint64_t>(descriptors_ - reserve, 1U << 30));
}

http::Handler& Operations::front(http::Handler& inner, std::string_view role, std::size_t workers) {
  FrontDoorOptions options{.role = std::string(role),
                           .workers = workers,
                           .own_paths = role != "gateway",
                           .sheds = role == "gateway" || role == "services"};
  fronts_.push_back(std::make_unique<FrontDoor>(inner, health_, std::move(options)));
  return *fronts_.back();
}

http::Response Operations::metrics() const {
  http::Response out;
  if (!observer_) {
    out.status = 503;
    return out;
  }
  out.set("Content-Type", analytics::kPrometheusContentType);
  out.set("Cache-Control", "no-store");
  out.body = metrics_text(observer_->look());
  return out;
}

http::Response Operations::guarded_metrics(const http::Request& request,
                                           const management::Management& management) const {
  const std::string& access = settings_.text("metrics.access");
  const bool open = access == "any" || (access == "loopback" && is_local_call(request));
  if (!open && !management.principal_of(request))
    return refused(401, "AuthenticationFailed", "Metrics are for those who have a token.");
  return metrics();
}

http::Response Operations::console_api(const http::Request& request,
                                       const management::Management& management) {
  const std::string_view rest = request.path.substr(kApiPath.size());
  if (request.method != "GET") return refused(405, "MethodNotAllowed", "Only GET is allowed here.");
  if (rest.starts_with(kTraces)) {
    // The link is the credential.
    auto trace = traces_.open_link(rest.substr(kTraces.size()), system_clock().now_ms());
    if (!trace) return refused(404, "ResourceNotFound", "There is no such trace, or it was read.");
    return json_response(200, *std::move(trace));
  }
  if (!management.principal_of(request))
    return refused(401, "AuthenticationFailed", "A bearer token is needed.");
  if (rest != kLive) return refused(404, "NotFound", "There is nothing at this address.");
  if (!observer_) return refused(503, "ServiceUnavailable", "The process is starting.");
  return json_response(200, live_json(observer_->look()));
}

void Operations::add_console_routes(std::vector<http::Dispatcher::Route>& routes,
                                    const management::Management& management,
                                    http::ErrorWriter error) {
  constexpr std::size_t kNoBody = 1'024;
  routes.push_back(
      {.owns = [](auto, std::string_view path) { return path == kMetricsPath; },
       .body_bytes_max = kNoBody,
       .service = nullptr,
       .blocking = [this,
                    &management](const http::Request& r) { return guarded_metrics(r, management); },
       .error = error});
  routes.push_back({.owns = [](auto, std::string_view path) { return path.starts_with(kApiPath); },
                    .body_bytes_max = kNoBody,
                    .service = nullptr,
                    .blocking = [this, &management](
                                    const http::Request& r) { return console_api(r, management); },
                    .error = std::move(error)});
}

http::Dispatcher::Route Operations::metrics_route(http::ErrorWriter error) {
  return {.owns = [](auto, std::string_view path) { return path == kMetricsPath; },
          .body_bytes_max = 1'024,
          .service = nullptr,
          .blocking = [this](const http::Request&) { return metrics(); },
          .error = std::move(error)};
}

void Operations::begin(Serving parts) {
  pulse_ =
      std::make_unique<Pulse>(health_, parts.workers,
                              PulseOptions{.memory_bytes_max = memory_limit(settings_),
                                           .watchdog = watchdog_interval(),
                                           .alive = [] { (void)notify_manager("WATCHDOG=1"); }});
  observer_ = std::make_unique<Observer>(Observer::Parts{.recorder = parts.recorder,
                                                         .limits = parts.limits,
                                                         .follower = parts.follower,
                                                         .publisher = parts.publisher,
                                                         .traces = traces_,
                                                         .control_pool = parts.control_pool,
                                                         .compute_pool = parts.compute_pool,
                                                         .health = health_,
                                                         .pulse = *pulse_,
                                                         .exporter = exporter_.get(),
                                                         .workers = parts.workers,
                                                         .local = std::move(parts.local),
                                                         .fronts = fronts_});
  if (exporter_)
    exporter_->set_series([&recorder = parts.recorder] { return recorder.series().copy(); });
  health_.ready = true;
  (void)notify_manager("READY=1\nSTATUS=Serving.");
}

void Operations::begin_drain() {
  health_.draining = true;
  (void)notify_manager("STOPPING=1\nSTATUS=Letting calls end.");
  std::this_thread::sleep_for(std::chrono::seconds(settings_.integer("stop.delay")));
}

void Operations::end_watch() {
  if (pulse_) pulse_->stop();
}

void Operations::end_export() {
  if (exporter_) exporter_->stop();
}

}  // namespace mlgate::app
