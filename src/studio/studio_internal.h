#pragma once
// A request on its way through the Studio handlers.
#include "base/text.h"
#include "studio/studio.h"
#include "webservice/ids.h"

#include <array>
#include <string>
#include <string_view>

namespace mlgate::studio {

struct Studio::Call {
  const http::Request& request;
  std::shared_ptr<const webservice::Directory> directory;
  const webservice::Workspace* workspace = nullptr;
  bool by_owner = false;  // Of everything: he shows no token.
  std::array<std::string, 4>
      arguments;  // Of the route's {}, decoded; the workspace not among them.

  // The body as an object; an empty body is an empty object.
  Result<Json> body() const {
    if (trim(request.body).empty()) return Json::object();
    TRY(Json json, Json::parse(request.body));
    if (!json.is_object()) return fail(Errc::invalid_argument, "The body is not a JSON object.");
    return json;
  }
  std::string_view token() const {
    const std::string_view own = trim(request.header("x-ms-metaanalytics-authorizationtoken"));
    return own.empty() ? webservice::bearer_token(request) : own;
  }
  std::string parameter(std::string_view name) const {
    return http::query_parameter(request.query, name).value_or("");
  }
};

}  // namespace mlgate::studio
