#include "portal/try_it.h"

#include "apim/codec.h"
#include "apim/url_template.h"
#include "base/text.h"
#include "base/time.h"
#include "portal/console_api.h"
#include "portal/data_internal.h"

#include <algorithm>

namespace mlgate::portal {
namespace {

const Json* find_parameter(const Json& parameters, std::string_view name) {
  for (const auto& [key, value] : parameters.members())
    if (equals_ignoring_case(key, name)) return &value;
  return nullptr;
}

Result<std::string> path_value(std::string_view name, std::string_view value, bool wildcard) {
  if (value.empty())
    return fail(Errc::invalid_argument, "The parameter '" + std::string(name) + "' is missing.",
                std::string(name));
  for (const std::string_view step : split(value, '/')) {
    if (step == "." || step == "..")
      return fail(Errc::invalid_argument,
                  "The parameter '" + std::string(name) + "' cannot hold the step '" +
                      std::string(step) + "'.",
                  std::string(name));
  }
  return percent_encode(value, wildcard ? "/" : "");
}

// Replaces each "{name}" of one part of a template.
Result<std::string> fill(std::string_view part, bool is_query, const Json& parameters) {
  std::string out;
  while (!part.empty()) {
    const auto open = part.find('{');
    out += part.substr(0, open);
    if (open == std::string_view::npos) break;
    const auto close = part.find('}', open);
    if (close == std::string_view::npos) break;
    std::string_view name = part.substr(open + 1, close - open - 1);
    part.remove_prefix(close + 1);
    const bool wildcard = name.starts_with('*');
    if (wildcard) name.remove_prefix(1);
    const Json* given = find_parameter(parameters, name);
    const std::string_view value = given ? given->as_string() : std::string_view();
    if (is_query) {
      out += percent_encode(value);
    } else {
      TRY(const std::string encoded, path_value(name, value, wildcard));
      out += encoded;
    }
  }
  return out;
}

void add_query(std::string& query, std::string_view more) {
  if (!query.empty() && !more.empty()) query += '&';
  query += more;
}

// The named list of {"name","value"}; entries that were left blank do not count.
using Pairs = std::vector<std::pair<std::string, std::string>>;
Result<Pairs> pairs_of(const Json& body, std::string_view list) {
  Pairs out;
  const auto& items = body[list].items();
  if (items.size() > TryIt::kItemsMax)
    return fail(Errc::invalid_argument,
                "'" + std::string(list) + "' has more than " + std::to_string(TryIt::kItemsMax) +
                    " entries.",
                std::string(list));
  for (const Json& item : items) {
    const std::string_view name = trim(item.string_or("name"));
    const std::string_view value = trim(item.string_or("value"));
    if (!name.empty() || !value.empty()) out.emplace_back(name, value);
  }
  return out;
}

Json answer_json(const http::InnerRequest& sent, const http::Response& answer, double time_ms) {
  Json headers = Json::array();
  for (const auto& [name, value] : answer.headers)
    headers.push(Json::object({{"name", Json(name)}, {"value", Json(value)}}));
  const bool is_text = is_utf8(answer.body) && answer.body.find('\0') == std::string::npos;
  const std::string_view reason =
      answer.reason.empty() ? http::standard_reason(answer.status) : answer.reason;
  return Json::object({{"requestedUrl", Json(sent.scheme + "://" + sent.authority + sent.target)},
                       {"method", Json(sent.method)},
                       {"status", Json(answer.status)},
                       {"reason", Json(reason)},
                       {"headers", std::move(headers)},
                       {"content", is_text ? Json(answer.body) : Json()},
                       {"contentBytes", Json(std::int64_t(answer.body.size()))},
                       {"timeMs", Json(time_ms)}});
}

http::Response failure(const Error& error) {
  switch (error.code()) {
    case Errc::timeout:
      return console_failure(504, "GatewayTimeout", error.message());
    case Errc::unavailable:
      return console_failure(502, "BadGateway", error.message());
    default:
      return console_failure(error);
  }
}

// Counts itself among the calls under way.
class Place {
 public:
  explicit Place(std::atomic<int>& calls) : calls_(calls), number_(++calls) {}
  ~Place() { --calls_; }
  Place(const Place&) = delete;
  bool is_free() const noexcept { return number_ <= TryIt::kCallsMax; }

