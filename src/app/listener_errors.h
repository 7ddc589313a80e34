#pragma once
// What a listener answers on its own, before any part has seen the request (too large, too slow,
// nothing at that path), in the dialect of the role.
#include "http/message.h"

#include <string_view>

namespace mlgate::app {

http::Response services_error(int status, std::string_view code, std::string_view message);
http::Response console_error(int status, std::string_view code, std::string_view message);

}  // namespace mlgate::app
