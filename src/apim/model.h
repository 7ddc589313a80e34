#pragma once
// The entities of API management as plain values, and ServiceModel: everything one service instance
// consists of, ready to be compiled into a gateway snapshot. Free of storage and of HTTP.
//
// Every entity carries a `number`: unique over the installation, given at creation, growing with
// the order of creation and never used twice. Counters, caches and metrics outside a snapshot are
// kept under it.
#include "base/json.h"
#include "base/time.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mlgate::apim {

using EntityNumber = std::uint64_t;  // 0: none.

// What all entities have in common.
struct Entity {
  EntityNumber number = 0;
  std::string name;  // Resource name, cased as its creator wrote it.
  TimeMs created_ms = 0;
  std::uint64_t version = 0;  // Change number of the last write; the ETag is made of it.
};

struct HostName {
  std::string host;            // Without port.
  std::string type = "Proxy";  // Proxy, Portal, Management, Scm, DeveloperPortal, ConfigurationApi.
  bool default_ssl_binding = false;
  bool negotiate_client_certificate = false;
};

struct Service : Entity {
  std::string resource_group;
  std::string location;
  std::string sku = "Developer";
  std::int64_t capacity = 1;
  std::string publisher_name;
  std::string publisher_email;
  std::string notification_sender_email;
  std::vector<HostName> hostnames;  // Custom ones only; `{name}.{gateway.domain}` is understood.
  bool enabled = true;              // False when `disableGateway` is set.
  bool is_default = false;          // The first instance made: answers on hosts that name no other.
  std::optional<TimeMs> deleted_ms;  // Set while soft-deleted.
  Json tags = Json::object();
  Json identity;                     // As sent; null when there is none.
  Json zones;                        // As sent; null when there is none.
  Json properties = Json::object();  // Kept members that have no field of their own.
};

enum class ApiType : unsigned char { http, soap, websocket, graphql, odata, grpc };

struct Api : Entity {
  std::string display_name;
  std::optional<std::string> description;
  std::string path;  // Suffix without slashes at its ends; may be empty.
  std::optional<std::string> service_url;
  std::vector<std::string> protocols;  // Of http, https, ws, wss.
  ApiType type = ApiType::http;
  bool subscription_required = true;
  std::optional<std::string> version_set;  // Resource name of a version set.
  std::string api_version;                 // Empty: the version without a name.
  std::string key_header = "Ocp-Apim-Subscription-Key";
  std::string key_query = "subscription-key";
  std::string revision = "1";
  std::string revision_description;
  bool is_current = true;
  bool is_online = true;
  // The same for all revisions of one API, whichever is current: the number of the first of them.
  EntityNumber family = 0;
  TimeMs updated_ms = 0;
  Json properties = Json::object();  // Kept members that have no field of their own.
};

// A revision that is not current is named "{id};rev=N"; the current one has the plain id.
inline constexpr std::string_view kRevisionMark = ";rev=";
inline std::string_view family_name(std::string_view api) noexcept {
  return api.substr(0, api.find(kRevisionMark));
}

// Makes one revision of an API current, and is its entry in the change log.
struct Release : Entity {
  std::string api;       // Plain id.
  std::string revision;  // That was made current.
  std::optional<std::string> notes;
  TimeMs updated_ms = 0;
};

enum class VersioningScheme : unsigned char { segment, query, header };

struct VersionSet : Entity {
  std::string display_name;
  std::optional<std::string> description;
  VersioningScheme scheme = VersioningScheme::segment;
  std::string query_name;   // Of scheme query.
  std::string header_name;  // Of scheme header.
};

struct Operation : Entity {
  std::string api;  // Resource name of the API.
  std::string display_name;
  std::string method;        // As given; compared as given.
  std::string url_template;  // As given, query part included.
  std::uint64_t order = 0;   // Creation order within the installation; the lower one wins a tie.
  Json template_parameters = Json::array();
  Json properties = Json::object();  // description, request, responses.
};

// The one operation of a WebSocket API, made with it: a caller opens a connection. Its policies see
// the handshake.
inline constexpr std::string_view kOnHandshake = "onHandshake";

struct Product : Entity {
  std::string display_name;
  std::optional<std::string> description;
  std::optional<std::string> terms;
  bool subscription_required = true;
  std::optional<bool> approval_required;
  std::optional<std::int64_t> subscriptions_limit;
  bool published = false;
  std::vector<std::string> apis;    // Resource names, as the APIs are cased.
  std::vector<std::string> groups;  // Resource names, as the groups are cased.
};

enum class GroupType : unsigned char { custom, system, external };

struct Group : Entity {
  std::string display_name;
  std::optional<std::string> description;
  std::optional<std::string> external_id;
  GroupType type = GroupType::custom;
  std::vector<std::string> users;  // Explicit members; membership of system groups is computed.
};

enum class UserState : unsigned char { active, blocked, pending, deleted };

struct Identity {
  std::string provider;  // Basic, Azure, Aad, …
  std::string id;
};

