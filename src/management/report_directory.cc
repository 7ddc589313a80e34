#include "base/text.h"
#include "management/entity_internal.h"
#include "management/report_directory_internal.h"

#include <algorithm>

namespace mlgate::management {

std::uint64_t analytics::UsageKey::* part_of(Dimension dimension) noexcept {
  using analytics::UsageKey;
  switch (dimension) {
    case Dimension::user:
      return &UsageKey::user;
    case Dimension::product:
      return &UsageKey::product;
    case Dimension::api:
      return &UsageKey::api;
    case Dimension::operation:
      return &UsageKey::operation;
    case Dimension::subscription:
      return &UsageKey::subscription;
    case Dimension::region:
      break;
  }
  return &UsageKey::service;
}

Result<ReportFilter> report_filter(const Call& call, std::span<const Dimension> dimensions) {
  const auto text = call.query("$filter");
  if (!text || trim(*text).empty())
    return fail(Errc::invalid_argument, "The query option '$filter' is required.", "$filter");
  return parse_report_filter(*text, dimensions);
}

bool is_elsewhere(const ReportFilter& filter, const apim::Service& service) {
  return std::ranges::any_of(filter.matches, [&](const auto& match) {
    return match.dimension == Dimension::region &&
           !equals_ignoring_case(match.value, service.location);
  });
}

template <class T>
void Directory::add(const T& entity, std::string name) {
  entries_[entity.number] = {path_of(entity), std::move(name)};
}

Directory::Directory(const apim::ServiceModel& model, Names names) : names_(std::move(names)) {
  for (const auto& api : model.apis) add(api, api.display_name);
  for (const auto& operation : model.operations) add(operation, operation.display_name);
  for (const auto& product : model.products) add(product, product.display_name);
  for (const auto& one : model.subscriptions) add(one, one.display_name.value_or(""));
  for (const auto& user : model.users)
    add(user, std::string(trim(user.first_name + " " + user.last_name)));
}

std::string Directory::id(Dimension dimension, std::uint64_t number) const {
  if (number == 0) return {};
  if (const auto known = entries_.find(number); known != entries_.end()) return known->second.id;
  const auto gone = names_.find(number);
  const std::string name = gone == names_.end() ? std::to_string(number) : gone->second.name;
  switch (dimension) {
    case Dimension::user:
      return "/users/" + name;
    case Dimension::product:
      return "/products/" + name;
    case Dimension::api:
      return "/apis/" + name;
    case Dimension::operation:
      return id(Dimension::api, gone == names_.end() ? 0 : gone->second.parent) + "/operations/" +
             name;
    case Dimension::subscription:
      return "/subscriptions/" + name;
    case Dimension::region:
      return {};
  }
  return {};
}

std::string Directory::name(std::uint64_t number) const {
  if (const auto known = entries_.find(number); known != entries_.end()) return known->second.name;
  const auto gone = names_.find(number);
  return gone == names_.end() ? std::string() : gone->second.name;
}

bool Directory::is(Dimension dimension, std::uint64_t number, std::string_view wanted) const {
  if (number == 0) return false;
  const std::string full = to_lower(id(dimension, number));
  return wanted.find('/') != std::string_view::npos
             ? full == wanted
             : std::string_view(full).substr(full.rfind('/') + 1) == wanted;
}

Matcher::Matcher(const ReportFilter& filter, const Directory& directory) : directory_(directory) {
  for (const auto& match : filter.matches)
    if (match.dimension != Dimension::region) tests_.push_back({match, {}});
}

bool Matcher::operator()(const analytics::UsageKey& key) {
  return std::ranges::all_of(tests_, [&](Test& test) {
    const std::uint64_t number = key.*part_of(test.match.dimension);
    const auto [known, fresh] = test.known.try_emplace(number, false);
    if (fresh) known->second = directory_.is(test.match.dimension, number, test.match.value);
    return known->second;
  });
}

}  // namespace mlgate::management
