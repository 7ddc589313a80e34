#pragma once
// Queries of URLs as logs may show them: without the value of the parameter that bears the key.
#include "base/text.h"

#include <algorithm>
#include <string_view>

namespace mlgate::analytics {

inline bool is_key_name(std::string_view raw, std::string_view key_name) {
  if (key_name.empty() || raw.size() < key_name.size()) return false;
  if (raw.find('%') == std::string_view::npos) return equals_ignoring_case(raw, key_name);
  const auto name = percent_decode(raw);
  return name && equals_ignoring_case(*name, key_name);
}

// Calls `emit` with the pieces of the query in their order.
template <class Emit>
void each_open_piece(std::string_view query, std::string_view key_name, Emit emit) {
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto pair = query.substr(0, end);
    const auto equals = pair.find('=');
    const bool secret =
        equals != std::string_view::npos && is_key_name(pair.substr(0, equals), key_name);
    emit(secret ? pair.substr(0, equals + 1) : pair);
    if (end == query.size()) return;
    emit(std::string_view("&"));
    query.remove_prefix(end + 1);
  }
}

}  // namespace mlgate::analytics
