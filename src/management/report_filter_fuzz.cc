// Any bytes as the $filter of a report: what is accepted says the same when it is written again
// from what was read.
#include "management/report_directory_internal.h"

#include <cstdlib>

namespace {

std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? "''" : std::string(1, c);
  return out + "'";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mlgate;
  using namespace mlgate::management;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)parse_duration(text);
  const auto filter = parse_report_filter(text, kAllDimensions);
  if (!filter) return 0;
  std::string again = "timestamp ge " + to_iso8601(filter->from_ms);
  if (filter->to_ms != std::numeric_limits<TimeMs>::max())
    again += " and timestamp lt " + to_iso8601(filter->to_ms);
  for (const auto& match : filter->matches)
    again += " and " + std::string(member_of(match.dimension)) + " eq " + quoted(match.value);
  if (again.size() > 4'096) return 0;  // More than a filter may have.
  const auto reread = parse_report_filter(again, kAllDimensions);
  if (!reread || reread->from_ms != filter->from_ms || reread->to_ms != filter->to_ms ||
      reread->matches.size() != filter->matches.size())
    std::abort();
  for (std::size_t i = 0; i < filter->matches.size(); ++i)
    if (reread->matches[i].value != filter->matches[i].value) std::abort();
  return 0;
}
