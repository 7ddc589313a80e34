#include "policy/quota_volume.h"

#include "base/time.h"

namespace mlgate::policy {

QuotaVolume QuotaVolume::of(const PolicyNode& node, DocumentErrors& errors) {
  const Params& params = node.params;
  if (!params.has("calls") && !params.has("bandwidth")) errors.add_missing(*node.element, "calls");
  return {params.integer("calls"), params.integer("bandwidth") * 1024,
          params.integer("renewal-period")};
}

Flow refuse_quota(Exchange& x, const QuotaVerdict& verdict) {
  const std::string_view what = verdict.exceeded == QuotaVerdict::Exceeded::calls
                                    ? "Out of call volume quota."
                                    : "Out of bandwidth quota.";
  std::string_view message = what;
  if (verdict.renews) {
    x.response_additions.push_back({"Retry-After", x.number_text(verdict.retry_after_s)});
    message = x.arena.join(
        {what, " Quota will be replenished in ", to_timespan(verdict.retry_after_s), "."});
  }
  x.error.reason = "QuotaExceeded";
  x.error.message = message;
  answer_error(x, 403, "Forbidden", message);
  return Flow::error;
}

}  // namespace mlgate::policy
