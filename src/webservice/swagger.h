#pragma once
// The swagger 2.0 document of an endpoint. Old clients depend on more than its meaning: the second
// path is the execute path, and exactly one path holds "/execute?".
#include "http/message.h"
#include "webservice/directory.h"

#include <string>
#include <string_view>

namespace mlgate::webservice {

// Host with port, scheme and prefix of the path as the caller used them. The endpoint has a scorer.
std::string swagger_document(const Endpoint& endpoint, const http::Request& request);
// JSON text with <, > and & as escapes: clients strip what looks like HTML tags before they parse
// it.
std::string without_markup(std::string_view json);

}  // namespace mlgate::webservice
