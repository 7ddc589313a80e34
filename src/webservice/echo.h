#pragma once
// The service behind the Echo API that new instances come with: what was sent comes back.
#include "http/message.h"

#include <string_view>

namespace mlgate::webservice {

// /echo and everything below it.
bool is_echo_path(std::string_view path) noexcept;
// 200 with the content type and body of the request.
http::Response echo(const http::Request& request);

}  // namespace mlgate::webservice
