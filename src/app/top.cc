#include "app/top.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <string_view>
#include <tuple>
#include <vector>

namespace mlgate::app {
namespace {

constexpr std::string_view kClassNames[] = {"successful", "unauthorized", "failed", "other"};

struct Line {
  std::string service, api;
  double calls_per_second = 0, unauthorized_per_second = 0, failed_per_second = 0;
  double p50_ms = 0, p99_ms = 0, backend_p50_ms = 0;
  double bytes_per_second = 0;
  std::int64_t calls = 0;  // Since the start.
};

struct Figures {
  double seconds = 0;  // That the rates are over.
  std::vector<Line> lines;
  double calls_per_second = 0, cpu_percent = 0;
  std::int64_t active = 0, connections = 0, dropped = 0, refused_connections = 0;
};

double number(const Json& json, std::string_view name) {
  return json[name].as_double().value_or(0);
}

std::int64_t calls_of(const Json& api) {
  std::int64_t out = 0;
  for (const auto name : kClassNames) out += api.int_or(name, 0);
  return out;
}

const Json* api_in(const Json& look, std::string_view service, std::string_view api) {
  for (const Json& one : look["apis"].items())
    if (one.string_or("service") == service && one.string_or("api") == api) return &one;
  return nullptr;
}

// The duration that `share` of the calls between two looks did not exceed.
double quantile_ms(const Json& bounds, const Json& now, const Json& before, double share) {
  const auto& buckets = now["buckets"].items();
  const auto& old = before["buckets"].items();
  std::vector<double> counts;
  double all = 0;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    const double was = i < old.size() ? old[i].as_double().value_or(0) : 0;
    counts.push_back(std::max(0.0, buckets[i].as_double().value_or(0) - was));
    all += counts.back();
  }
  double below = 0, from = 0;
  for (std::size_t i = 0; i < counts.size() && i < bounds.items().size(); ++i) {
    const double to = bounds.items()[i].as_double().value_or(0);
    if (counts[i] > 0 && below + counts[i] >= share * all)
      return from + (to - from) * std::max(0.0, share * all - below) / counts[i];
    below += counts[i];
    from = to;
  }
  return all > 0 ? from : 0;
}

Line line_of(const Json& api, const Json& before, const Json& bounds, double seconds) {
  const auto rate = [&](std::string_view name) {
    return double(api.int_or(name, 0) - before.int_or(name, 0)) / seconds;
  };
  Line out;
  out.service = api.string_or("service");
  out.api = api.string_or("api");
  out.calls = calls_of(api);
  out.calls_per_second = double(out.calls - calls_of(before)) / seconds;
  out.unauthorized_per_second = rate("unauthorized");
  out.failed_per_second = rate("failed");
  out.bytes_per_second = rate("requestBytes") + rate("responseBytes");
  out.p50_ms = quantile_ms(bounds, api["duration"], before["duration"], 0.5);
  out.p99_ms = quantile_ms(bounds, api["duration"], before["duration"], 0.99);
  out.backend_p50_ms = quantile_ms(bounds, api["backendDuration"], before["backendDuration"], 0.5);
  return out;
}

Figures figures_of(const Json& now, const Json& before) {
  Figures out;
  out.seconds = before.is_object() ? (number(now, "timeMs") - number(before, "timeMs")) / 1e3
                                   : number(now, "uptimeSeconds");
  out.seconds = std::max(out.seconds, 1e-3);
  const Json nothing;
  for (const Json& api : now["apis"].items()) {
    const Json* was = api_in(before, api.string_or("service"), api.string_or("api"));
    out.lines.push_back(line_of(api, was ? *was : nothing, now["boundsMs"], out.seconds));
    out.calls_per_second += out.lines.back().calls_per_second;
  }
  std::ranges::sort(out.lines, [](const Line& a, const Line& b) {
    return std::tie(b.calls_per_second, a.service, a.api) <
           std::tie(a.calls_per_second, b.service, b.api);
  });
  for (const Json& worker : now["workers"].items()) {
    out.active += worker.int_or("active", 0);
    out.connections += worker.int_or("connections", 0);
    out.dropped += worker.int_or("droppedRecords", 0);
    out.refused_connections += worker.int_or("refusedConnections", 0);
  }
  out.cpu_percent =
      100 * (number(now["process"], "cpuSeconds") - number(before["process"], "cpuSeconds")) /
      out.seconds;
  return out;
}

[[gnu::format(printf, 2, 3)]] void print(std::string& out, const char* format, ...) {
  char text[512];
  va_list values;
  va_start(values, format);
  const int size = std::vsnprintf(text, sizeof text, format, values);
  va_end(values);
  if (size > 0) out.append(text, std::min(std::size_t(size), sizeof text - 1));
}

// Names come from administrators: what a terminal could take for a command is not shown.
std::string shown(std::string_view name, std::size_t width) {
  std::string out;
  for (const char c : name) out += c >= ' ' && c != '\x7f' ? c : '?';
  if (out.size() > width) out = out.substr(0, width - 1) + "~";
  return out.empty() ? "-" : out;
}

}  // namespace

