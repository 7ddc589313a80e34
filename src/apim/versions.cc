// Version sets, releases and named values: what each says about itself.
#include "apim/entities.h"
#include "base/text.h"

#include <algorithm>

namespace mlgate::apim {
namespace {

constexpr std::string_view kSchemes[] = {"Segment", "Query", "Header"};

bool is_value_name(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_';
  });
}

}  // namespace

VersionSet parse_version_set(const Json& properties, Errors& errors) {
  PropertyReader in(properties, errors);
  VersionSet set;
  set.display_name = in.required_text("displayName", {1, 100});
  set.description = in.optional_text("description", {});
  if (!in.has("versioningScheme")) in.reject("versioningScheme", "'versioningScheme' is required.");
  set.scheme = VersioningScheme(
      in.choice("versioningScheme", {kSchemes[0], kSchemes[1], kSchemes[2]}).value_or(0));
  set.query_name = in.text_or("versionQueryName", {1, 100}, "");
  set.header_name = in.text_or("versionHeaderName", {1, 100}, "");
  if (set.scheme == VersioningScheme::query && set.query_name.empty())
    in.reject("versionQueryName", "'versionQueryName' is required by the scheme Query.");
  if (set.scheme == VersioningScheme::header && set.header_name.empty())
    in.reject("versionHeaderName", "'versionHeaderName' is required by the scheme Header.");
  return set;
}

Json properties_of(const VersionSet& set) {
  Json out = Json::object();
  out.set("displayName", set.display_name);
  out.set("description", json_or_null(set.description));
  out.set("versioningScheme", kSchemes[std::size_t(set.scheme)]);
  out.set("versionQueryName", set.query_name.empty() ? Json() : Json(set.query_name));
  out.set("versionHeaderName", set.header_name.empty() ? Json() : Json(set.header_name));
  return out;
}

Release parse_release(const Json& properties, std::string_view service, Errors& errors) {
  PropertyReader in(properties, errors);
  Release release;
  const std::string id = in.required_text("apiId", {1, 2'000});
  if (!id.empty()) {
    const auto name = name_in_id(id, "apis", service);
    const std::size_t mark = name ? name->find(kRevisionMark) : std::string::npos;
    if (mark == std::string::npos) {
      in.reject("apiId", "'apiId' has to name a revision: '/apis/{id};rev=N'.");
    } else {
      release.api = name->substr(0, mark);
      release.revision = name->substr(mark + kRevisionMark.size());
    }
  }
  release.notes = in.optional_text("notes", {});
  return release;
}

Json properties_of(const Release& release) {
  Json out = Json::object();
  out.set("apiId", "/apis/" + release.api + std::string(kRevisionMark) + release.revision);
  out.set("createdDateTime", to_iso8601(release.created_ms));
  out.set("updatedDateTime", to_iso8601(release.updated_ms));
  out.set("notes", json_or_null(release.notes));
  return out;
}

NamedValue parse_named_value(const Json& properties, const NamedValue* before, Errors& errors) {
  PropertyReader in(properties, errors);
  NamedValue value;
  value.display_name = in.required_text("displayName", {1, 256});
  if (!value.display_name.empty() && !is_value_name(value.display_name))
    in.reject("displayName",
              "'displayName' may hold letters, digits, periods, dashes and underscores only.");
  value.secret = in.flag("secret", false);
  if (in.has("keyVault"))
    in.reject("keyVault", "Named values from key vaults are not supported by this build.");
  if (auto text = in.optional_text("value", {0, 4'096})) {
    value.value = *std::move(text);
  } else if (before != nullptr) {
    value.value = before->value;
  } else {
    in.reject("value", "'value' is required.");
  }
  value.tags = in.texts("tags");
  if (value.tags.size() > 32) in.reject("tags", "'tags' may hold at most 32 tags.");
  return value;
}

// Without the value, which the caller adds where it may be shown.
Json properties_of(const NamedValue& value) {
  Json out = Json::object();
  out.set("displayName", value.display_name);
  Json tags = Json::array();
  for (const auto& tag : value.tags) tags.push(tag);
  out.set("tags", std::move(tags));
  out.set("secret", value.secret);
  return out;
}

}  // namespace mlgate::apim
