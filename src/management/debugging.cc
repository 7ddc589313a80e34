// Debug credentials and traces, behind the gateway entity that stands for the built-in gateway.
#include "base/text.h"
#include "management/entity_internal.h"
#include "management/handlers_internal.h"

#include <algorithm>
#include <optional>

namespace mlgate::management {
namespace {

constexpr std::int64_t kLifeMaxS = 3'600;
constexpr std::string_view kManaged = "managed";

// "PT1H", "PT30M", "P0DT0H10M30S": seconds, or nullopt for anything else. Years and months have no
// length in seconds and are refused.
std::optional<std::int64_t> duration_s(std::string_view text) {
  if (!text.starts_with('P')) return std::nullopt;
  text.remove_prefix(1);
  std::int64_t out = 0;
  bool time = false, any = false;
  while (!text.empty()) {
    if (text.front() == 'T' && !time) {
      time = true;
      text.remove_prefix(1);
      continue;
    }
    std::size_t digits = 0;
    while (digits < text.size() && is_digit(text[digits])) ++digits;
    if (digits == 0 || digits > 9 || digits == text.size()) return std::nullopt;
    const auto number = parse_int(text.substr(0, digits));
    const char unit = text[digits];
    const std::int64_t factor = time && unit == 'H'    ? 3'600
                                : time && unit == 'M'  ? 60
                                : time && unit == 'S'  ? 1
                                : !time && unit == 'D' ? 86'400
                                                       : 0;
    if (!number || factor == 0) return std::nullopt;
    out += *number * factor;
    any = true;
    text.remove_prefix(digits + 1);
  }
  return any ? std::optional(out) : std::nullopt;
}

// There is one gateway, the built-in one.
std::optional<http::Response> check_gateway(const Call& call) {
  if (equals_ignoring_case(call.arg(0), kManaged)) return std::nullopt;
  return error_answer(404, "ResourceNotFound", "Gateway not found.");
}

// The API of ".../apis/{id}", full or short.
Result<apim::Api> api_of(Call& call, std::string_view id) {
  constexpr std::string_view kApis = "/apis/";
  const auto at = to_lower(id).rfind(kApis);
  if (at == std::string::npos)
    return fail(Errc::invalid_argument, "apiId has to be the resource id of an API", "apiId");
  TRY(const apim::Place place, api_place(call, id.substr(at + kApis.size())));
  auto reader = call.reader();
  return require<apim::Api>(reader, place);
}

Result<std::int64_t> life_of(const Json& body) {
  const std::string_view text = body.string_or("credentialsExpireAfter", "PT1H");
  const auto seconds = duration_s(text);
  if (!seconds || *seconds <= 0 || *seconds > kLifeMaxS)
    return fail(Errc::invalid_argument,
                "credentialsExpireAfter has to be a duration of at most one hour, as PT1H",
                "credentialsExpireAfter");
  return *seconds;
}

Result<void> check_purposes(const Json& body) {
  const auto& purposes = body["purposes"].items();
  const bool tracing = std::ranges::any_of(
      purposes, [](const Json& one) { return equals_ignoring_case(one.as_string(), "tracing"); });
  if (tracing && purposes.size() == 1) return {};
  return fail(Errc::invalid_argument, "purposes has to be [\"tracing\"]", "purposes");
}

}  // namespace

http::Response list_debug_credentials(Call& call) {
  if (auto unknown = check_gateway(call)) return *std::move(unknown);
  const Tracing& tracing = call.env.options.tracing;
  if (!tracing.issue) return error_answer(501, "NotImplemented", "Calls cannot be traced here.");
  const auto body = body_of(call.request);
  if (!body) return error_answer(body.error());
  if (const auto purposes = check_purposes(*body); !purposes) return error_answer(purposes.error());
  const auto life_s = life_of(*body);
  if (!life_s) return error_answer(life_s.error());
  const auto api = api_of(call, body->string_or("apiId"));
  if (!api) return error_answer(api.error());
  const TimeMs now_ms = call.env.clock.now_ms();
  return json_answer(
      200, Json::object({{"token", Json(tracing.issue(call.service.number, api->number, now_ms,
                                                      now_ms + *life_s * 1'000))}}));
}

http::Response invalidate_debug_credentials(Call& call) {
  if (auto unknown = check_gateway(call)) return *std::move(unknown);
  const Tracing& tracing = call.env.options.tracing;
  if (tracing.invalidate) tracing.invalidate(call.service.number, call.env.clock.now_ms());
  return empty_answer(204);
}

http::Response list_trace(Call& call) {
  if (auto unknown = check_gateway(call)) return *std::move(unknown);
  const auto body = body_of(call.request);
  if (!body) return error_answer(body.error());
  const std::string_view id = body->string_or("traceId");
  if (id.empty()) {
    return error_answer(
        Error(Errc::invalid_argument, "traceId is required, as the answer had it", "traceId"));
  }
  const Tracing& tracing = call.env.options.tracing;
  auto trace = tracing.find
                   ? tracing.find(call.service.number, to_lower(id), call.env.clock.now_ms())
                   : std::nullopt;
  if (!trace) return error_answer(404, "ResourceNotFound", "Trace not found.");
  http::Response answer;
  answer.set("Content-Type", "application/json; charset=utf-8");
  answer.body = *std::move(trace);
  return answer;
}

}  // namespace mlgate::management
