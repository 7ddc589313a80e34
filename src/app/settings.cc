#include "app/settings.h"

#include "base/check.h"
#include "base/text.h"

#include <yaml-cpp/yaml.h>

#include <cstdlib>

namespace mlgate::app {
namespace {

const SettingInfo* find_setting(std::string_view name) {
  for (const SettingInfo& info : all_settings())
    if (info.name == name) return &info;
  return nullptr;
}

// Flattens nested maps to dotted names; sequences of scalars become comma-separated text.
void flatten(const YAML::Node& node, const std::string& prefix,
             std::vector<std::pair<std::string, std::string>>& out, std::vector<Error>& errors) {
  if (node.IsMap()) {
    for (const auto& entry : node) {
      const auto key = entry.first.as<std::string>();
      flatten(entry.second, prefix.empty() ? key : prefix + "." + key, out, errors);
    }
    return;
  }
  if (node.IsScalar()) {
    out.emplace_back(prefix, node.Scalar());
    return;
  }
  if (node.IsSequence()) {
    std::vector<std::string> items;
    for (const auto& item : node) {
      if (!item.IsScalar()) {
        errors.emplace_back(Errc::invalid_argument, "is a list of plain values", prefix);
        return;
      }
      items.push_back(item.Scalar());
    }
    out.emplace_back(prefix, join(items, ","));
  }
}

}  // namespace

std::string environment_name(std::string_view setting) {
  std::string out = "MLGATE_";
  for (const char c : setting) out += c == '.' ? '_' : char(c >= 'a' && c <= 'z' ? c - 32 : c);
  return out;
}

Settings::Settings() {
  for (const SettingInfo& info : all_settings())
    values_.emplace(std::string(info.name), std::string(info.default_text));
}

Result<void> Settings::set(std::string_view name, std::string_view value) {
  const SettingInfo* info = find_setting(name);
  if (!info) {
    return fail(
        Errc::invalid_argument,
        "there is no setting '" + std::string(name) + "'; 'mlgate config schema' lists them all",
        std::string(name));
  }
  const auto wrong = [&](const std::string& what) {
    return fail(
        Errc::invalid_argument,
        "setting '" + std::string(name) + "' is '" + std::string(value) + "' but has to be " + what,
        std::string(name));
  };
  if (info->type == SettingType::integer) {
    const auto number = parse_int(value);
    if (!number || *number < info->minimum || *number > info->maximum) {
      return wrong("a whole number from " + std::to_string(info->minimum) + " to " +
                   std::to_string(info->maximum));
    }
  }
  if (info->type == SettingType::boolean && value != "true" && value != "false")
    return wrong("true or false");
  values_.find(name)->second = std::string(value);
  return {};
}

std::vector<Error> Settings::read_file(const std::string& path) {
  std::vector<Error> errors;
  std::vector<std::pair<std::string, std::string>> found;
  try {
    const YAML::Node root = YAML::LoadFile(path);
    if (!root.IsNull() && !root.IsMap()) {
      errors.emplace_back(Errc::invalid_argument, path + ": the file has to hold settings by name");
      return errors;
    }
    if (root.IsMap()) flatten(root, "", found, errors);
  } catch (const YAML::Exception& error) {
    errors.emplace_back(Errc::invalid_argument, path + ": " + error.what());
    return errors;
  }
  for (const auto& [name, value] : found) {
    if (auto done = set(name, value); !done) errors.push_back(std::move(done).error().within(path));
  }
  return errors;
}

std::vector<Error> Settings::read_environment() {
  std::vector<Error> errors;
  for (const SettingInfo& info : all_settings()) {
    const std::string variable = environment_name(info.name);
    const char* value = std::getenv(variable.c_str());
    if (!value) continue;
    if (auto done = set(info.name, value); !done)
      errors.push_back(std::move(done).error().within(variable));
  }
  return errors;
}

const std::string& Settings::text(std::string_view name) const {
  const auto found = values_.find(name);
  CHECK(found != values_.end());
  return found->second;
}

std::int64_t Settings::integer(std::string_view name) const { return *parse_int(text(name)); }
bool Settings::flag(std::string_view name) const { return text(name) == "true"; }

std::vector<std::string> Settings::list(std::string_view name) const {
  std::vector<std::string> out;
  for (const std::string_view item : split(text(name), ','))
    if (!trim(item).empty()) out.emplace_back(trim(item));
  return out;
}

std::string Settings::to_yaml() const {
  std::string out;
  std::string section;
  for (const SettingInfo& info : all_settings()) {
    const auto dot = info.name.find('.');
    const std::string head(dot == std::string_view::npos ? "" : info.name.substr(0, dot));
    if (head != section && !head.empty()) out += head + ":\n";
    section = head;
    const std::string key(dot == std::string_view::npos ? info.name : info.name.substr(dot + 1));
    out += (head.empty() ? "" : "  ") + key + ": ";
    std::string quoted;
    append_json_string(quoted, text(info.name));
    if (info.secret && !text(info.name).empty()) quoted = "\"***\"";
    out +=
        info.type == SettingType::text || info.type == SettingType::list ? quoted : text(info.name);
    out += "\n";
  }
  return out;
}

Json Settings::json_schema() {
  Json properties = Json::object();
  for (const SettingInfo& info : all_settings()) {
    Json one = Json::object();
    switch (info.type) {
      case SettingType::text:
        one.set("type", "string");
        break;
      case SettingType::boolean:
        one.set("type", "boolean");
        break;
      case SettingType::list:
        one.set("type", "array").set("items", Json::object({{"type", Json("string")}}));
        break;
      case SettingType::integer:
        one.set("type", "integer").set("minimum", info.minimum).set("maximum", info.maximum);
        break;
    }
    one.set("description", info.help).set("default", info.default_text);
    one.set("x-environment", environment_name(info.name));
    const auto dot = info.name.find('.');
    if (dot == std::string_view::npos) {
      properties.set(info.name, std::move(one));
      continue;
    }
    const std::string_view section = info.name.substr(0, dot);
    if (!properties.find(section)) {
      properties.set(section, Json::object({{"type", Json("object")},
                                            {"additionalProperties", Json(false)},
                                            {"properties", Json::object()}}));
    }
    properties.find(section)->find("properties")->set(info.name.substr(dot + 1), std::move(one));
  }
  return Json::object({{"$schema", Json("https://json-schema.org/draft/2020-12/schema")},
                       {"title", Json("mlgate configuration")},
                       {"type", Json("object")},
                       {"additionalProperties", Json(false)},
                       {"properties", std::move(properties)}});
}

}  // namespace mlgate::app
