#pragma once
// Which path leads to which handler. Patterns are compared segment by segment without regard to
// case; `{}` captures one segment.
#include "management/call_internal.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::management {

struct Route {
  std::string_view method;
  std::string_view pattern;
  Handler handler;
  identity::Role role = identity::Role::reader;  // The least that may call it.
};

std::span<const Route> discovery_routes();  // From the root; no token.
std::span<const Route> root_routes();       // From the root: /subscriptions, /tenants, /providers.
std::span<const Route> arm_routes();        // Behind /subscriptions/{id}.
std::span<const Route> service_routes();    // Behind an instance.
// Paths behind an instance that the interface knows of and this build does not answer.
std::span<const std::string_view> unbuilt_service_paths();

// The captured segments when the pattern fits.
bool match(std::string_view pattern, std::span<const std::string> segments,
           std::vector<std::string>& captured);

}  // namespace mlgate::management
