// Usage reports: the counted calls of a period, grouped by what the path names. Entities that are
// gone keep their ids; their rows bear the resource name that their last calls were counted under.
#include "analytics/rollups.h"
#include "base/text.h"
#include "management/entity_internal.h"
#include "management/handlers_internal.h"
#include "management/list_internal.h"
#include "management/report_directory_internal.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <unordered_set>

namespace mlgate::management {
namespace {

using analytics::Usage;
using analytics::UsageCounts;
using analytics::UsageKey;

constexpr TimeMs kIntervalMs = analytics::kQuarterMs;  // Intervals are multiples of it.
constexpr TimeMs kIntervalsMax = 40'000;               // 400 days of quarters, and some.

constexpr std::array kFewDimensions{Dimension::region, Dimension::user, Dimension::product,
                                    Dimension::subscription};
constexpr std::array<std::string_view, 8> kOrders{
    "displayName",    "callCountSuccess", "callCountBlocked", "callCountFailed",
    "callCountOther", "callCountTotal",   "bandwidth",        "apiTimeAvg"};
constexpr std::array<std::string_view, 1> kTimeOrders{"bandwidth"};

struct ReportKind {
  std::string_view pattern;
  std::span<const Dimension> filters;
  std::span<const std::string_view> orders;
  std::vector<Dimension> groups;  // The first one names the row.
};

const ReportKind& kind_of(std::string_view pattern) {
  using enum Dimension;
  static const std::array<ReportKind, 7> kinds{{
      {"reports/byApi", kAllDimensions, kOrders, {api}},
      {"reports/byUser", kAllDimensions, kOrders, {user}},
      {"reports/byOperation", kAllDimensions, kOrders, {operation, api}},
      {"reports/byProduct", kFewDimensions, kOrders, {product}},
      {"reports/bySubscription", kFewDimensions, kOrders, {subscription, product, user}},
      {"reports/byTime", kAllDimensions, kTimeOrders, {}},
      {"reports/byGeo", kAllDimensions, {}, {}},
  }};
  return *std::ranges::find(kinds, pattern, &ReportKind::pattern);
}

struct Row {
  std::string name, id;
  Json head = Json::object();  // The members that say what the row is about.
  Usage usage;
};

double milliseconds(std::int64_t ns) { return double(ns) / 1e6; }
double average_ms(std::int64_t ns, std::uint64_t count) {
  return count == 0 ? 0 : milliseconds(ns) / double(count);
}
// Times that a share of the calls did not exceed: an addition of ours, for those who ask for it.
void set_percentiles(Json& out, std::string_view name, const analytics::Latencies& latencies) {
  constexpr std::array<std::pair<std::string_view, double>, 3> kShares{
      {{"P50", 0.5}, {"P95", 0.95}, {"P99", 0.99}}};
  for (const auto& [suffix, share] : kShares)
    out.set(std::string(name) + std::string(suffix), milliseconds(latencies.quantile_ns(share)));
}

double bandwidth(const UsageCounts& counts) {
  return double(counts.request_bytes) + double(counts.response_bytes);
}

Json json_of(Row row, bool percentiles) {
  const UsageCounts& c = row.usage.counts;
  const auto integer = [](std::uint64_t number) { return Json(std::int64_t(number)); };
  Json out = std::move(row.head);
  out.set("callCountSuccess", integer(c.successful)).set("callCountBlocked", integer(c.blocked));
  out.set("callCountFailed", integer(c.failed)).set("callCountOther", integer(c.other));
  out.set("callCountTotal", integer(c.calls));
  out.set("bandwidth", integer(c.request_bytes + c.response_bytes));
  out.set("cacheHitCount", integer(c.cache_hits)).set("cacheMissCount", integer(c.cache_misses));
  out.set("apiTimeAvg", average_ms(c.total_ns, c.calls));
  out.set("apiTimeMin", milliseconds(c.total_ns_min))
      .set("apiTimeMax", milliseconds(c.total_ns_max));
  out.set("serviceTimeAvg", average_ms(c.backend_ns, c.backend_calls));
  out.set("serviceTimeMin", milliseconds(c.backend_ns_min));
  out.set("serviceTimeMax", milliseconds(c.backend_ns_max));
  if (percentiles) {
    set_percentiles(out, "apiTime", row.usage.total);
    set_percentiles(out, "serviceTime", row.usage.backend);
  }
  return out;
}

// What a row is ordered by; texts are compared apart.
double order_value(const UsageCounts& c, std::string_view field) {
  if (field == "callCountSuccess") return double(c.successful);
  if (field == "callCountBlocked") return double(c.blocked);
  if (field == "callCountFailed") return double(c.failed);
  if (field == "callCountOther") return double(c.other);
  if (field == "bandwidth") return bandwidth(c);
  if (field == "apiTimeAvg") return average_ms(c.total_ns, c.calls);
  return double(c.calls);
}

struct Order {
  std::string_view field;
  bool descending = false;
};

Result<std::optional<Order>> order_of(const Call& call, std::span<const std::string_view> orders) {
  const auto text = call.query("$orderby");
  if (!text || trim(*text).empty()) return std::nullopt;
  std::vector<std::string_view> words;
  for (const std::string_view word : split(*text, ' '))
    if (!word.empty()) words.push_back(word);
  const auto field = std::ranges::find_if(
      orders, [&](std::string_view one) { return equals_ignoring_case(one, words[0]); });
  const bool descending = words.size() == 2 && equals_ignoring_case(words[1], "desc");
  const bool ascending =
      words.size() == 1 || (words.size() == 2 && equals_ignoring_case(words[1], "asc"));
  if (field == orders.end() || !(ascending || descending))
    return fail(Errc::invalid_argument, "The report cannot be ordered by '" + *text + "'.",
                "$orderby");
  return Order{*field, descending};
}

// Rows that are equal in the field stand in the order of their names, then of their ids.
void sort_rows(std::vector<Row>& rows, const Order& order) {
  const LessIgnoringCase less;
  const bool by_name = order.field == "displayName";
  std::ranges::sort(rows, [&](const Row& a, const Row& b) {
    const bool turned = order.descending;
    if (!by_name) {
      const double x = order_value(a.usage.counts, order.field),
                   y = order_value(b.usage.counts, order.field);
      if (x != y) return turned ? x > y : x < y;
    }
    if (less(a.name, b.name)) return !(by_name && turned);
    if (less(b.name, a.name)) return by_name && turned;
    return a.id < b.id;
  });
}

// One reading of the counters.
struct Question {
  const Call& call;
  const ReportKind& kind;
  ReportFilter filter;
  bool percentiles = false;

