#include "webservice/echo.h"

#include "webservice/errors.h"

namespace mlgate::webservice {

bool is_echo_path(std::string_view path) noexcept {
  constexpr std::string_view root = "/echo";
  return path.starts_with(root) && (path.size() == root.size() || path[root.size()] == '/');
}

http::Response echo(const http::Request& request) {
  http::Response response = empty_response(200);
  const std::string_view type = request.header("content-type");
  if (!type.empty()) response.set("Content-Type", type);
  if (request.method != "HEAD") response.body = request.body;
  return response;
}

}  // namespace mlgate::webservice