 private:
  std::atomic<int>& calls_;
  int number_;
};

}  // namespace

Result<FilledTemplate> fill_template(std::string_view url_template, const Json& parameters) {
  const auto mark = url_template.find('?');
  FilledTemplate out;
  TRY(out.path, fill(url_template.substr(0, mark), false, parameters));
  if (mark != std::string_view::npos) {
    TRY(out.query, fill(url_template.substr(mark + 1), true, parameters));
  }
  return out;
}

std::optional<http::Response> TryIt::admit(const http::Request& head) const {
  if (!guard_.knows_host(head)) {
    return console_failure(421, "MisdirectedRequest",
                           "The console does not answer under this host name.");
  }
  if (head.method != "POST") {
    http::Response refused = console_failure(405, "MethodNotAllowed", "Use another method.");
    refused.set("Allow", "POST");
    return refused;
  }
  if (!SessionGuard::is_same_origin(head)) {
    return console_failure(403, "Forbidden",
                           "The request does not come from a page of this console.");
  }
  return std::nullopt;
}

http::Response TryIt::handle(const http::Request& request) {
  if (auto refused = admit(request)) return *std::move(refused);
  auto out = answer(request);
  return out ? *std::move(out) : failure(out.error());
}

Result<http::Response> TryIt::answer(const http::Request& request) {
  TRY(const auto person, person_of(guard_, request));
  const auto body = Json::parse(request.body);
  if (!body || !body->is_object())
    return fail(Errc::invalid_argument, "The body is not a JSON object.");
  const std::string_view service = body->string_or("service");
  if (service.empty())
    return fail(Errc::invalid_argument, "'service' names no instance.", "service");
  TRY(const Visit visit, begin_visit(repository_, service, person));
  TRY(http::InnerRequest sent, prepare(visit, *body));
  sent.peer = request.peer;
  const Place place(calls_);
  if (!place.is_free())
    return fail(Errc::exhausted, "Several calls are being tried already; wait for a moment.");
  const std::int64_t began_ns = system_clock().steady_ns();
  TRY(const http::Response answer, call_(sent));
  const double time_ms = double((system_clock().steady_ns() - began_ns) / 1'000) / 1'000;
  return json_answer(200, answer_json(sent, answer, time_ms));
}

Result<http::InnerRequest> TryIt::prepare(const Visit& visit, const Json& body) {
  TRY(const Catalogue catalogue, visit.catalogue(repository_));
  TRY(const apim::Api api, catalogue.api(body.string_or("api")));
  auto reader = repository_.reader();
  TRY(const auto operation,
      apim::find<apim::Operation>(
          reader, {visit.service.name, api.name, std::string(body.string_or("operation"))}));
  if (!operation) return fail(Errc::not_found, "Operation not found.");
  TRY(const ApiAddress address, address_of(repository_, gateway_, visit.service, api));
  TRY(FilledTemplate filled, fill_template(operation->url_template, body["parameters"]));
  TRY(const Pairs query, pairs_of(body, "query"));
  for (const auto& [name, value] : query)
    add_query(filled.query, percent_encode(name) + "=" + percent_encode(value));
  add_query(filled.query, address.query);

  http::InnerRequest out;
  out.scheme = address.scheme;
  out.authority = address.authority;
  out.method = operation->method;
  out.target = address.path + filled.path;
  if (out.target.empty()) out.target = "/";
  if (!filled.query.empty()) out.target += "?" + filled.query;
  out.body = body.string_or("body");
  TRY_OK(add_headers(visit, body, api, address, out));
  return out;
}

Result<void> TryIt::add_headers(const Visit& visit, const Json& body, const apim::Api& api,
                                const ApiAddress& address, http::InnerRequest& out) {
  TRY(out.headers, pairs_of(body, "headers"));
  const auto add = [&](const std::string& name, const std::string& value) {
    const bool there = std::ranges::any_of(
        out.headers, [&](const auto& one) { return equals_ignoring_case(one.first, name); });
    if (!there) out.headers.emplace_back(name, value);
  };
  if (!address.header.empty()) add(address.header, address.header_value);
  const std::string_view subscription = body.string_or("subscription");
  if (subscription.empty()) return {};
  auto reader = repository_.reader();
  TRY(const auto own, own_subscription(reader, visit, subscription));
  const bool secondary = body.string_or("key") == "secondary";
  add(api.key_header, secondary ? own.secondary_key : own.primary_key);
  return {};
}

}  // namespace mlgate::portal
