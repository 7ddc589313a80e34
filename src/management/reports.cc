// Usage reports: the counted calls of a period, grouped by what the path names. Entities that are
// gone keep their ids; their rows bear the resource name that their last calls were counted under.
#include "analytics/totals.h"
#include "base/text.h"
#include "management/entity_internal.h"
#include "management/handlers_internal.h"
#include "management/list_internal.h"
#include "management/report_filter_internal.h"

#include <algorithm>
#include <array>
#include <map>
#include <unordered_map>
#include <unordered_set>

namespace mlgate::management {
namespace {

using analytics::UsageCounts;
using analytics::UsageKey;

constexpr TimeMs kIntervalMs = analytics::kQuarterMs;  // Intervals are multiples of it.
constexpr TimeMs kIntervalsMax = 40'000;               // 400 days of quarters, and some.

constexpr std::array kAllDimensions{Dimension::region,       Dimension::user, Dimension::product,
                                    Dimension::subscription, Dimension::api,  Dimension::operation};
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

std::uint64_t number_of(const UsageKey& key, Dimension dimension) {
  switch (dimension) {
    case Dimension::user:
      return key.user;
    case Dimension::product:
      return key.product;
    case Dimension::api:
      return key.api;
    case Dimension::operation:
      return key.operation;
    case Dimension::subscription:
      return key.subscription;
    case Dimension::region:
      return 0;
  }
  return 0;
}

// The entities of an instance by number: those that are there, and of those that are gone what the
// counters remember.
class Directory {
 public:
  Directory(const apim::ServiceModel& model, const analytics::UsageTotals& usage) {
    for (const auto& api : model.apis) add(api, api.display_name);
    for (const auto& operation : model.operations) add(operation, operation.display_name);
    for (const auto& product : model.products) add(product, product.display_name);
    for (const auto& one : model.subscriptions) add(one, one.display_name.value_or(""));
    for (const auto& user : model.users)
      add(user, std::string(trim(user.first_name + " " + user.last_name)));
    names_ = usage.names();
  }

  std::string id(Dimension dimension, std::uint64_t number) const {
    if (number == 0) return {};
    if (const auto known = entries_.find(number); known != entries_.end()) return known->second.id;
    const auto gone = names_.find(number);
    const std::string name = gone == names_.end() ? std::to_string(number) : gone->second.name;
    switch (dimension) {
      case Dimension::user:
        return "/users/" + name;
      case Dimension::product:
        return "/products/" + name;
      case Dimension::api:
        return "/apis/" + name;
      case Dimension::operation:
        return id(Dimension::api, gone == names_.end() ? 0 : gone->second.parent) + "/operations/" +
               name;
      case Dimension::subscription:
        return "/subscriptions/" + name;
      case Dimension::region:
        return {};
    }
    return {};
  }

  std::string name(std::uint64_t number) const {
    if (const auto known = entries_.find(number); known != entries_.end())
      return known->second.name;
    const auto gone = names_.find(number);
    return gone == names_.end() ? std::string() : gone->second.name;
  }

  // Whether the entity is the one that a filter names by its id or its bare name.
  bool is(Dimension dimension, std::uint64_t number, std::string_view wanted) const {
    if (number == 0) return false;
    const std::string full = to_lower(id(dimension, number));
    return wanted.find('/') != std::string_view::npos
               ? full == wanted
               : std::string_view(full).substr(full.rfind('/') + 1) == wanted;
  }

 private:
  struct Entry {
    std::string id, name;
  };
  template <class T>
  void add(const T& entity, std::string name) {
    entries_[entity.number] = {path_of(entity), std::move(name)};
  }
  std::unordered_map<std::uint64_t, Entry> entries_;
  std::unordered_map<std::uint64_t, analytics::UsageName> names_;
};

// Asked about every cell while the counting waits, so each entity is compared once.
class Matcher {
 public:
  Matcher(const ReportFilter& filter, const Directory& directory) : directory_(directory) {
    for (const auto& match : filter.matches)
      if (match.dimension != Dimension::region) tests_.push_back({match, {}});
  }
  bool operator()(const UsageKey& key) {
    return std::ranges::all_of(tests_, [&](Test& test) {
      const std::uint64_t number = number_of(key, test.match.dimension);
      const auto [known, fresh] = test.known.try_emplace(number, false);
      if (fresh) known->second = directory_.is(test.match.dimension, number, test.match.value);
      return known->second;
    });
  }

