#pragma once
// What quota and quota-by-key have in common: how a volume is written in a document, and the answer
// when it is used up: 403, and when it is full again. When there is no room to count: 429.
#include "policy/catalog.h"
#include "policy/exchange.h"
#include "policy/policy.h"

#include <cstdint>

namespace mlgate::policy {

inline constexpr std::int64_t kVolumeMax = 1'000'000'000'000;
inline constexpr std::int64_t kRenewalPeriodMax = 3'155'760'000;  // A hundred years.

inline constexpr ParamSpec kCallsParam{.name = "calls",
                                       .type = ParamType::integer,
                                       .min = 1,
                                       .max = kVolumeMax,
                                       .help = "Calls allowed in the period."};
inline constexpr ParamSpec kBandwidthParam{
    .name = "bandwidth",
    .type = ParamType::integer,
    .min = 1,
    .max = kVolumeMax,
    .help = "Kilobytes (1,024 bytes) of requests and responses allowed in the period."};
constexpr ParamSpec renewal_period_param(std::string_view help) noexcept {
  return {.name = "renewal-period",
          .type = ParamType::integer,
          .required = true,
          .min = 0,
          .max = kRenewalPeriodMax,
          .help = help};
}

struct QuotaVolume {
  std::int64_t calls = 0;  // 0: not limited.
  std::int64_t bytes = 0;  // 0: not limited.
  std::int64_t period_s = 0;

  // A volume that limits nothing is an error of the document.
  static QuotaVolume of(const PolicyNode& node, DocumentErrors& errors);
};

// What a traced call shows of it.
void note_quota(CallTrace& trace, const Quotas& quotas, const QuotaRule& rule);
Flow refuse_quota(Exchange& x, const QuotaVerdict& verdict);

}  // namespace mlgate::policy
