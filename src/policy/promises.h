#pragma once
// What a rate limit tells its callers: headers and variables with the calls that are left, and the
// refusal with the seconds after which to try again.
#include "policy/catalog.h"
#include "policy/exchange.h"

#include <cstdint>
#include <string>

namespace mlgate::policy {

constexpr ParamSpec kPromiseParams[] = {
    {.name = "retry-after-header-name",
     .type = ParamType::header_name,
     .otherwise = "Retry-After",
     .help = "Header of a refusal that says after how many seconds to try again."},
    {.name = "retry-after-variable-name", .help = "Variable for the same number."},
    {.name = "remaining-calls-header-name",
     .type = ParamType::header_name,
     .help = "Header that says how many calls are left in the window."},
    {.name = "remaining-calls-variable-name", .help = "Variable for the same number."},
    {.name = "total-calls-header-name",
     .type = ParamType::header_name,
     .help = "Header that carries `calls`."},
};

class Promises {
 public:
  Promises() = default;
  Promises(const Params& params, std::uint32_t calls);
  // Headers that go on the answer, whichever it will be.
  void make(Exchange& x, std::uint32_t remaining) const;
  Flow refuse(Exchange& x, std::int64_t retry_after_ns) const;

 private:
  std::string retry_header_, retry_variable_, remaining_header_, remaining_variable_;
  std::string total_header_, total_text_;
};

}  // namespace mlgate::policy
