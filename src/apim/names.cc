#include "apim/entities.h"
#include "base/text.h"

#include <algorithm>
#include <array>

namespace mlgate::apim {
namespace {

constexpr std::size_t kServiceNameMax = 50;
constexpr std::string_view kProviderMark = "/providers/microsoft.apimanagement/service/";

Error name_error(std::string text) { return {Errc::invalid_argument, std::move(text), "name"}; }

template <class Enum, std::size_t N>
std::string_view text_of(const std::array<std::string_view, N>& texts, Enum value) noexcept {
  const auto index = static_cast<std::size_t>(value);
  return index < N ? texts[index] : std::string_view();
}

}  // namespace

std::optional<Error> check_resource_name(std::string_view name, NameRule rule) {
  if (name.empty() || name.size() > rule.max)
    return name_error("A resource name has 1 to " + std::to_string(rule.max) + " characters.");
  const bool odd = std::ranges::any_of(name, [](char c) {
    return static_cast<unsigned char>(c) < ' ' || c == 0x7F ||
           std::string_view("*#&+:<>?/\\%;").find(c) != std::string_view::npos;
  });
  if (odd || !is_utf8(name) || name == "." || name == "..")
    return name_error("The resource name '" + std::string(name) +
                      "' holds a character that is not allowed.");
  return std::nullopt;
}

std::optional<Error> check_service_name(std::string_view name) {
  const auto alphanumeric = [](char c) { return is_alpha(c) || is_digit(c); };
  const bool good = !name.empty() && name.size() <= kServiceNameMax && is_alpha(name.front()) &&
                    alphanumeric(name.back()) &&
                    std::ranges::all_of(name, [&](char c) { return alphanumeric(c) || c == '-'; });
  if (good) return std::nullopt;
  return name_error(
      "The service name '" + std::string(name) +
      "' is invalid. It has 1 to 50 letters, digits and hyphens, begins with a letter "
      "and ends with a letter or a digit.");
}

std::string_view to_text(ApiType type) noexcept {
  static constexpr std::array<std::string_view, 6> kTexts{"http",    "soap",  "websocket",
                                                          "graphql", "odata", "grpc"};
  return text_of(kTexts, type);
}

std::string_view to_text(GroupType type) noexcept {
  static constexpr std::array<std::string_view, 3> kTexts{"custom", "system", "external"};
  return text_of(kTexts, type);
}

std::string_view to_text(UserState state) noexcept {
  static constexpr std::array<std::string_view, 4> kTexts{"active", "blocked", "pending",
                                                          "deleted"};
  return text_of(kTexts, state);
}

std::string_view to_text(SubscriptionState state) noexcept {
  static constexpr std::array<std::string_view, 6> kTexts{"submitted", "active",    "rejected",
                                                          "suspended", "cancelled", "expired"};
  return text_of(kTexts, state);
}

std::string_view to_text(PolicyFormat format) noexcept {
  return format == PolicyFormat::xml ? "xml" : "rawxml";
}

std::string short_scope(const SubscriptionScope& scope) {
  switch (scope.kind) {
    case ScopeKind::service:
      return "/";
    case ScopeKind::all_apis:
      return "/apis";
    case ScopeKind::api:
      return "/apis/" + scope.target;
    case ScopeKind::product:
      return "/products/" + scope.target;
  }
  return "/";
}

std::optional<std::string> shorten_id(std::string_view id, std::string_view service) {
  if (!starts_with_ignoring_case(id, "/subscriptions/") || id.find("/providers/") == id.npos)
    return std::string(id);
  const std::string lower = to_lower(id);
  const std::size_t mark = lower.find(kProviderMark);
  if (mark == std::string::npos) return std::nullopt;
  const std::string_view rest = id.substr(mark + kProviderMark.size());
  const std::size_t slash = rest.find('/');
  if (!equals_ignoring_case(rest.substr(0, slash), service)) return std::nullopt;
  return std::string(slash == std::string_view::npos ? "/" : rest.substr(slash));
}

std::optional<std::string> name_in_id(std::string_view id, std::string_view collection,
                                      std::string_view service) {
  auto text = shorten_id(id, service);
  if (!text) return std::nullopt;
  const std::string prefix = "/" + std::string(collection) + "/";
  if (!starts_with_ignoring_case(*text, prefix)) return std::nullopt;
  text->erase(0, prefix.size());
  if (text->empty() || text->find('/') != std::string::npos) return std::nullopt;
  return text;
}

std::optional<SubscriptionScope> parse_scope(std::string_view text, std::string_view service) {
  const auto id = shorten_id(text, service);
  if (!id) return std::nullopt;
  if (*id == "/") return SubscriptionScope{ScopeKind::service, ""};
  if (equals_ignoring_case(*id, "/apis") || equals_ignoring_case(*id, "/apis/"))
    return SubscriptionScope{ScopeKind::all_apis, ""};
  if (auto api = name_in_id(*id, "apis", service))
    return SubscriptionScope{ScopeKind::api, *std::move(api)};
  if (auto product = name_in_id(*id, "products", service))
    return SubscriptionScope{ScopeKind::product, *std::move(product)};
  return std::nullopt;
}

}  // namespace mlgate::apim