std::string top_table(const Json& now, const Json& before, TopSize size) {
  const Figures seen = figures_of(now, before);
  std::string out;
  const Json& process = now["process"];
  print(out, "mlgate  %s  up %.0f s  snapshot %lld  %s\n",
        std::string(now.string_or("time")).c_str(), number(now, "uptimeSeconds"),
        static_cast<long long>(now.int_or("snapshotVersion", 0)),
        now.bool_or("ready", false) ? "ready" : "not ready");
  print(out,
        "%.1f calls/s  %lld active  %lld connections  cpu %.1f %%  memory %.1f MiB  fds %.0f of "
        "%.0f\n",
        seen.calls_per_second, static_cast<long long>(seen.active),
        static_cast<long long>(seen.connections), seen.cpu_percent,
        number(process, "residentBytes") / 1048576, number(process, "openDescriptors"),
        number(process, "descriptorsMax"));
  print(
      out,
      "dropped records %lld  lost log lines %lld  refused calls %lld  refused connections %lld\n\n",
      static_cast<long long>(seen.dropped),
      static_cast<long long>(now["log"].int_or("lostLines", 0)),
      static_cast<long long>(now["refused"].int_or("calls", 0)),
      static_cast<long long>(seen.refused_connections));
  const std::size_t name_width =
      size.columns > 96 ? std::min<std::size_t>(size.columns - 76, 48) : 20;
  print(out, "%-*s %-14s %9s %8s %8s %9s %9s %9s\n", int(name_width), "API", "SERVICE", "CALLS/S",
        "401-429", "FAILED", "P50 ms", "P99 ms", "KiB/S");
  std::size_t left = size.rows > 6 ? size.rows - 6 : 1;
  for (const Line& line : seen.lines) {
    if (left-- == 0) break;
    print(out, "%-*s %-14s %9.1f %8.1f %8.1f %9.2f %9.2f %9.1f\n", int(name_width),
          shown(line.api, name_width).c_str(), shown(line.service, 14).c_str(),
          line.calls_per_second, line.unauthorized_per_second, line.failed_per_second, line.p50_ms,
          line.p99_ms, line.bytes_per_second / 1024);
  }
  return out;
}

std::string top_json(const Json& now, const Json& before) {
  const Figures seen = figures_of(now, before);
  JsonWriter w;
  w.object().field("time", now.string_or("time")).field("seconds", seen.seconds);
  w.field("ready", now.bool_or("ready", false)).field("callsPerSecond", seen.calls_per_second);
  w.field("active", seen.active).field("connections", seen.connections);
  w.field("cpuPercent", seen.cpu_percent);
  w.field("residentBytes", now["process"].int_or("residentBytes", 0));
  w.field("droppedRecords", seen.dropped).key("apis").array();
  for (const Line& line : seen.lines) {
    w.object().field("service", line.service).field("api", line.api).field("calls", line.calls);
    w.field("callsPerSecond", line.calls_per_second);
    w.field("unauthorizedPerSecond", line.unauthorized_per_second);
    w.field("failedPerSecond", line.failed_per_second);
    w.field("p50Ms", line.p50_ms).field("p99Ms", line.p99_ms);
    w.field("backendP50Ms", line.backend_p50_ms);
    w.field("bytesPerSecond", line.bytes_per_second).end();
  }
  w.end().end();
  return std::move(w).text() + "\n";
}

}  // namespace mlgate::app
