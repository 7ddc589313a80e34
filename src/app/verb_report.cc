// mlgate report: the usage reports of the running server, as a table, as CSV or as JSON.
#include "app/app.h"
#include "app/console_client.h"
#include "base/text.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <vector>

namespace mlgate::app {
namespace {

constexpr TimeMs kHourMs = 3'600'000;

struct ReportOptions {
  std::string kind, service, since = "1d", until, filter, order, interval = "PT1H";
  int top = 50;
  bool json = false, csv = false;
};

struct Kind {
  std::string_view verb, path, id;  // What the row is about.
};
constexpr std::array<Kind, 8> kKinds{{{"by-api", "byApi", "apiId"},
                                      {"by-operation", "byOperation", "operationId"},
                                      {"by-product", "byProduct", "productId"},
                                      {"by-subscription", "bySubscription", "subscriptionId"},
                                      {"by-user", "byUser", "userId"},
                                      {"by-geo", "byGeo", "country"},
                                      {"by-time", "byTime", "timestamp"},
                                      {"by-request", "byRequest", "timestamp"}}};

struct Column {
  std::string_view title, field;
  double unit = 1;  // What one of it is shown as.
  int decimals = 0;
};
constexpr std::array<Column, 10> kCounts{{{"SUCCESS", "callCountSuccess"},
                                          {"BLOCKED", "callCountBlocked"},
                                          {"FAILED", "callCountFailed"},
                                          {"OTHER", "callCountOther"},
                                          {"CALLS", "callCountTotal"},
                                          {"KIB", "bandwidth", 1.0 / 1024, 1},
                                          {"AVG MS", "apiTimeAvg", 1, 2},
                                          {"P50 MS", "apiTimeP50", 1, 2},
                                          {"P95 MS", "apiTimeP95", 1, 2},
                                          {"P99 MS", "apiTimeP99", 1, 2}}};
constexpr std::array<std::string_view, 17> kRequestFields{
    "timestamp", "method",      "url",         "responseCode", "backendResponseCode",
    "apiTime",   "serviceTime", "requestSize", "responseSize", "cache",
    "ipAddress", "apiId",       "operationId", "productId",    "subscriptionId",
    "userId",    "requestId"};

// "2026-11-23", or how long ago: "90m", "24h", "7d".
Result<std::string> time_of(const std::string& text, const char* flag) {
  if (const auto time = parse_iso8601(text)) return to_iso8601(*time);
  const auto number =
      text.empty() ? std::nullopt : parse_uint(std::string_view(text).substr(0, text.size() - 1));
  const char unit = text.empty() ? ' ' : text.back();
  const TimeMs length = unit == 'm' ? kHourMs / 60 : unit == 'h' ? kHourMs : 24 * kHourMs;
  if (!number || *number > 36'500 || (unit != 'm' && unit != 'h' && unit != 'd'))
    return fail(Errc::invalid_argument,
                std::string(flag) + " is a time (2026-11-23T12:00Z) or an age (90m, 24h, 7d)");
  return to_iso8601(system_clock().now_ms() - TimeMs(*number) * length);
}

Result<std::string> query_of(const ReportOptions& options, const Kind& kind) {
  TRY(const std::string since, time_of(options.since, "--since"));
  std::string filter = "timestamp ge " + since;
  if (!options.until.empty()) {
    TRY(const std::string until, time_of(options.until, "--until"));
    filter += " and timestamp lt " + until;
  }
  if (!options.filter.empty()) filter += " and " + options.filter;
  std::string out = "?$filter=" + percent_encode(filter) + "&$top=" + std::to_string(options.top) +
                    "&percentiles=true";
  if (!options.order.empty()) out += "&$orderby=" + percent_encode(options.order);
  if (kind.path == "byTime") out += "&interval=" + percent_encode(options.interval);
  return out;
}

std::string number_text(const Json& value, const Column& column) {
  return fmt::format("{:.{}f}", value.as_double().value_or(0) * column.unit, column.decimals);
}

std::string text_of(const Json& value) {
  return value.is_string() ? std::string(value.as_string()) : value.dump();
}

// The name, and the id where there is one.
std::string label_of(const Json& row, const Kind& kind) {
  const std::string id(row.string_or(kind.id)), name(row.string_or("name"));
  if (id.empty() && name.empty()) return "-";
  return name.empty() || name == id ? id : name + " (" + id + ")";
}

std::string quoted(std::string_view text) { return "\"" + replace_all(text, "\"", "\"\"") + "\""; }

void print_csv(const Json& rows, const Kind& kind) {
  std::vector<std::string_view> fields;
  if (kind.path == "byRequest") {
    fields.assign(kRequestFields.begin(), kRequestFields.end());
  } else {
    fields = {"name", kind.id};
    for (const Column& column : kCounts) fields.push_back(column.field);
  }
  std::string out;
  for (std::size_t i = 0; i < fields.size(); ++i) out.append(i == 0 ? "" : ",").append(fields[i]);
  out += "\r\n";
  for (const Json& row : rows.items()) {
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const Json& value = row[fields[i]];
      out += i == 0 ? "" : ",";
      if (!value.is_null()) out += value.is_string() ? quoted(value.as_string()) : value.dump();
    }
    out += "\r\n";
  }
  std::fputs(out.c_str(), stdout);
}

void print_requests(const Json& rows) {
  std::printf("%-24s  %4s  %10s  %10s  %s\n", "TIME", "CODE", "MS", "BACKEND MS", "REQUEST");
  for (const Json& row : rows.items())
    std::printf("%-24s  %4s  %10.2f  %10.2f  %s %s\n", text_of(row["timestamp"]).c_str(),
                text_of(row["responseCode"]).c_str(), row["apiTime"].as_double().value_or(0),
                row["serviceTime"].as_double().value_or(0), text_of(row["method"]).c_str(),
                text_of(row["url"]).c_str());
}

void print_counts(const Json& rows, const Kind& kind) {
  std::size_t width = kind.id.size();
  for (const Json& row : rows.items()) width = std::max(width, label_of(row, kind).size());
  width = std::min<std::size_t>(width, 60);
  std::printf("%-*s", int(width), std::string(kind.verb.substr(3)).c_str());
  for (const Column& column : kCounts) std::printf("  %9s", std::string(column.title).c_str());
  std::printf("\n");
  for (const Json& row : rows.items()) {
    std::printf("%-*s", int(width), label_of(row, kind).c_str());
    for (const Column& column : kCounts)
      std::printf("  %9s", number_text(row[column.field], column).c_str());
    std::printf("\n");
  }
}

Result<void> print_report(const Context& context, const ReportOptions& options) {
  const auto* kind = std::ranges::find(kKinds, options.kind, &Kind::verb);
  TRY(const std::string query, query_of(options, *kind));
  TRY(ConsoleClient client, ConsoleClient::open(context.data()));
  TRY(const std::string instance, instance_id(client, options.service));
  TRY(const http::Response answer,
      client.call(
          {.path = with_api_version(instance + "/reports/" + std::string(kind->path) + query)}));
  TRY(const Json body, Json::parse(answer.body));
  if (answer.status != 200) {
    const Json& details = body["error"]["details"];
    const Json& said = details.items().empty() ? body["error"] : details.items()[0];
    return fail(Errc::invalid_argument, std::string(said.string_or("message")));
  }
  const Json& rows = body["value"];
  if (options.json) {
    std::printf("%s\n", body.dump().c_str());
  } else if (options.csv) {
    print_csv(rows, *kind);
  } else if (rows.items().empty()) {
    std::printf("No calls in this period.\n");
  } else if (kind->path == "byRequest") {
    print_requests(rows);
  } else {
    print_counts(rows, *kind);
  }
  return {};
}

int run_report(const Context& context, const ReportOptions& options) {
  const auto done = print_report(context, options);
  return done ? 0 : complain(done.error().message());
}

}  // namespace

void add_report(CLI::App& program, Chosen& chosen) {
  CLI::App* verb = program.add_subcommand(
      "report",
      "Usage reports of the running server: mlgate report by-api --since 7d, mlgate report "
      "by-request --filter \"apiId eq '/apis/echo-api'\" --csv");
  auto options = std::make_shared<ReportOptions>();
  std::vector<std::string> kinds;
  for (const Kind& kind : kKinds) kinds.emplace_back(kind.verb);
  verb->add_option("kind", options->kind, "What the calls are grouped by")
      ->check(CLI::IsMember(kinds))
      ->required();
  verb->add_option("--service", options->service, "The instance, where there are several");
  verb->add_option("--since", options->since, "A time, or an age as 90m, 24h, 7d")
      ->default_str("1d");
  verb->add_option("--until", options->until, "The same; without it now");
  verb->add_option("--filter", options->filter,
                   "Further comparisons: apiId eq '/apis/echo-api' and userId eq '/users/1'");
  verb->add_option("--order", options->order, "A field, then asc or desc: bandwidth desc");
  verb->add_option("--interval", options->interval, "Of by-time, a multiple of 15 minutes")
      ->default_str("PT1H");
  verb->add_option("--top", options->top, "Most rows")
      ->check(CLI::Range(1, 1000))
      ->default_str("50");
  verb->add_flag("--json", options->json, "The answer of the management interface");
  verb->add_flag("--csv", options->csv, "Comma-separated values");
  verb->callback([&chosen, options] {
    chosen = [options](Context& context) { return run_report(context, *options); };
  });
}

}  // namespace mlgate::app
