#pragma once
// A management interface on a real store in a folder of its own, and calls to it as a client makes
// them.
#include "analytics/request_log.h"
#include "analytics/rollups.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/text.h"
#include "blob/accounts.h"
#include "management/management.h"

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mlgate::management {

class FixedClock final : public Clock {
 public:
  TimeMs now_ms() const noexcept override { return now; }
  std::int64_t steady_ns() const noexcept override { return now * 1'000'000; }
  TimeMs now = 1'700'000'000'000;
};

struct Answer {
  int status = 0;
  Json body;
  std::string text;
  std::vector<std::pair<std::string, std::string>> headers;

  std::string header(std::string_view name) const {
    for (const auto& [key, value] : headers)
      if (equals_ignoring_case(key, name)) return value;
    return {};
  }
  std::string etag() const { return header("ETag"); }
  std::string_view code() const { return body["error"].string_or("code"); }
  std::string_view message() const { return body["error"].string_or("message"); }
  // The targets of the details.
  std::vector<std::string> targets() const {
    std::vector<std::string> out;
    for (const Json& one : body["error"]["details"].items())
      out.emplace_back(one.string_or("target"));
    return out;
  }
  const Json& property(std::string_view name) const { return body["properties"][name]; }
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const Json& one : body["value"].items()) out.emplace_back(one.string_or("name"));
    return out;
  }
};

class Client {
 public:
  using Headers = std::vector<std::pair<std::string, std::string>>;

  // `prepare` changes the options that the interface is made with.
  explicit Client(const std::function<void(Options&)>& prepare = {})
      : folder_(std::filesystem::temp_directory_path() / ("management-" + new_hex_id())),
        vault_(open_vault(folder_)),
        store_(store::open_sqlite(folder_ / "store.db").value()) {
    options.publish = [this](const std::string& service) -> Result<void> {
      published.push_back(service);
      if (refuse_publish) return std::unexpected(*refuse_publish);
      return {};
    };
    if (prepare) prepare(options);
    options.usage = &usage;
    options.requests = &requests;
    options.check_policy = [](const apim::PolicyScope&, std::string_view text, apim::PolicyFormat,
                              const PolicyWorld&) -> std::vector<Error> {
      if (text.find("<wrong") == std::string_view::npos) return {};
      return {Error(Errc::invalid_argument, "Error in element 'wrong' on line 1, column 20: no.",
                    "wrong")};
    };
    identity_ = std::make_unique<identity::Identity>(
        identity::Identity::open(*store_, vault_, clock, {options.tenant_id, issuer_of(options)})
            .value());
    admin = identity_->create_principal("admin", identity::Role::administrator).value();
    accounts_ = std::make_unique<blob::Accounts>(*store_, vault_, clock, blob::AccountOptions{});
    options.storage_accounts = accounts_.get();
    management_ = std::make_unique<Management>(*store_, vault_, *identity_, clock, options);
    bearer = identity_->issue_token(admin.principal, "https://localhost:8444").value();
  }
  ~Client() {
    management_.reset();
    std::filesystem::remove_all(folder_);
  }

  Answer call(std::string_view method, std::string_view url, std::string_view body = {},
              const Headers& headers = {}) {
    http::Fields fields;
    if (!bearer.empty()) authorization_ = "Bearer " + bearer;
    if (!bearer.empty()) fields.add("Authorization", authorization_);
    for (const auto& [name, value] : headers) fields.add(name, value);
    const std::size_t mark = url.find('?');
    http::Request request{.method = method,
                          .path = url.substr(0, mark),
                          .query = mark == url.npos ? "" : url.substr(mark + 1),
                          .scheme = "https",
                          .authority = "localhost:8444",
                          .peer = "127.0.0.1",
                          .headers = &fields,
                          .body = body};
    http::Response response = management_->handle(request);
    Answer answer{response.status, {}, response.body, std::move(response.headers)};
    if (auto json = Json::parse(answer.text)) answer.body = *std::move(json);
    return answer;
  }

  // Below the instance `demoazureml`; `path` may have a query.
  Answer at(std::string_view method, std::string_view path, std::string_view body = {},
            const Headers& headers = {}) {
    return call(method, with_version(kService, path), body, headers);
  }
  Answer arm(std::string_view method, std::string_view path, std::string_view body = {}) {
    return call(method, with_version("/subscriptions/00000000-0000-0000-0000-000000000001", path),
                body);
  }
  Answer create_service(std::string_view name = "demoazureml") {
    (void)arm("PUT", "/resourceGroups/rg", R"({"location":"local"})");
    return arm(
        "PUT", "/resourceGroups/rg/providers/Microsoft.ApiManagement/service/" + std::string(name),
        R"({"location":"local","properties":{"publisherName":"Demo","publisherEmail":"a@b.c"}})");
  }

  static std::string with_version(std::string_view base, std::string_view path) {
    std::string url(base);
    const std::size_t mark = path.find('?');
    url += path.substr(0, mark);
    url += "?api-version=2022-08-01";
    if (mark != path.npos) url += "&" + std::string(path.substr(mark + 1));
    return url;
  }

  identity::Identity& identity() { return *identity_; }
  Management& management() { return *management_; }
  store::Store& store() { return *store_; }
  const store::Vault& vault() const { return vault_; }

  static constexpr std::string_view kService =
      "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/providers/"
      "Microsoft.ApiManagement/service/demoazureml";

  FixedClock clock;
  analytics::UsageRollups usage;
  analytics::RequestLog requests;
  Options options;
  std::optional<Error> refuse_publish;
  std::vector<std::string> published;
  identity::NewPrincipal admin;
  std::string bearer;

 private:
  static store::Vault open_vault(const std::filesystem::path& folder) {
    std::filesystem::create_directory(folder);
    return store::Vault::open(folder / "master.key").value();
  }

  std::filesystem::path folder_;
  store::Vault vault_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<identity::Identity> identity_;
  std::unique_ptr<blob::Accounts> accounts_;
  std::unique_ptr<Management> management_;
  std::string authorization_;
};

}  // namespace mlgate::management
