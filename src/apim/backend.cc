// Backends: single ones with their credentials, TLS and breaker rules, and pools of them.
#include "apim/entities.h"
#include "base/text.h"

#include <algorithm>

namespace mlgate::apim {
namespace {

constexpr std::size_t kRulesMax = 15;
constexpr std::size_t kRangesMax = 10;
constexpr std::size_t kMembersMax = 30;
constexpr std::size_t kCredentialsMax = 32;
constexpr std::int64_t kDayMs = 86'400'000;
constexpr std::int64_t kDurationMaxMs = 366 * kDayMs;

bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return is_alpha(c) || is_digit(c) ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool is_printable(std::string_view text) noexcept {
  return std::ranges::none_of(
      text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7F; });
}

void check_url(const std::string& url, PropertyReader& in) {
  const bool absolute =
      starts_with_ignoring_case(url, "http://") || starts_with_ignoring_case(url, "https://");
  const bool blank = std::ranges::any_of(
      url, [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7F; });
  if (!absolute || blank || url.size() < 9)
    in.reject("url", "'url' has to be an absolute URL of http or https.");
}

NamedTexts read_named(const Json& object, std::string_view what, bool tokens, Errors& errors) {
  NamedTexts out;
  const std::string field = "credentials." + std::string(what);
  for (const auto& [name, values] : object.members()) {
    std::vector<std::string> texts;
    for (const Json& one : values.items()) texts.emplace_back(one.as_string());
    const bool good = !name.empty() && (!tokens || is_token(name)) && is_printable(name) &&
                      std::ranges::all_of(texts, is_printable) && values.is_array();
    if (!good)
      reject(errors, field, "'" + name + "' has to be a name with a list of texts.");
    else
      out.emplace_back(name, std::move(texts));
  }
  if (out.size() > kCredentialsMax)
    reject(errors, field, "'" + std::string(what) + "' may hold at most 32 names.");
  return out;
}

Json json_of(const NamedTexts& texts) {
  Json out = Json::object();
  for (const auto& [name, values] : texts) {
    Json list = Json::array();
    for (const auto& one : values) list.push(one);
    out.set(name, std::move(list));
  }
  return out;
}

Json json_of(const std::vector<std::string>& texts) {
  Json out = Json::array();
  for (const auto& one : texts) out.push(one);
  return out;
}

std::vector<StatusRange> read_ranges(const Json& list, const std::string& field, Errors& errors) {
  std::vector<StatusRange> out;
  for (const Json& one : list.items()) {
    const StatusRange range{one.int_or("min", 0), one.int_or("max", 0)};
    if (range.min < 200 || range.max > 599 || range.min > range.max)
      reject(errors, field, "A range of status codes lies within 200 and 599.");
    out.push_back(range);
  }
  if (out.size() > kRangesMax)
    reject(errors, field, "At most 10 ranges of status codes are allowed.");
  return out;
}

Json json_of(const std::vector<StatusRange>& ranges) {
  Json out = Json::array();
  for (const auto& one : ranges)
    out.push(Json::object({{"min", Json(one.min)}, {"max", Json(one.max)}}));
  return out;
}

std::int64_t read_duration(const Json& from, std::string_view name, const std::string& prefix,
                           Errors& errors) {
  const std::string field = prefix + std::string(name);
  const auto ms = parse_duration_ms(from.string_or(name));
  if (ms && *ms > 0 && *ms <= kDurationMaxMs) return *ms;
  reject(errors, field,
         "'" + std::string(name) + "' has to be a duration such as 'PT1M', at most a year.");
  return 1'000;
}

BreakerRule read_rule(const Json& from, std::size_t index, Errors& errors) {
  const std::string prefix = "circuitBreaker.rules[" + std::to_string(index) + "].";
  BreakerRule rule;
  rule.name = from.string_or("name");
  rule.trip_ms = read_duration(from, "tripDuration", prefix, errors);
  rule.accept_retry_after = from.bool_or("acceptRetryAfter", false);
  const Json& condition = from["failureCondition"];
  const std::string inner = prefix + "failureCondition.";
  rule.count = condition["count"].as_int();
  rule.percentage = condition["percentage"].as_int();
  if (rule.count.has_value() == rule.percentage.has_value())
    reject(errors, inner + "count", "One of 'count' and 'percentage' is required.");
  if (rule.count && (*rule.count < 1 || *rule.count > 10'000))
    reject(errors, inner + "count", "'count' has to be from 1 to 10,000.");
  if (rule.percentage && (*rule.percentage < 1 || *rule.percentage > 100))
    reject(errors, inner + "percentage", "'percentage' has to be from 1 to 100.");
  rule.interval_ms = read_duration(condition, "interval", inner, errors);
  rule.statuses = read_ranges(condition["statusCodeRanges"], inner + "statusCodeRanges", errors);
  for (const Json& one : condition["errorReasons"].items())
    rule.reasons.emplace_back(one.as_string());
  if (rule.reasons.size() > kRangesMax)
    reject(errors, inner + "errorReasons", "At most 10 reasons are allowed.");
  if (rule.statuses.empty() && rule.reasons.empty())
    reject(errors, inner + "statusCodeRanges",
           "One of 'statusCodeRanges' and 'errorReasons' has to say what a failure is.");
  return rule;
}

Json json_of(const BreakerRule& rule) {
  Json condition = Json::object();
  if (rule.count) condition.set("count", *rule.count);
  if (rule.percentage) condition.set("percentage", *rule.percentage);
  condition.set("interval", to_duration(rule.interval_ms));
  condition.set("statusCodeRanges", json_of(rule.statuses));
  condition.set("errorReasons", json_of(rule.reasons));
  return Json::object({{"name", rule.name},
                       {"failureCondition", std::move(condition)},
                       {"tripDuration", to_duration(rule.trip_ms)},
                       {"acceptRetryAfter", rule.accept_retry_after}});
}

void read_pool(const Json& pool, std::string_view service, Backend& backend, Errors& errors) {
  for (const Json& one : pool["services"].items()) {
    PoolMember member;
    const auto name = name_in_id(one.string_or("id"), "backends", service);
    if (!name)
      reject(errors, "pool.services", "A member of a pool is named by the id of a backend.");
    member.backend = name.value_or("");
    member.weight = one["weight"].as_int();
    member.priority = one.int_or("priority", 0);
    if (member.weight.value_or(0) < 0 || member.weight.value_or(0) > 100 || member.priority < 0 ||
        member.priority > 100)
      reject(errors, "pool.services", "'weight' and 'priority' have to be from 0 to 100.");
    backend.members.push_back(std::move(member));
  }
  if (backend.members.empty()) reject(errors, "pool.services", "A pool needs at least one member.");
  if (backend.members.size() > kMembersMax)
    reject(errors, "pool.services", "A pool may have at most 30 members.");
}

Json pool_json(const Backend& backend) {
  Json services = Json::array();
  for (const auto& member : backend.members) {
    Json one = Json::object({{"id", "/backends/" + member.backend}});
    if (member.weight) one.set("weight", *member.weight);
    one.set("priority", member.priority);
    services.push(std::move(one));
  }
  return Json::object({{"services", std::move(services)}});
}

HealthCheck read_health(const Json& from, Errors& errors) {
  HealthCheck out;
  out.path = from.string_or("path", "/");
  const bool odd = std::ranges::any_of(
      out.path, [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7F; });
  if (!out.path.starts_with('/') || odd || out.path.size() > 2'000)
    reject(errors, "healthCheck.path", "'path' has to begin with a slash.");
  if (from.find("interval") != nullptr)
    out.interval_ms = read_duration(from, "interval", "healthCheck.", errors);
  if (from.find("timeout") != nullptr)
    out.timeout_ms = read_duration(from, "timeout", "healthCheck.", errors);
  out.unhealthy_after = from.int_or("unhealthyAfter", out.unhealthy_after);
  out.healthy_after = from.int_or("healthyAfter", out.healthy_after);
  if (out.interval_ms < 1'000 || out.interval_ms > kDayMs || out.timeout_ms > 10'000)
    reject(errors, "healthCheck.interval",
           "'interval' is from a second to a day, 'timeout' at most ten seconds.");
  if (out.unhealthy_after < 1 || out.unhealthy_after > 100 || out.healthy_after < 1 ||
      out.healthy_after > 100)
    reject(errors, "healthCheck.unhealthyAfter", "The numbers of checks are from 1 to 100.");
  if (from["statusCodeRanges"].is_array())
    out.statuses = read_ranges(from["statusCodeRanges"], "healthCheck.statusCodeRanges", errors);
  return out;
}

Json json_of(const HealthCheck& check) {
  return Json::object({{"path", check.path},
                       {"interval", to_duration(check.interval_ms)},
                       {"timeout", to_duration(check.timeout_ms)},
                       {"unhealthyAfter", check.unhealthy_after},
                       {"healthyAfter", check.healthy_after},
                       {"statusCodeRanges", json_of(check.statuses)}});
}

void refuse_unbuilt(PropertyReader& in, const Json& properties) {
  if (in.has("proxy"))
    in.reject("proxy", "A proxy before a backend is not supported by this build.");
  if (!properties["properties"]["serviceFabricCluster"].is_null())
    in.reject("properties.serviceFabricCluster", "Service Fabric is not supported by this build.");
}

}  // namespace

std::optional<std::int64_t> parse_duration_ms(std::string_view text) noexcept {
  if (!text.starts_with('P')) {
    const auto parts = split(text, ':');
    if (parts.size() != 3) return std::nullopt;
    const auto dot = parts[0].find('.');
    const auto days = dot == parts[0].npos ? std::optional<std::uint64_t>(0)
                                           : parse_uint(parts[0].substr(0, dot));
    const auto hours = parse_uint(dot == parts[0].npos ? parts[0] : parts[0].substr(dot + 1));
    const auto minutes = parse_uint(parts[1]), seconds = parse_uint(parts[2]);
    if (!days || !hours || !minutes || !seconds || *days > 10'000 || *hours > 23 || *minutes > 59 ||
        *seconds > 59)
      return std::nullopt;
    return std::int64_t(((*days * 24 + *hours) * 60 + *minutes) * 60 + *seconds) * 1'000;
  }
  text.remove_prefix(1);
  std::int64_t total = 0;
  bool time = false, any = false;
  while (!text.empty()) {
    if (text[0] == 'T' && !time) {
      time = true;
      text.remove_prefix(1);
      continue;
    }
    const std::size_t end = text.find_first_not_of("0123456789");
    if (end == text.npos || end == 0 || end > 9) return std::nullopt;
    const auto number = std::int64_t(parse_uint(text.substr(0, end)).value_or(0));
    std::int64_t unit = 0;
    switch (text[end]) {
      case 'W':
        unit = time ? 0 : 7 * kDayMs;
        break;
      case 'D':
        unit = time ? 0 : kDayMs;
        break;
      case 'H':
        unit = time ? 3'600'000 : 0;
        break;
      case 'M':
        unit = time ? 60'000 : 0;
        break;
      case 'S':
        unit = time ? 1'000 : 0;
        break;
      default:
        break;
    }
    if (unit == 0) return std::nullopt;
    total += number * unit;
    any = true;
    text.remove_prefix(end + 1);
  }
  if (!any) return std::nullopt;
  return total;
}

std::string to_duration(std::int64_t ms) {
  const std::int64_t seconds = ms / 1'000;
  std::string out = "P";
  if (seconds >= 86'400) out += std::to_string(seconds / 86'400) + "D";
  const std::int64_t hours = seconds / 3'600 % 24, minutes = seconds / 60 % 60, rest = seconds % 60;
  if (hours + minutes + rest == 0) return out == "P" ? "PT0S" : out;
  out += "T";
  if (hours != 0) out += std::to_string(hours) + "H";
  if (minutes != 0) out += std::to_string(minutes) + "M";
  if (rest != 0) out += std::to_string(rest) + "S";
  return out;
}

void read_credentials(const Json& credentials, Backend& backend, Errors& errors) {
  backend.headers = read_named(credentials["header"], "header", true, errors);
  backend.query = read_named(credentials["query"], "query", false, errors);
  const Json& authorization = credentials["authorization"];
  backend.authorization_scheme = authorization.string_or("scheme");
  backend.authorization_parameter = authorization.string_or("parameter");
  if (authorization.is_object() &&
      (!is_token(backend.authorization_scheme) || !is_printable(backend.authorization_parameter)))
    reject(errors, "credentials.authorization", "'authorization' needs 'scheme' and 'parameter'.");
  backend.certificate_ids.clear();
  backend.thumbprints.clear();
  for (const Json& one : credentials["certificateIds"].items())
    backend.certificate_ids.emplace_back(one.as_string());
  for (const Json& one : credentials["certificate"].items())
    backend.thumbprints.emplace_back(one.as_string());
  if (backend.certificate_ids.size() + backend.thumbprints.size() > kCredentialsMax)
    reject(errors, "credentials.certificate", "At most 32 certificates are allowed.");
}

Json credentials_of(const Backend& backend) {
  if (backend.headers.empty() && backend.query.empty() && backend.authorization_scheme.empty() &&
      backend.certificate_ids.empty() && backend.thumbprints.empty())
    return {};
  Json out = Json::object();
  out.set("certificateIds", json_of(backend.certificate_ids));
  out.set("certificate", json_of(backend.thumbprints));
  out.set("query", json_of(backend.query));
  out.set("header", json_of(backend.headers));
  if (!backend.authorization_scheme.empty())
    out.set("authorization", Json::object({{"scheme", backend.authorization_scheme},
                                           {"parameter", backend.authorization_parameter}}));
  return out;
}

Backend parse_backend(const Json& properties, const Backend* before, std::string_view service,
                      Errors& errors) {
  PropertyReader in(properties, errors);
  Backend out;
  out.title = in.optional_text("title", {1, 300});
  out.description = in.optional_text("description", {1, 2'000});
  out.resource_id = in.optional_text("resourceId", {1, 2'000});
  out.is_pool = in.choice("type", {"Single", "Pool"}).value_or(0) == 1;
  if (in.choice("protocol", {"http", "soap"}).value_or(0) == 1) out.protocol = "soap";
  refuse_unbuilt(in, properties);
  if (out.is_pool) {
    read_pool(properties["pool"], service, out, errors);
    if (in.has("circuitBreaker") && !properties["circuitBreaker"]["rules"].items().empty())
      in.reject("circuitBreaker", "The breakers of a pool are those of its members.");
    return out;
  }
  out.url = in.required_text("url", {1, 2'000});
  if (!out.url.empty()) check_url(out.url, in);
  const Json& tls = properties["tls"];
  out.validate_chain = tls.bool_or("validateCertificateChain", true);
  out.validate_name = tls.bool_or("validateCertificateName", true);
  if (in.has("credentials")) {
    read_credentials(properties["credentials"], out, errors);
  } else if (before != nullptr && properties.find("credentials") == nullptr) {
    Errors ignored;
    read_credentials(credentials_of(*before), out, ignored);
  }
  const auto& rules = properties["circuitBreaker"]["rules"].items();
  if (rules.size() > kRulesMax)
    in.reject("circuitBreaker.rules", "A circuit breaker may have at most 15 rules.");
  for (std::size_t i = 0; i < rules.size() && i < kRulesMax; ++i)
    out.rules.push_back(read_rule(rules[i], i, errors));
  if (in.has("healthCheck")) out.health_check = read_health(properties["healthCheck"], errors);
  return out;
}

// Without the credentials, which the caller adds where they may be shown.
Json properties_of(const Backend& backend) {
  Json out = Json::object();
  out.set("title", json_or_null(backend.title));
  out.set("description", json_or_null(backend.description));
  if (backend.resource_id) out.set("resourceId", *backend.resource_id);
  out.set("type", backend.is_pool ? "Pool" : "Single");
  if (backend.is_pool) {
    out.set("pool", pool_json(backend));
    return out;
  }
  out.set("url", backend.url);
  out.set("protocol", backend.protocol);
  out.set("tls", Json::object({{"validateCertificateChain", backend.validate_chain},
                               {"validateCertificateName", backend.validate_name}}));
  if (!backend.rules.empty()) {
    Json rules = Json::array();
    for (const auto& rule : backend.rules) rules.push(json_of(rule));
    out.set("circuitBreaker", Json::object({{"rules", std::move(rules)}}));
  }
  if (backend.health_check) out.set("healthCheck", json_of(*backend.health_check));
  return out;
}

}  // namespace mlgate::apim