 private:
  struct Test {
    ReportFilter::Match match;
    std::unordered_map<std::uint64_t, bool> known;
  };
  const Directory& directory_;
  std::vector<Test> tests_;
};

struct Row {
  std::string name, id;
  Json head = Json::object();  // The members that say what the row is about.
  UsageCounts counts;
};

double milliseconds(std::int64_t ns) { return double(ns) / 1e6; }
double average_ms(std::int64_t ns, std::uint64_t count) {
  return count == 0 ? 0 : milliseconds(ns) / double(count);
}
double bandwidth(const UsageCounts& counts) {
  return double(counts.request_bytes) + double(counts.response_bytes);
}

Json json_of(Row row) {
  const UsageCounts& c = row.counts;
  const auto integer = [](std::uint64_t number) { return Json(std::int64_t(number)); };
  Json out = std::move(row.head);
  out.set("callCountSuccess", integer(c.successful)).set("callCountBlocked", integer(c.blocked));
  out.set("callCountFailed", integer(c.failed)).set("callCountOther", integer(c.other));
  out.set("callCountTotal", integer(c.calls));
  out.set("bandwidth", integer(c.request_bytes + c.response_bytes));
  out.set("cacheHitCount", 0).set("cacheMissCount", 0);
  out.set("apiTimeAvg", average_ms(c.total_ns, c.calls));
  out.set("apiTimeMin", milliseconds(c.total_ns_min))
      .set("apiTimeMax", milliseconds(c.total_ns_max));
  out.set("serviceTimeAvg", average_ms(c.backend_ns, c.backend_calls));
  out.set("serviceTimeMin", milliseconds(c.backend_ns_min));
  out.set("serviceTimeMax", milliseconds(c.backend_ns_max));
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
      const double x = order_value(a.counts, order.field), y = order_value(b.counts, order.field);
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

  void visit(const Directory& directory,
             const std::function<void(const analytics::UsageCell&)>& visitor) const {
    const bool elsewhere = std::ranges::any_of(filter.matches, [&](const auto& match) {
      return match.dimension == Dimension::region &&
             !equals_ignoring_case(match.value, call.service.location);
    });
    if (elsewhere) return;
    Matcher matches(filter, directory);
    call.env.options.usage->visit(call.service.number, filter.from_ms, filter.to_ms,
                                  [&](const analytics::UsageCell& cell) {
                                    if (matches(cell.key)) visitor(cell);
                                  });
  }
};

std::vector<Row> grouped_rows(const Question& question, const Directory& directory) {
  using Group = std::array<std::uint64_t, 3>;
  const auto& groups = question.kind.groups;
  std::map<Group, UsageCounts> sums;
  question.visit(directory, [&](const analytics::UsageCell& cell) {
    Group group{};
    for (std::size_t i = 0; i < groups.size(); ++i) group[i] = number_of(cell.key, groups[i]);
    sums[group].add(cell.counts);
  });
  std::vector<Row> rows;
  for (const auto& [group, counts] : sums) {
    Row row{directory.name(group[0]), directory.id(groups[0], group[0]), Json::object(), counts};
    row.head.set("name", row.name);
    for (std::size_t i = 0; i < groups.size(); ++i)
      row.head.set(member_of(groups[i]), directory.id(groups[i], group[i]));
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<Row> geo_rows(const Question& question, const Directory& directory) {
  Row row;
  question.visit(directory, [&](const analytics::UsageCell& cell) { row.counts.add(cell.counts); });
  // Without a location database every caller is at the same unknown place.
  row.head.set("country", "").set("region", "").set("zip", "");
  if (row.counts.calls == 0) return {};
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
  question.visit(directory, [&](const analytics::UsageCell& cell) {
    // The minute or quarter that the period begins in may begin before it.
    const TimeMs index = (std::max(cell.start_ms, first) - first) / interval;
    if (index < count) rows[std::size_t(index)].counts.add(cell.counts);
  });
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i].id = to_iso8601(first + TimeMs(i) * interval);
    rows[i].head.set("timestamp", rows[i].id).set("interval", *text);
  }
  return rows;
}

Result<http::Response> make_report(const Call& call) {
  const ReportKind& kind = kind_of(call.pattern);
  const auto text = call.query("$filter");
  if (!text || trim(*text).empty())
    return fail(Errc::invalid_argument, "The query option '$filter' is required.", "$filter");
  TRY(ReportFilter filter, parse_report_filter(*text, kind.filters));
  TRY(const std::optional<Order> order, order_of(call, kind.orders));
  std::vector<Row> rows;
  if (call.env.options.usage) {
    TRY(const apim::ServiceModel model, call.env.repository.load_service(call.service.name));
    const Directory directory(model, *call.env.options.usage);
    const Question question{call, kind, std::move(filter)};
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
  for (Row& row : rows) items.push_back(json_of(std::move(row)));
  return page_answer(call, std::move(items));
}

}  // namespace

http::Response get_report(Call& call) {
  auto answer = make_report(call);
  return answer ? *std::move(answer) : error_answer(answer.error());
}

}  // namespace mlgate::management
