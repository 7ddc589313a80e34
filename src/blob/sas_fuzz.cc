// Feeds arbitrary queries to the reader of SAS tokens. What has to hold: a token that is taken
// reads the same once it is written again, and its string-to-sign has as many lines as its version
// says.
#include "blob/authorization.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mlgate::blob;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  (void)parse_authorization(input);
  (void)parse_sas_time(input);
  const auto sas = parse_sas(input);
  if (!sas || !*sas) return 0;
  if (!(*sas)->sig.empty()) {
    const std::string query = sas_query(**sas);
    const auto again = parse_sas(query);
    require(again.has_value() && again->has_value());
    require(sas_query(**again) == query);
  }
  const SasTarget target{"a", "c", "b", ""};
  const auto lines = [](const std::string& text) { return std::ranges::count(text, '\n') + 1; };
  if (const auto text = service_sas_string(**sas, target)) {
    const std::string& sv = (*sas)->sv;
    const int expected = sv.empty()          ? 5
                         : sv < "2013-08-15" ? 6
                         : sv < "2015-04-05" ? 11
                         : sv < "2018-11-09" ? 13
                         : sv < "2020-12-06" ? 15
                                             : 16;
    require(lines(*text) == expected);
  }
  (void)account_sas_string(**sas, "a");
  (void)user_delegation_sas_string(**sas, target);
  return 0;
}
