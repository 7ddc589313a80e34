#pragma once
// Answers in the ARM dialect: error bodies, ETags, preconditions.
#include "base/json.h"
#include "base/result.h"
#include "http/message.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::management {

// {"error":{"code":…,"message":…,"details":null}}
http::Response error_answer(int status, std::string_view code, std::string_view message);
// 400 ValidationError with one detail per error; an error that names no field is the top message
// instead.
http::Response validation_answer(const std::vector<Error>& errors);
// The code of the error decides; `errors` are the violations that were collected.
http::Response error_answer(const Error& error, const std::vector<Error>& errors = {});
http::Response json_answer(int status, const Json& body);
http::Response empty_answer(int status);

// Base64 of the change number as 8 big-endian bytes, in quotes.
std::string etag_of(std::uint64_t version);
// True when the list of an If-Match or If-None-Match header names the tag; "*" does not count.
bool names_etag(std::string_view header, std::string_view etag);

// If-Match and If-None-Match of a write against what is there (version 0: nothing). An `If-Match:
// *` never fails, not even when nothing is there, because clients send it to create.
Result<void> check_preconditions(const http::Request& request, std::uint64_t version);

}  // namespace mlgate::management