struct User : Entity {
  std::string first_name;
  std::string last_name;
  std::string email;
  UserState state = UserState::active;
  std::optional<std::string> note;
  std::vector<Identity> identities;
  std::string password_hash;  // argon2id; empty when the user has no password.
};

enum class ScopeKind : unsigned char { service, all_apis, api, product };

struct SubscriptionScope {
  ScopeKind kind = ScopeKind::all_apis;
  std::string target;  // Name of the API or product; empty for the two wider kinds.
};

enum class SubscriptionState : unsigned char {
  submitted,
  active,
  rejected,
  suspended,
  cancelled,
  expired
};

struct Subscription : Entity {
  std::optional<std::string> owner;  // Resource name of a user.
  SubscriptionScope scope;
  std::optional<std::string> display_name;
  SubscriptionState state = SubscriptionState::submitted;
  std::optional<std::string> state_comment;
  std::string primary_key;         // Unsealed in memory only.
  std::string secondary_key;       // Unsealed in memory only.
  std::optional<TimeMs> start_ms;  // When it first became active; the origin of quota windows.
  std::optional<TimeMs> expiration_ms;
  std::optional<TimeMs> end_ms;
  std::optional<TimeMs> notification_ms;
  bool allow_tracing = false;
  bool owner_blocked =
      false;  // Computed: the owner exists and is not active, so no key of it opens anything.
};

enum class PolicyScopeKind : unsigned char { global, product, api, operation };

struct PolicyScope {
  PolicyScopeKind kind = PolicyScopeKind::global;
  std::string parent;     // Product or API name; empty for global.
  std::string operation;  // Operation name, for kind operation.
  friend bool operator==(const PolicyScope&, const PolicyScope&) = default;
};

enum class PolicyFormat : unsigned char { xml, rawxml };

struct Policy : Entity {
  PolicyScope scope;
  std::string text;  // Byte for byte as sent.
  PolicyFormat format = PolicyFormat::xml;
};

// Text that policy documents refer to as `{{display name}}`.
struct NamedValue : Entity {
  std::string display_name;
  std::string value;  // Unsealed in memory only.
  bool secret = false;
  std::vector<std::string> tags;
};

// A client certificate with its key, for calls to backends.
struct Certificate : Entity {
  std::string subject;
  std::string thumbprint;  // SHA-1 of the DER, upper-case hex.
  TimeMs expiration_ms = 0;
  std::string certificate_pem;  // The certificate, then its chain.
  std::string key_pem;          // Unsealed in memory only.
};

struct StatusRange {
  std::int64_t min = 0, max = 0;
};

// When a backend is taken out of service, and for how long.
struct BreakerRule {
  std::string name;
  std::optional<std::int64_t> count;       // Failures in the interval that trip it,
  std::optional<std::int64_t> percentage;  // or their share of the calls.
  std::int64_t interval_ms = 0;
  std::vector<StatusRange> statuses;
  std::vector<std::string> reasons;
  std::int64_t trip_ms = 0;
  bool accept_retry_after = false;
};

struct PoolMember {
  std::string backend;                 // Resource name.
  std::optional<std::int64_t> weight;  // 0 to 100.
  std::int64_t priority = 0;           // The lowest number is used first.
};

// Calls that the gateway makes by itself to see whether a backend is well.
struct HealthCheck {
  std::string path = "/";  // Behind the backend's URL.
  std::int64_t interval_ms = 10'000;
  std::int64_t timeout_ms = 5'000;
  std::int64_t unhealthy_after = 3;  // Failures in a row.
  std::int64_t healthy_after = 2;    // Successes in a row.
  std::vector<StatusRange> statuses{{200, 399}};
};

// Headers and query parameters that are added to every call; several values each.
using NamedTexts = std::vector<std::pair<std::string, std::vector<std::string>>>;

struct Backend : Entity {
  std::optional<std::string> title;
  std::optional<std::string> description;
  std::optional<std::string> resource_id;
  std::string url;  // Empty for a pool.
  std::string protocol = "http";
  bool is_pool = false;
  bool validate_chain = true;
  bool validate_name = true;
  NamedTexts headers, query;                 // Unsealed in memory only.
  std::string authorization_scheme;          // Unsealed in memory only.
  std::string authorization_parameter;       // Unsealed in memory only.
  std::vector<std::string> certificate_ids;  // Names or ids of certificates.
  std::vector<std::string> thumbprints;
  std::vector<BreakerRule> rules;
  std::vector<PoolMember> members;
  std::optional<HealthCheck> health_check;
};

// One consistent reading of an instance. Lists are ordered by resource name, operations by `order`.
struct ServiceModel {
  Service service;
  std::vector<Api> apis;
  std::vector<Operation> operations;
  std::vector<Product> products;
  std::vector<Group> groups;
  std::vector<User> users;
  std::vector<Subscription> subscriptions;
  std::vector<Policy> policies;
  std::vector<VersionSet> version_sets;
  std::vector<Backend> backends;
  std::vector<NamedValue> named_values;
  std::vector<Certificate> certificates;
};

}  // namespace mlgate::apim
