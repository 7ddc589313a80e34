// Counters of quotas: read, and set, for instance to give a caller his calls back.
#include "control/quota_desk.h"
#include "management/handlers_internal.h"

#include <cmath>

namespace mlgate::management {
namespace {

constexpr double kBytesPerKb = 1024;
constexpr std::int64_t kCallsMax = 1'000'000'000'000'000;

Json counter_json(std::string_view counter_key, const control::QuotaCounter& counter) {
  constexpr std::string_view kNever = "9999-12-31T23:59:59Z";
  const bool ends = counter.state.end_ms != 0;
  return Json::object(
      {{"counterKey", Json(counter_key)},
       {"periodKey", Json(counter.period_key())},
       {"periodStartTime", Json(to_iso8601(counter.state.window_ms))},
       {"periodEndTime", ends ? Json(to_iso8601(counter.state.end_ms)) : Json(kNever)},
       {"value",
        Json::object({{"callsCount", Json(counter.state.calls)},
                      {"kbTransferred", Json(double(counter.state.bytes) / kBytesPerKb)}})}});
}

http::Response counters_answer(std::string_view counter_key,
                               const std::vector<control::QuotaCounter>& counters) {
  Json items = Json::array();
  for (const auto& counter : counters) items.push(counter_json(counter_key, counter));
  return json_answer(200, Json::object({{"value", std::move(items)},
                                        {"count", Json(std::int64_t(counters.size()))},
                                        {"nextLink", Json()}}));
}

http::Response no_counter() {
  return error_answer(404, "ResourceNotFound", "QuotaCounter not found.");
}

// Counters live in the process that has the gateway.
std::optional<http::Response> check_desk(const Call& call) {
  if (call.env.options.quotas) return std::nullopt;
  return error_answer(501, "NotImplemented",
                      "Quotas are counted by the process that has the gateway role.");
}

Result<control::QuotaChange> change_of(const Json& body) {
  control::QuotaChange out;
  const Json& sent = body["properties"];
  if (const Json* calls = sent.find("callsCount"); calls && !calls->is_null()) {
    out.calls = calls->as_int();
    if (!out.calls || *out.calls < 0 || *out.calls > kCallsMax)
      return fail(Errc::invalid_argument, "callsCount has to be a whole number of at least 0",
                  "callsCount");
  }
  if (const Json* size = sent.find("kbTransferred"); size && !size->is_null()) {
    const auto kb = size->as_double();
    if (!kb || !(*kb >= 0) || *kb > double(kCallsMax))
      return fail(Errc::invalid_argument, "kbTransferred has to be a number of at least 0",
                  "kbTransferred");
    out.bytes = std::llround(*kb * kBytesPerKb);
  }
  if (!out.calls && !out.bytes)
    return fail(Errc::invalid_argument, "properties needs callsCount, kbTransferred or both",
                "properties");
  return out;
}

// The counters that the request is for, set as it says.
Result<std::vector<control::QuotaCounter>> changed(Call& call, std::string_view period_key) {
  TRY(const Json body, body_of(call.request));
  TRY(const control::QuotaChange change, change_of(body));
  return call.env.options.quotas->set(call.service.number, call.arg(0), period_key, change);
}

}  // namespace

http::Response list_quota_counters(Call& call) {
  if (auto away = check_desk(call)) return *std::move(away);
  return counters_answer(call.arg(0),
                         call.env.options.quotas->find(call.service.number, call.arg(0)));
}

http::Response patch_quota_counters(Call& call) {
  if (auto away = check_desk(call)) return *std::move(away);
  const auto counters = changed(call, {});
  if (!counters) return error_answer(counters.error());
  return counters->empty() ? no_counter() : counters_answer(call.arg(0), *counters);
}

http::Response get_quota_period(Call& call) {
  if (auto away = check_desk(call)) return *std::move(away);
  const auto counters =
      call.env.options.quotas->find(call.service.number, call.arg(0), call.arg(1));
  return counters.empty() ? no_counter()
                          : json_answer(200, counter_json(call.arg(0), counters.front()));
}

http::Response patch_quota_period(Call& call) {
  if (auto away = check_desk(call)) return *std::move(away);
  const auto counters = changed(call, call.arg(1));
  if (!counters) return error_answer(counters.error());
  return counters->empty() ? no_counter()
                           : json_answer(200, counter_json(call.arg(0), counters->front()));
}

}  // namespace mlgate::management
