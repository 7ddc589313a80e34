#include "app/listener_errors.h"

#include "base/json.h"
#include "webservice/errors.h"

#include <utility>

namespace mlgate::app {

http::Response services_error(int status, std::string_view code, std::string_view message) {
  using webservice::Fault;
  if (status == 404) return webservice::error_response(Fault::path_not_found);
  if (status == 408) return webservice::error_response(Fault::score_timeout);
  if (status == 400) return webservice::error_response(Fault::request_body_invalid);
  if (status == 503) return webservice::error_response(Fault::too_many_requests);
  JsonWriter w;
  w.object().key("error").object().field("code", code).field("message", message);
  w.key("details").array().object().field("code", code).field("message", message);
  w.end().end().end().end();
  return webservice::json_response(status, std::move(w).text());
}

http::Response console_error(int status, std::string_view code, std::string_view message) {
  JsonWriter w;
  w.object().key("error").object().field("code", code).field("message", message);
  w.key("details").null().end().end();
  http::Response response;
  response.status = status;
  response.set("Content-Type", "application/json; charset=utf-8");
  response.body = std::move(w).text();
  return response;
}

}  // namespace mlgate::app
