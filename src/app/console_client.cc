#include "app/console_client.h"

#include "base/text.h"

namespace mlgate::app {

Result<ConsoleClient> ConsoleClient::open(const DataFolder& data) {
  ConsoleClient out;
  TRY(out.credentials_, read_json_file(data.credentials()));
  auto endpoints = read_json_file(data.endpoints());
  const std::int64_t port = endpoints ? (*endpoints)["console"].int_or("http", 0) : 0;
  if (port == 0)
    return fail(Errc::unavailable, "no server with a console runs on " + data.root.string() +
                                       "; start one with 'mlgate serve'");
  out.console_ = "http://localhost:" + std::to_string(port);
  TRY(out.fetcher_, Fetcher::make((data.tls() / "ca.pem").string()));
  return out;
}

Result<http::Response> ConsoleClient::call(const Request& request) {
  if (token_.empty()) {
    TRY_OK(sign_in());
  }
  TRY(http::Response answer, send(request));
  if (answer.status != 401) return answer;
  TRY_OK(sign_in());  // The token has ended.
  return send(request);
}

Result<http::Response> ConsoleClient::send(const Request& request) {
  http::FetchRequest out{.method = request.method,
                         .url = console_ + request.path,
                         .headers = {{"Authorization", "Bearer " + token_}},
                         .body = request.body};
  if (!request.body.empty()) out.headers.emplace_back("Content-Type", "application/json");
  return fetcher_->fetch(std::move(out));
}

Result<void> ConsoleClient::sign_in() {
  const std::string form = "grant_type=client_credentials&client_id=" +
                           percent_encode(credentials_.string_or("clientId")) + "&client_secret=" +
                           percent_encode(credentials_.string_or("clientSecret"));
  TRY(const http::Response answer,
      fetcher_->fetch({.method = "POST",
                       .url = console_ + "/" + std::string(credentials_.string_or("tenantId")) +
                              "/oauth2/v2.0/token",
                       .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
                       .body = form}));
  if (answer.status != 200) return fail(Errc::denied, "the token service refused the credentials");
  TRY(const Json token, Json::parse(answer.body));
  token_ = token.string_or("access_token");
  return {};
}

std::string with_api_version(std::string path) {
  constexpr std::string_view kApiVersion = "2022-08-01";
  const auto mark = path.find('?');
  if (mark != path.npos && path.find("api-version=", mark) != path.npos) return path;
  return path + (mark == path.npos ? "?" : "&") + "api-version=" + std::string(kApiVersion);
}

Result<std::string> instance_id(ConsoleClient& client, const std::string& name) {
  const std::string path =
      "/subscriptions/" + client.subscription_id() + "/providers/Microsoft.ApiManagement/service";
  TRY(const http::Response answer, client.call({.path = with_api_version(path)}));
  TRY(const Json list, Json::parse(answer.body));
  std::string names;
  for (const Json& one : list["value"].items()) {
    const std::string_view found = one.string_or("name");
    if (equals_ignoring_case(found, name) || (name.empty() && list["value"].items().size() == 1))
      return std::string(one.string_or("id"));
    names += (names.empty() ? "" : ", ") + std::string(found);
  }
  if (names.empty())
    return fail(Errc::not_found,
                "there is no instance of API management yet; make one with PUT "
                "/subscriptions/…/Microsoft.ApiManagement/service/NAME");
  return fail(Errc::not_found, "name an instance with --service; there are: " + names, "service");
}

}  // namespace mlgate::app
