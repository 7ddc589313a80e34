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

}  // namespace mlgate::app
