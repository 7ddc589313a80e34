#include "policy/quota_volume.h"

#include "base/time.h"

namespace mlgate::policy {

QuotaVolume QuotaVolume::of(const PolicyNode& node, DocumentErrors& errors) {
  const Params& params = node.params;
  if (!params.has("calls") && !params.has("bandwidth")) errors.add_missing(*node.element, "calls");
  return {params.integer("calls"), params.integer("bandwidth") * 1024,
          params.integer("renewal-period")};
}

void note_quota(CallTrace& trace, const Quotas& quotas, const QuotaRule& rule) {
  const QuotaState state = quotas.state(rule.key);
  if (rule.calls > 0) trace.note("limitCalls", std::to_string(rule.calls));
  if (rule.bytes > 0) trace.note("limitBytes", std::to_string(rule.bytes));
  trace.note("countedCalls", std::to_string(state.calls));
  trace.note("countedBytes", std::to_string(state.bytes));
}

Flow refuse_quota(Exchange& x, const QuotaVerdict& verdict) {
  if (verdict.table_full) {
    // Nobody has used up anything: the gateway cannot count another caller for now.
    x.response_additions.push_back({"Retry-After", x.number_text(verdict.retry_after_s)});
    x.error.reason = "QuotaExceeded";
    x.error.message = "There is no room for another counter of quotas.";
    answer_error(x, 429, "Too Many Requests", x.error.message);
    return Flow::error;
  }
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
