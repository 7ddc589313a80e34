#pragma once
// The management interface in the ARM dialect, and the discovery and token endpoints that its
// clients ask first. Plain blocking code for the control pool: a request is checked, routed to the
// handler of its entity, changed in one transaction, published, and answered.
//
// A change is answered only when the gateway serves it; one that cannot be served is taken back.
#include "apim/editor.h"
#include "apim/model.h"
#include "apim/repository.h"
#include "base/time.h"
#include "http/message.h"
#include "identity/identity.h"
#include "store/store.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::analytics {
class RequestLog;
class UsageRollups;
}  // namespace mlgate::analytics
namespace mlgate::blob {
class Accounts;
}
namespace mlgate::control {
class QuotaDesk;
}

namespace mlgate::management {

// Every violation of a policy document, in document order; field() is the element.
// Named values and backends are looked up in the instance that the document is for.
struct PolicyWorld {
  std::function<std::optional<std::string>(std::string_view)> named_value;
  std::function<bool(std::string_view)> has_backend;
};
using CheckPolicy =
    std::function<std::vector<Error>(const apim::PolicyScope& scope, std::string_view text,
                                     apim::PolicyFormat format, const PolicyWorld& world)>;

// Debug credentials and traces, which the gateway makes and keeps. Services and APIs by number.
struct Tracing {
  std::function<std::string(apim::EntityNumber service, apim::EntityNumber api, TimeMs now_ms,
                            TimeMs expires_ms)>
      issue;
  std::function<void(apim::EntityNumber service, TimeMs now_ms)> invalidate;
  // The trace as JSON.
  std::function<std::optional<std::string>(apim::EntityNumber service, std::string_view id,
                                           TimeMs now_ms)>
      find;
};

// What publishers cause for people; each may be empty.
struct PeopleHooks {
  using Hook = std::function<Result<void>(const apim::Service&, const apim::User&)>;
  Hook invite, send_reset, say_goodbye;
};

struct Options {
  std::string subscription_id = "00000000-0000-0000-0000-000000000001";
  std::string subscription_name = "mlgate";
  std::string tenant_id = "00000000-0000-0000-0000-000000000002";
  std::string gateway_domain = "localhost";
  std::uint16_t gateway_port = 8'443;                  // Of https.
  std::string console_url = "https://localhost:8444";  // Without a slash at its end.
  std::vector<std::string> audiences;                  // Further ones that tokens may be for.
  std::vector<std::string> public_addresses = {"127.0.0.1"};
  apim::DefaultContent default_content;
  apim::Publish publish;  // May be empty.
  apim::Notify notify;    // May be empty.
  PeopleHooks people;
  CheckPolicy check_policy;                          // May be empty.
  const analytics::UsageRollups* usage = nullptr;    // Outlives it; null: reports are empty.
  const analytics::RequestLog* requests = nullptr;   // The same.
  control::QuotaDesk* quotas = nullptr;              // Null: the gateway is in another process.
  Tracing tracing;                                   // May be empty: calls cannot be traced.
  blob::Accounts* storage_accounts = nullptr;        // Null: there is no blob storage.
  std::string blob_url = "https://localhost:10443";  // Of the blob endpoint, without a slash.
  // Removes what an account has stored, once the account itself is gone; may be empty.
  std::function<Result<void>(const std::string& account)> remove_blobs;
};

struct Environment;

class Management {
 public:
  static constexpr std::size_t kBodyBytesMax = 8 << 20;

  // All references outlive it.
  Management(store::Store& store, const store::Vault& vault, identity::Identity& identity,
             const Clock& clock, Options options);
  ~Management();

  // True for the paths that this interface answers.
  bool owns(std::string_view path) const;
  http::Response handle(const http::Request& request);
  // The same with an administrator's rights, for callers that have shown theirs otherwise.
  http::Response handle_as_administrator(const http::Request& request);
  // True for all paths but those of discovery and of the token service.
  static bool needs_token(std::string_view path);
  // The answer to a request for a path that needs a token when its head has no good one.
  std::optional<http::Response> admit(const http::Request& head);

  // Whom the bearer token of a request was issued to; denied when it has none that is good.
  Result<identity::Principal> principal_of(const http::Request& request) const;

  // For the control side, which reads whole instances, and for the portals.
  apim::Repository& repository() noexcept;

 private:
  http::Response answer(const http::Request& request, std::optional<identity::Principal> known);
  std::unique_ptr<Environment> environment_;
};

// "{console}/{tenant}/v2.0": who issues tokens; for identity::TokenOptions.
std::string issuer_of(const Options& options);

}  // namespace mlgate::management
