#pragma once
// The configuration: one list of settings, each with name, type, default, range and help, from
// which the YAML reader, the environment variables (MLGATE_GATEWAY_HTTP_PORT), the flags
// (--gateway.http_port), the JSON schema and the checks all come. Later sources win: default, file,
// environment, flag.
#include "base/json.h"
#include "base/result.h"

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::app {

enum class SettingType : unsigned char { text, integer, boolean, list };

struct SettingInfo {
  std::string_view name;  // "gateway.http_port".
  SettingType type;
  std::string_view default_text;
  std::int64_t minimum, maximum;  // Of integers.
  std::string_view help;          // One sentence.
  bool secret = false;            // Never shown.
};

// Every setting there is, in the order of the reference.
std::span<const SettingInfo> all_settings() noexcept;

class Settings {
 public:
  Settings();

  // Reads a YAML file; unknown keys and wrong types are all reported, each with its key.
  std::vector<Error> read_file(const std::string& path);
  // Reads MLGATE_* variables.
  std::vector<Error> read_environment();
  // One "name=value"; lists are comma separated.
  Result<void> set(std::string_view name, std::string_view text);

  const std::string& text(std::string_view name) const;
  std::int64_t integer(std::string_view name) const;
  bool flag(std::string_view name) const;
  std::vector<std::string> list(std::string_view name) const;

  std::string to_yaml() const;
  static Json json_schema();

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

// "MLGATE_" and the name in upper case, dots as underscores.
std::string environment_name(std::string_view setting);

}  // namespace mlgate::app
