#pragma once
// Trailers: fields that follow a body. Only what can do no harm after the head has been acted upon
// passes: nothing that frames, routes, authenticates or describes the content (RFC 9110, 6.5.1).
#include "http/message.h"

#include <string>
#include <string_view>

namespace mlgate::http {

bool may_be_trailer(std::string_view name) noexcept;

// Reads "name: value\r\n" lines that the chunked decoder has checked, and adds those that may pass,
// as views.
void read_trailers(std::string_view lines, Fields& out);
// The lines of those that may pass.
std::string passable_trailers(std::string_view lines);

}  // namespace mlgate::http
