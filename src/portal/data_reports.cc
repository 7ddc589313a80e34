// The caller's own usage: the reports of the management interface, narrowed to one user.
#include "base/text.h"
#include "portal/data_internal.h"

#include <algorithm>
#include <array>
#include <utility>

namespace mlgate::portal {
namespace {

// What the stock portal calls a report, and what the management interface calls it.
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kReports{
    {{"ByTime", "byTime"},
     {"ByRegion", "byGeo"},
     {"ByProduct", "byProduct"},
     {"BySubscription", "bySubscription"},
     {"ByEndpoint", "byApi"},
     {"ByOperation", "byOperation"}}};

// Only comparisons of the time are the caller's to make: the rest of the filter is ours.
Result<void> check_period(std::string_view filter) {
  auto words = split(filter, ' ');
  std::erase_if(words, [](std::string_view word) { return word.empty(); });
  for (std::size_t i = 0; i < words.size(); i += 4) {
    const bool whole = i + 2 < words.size() && words[i] == "timestamp" &&
                       words[i + 2].find_first_of("'()") == std::string_view::npos;
    const bool joined = i + 3 >= words.size() || (words[i + 3] == "and" && i + 4 < words.size());
    if (!whole || !joined)
      return fail(Errc::invalid_argument, "'$filter' has to compare 'timestamp', and nothing else.",
                  "$filter");
  }
  return {};
}

}  // namespace

Answer get_report(DataCall& call) {
  TRY_OK(call.visit.viewer.check_active());
  const auto* kind = std::ranges::find_if(
      kReports, [&](const auto& one) { return equals_ignoring_case(one.first, call.args[0]); });
  if (kind == kReports.end()) return fail(Errc::not_found, "There is no such report.");
  if (!call.api.reports()) return fail(Errc::unsupported, "There are no reports here.");
  const std::string period =
      http::query_parameter(call.request.query, "$filter").value_or(std::string());
  TRY_OK(check_period(period));
  std::string filter = period.empty() ? "" : period + " and ";
  filter += "userId eq '/users/" + replace_all(call.visit.viewer.user->name, "'", "''") + "'";
  std::string query = "%24filter=" + percent_encode(filter);
  for (const std::string_view name : {"interval", "$top", "$skip", "$orderby"})
    if (const auto value = http::query_parameter(call.request.query, name))
      query += "&" + percent_encode(name) + "=" + percent_encode(*value);
  return call.api.reports()(call.visit.service, kind->second, query);
}

}  // namespace mlgate::portal