  void visit(const Directory& directory, TimeMs step_ms,
             const analytics::UsageVisitor& visitor) const {
    if (is_elsewhere(filter, call.service)) return;
    Matcher matches(filter, directory);
    const bool by_key = !kind.groups.empty() || matches.compares();
    call.env.options.usage->visit({.service = call.service.number,
                                   .from_ms = filter.from_ms,
                                   .to_ms = filter.to_ms,
                                   .step_ms = step_ms,
                                   .by_key = by_key,
                                   .latencies = percentiles},
                                  [&](TimeMs start, const UsageKey& key, const Usage& usage) {
                                    if (matches(key)) visitor(start, key, usage);
                                  });
  }
  // The spread of times costs as much as the rest.
  void add(Usage& to, const Usage& from) const {
    if (percentiles)
      to.add(from);
    else
      to.counts.add(from.counts);
  }
};

std::vector<Row> grouped_rows(const Question& question, const Directory& directory) {
  const auto& groups = question.kind.groups;
  std::unordered_map<UsageKey, Usage, analytics::UsageKeyHash> sums;
  question.visit(directory, 0, [&](TimeMs, const UsageKey& key, const Usage& usage) {
    UsageKey group;
    for (const Dimension one : groups) group.*part_of(one) = key.*part_of(one);
    question.add(sums[group], usage);
  });
  std::vector<Row> rows;
  for (auto& [group, usage] : sums) {
    const std::uint64_t first = group.*part_of(groups[0]);
    Row row{directory.name(first), directory.id(groups[0], first), Json::object(),
            std::move(usage)};
    row.head.set("name", row.name);
    for (const Dimension one : groups)
      row.head.set(member_of(one), directory.id(one, group.*part_of(one)));
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<Row> geo_rows(const Question& question, const Directory& directory) {
  Row row;
  question.visit(directory, 0, [&](TimeMs, const UsageKey&, const Usage& usage) {
    question.add(row.usage, usage);
  });
  // Without a location database every caller is at the same unknown place.
  row.head.set("country", "").set("region", "").set("zip", "");
  if (row.usage.counts.calls == 0) return {};
  return {std::move(row)};
}

Result<TimeMs> interval_of(const std::optional<std::string>& text) {
  const auto interval = text ? parse_duration(*text) : std::nullopt;
  if (interval && *interval > 0 && *interval % kIntervalMs == 0) return *interval;
  return fail(Errc::invalid_argument,
              "The interval is required, in ISO 8601, and a multiple of 15 minutes: PT15M.",
              "interval");
}

// Every interval of the period, also those without a call.
Result<std::vector<Row>> time_rows(const Question& question, const Directory& directory) {
  const auto text = question.call.query("interval");
  TRY(const TimeMs interval, interval_of(text));
  const TimeMs first = question.filter.from_ms / interval * interval;
  const bool open = question.filter.to_ms == std::numeric_limits<TimeMs>::max();
  const TimeMs end =
      std::max(first, open ? question.call.env.clock.now_ms() + 1 : question.filter.to_ms);
  const TimeMs count = (end - first + interval - 1) / interval;
  if (count > kIntervalsMax)
    return fail(Errc::invalid_argument,
                "The period has more than " + std::to_string(kIntervalsMax) + " intervals.",
                "interval");
  std::vector<Row> rows(std::size_t(count), Row{});
  question.visit(directory, interval, [&](TimeMs start, const UsageKey&, const Usage& usage) {
    // What the period begins in may begin before it.
    const TimeMs index = (std::max(start, first) - first) / interval;
    if (index < count) question.add(rows[std::size_t(index)].usage, usage);
  });
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i].id = to_iso8601(first + TimeMs(i) * interval);
    rows[i].head.set("timestamp", rows[i].id).set("interval", *text);
  }
  return rows;
}

Result<http::Response> make_report(const Call& call) {
  const ReportKind& kind = kind_of(call.pattern);
  TRY(ReportFilter filter, report_filter(call, kind.filters));
  TRY(const std::optional<Order> order, order_of(call, kind.orders));
  const bool percentiles = call.option("percentiles");
  std::vector<Row> rows;
  if (call.env.options.usage) {
    TRY(const apim::ServiceModel model, call.env.repository.load_service(call.service.name));
    const Directory directory(model, call.env.options.usage->names());
    const Question question{call, kind, std::move(filter), percentiles};
    const bool by_time = kind.pattern == "reports/byTime";
    if (by_time) {
      TRY(rows, time_rows(question, directory));
    } else {
      rows =
          kind.groups.empty() ? geo_rows(question, directory) : grouped_rows(question, directory);
    }
    if (order || !by_time) sort_rows(rows, order.value_or(Order{"callCountTotal", true}));
  }
  std::vector<Json> items;
  for (Row& row : rows) items.push_back(json_of(std::move(row), percentiles));
  return page_answer(call, std::move(items));
}

}  // namespace

http::Response get_report(Call& call) {
  auto answer = make_report(call);
  return answer ? *std::move(answer) : error_answer(answer.error());
}

}  // namespace mlgate::management
