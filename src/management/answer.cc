#include "management/answer.h"

#include "base/crypto.h"
#include "base/text.h"

#include <algorithm>

namespace mlgate::management {
namespace {

constexpr std::string_view kWrongFields = "One or more fields contain incorrect values:";
constexpr std::string_view kModified = "Resource was modified since last retrieval.";

struct StatusCode {
  int status;
  std::string_view code;
};

StatusCode status_of(Errc code) {
  switch (code) {
    case Errc::invalid_argument:
      return {400, "ValidationError"};
    case Errc::not_found:
      return {404, "ResourceNotFound"};
    case Errc::conflict:
      return {409, "Conflict"};
    case Errc::precondition_failed:
      return {412, "PreconditionFailed"};
    case Errc::denied:
      return {403, "AuthorizationFailed"};
    case Errc::unsupported:
      return {501, "NotImplemented"};
    case Errc::exhausted:
    case Errc::timeout:
    case Errc::unavailable:
    case Errc::closed:
      return {503, "ServiceUnavailable"};
    case Errc::internal:
      break;
  }
  return {500, "InternalServerError"};
}

http::Response write_error(int status, std::string_view code, std::string_view message,
                           const std::vector<Error>& details) {
  JsonWriter w;
  w.object().key("error").object().field("code", code).field("message", message).key("details");
  if (details.empty()) {
    w.null();
  } else {
    w.array();
    for (const Error& one : details)
      w.object()
          .field("code", "ValidationError")
          .field("target", one.field())
          .field("message", one.message())
          .end();
    w.end();
  }
  w.end().end();
  http::Response out;
  out.status = status;
  out.set("Content-Type", "application/json; charset=utf-8");
  out.body = std::move(w).text();
  return out;
}

}  // namespace

http::Response error_answer(int status, std::string_view code, std::string_view message) {
  return write_error(status, code, message, {});
}

http::Response validation_answer(const std::vector<Error>& errors) {
  const auto nameless =
      std::ranges::find_if(errors, [](const Error& e) { return e.field().empty(); });
  if (nameless != errors.end()) return error_answer(400, "ValidationError", nameless->message());
  return write_error(400, "ValidationError", kWrongFields, errors);
}

http::Response error_answer(const Error& error, const std::vector<Error>& errors) {
  if (error.code() == Errc::invalid_argument) {
    if (!errors.empty()) return validation_answer(errors);
    return validation_answer({error});
  }
  const auto [status, code] = status_of(error.code());
  return error_answer(status, code, error.message());
}

http::Response json_answer(int status, const Json& body) {
  http::Response out;
  out.status = status;
  out.set("Content-Type", "application/json; charset=utf-8");
  // The body is complete, so a client that polls after a creation need not wait.
  if (status == 201) out.set("Retry-After", "0");
  out.body = body.dump();
  return out;
}

http::Response empty_answer(int status) {
  http::Response out;
  out.status = status;
  if (status == 201) out.set("Retry-After", "0");
  return out;
}

std::string etag_of(std::uint64_t version) {
  std::string bytes(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) bytes[7 - i] = static_cast<char>((version >> (8 * i)) & 0xFF);
  return "\"" + base64_encode(bytes) + "\"";
}

bool names_etag(std::string_view header, std::string_view etag) {
  return std::ranges::any_of(split(header, ','), [&](std::string_view one) {
    one = trim(one);
    if (one.starts_with("W/")) one.remove_prefix(2);
    // Some clients strip the quotes.
    return one == etag || (etag.size() > 2 && one == etag.substr(1, etag.size() - 2));
  });
}

Result<void> check_preconditions(const http::Request& request, std::uint64_t version) {
  const std::string_view match = trim(request.header("If-Match"));
  if (!match.empty() && match != "*" && (version == 0 || !names_etag(match, etag_of(version))))
    return fail(Errc::precondition_failed, std::string(kModified));
  const std::string_view none = trim(request.header("If-None-Match"));
  if (!none.empty() && version != 0 && (none == "*" || names_etag(none, etag_of(version))))
    return fail(Errc::precondition_failed, std::string(kModified));
  return {};
}

}  // namespace mlgate::management
