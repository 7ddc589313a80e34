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

Result<http::Response> page_of(const Call& call, std::size_t count, const ItemAt& item_at) {
  TRY(const PageWindow window, page_window(call));
  const auto all = static_cast<std::int64_t>(count);
  const std::int64_t first = std::min(window.skip, all);
  const std::int64_t last = first + std::min(window.top, all - first);
  Json page = Json::array();
  for (std::int64_t i = first; i < last; ++i) page.push(item_at(static_cast<std::size_t>(i)));
  Json body = Json::object();
  body.set("value", std::move(page));
  body.set("count", all);
  if (last < all) body.set("nextLink", next_link(call, last));
  return json_answer(200, body);
}

Result<http::Response> make_list(const Call& call, std::size_t count, const ItemAt& item_at,
                                 std::span<const FilterField> fields) {
  if (call.query("tags") || call.query("tags[0]"))
    return fail(Errc::unsupported, "Lists are not filtered by tags in this build.");
  const auto filter = call.query("$filter");
  if (!filter || trim(*filter).empty()) return page_of(call, count, item_at);
  TRY(const Predicate wanted, parse_filter(*filter, fields));
  std::vector<Json> found;
  for (std::size_t i = 0; i < count; ++i)
    if (Json item = item_at(i); wanted(item)) found.push_back(std::move(item));
  return page_answer(call, std::move(found));
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
  return page_of(call, items.size(), [&](std::size_t i) { return std::move(items[i]); });
}

http::Response list_answer(const Call& call, std::size_t count, const ItemAt& item_at,
                           std::span<const FilterField> fields) {
  auto answer = make_list(call, count, item_at, fields);
  return answer ? *std::move(answer) : error_answer(answer.error());
}

http::Response list_answer(const Call& call, std::vector<Json> items,
                           std::span<const FilterField> fields) {
  return list_answer(
      call, items.size(), [&](std::size_t i) { return std::move(items[i]); }, fields);
}

}  // namespace mlgate::management
