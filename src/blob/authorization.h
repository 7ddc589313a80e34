#pragma once
// How requests to Azure-compatible blob endpoints are signed: SharedKey, SharedKeyLite, and shared
// access signatures (SAS) of all published versions. Pure functions without time, keys' storage or
// sockets: the client signs with them, the endpoint verifies with them. Comparison of signatures is
// in constant time.
#include "base/result.h"
#include "base/time.h"
#include "http/message.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::blob {

// The newest version of the protocol that is spoken, by client and endpoint.
inline constexpr std::string_view kNewestVersion = "2026-04-06";
inline constexpr std::string_view kDevelopmentAccount = "devstoreaccount1";
// The key of kDevelopmentAccount that every storage emulator knows; public, in base64.
inline constexpr std::string_view kDevelopmentKey =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

// What is signed of a request. `path` and `query` are as sent (percent-encoded, the query without
// '?'); `headers` must hold all x-ms- fields and those of the string-to-sign that are sent.
struct SignedRequest {
  std::string_view method;
  std::string_view path;
  std::string_view query;
  const http::Fields* headers = nullptr;
  // 0 when the request has no body.
  std::uint64_t content_length = 0;
};

// In which order x-ms- fields stand in the string-to-sign. Services sort them as the words of a
// language, clients partly as bytes: a verifier tries both.
enum class HeaderOrder : unsigned char { bytes, words };

std::string shared_key_string(const SignedRequest& request, std::string_view account,
                              HeaderOrder order = HeaderOrder::bytes);
std::string shared_key_lite_string(const SignedRequest& request, std::string_view account,
                                   HeaderOrder order = HeaderOrder::bytes);

// Base64 of HMAC-SHA256. `key` is base64, as connection strings have it; invalid_argument when it
// is not.
Result<std::string> sign(std::string_view key, std::string_view string_to_sign);
// In constant time.
bool verify(std::string_view key, std::string_view string_to_sign, std::string_view signature);

// "SharedKey account:signature". The value of an Authorization field for the request, which must
// have its x-ms-date and x-ms-version fields already.
Result<std::string> shared_key_authorization(const SignedRequest& request, std::string_view account,
                                             std::string_view key);

struct AuthorizationField {
  enum class Scheme : unsigned char { shared_key, shared_key_lite, bearer };
  Scheme scheme = Scheme::shared_key;
  std::string_view account;    // Empty for bearer.
  std::string_view signature;  // The token for bearer.
};
// InvalidAuthenticationInfo when it is none of the three.
Result<AuthorizationField> parse_authorization(std::string_view value);
// Does the signature match one of the orders?
bool verify_shared_key(const SignedRequest& request, const AuthorizationField& field,
                       std::string_view key);

// Shared access signatures ---------------------------------------------------------------------

// The parameters of a token as it stands in a query, percent-decoded. Service SAS of the time
// before 2012-02-12 have no sv.
struct Sas {
  std::string sv, ss, srt, sr, sp, st, se, sip, spr, si, sig, ses;
  std::string rscc, rscd, rsce, rscl, rsct;
  // User delegation: the key's identity, period, service and version; who it is for.
  std::string skoid, sktid, skt, ske, sks, skv, saoid, suoid, scid, sdd, skdutid, sduoid;
  std::string srh, srq;  // Names of headers and query parameters that are signed too.

  bool is_account() const noexcept { return !ss.empty() || !srt.empty(); }
  bool is_user_delegation() const noexcept { return !skoid.empty(); }
};

// What a service SAS is about; percent-decoded. `blob` is empty for a container. `snapshot` is the
// value of the query parameter of that name, if any.
struct SasTarget {
  std::string_view account, container, blob, snapshot;
};

// nullopt when the query has no `sig`. Accepts a leading '?'. InvalidQueryParameterValue when a
// parameter is repeated or cannot be decoded.
Result<std::optional<Sas>> parse_sas(std::string_view query);
// "sv=…&sr=…&sig=…": without '?', percent-encoded.
std::string sas_query(const Sas& sas);

// The string that `sas.sig` signs, by its sv; AuthenticationFailed for versions that do not have
// the kind.
Result<std::string> account_sas_string(const Sas& sas, std::string_view account);
Result<std::string> service_sas_string(const Sas& sas, const SasTarget& target);
// `request` is needed for srh and srq; null otherwise.
Result<std::string> user_delegation_sas_string(const Sas& sas, const SasTarget& target,
                                               const SignedRequest* request = nullptr);

// A read-only (or whatever `permissions` say) service SAS for one blob; both times to the second.
struct SasGrant {
  std::string_view permissions = "r";  // In the order racwdl…, as the protocol wants it.
  TimeMs start_ms = 0;                 // 0: without st.
  TimeMs expiry_ms = 0;
  std::string_view version = "2013-08-15";  // From 2012-02-12.
};
// The token without '?'. `key` is base64. An empty target.blob makes one for the container.
Result<std::string> make_service_sas(const SasTarget& target, const SasGrant& grant,
                                     std::string_view key);

// Times of SAS parameters: "yyyy-MM-dd", "yyyy-MM-ddTHH:mmZ", with seconds or up to seven
// fractional digits.
std::optional<TimeMs> parse_sas_time(std::string_view text) noexcept;

}  // namespace mlgate::blob
