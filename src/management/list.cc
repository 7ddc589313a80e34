#include "base/text.h"
#include "management/list_internal.h"

#include <algorithm>

namespace mlgate::management {
namespace {

constexpr std::int64_t kPage = 100;
constexpr std::int64_t kPageMax = 1'000;

Result<std::int64_t> number_option(const Call& call, std::string_view name, std::int64_t min,
                                   std::int64_t otherwise) {
  const auto text = call.query(name);
  if (!text) return otherwise;
  const auto number = parse_int(*text);
  if (!number || *number < min)
    return fail(Errc::invalid_argument,
                "'" + std::string(name) + "' has to be a whole number of at least " +
                    std::to_string(min) + ".",
                std::string(name));
  return *number;
}

// The same request with another $skip; every other option as the caller sent it.
std::string next_link(const Call& call, std::int64_t skip) {
  std::string out = call.base_url() + std::string(call.request.path) + "?";
  for (const std::string_view option : split(call.request.query, '&')) {
    const auto name = percent_decode(option.substr(0, option.find('=')));
    if (option.empty() || (name && equals_ignoring_case(*name, "$skip"))) continue;
    out += std::string(option) + "&";
  }
  return out + "%24skip=" + std::to_string(skip);
}

Result<http::Response> make_list(const Call& call, std::vector<Json> items,
                                 std::span<const FilterField> fields) {
  if (call.query("tags") || call.query("tags[0]"))
    return fail(Errc::unsupported, "Lists are not filtered by tags in this build.");
  if (const auto filter = call.query("$filter"); filter && !trim(*filter).empty()) {
    TRY(const Predicate wanted, parse_filter(*filter, fields));
    std::erase_if(items, [&](const Json& item) { return !wanted(item); });
  }
  return page_answer(call, std::move(items));
}

}  // namespace

Result<PageWindow> page_window(const Call& call) {
  PageWindow out;
  TRY(out.top, number_option(call, "$top", 1, kPage));
  TRY(out.skip, number_option(call, "$skip", 0, 0));
  out.top = std::min(out.top, kPageMax);
  return out;
}

Result<http::Response> page_answer(const Call& call, std::vector<Json> items) {
  TRY(const PageWindow window, page_window(call));
  const auto count = static_cast<std::int64_t>(items.size());
  const std::int64_t first = std::min(window.skip, count);
  const std::int64_t last = first + std::min(window.top, count - first);
  Json page = Json::array();
  for (std::int64_t i = first; i < last; ++i)
    page.push(std::move(items[static_cast<std::size_t>(i)]));
  Json body = Json::object();
  body.set("value", std::move(page));
  body.set("count", count);
  if (last < count) body.set("nextLink", next_link(call, last));
  return json_answer(200, body);
}

http::Response list_answer(const Call& call, std::vector<Json> items,
                           std::span<const FilterField> fields) {
  auto answer = make_list(call, std::move(items), fields);
  return answer ? *std::move(answer) : error_answer(answer.error());
}

}  // namespace mlgate::management
