#include "app/settings.h"

#include "base/check.h"
#include "base/text.h"

#include <yaml-cpp/yaml.h>

#include <cstdlib>

namespace mlgate::app {
namespace {

const SettingInfo* find_setting(std::string_view name) {
  for (const SettingInfo& info : all_settings())
    if (info.name == name) return &info;
  return nullptr;
}

// Flattens nested maps to dotted names; sequences of scalars become comma-separated text.
void flatten(const YAML::Node& node, const std::string& prefix,
             std::vector<std::pair<std::string, std::string>>& out, std::vector<Error>& errors) {
  if (node.IsMap()) {
    for (const auto& entry : node) {
      const auto key = entry.first.as<std::string>();
      flatten(entry.second, prefix.empty() ? key : prefix + "." + key, out, errors);
    }
    return;
  }
  if (node.IsScalar()) {
    out.emplace_back(prefix, node.Scalar());
    return;
  }
  if (node.IsSequence()) {
    std::vector<std::string> items;
    for (const auto& item : node) {
      if (!item.IsScalar()) {
        errors.emplace_back(Errc::invalid_argument, "is a list of plain values", prefix);
        return;
      }
      items.push_back(item.Scalar());
    }
    out.emplace_back(prefix, join(items, ","));
  }
}

}  // namespace

const std::vector<SettingInfo>& all_settings() {
  using enum SettingType;
  static const std::vector<SettingInfo> settings = {
      {"data", text, "data", 0, 0,
       "Folder that holds all state: store, blobs, keys, certificates."},
      {"roles", list, "gateway,console,services,blob,worker", 0, 0,
       "Roles that this process plays."},
      {"bind", text, "127.0.0.1", 0, 0, "Address that the listeners bind to."},
      {"workers", integer, "0", 0, 256, "Worker threads; 0 means one per core."},
      {"bodies_memory", integer, "268435456", 1 << 20, 1LL << 40,
       "Most bytes of request bodies that gateway, console and services each collect at once."},
      {"gateway.http_port", integer, "8080", 0, 65535,
       "Port of the gateway, clear text; 0 means any free one."},
      {"gateway.https_port", integer, "8443", 0, 65535, "Port of the gateway, TLS."},
      {"gateway.domain", text, "localhost", 0, 0, "Domain below which service instances answer."},
      {"gateway.max_request_body", integer, "0", 0, 1LL << 50,
       "Most bytes of a request body; 0 means no limit."},
      {"gateway.backend_failure_status", text, "500", 0, 0,
       "500, or http for 502 and 504, when a backend fails."},
      {"gateway.access_log", text, "logs/access.log", 0, 0,
       "Access log file, below the data folder; empty means none."},
      {"gateway.access_log_max", integer, "1073741824", 0, 1LL << 50,
       "Bytes after which the access log begins a new file; 0 means never."},
      {"gateway.access_log_kept", integer, "4", 0, 1000, "Older access logs that are kept."},
      {"gateway.backend_timeout", integer, "300", 1, 3600,
       "Seconds that a backend may take to its response head."},
      {"gateway.backend_connections", integer, "2048", 1, 1'000'000,
       "Most connections in use to one address of a backend."},
      {"gateway.backend_ca", text, "", 0, 0,
       "PEM file of authorities to trust for backends besides the system's; empty means none."},
      {"gateway.websocket_idle", integer, "900", 1, 86'400,
       "Seconds that a WebSocket may be silent both ways."},
      {"tls.client_certificates", text, "off", 0, 0,
       "off, request or require: whether the gateway asks its callers for a certificate."},
      {"tls.client_ca", text, "", 0, 0,
       "File of the authorities that issue the certificates of callers (PEM)."},
      {"console.http_port", integer, "8081", 0, 65535,
       "Port of portals and management REST, clear text."},
      {"console.https_port", integer, "8444", 0, 65535,
       "Port of portals and management REST, TLS."},
      {"console.hosts", list, "", 0, 0,
       "Host names besides localhost under which the pages are served."},
      {"services.http_port", integer, "8082", 0, 65535, "Port of the web services, clear text."},
      {"services.https_port", integer, "8445", 0, 65535, "Port of the web services, TLS."},
      {"services.aliases", list, "*.services.azureml.net", 0, 0,
       "Host names in service URLs that mean this program's web services."},
      {"services.in_process", boolean, "true", 0, 0,
       "Whether the gateway calls this program's web services without a socket."},
      {"services.max_body", integer, "33554432", 1024, 1LL << 31,
       "Most bytes of an RRS request body."},
      {"services.timeout", integer, "100", 1, 3600, "Seconds that an RRS call may take."},
      {"services.compute_threads", integer, "0", 0, 256,
       "Threads for large scoring calls and runs; 0 means one per core."},
      {"services.echo_url", text, "", 0, 0,
       "Service URL of the Echo API of new instances; empty means the built-in echo service."},
      {"blob.http_port", integer, "10000", 0, 65535, "Port of the blob endpoint, clear text."},
      {"blob.https_port", integer, "10443", 0, 65535, "Port of the blob endpoint, TLS."},
      {"blob.threads", integer, "8", 1, 256, "Threads that read and write blobs."},
      {"blob.sync", boolean, "true", 0, 0,
       "Whether content is on disk before it is acknowledged; off only for measurements."},
      {"blob.public_url", text, "", 0, 0,
       "Address of the blob endpoint in links to results; empty means localhost and its port."},
      {"batch.threads", integer, "0", 0, 256,
       "Threads that run batch jobs; 0 means two more than cores."},
      {"batch.running_jobs", integer, "40", 1, 10000,
       "Jobs of one endpoint that run at a time; the rest waits."},
      {"batch.part_bytes", integer, "8388608", 64, 1LL << 30,
       "Bytes of input that are scored in one piece."},
      {"batch.lease_ms", integer, "10000", 500, 3600000,
       "Milliseconds without a sign of life after which a worker's work is given to others."},
      {"batch.retention_days", integer, "30", 1, 36500, "Days that the records of jobs are kept."},
      {"dial.allow", list, "", 0, 0,
       "Address ranges that may be called even where a caller names the address."},
      {"arm.subscription_id", text, "00000000-0000-0000-0000-000000000001", 0, 0,
       "Id of the one ARM subscription."},
      {"arm.tenant_id", text, "00000000-0000-0000-0000-000000000002", 0, 0,
       "Id of the one tenant."},
      {"dial.allow_link_local", boolean, "false", 0, 0,
       "Whether backends at link-local and metadata addresses may be called."},
      {"metrics.port", integer, "-1", -1, 65535,
       "Port that serves /metrics to anyone who reaches it; -1 means none."},
      {"metrics.access", text, "loopback", 0, 0,
       "Who reads /metrics on the console listener without a token: loopback, any, or token for "
       "nobody."},
      {"metrics.series", integer, "2000", 10, 1'000'000,
       "Most series of calls; what would be more is counted as _other."},
      {"telemetry.otlp_endpoint", text, "", 0, 0,
       "URL of an OpenTelemetry collector (OTLP over HTTP), as http://localhost:4318; empty means "
       "none."},
      {"telemetry.otlp_headers", list, "", 0, 0,
       "Headers for the collector, as name=value; they may hold a secret.", true},
      {"telemetry.service_name", text, "mlgate", 0, 0, "Name of the service in spans and metrics."},
      {"telemetry.trace_context", text, "auto", 0, 0,
       "join: be a span of the caller's trace; pass: leave traceparent alone; auto: join with a "
       "collector."},
      {"telemetry.sample_percent", integer, "100", 0, 100,
       "Share of the traces that begin here which is recorded; callers decide about theirs."},
      {"telemetry.metrics_interval", integer, "60", 1, 3600, "Seconds between pushes of metrics."},
      {"traces.kept", integer, "10000", 1, 1'000'000, "Most traces of calls that are kept."},
      {"traces.bytes", integer, "268435456", 1 << 20, 1LL << 36, "Most bytes that they take."},
      {"limits.memory", integer, "0", 0, 1 << 24,
       "MiB of resident memory above which calls are refused with 503; 0 means 90 % of the control "
       "group's limit, if it has one."},
      {"limits.descriptors_reserve", integer, "0", 0, 1 << 20,
       "Descriptors kept for backends and files: above, connections are refused; 0 means an "
       "eighth."},
      {"stop.delay", integer, "0", 0, 3600,
       "Seconds between the signal to stop and its effect, while health checks already fail."},
      {"stop.grace", integer, "10", 0, 3600, "Seconds that calls under way may take to end."},
      {"log.level", text, "info", 0, 0, "trace, debug, info, warn or error."},
  };
  return settings;
}

std::string environment_name(std::string_view setting) {
  std::string out = "MLGATE_";
  for (const char c : setting) out += c == '.' ? '_' : char(c >= 'a' && c <= 'z' ? c - 32 : c);
  return out;
}

Settings::Settings() {
  for (const SettingInfo& info : all_settings())
    values_.emplace(std::string(info.name), std::string(info.default_text));
}

Result<void> Settings::set(std::string_view name, std::string_view value) {
  const SettingInfo* info = find_setting(name);
  if (!info) {
    return fail(
        Errc::invalid_argument,
        "there is no setting '" + std::string(name) + "'; 'mlgate config schema' lists them all",
        std::string(name));
  }
  const auto wrong = [&](const std::string& what) {
    return fail(
        Errc::invalid_argument,
        "setting '" + std::string(name) + "' is '" + std::string(value) + "' but has to be " + what,
        std::string(name));
  };
  if (info->type == SettingType::integer) {
    const auto number = parse_int(value);
    if (!number || *number < info->minimum || *number > info->maximum) {
      return wrong("a whole number from " + std::to_string(info->minimum) + " to " +
                   std::to_string(info->maximum));
    }
  }
  if (info->type == SettingType::boolean && value != "true" && value != "false")
    return wrong("true or false");
  values_.find(name)->second = std::string(value);
  return {};
}

std::vector<Error> Settings::read_file(const std::string& path) {
  std::vector<Error> errors;
  std::vector<std::pair<std::string, std::string>> found;
  try {
    const YAML::Node root = YAML::LoadFile(path);
    if (!root.IsNull() && !root.IsMap()) {
      errors.emplace_back(Errc::invalid_argument, path + ": the file has to hold settings by name");
      return errors;
    }
    if (root.IsMap()) flatten(root, "", found, errors);
  } catch (const YAML::Exception& error) {
    errors.emplace_back(Errc::invalid_argument, path + ": " + error.what());
    return errors;
  }
  for (const auto& [name, value] : found) {
    if (auto done = set(name, value); !done) errors.push_back(std::move(done).error().within(path));
  }
  return errors;
}

std::vector<Error> Settings::read_environment() {
  std::vector<Error> errors;
  for (const SettingInfo& info : all_settings()) {
    const std::string variable = environment_name(info.name);
    const char* value = std::getenv(variable.c_str());
    if (!value) continue;
    if (auto done = set(info.name, value); !done)
      errors.push_back(std::move(done).error().within(variable));
  }
  return errors;
}

const std::string& Settings::text(std::string_view name) const {
  const auto found = values_.find(name);
  CHECK(found != values_.end());
  return found->second;
}

std::int64_t Settings::integer(std::string_view name) const { return *parse_int(text(name)); }
bool Settings::flag(std::string_view name) const { return text(name) == "true"; }

std::vector<std::string> Settings::list(std::string_view name) const {
  std::vector<std::string> out;
  for (const std::string_view item : split(text(name), ','))
    if (!trim(item).empty()) out.emplace_back(trim(item));
  return out;
}

std::string Settings::to_yaml() const {
  std::string out;
  std::string section;
  for (const SettingInfo& info : all_settings()) {
    const auto dot = info.name.find('.');
    const std::string head(dot == std::string_view::npos ? "" : info.name.substr(0, dot));
    if (head != section && !head.empty()) out += head + ":\n";
    section = head;
    const std::string key(dot == std::string_view::npos ? info.name : info.name.substr(dot + 1));
    out += (head.empty() ? "" : "  ") + key + ": ";
    std::string quoted;
    append_json_string(quoted, text(info.name));
    if (info.secret && !text(info.name).empty()) quoted = "\"***\"";
    out +=
        info.type == SettingType::text || info.type == SettingType::list ? quoted : text(info.name);
    out += "\n";
  }
  return out;
}

Json Settings::json_schema() {
  Json properties = Json::object();
  for (const SettingInfo& info : all_settings()) {
    Json one = Json::object();
    switch (info.type) {
      case SettingType::text:
        one.set("type", "string");
        break;
      case SettingType::boolean:
        one.set("type", "boolean");
        break;
      case SettingType::list:
        one.set("type", "array").set("items", Json::object({{"type", Json("string")}}));
        break;
      case SettingType::integer:
        one.set("type", "integer").set("minimum", info.minimum).set("maximum", info.maximum);
        break;
    }
    one.set("description", info.help).set("default", info.default_text);
    one.set("x-environment", environment_name(info.name));
    const auto dot = info.name.find('.');
    if (dot == std::string_view::npos) {
      properties.set(info.name, std::move(one));
      continue;
    }
    const std::string_view section = info.name.substr(0, dot);
    if (!properties.find(section)) {
      properties.set(section, Json::object({{"type", Json("object")},
                                            {"additionalProperties", Json(false)},
                                            {"properties", Json::object()}}));
    }
    properties.find(section)->find("properties")->set(info.name.substr(dot + 1), std::move(one));
  }
  return Json::object({{"$schema", Json("https://json-schema.org/draft/2020-12/schema")},
                       {"title", Json("mlgate configuration")},
                       {"type", Json("object")},
                       {"additionalProperties", Json(false)},
                       {"properties", std::move(properties)}});
}

}  // namespace mlgate::app
