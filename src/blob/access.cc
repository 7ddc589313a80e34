#include "blob/access.h"

#include "base/crypto.h"
#include "base/text.h"
#include "blob/fault.h"

#include <arpa/inet.h>

#include <algorithm>
#include <optional>

namespace mlgate::blob {
namespace {

constexpr TimeMs kSkewMs = 15 * 60'000;

std::optional<std::uint32_t> ipv4(std::string_view text) {
  if (text.starts_with("::ffff:")) text.remove_prefix(7);
  in_addr address{};
  if (::inet_pton(AF_INET, std::string(text).c_str(), &address) != 1) return std::nullopt;
  return ntohl(address.s_addr);
}

// "a" or "a-b".
bool ip_in(std::string_view range, std::string_view address) {
  const std::size_t dash = range.find('-');
  const auto first = ipv4(range.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : ipv4(range.substr(dash + 1));
  const auto caller = ipv4(address);
  return first && last && caller && *first <= *caller && *caller <= *last;
}

// What an operation asks of a SAS: one of the letters, and the kind of resource it is about.
struct Need {
  std::string_view letters;
  char resource;     // s, c or o.
  bool service_sas;  // Can a SAS for a container or blob give it?
};

Need need_of(Operation operation) noexcept {
  switch (operation) {
    case Operation::list_containers:
      return {"l", 's', false};
    case Operation::read_service:
      return {"r", 's', false};
    case Operation::write_service:
      return {"w", 's', false};
    case Operation::create_container:
      return {"cw", 'c', false};
    case Operation::read_container:
      return {"r", 'c', false};
    case Operation::write_container:
      return {"w", 'c', false};
    case Operation::delete_container:
      return {"d", 'c', false};
    case Operation::lease_container:
      return {"w", 'c', false};
    case Operation::break_container_lease:
      return {"wd", 'c', false};
    case Operation::list_blobs:
      return {"l", 'c', true};
    case Operation::read_blob:
      return {"r", 'o', true};
    case Operation::create_blob:
      return {"cw", 'o', true};
    case Operation::write_blob:
    case Operation::lease_blob:
      return {"w", 'o', true};
    case Operation::delete_blob:
      return {"d", 'o', true};
    case Operation::break_blob_lease:
      return {"wd", 'o', true};
    case Operation::container_access:
    case Operation::delegate:
      break;
  }
  return {"", 'c', false};
}

bool has_any(std::string_view permissions, std::string_view letters) noexcept {
  return permissions.find_first_of(letters) != std::string_view::npos;
}

Result<void> allow_account_sas(const Claims& claims, const Need& need) {
  const Sas& sas = claims.sas;
  if (sas.srt.find(need.resource) == std::string::npos)
    return fail(Fault::authorization_resource_type_mismatch);
  if (!has_any(sas.sp, need.letters)) return fail(Fault::authorization_permission_mismatch);
  return {};
}

Result<void> allow_service_sas(const Claims& claims, const Need& need, const Place& place) {
  if (!need.service_sas) return fail(Fault::authorization_failure);
  if (claims.container != place.container) return fail(Fault::authentication_failed);
  if (!claims.blob.empty() && claims.blob != place.blob)
    return fail(place.blob.empty() ? Fault::authorization_resource_type_mismatch
                                   : Fault::authentication_failed);
  if (!has_any(claims.sas.sp, need.letters)) return fail(Fault::authorization_permission_mismatch);
  return {};
}

// One of the two, but not both: what a token leaves open, the stored policy fills in.
bool fill(std::string& field, const std::string& stored) {
  if (stored.empty()) return true;
  if (!field.empty()) return false;
  field = stored;
  return true;
}

}  // namespace

Access::Access(Accounts& accounts, Storage& storage, const Clock& clock, BearerCheck bearer)
    : accounts_(accounts), storage_(storage), clock_(clock), bearer_(std::move(bearer)) {}

Result<Claims> Access::by_key(std::string_view account, std::string_view key, Caller caller) {
  TRY(const std::vector<std::string> keys, accounts_.keys_for(account, caller.address));
  bool matches = false;
  for (const std::string& one : keys) matches |= equal_secrets(one, key);
  if (!matches) return fail(Fault::authentication_failed, "The account key is not right.");
  Claims claims;
  claims.kind = Claims::Kind::owner;
  claims.account = account;
  return claims;
}

Result<Claims> Access::by_sas(std::string_view token, const Place& place, Caller caller) {
  TRY(std::optional<Sas> sas, parse_sas(token));
  if (!sas) return fail(Fault::authentication_failed, "The SAS token has no signature.");
  return by_parsed_sas(*std::move(sas), {place, caller, nullptr, {}});
}

Result<Claims> Access::by_request(const SignedRequest& request, const Place& place, Caller caller) {
  if (const std::string_view value = request.headers->get("authorization"); !value.empty()) {
    TRY(const AuthorizationField field, parse_authorization(value));
    if (field.scheme != AuthorizationField::Scheme::bearer)
      return by_shared_key(request, field, place, caller);
    if (!bearer_ || !caller.https)
      return fail(Fault::authentication_failed, "Bearer tokens need https.");
    TRY_OK(accounts_.find(place.account));
    auto principal = bearer_(field.signature);
    if (!principal) return fail(Fault::authentication_failed, "The bearer token is not valid.");
    Claims claims;
    claims.principal = *std::move(principal);
    claims.kind = Claims::Kind::owner;
    claims.account = place.account;
    return claims;
  }
  TRY(std::optional<Sas> sas, parse_sas(request.query));
  const std::string snapshot = http::query_parameter(request.query, "snapshot").value_or("");
  if (sas) return by_parsed_sas(*std::move(sas), {place, caller, &request, snapshot});
  Claims claims;
  claims.account = place.account;
  return claims;
}

Result<Claims> Access::by_shared_key(const SignedRequest& request, const AuthorizationField& field,
                                     const Place& place, Caller caller) {
  if (field.account != place.account)
    return fail(Fault::authentication_failed, "The signature is of another account.");
  const http::Field* stated = request.headers->find("x-ms-date");
  const std::string_view date = stated ? stated->value : request.headers->get("date");
  const auto time = parse_http_date(date);
  if (!time)
    return fail(Fault::authentication_failed,
                "The request has no x-ms-date or Date header in the form of RFC 1123.");
  const TimeMs now = clock_.now_ms();
  if (std::max(*time, now) - std::min(*time, now) > kSkewMs)
    return fail(Fault::authentication_failed, "Request date header too old or too new: it says " +
                                                  std::string(date) + ", and it is " +
                                                  to_http_date(now) + ".");
  TRY(const std::vector<std::string> keys, accounts_.keys_for(field.account, caller.address));
  bool matches = false;
  for (const std::string& key : keys) matches |= verify_shared_key(request, field, key);
  if (!matches) return fail(Fault::authentication_failed);
  Claims claims;
  claims.kind = Claims::Kind::owner;
  claims.account = place.account;
  return claims;
}

Result<void> Access::apply_stored_policy(Sas& sas, const Place& place) {
  if (sas.si.empty()) return {};
  const auto container = storage_.container({place.account, place.container, {}}, {});
  // Whether the container is there is not for those to know who cannot prove anything.
  if (!container) return fail(Fault::authentication_failed);
  const auto policy = std::ranges::find(container->policies, sas.si, &AccessPolicy::id);
  if (policy == container->policies.end())
    return fail(Fault::authentication_failed, "There is no such stored access policy.");
  if (!fill(sas.st, policy->start) || !fill(sas.se, policy->expiry) ||
      !fill(sas.sp, policy->permissions))
    return fail(Fault::authentication_failed,
                "Access policy fields can be associated with signature or SAS identifier but not "
                "both.");
  return {};
}

Result<void> Access::check_use(const Sas& sas, Caller caller) const {
  const TimeMs now = clock_.now_ms();
  const auto expiry = parse_sas_time(sas.se);
  const auto start = sas.st.empty() ? std::optional<TimeMs>(0) : parse_sas_time(sas.st);
  if (!expiry || !start || sas.sp.empty())
    return fail(Fault::authentication_failed, "The SAS has no valid start, expiry or permissions.");
  if (now >= *expiry || now < *start)
    return fail(Fault::authentication_failed,
                "Signature not valid in the specified time frame: Start [" + sas.st +
                    "] - Expiry [" + sas.se + "] - Current [" + to_http_date(now) + "].");
  if (sas.spr == "https" && !caller.https) return fail(Fault::authorization_protocol_mismatch);
  if (!sas.spr.empty() && sas.spr != "https" && sas.spr != "https,http")
    return fail(Fault::authentication_failed, "spr is 'https' or 'https,http'.");
  if (!sas.sip.empty() && !ip_in(sas.sip, caller.address))
    return fail(Fault::authorization_source_ip_mismatch);
  if (!sas.is_user_delegation()) return {};
  const auto key_start = parse_sas_time(sas.skt), key_expiry = parse_sas_time(sas.ske);
  if (!key_start || !key_expiry || now < *key_start || now >= *key_expiry || sas.sks != "b")
    return fail(Fault::authentication_failed, "The user delegation key is not valid now.");
  return {};
}

std::string Access::delegation_key(std::string_view account, const Sas& fields) const {
  // Clients write the times anew, with or without fractions.
  const auto seconds = [](const std::string& time) {
    return std::to_string(parse_sas_time(time).value_or(0) / 1000);
  };
  std::string text(account);
  for (const std::string& part : {fields.skoid, fields.sktid, seconds(fields.skt),
                                  seconds(fields.ske), fields.sks, fields.skv, fields.skdutid})
    text.append("\n").append(part);
  return base64_encode(hmac_sha256(accounts_.delegation_secret(), text));
}

Result<Claims> Access::by_parsed_sas(Sas sas, const SasUse& use) {
  const Place& place = use.place;
  Claims claims;
  claims.account = place.account;
  std::string string_to_sign;
  const bool of_blob = sas.sr == "b";
  const SasTarget target{place.account, place.container,
                         of_blob ? std::string_view(place.blob) : std::string_view(), use.snapshot};
  if (sas.is_account()) {
    claims.kind = Claims::Kind::account_sas;
    TRY(string_to_sign, account_sas_string(sas, place.account));
    if (sas.ss.find('b') == std::string::npos) return fail(Fault::authorization_service_mismatch);
  } else {
    if (!of_blob && sas.sr != "c") return fail(Fault::authentication_failed, "sr is 'b' or 'c'.");
    claims.kind =
        sas.is_user_delegation() ? Claims::Kind::delegation_sas : Claims::Kind::service_sas;
    claims.container = place.container;
    if (of_blob) claims.blob = place.blob;
    TRY(string_to_sign, sas.is_user_delegation()
                            ? user_delegation_sas_string(sas, target, use.request)
                            : service_sas_string(sas, target));
  }
  TRY(std::vector<std::string> keys, accounts_.keys_for(place.account, use.caller.address));
  if (sas.is_user_delegation()) keys = {delegation_key(place.account, sas)};
  bool matches = false;
  for (const std::string& key : keys) matches |= verify(key, string_to_sign, sas.sig);
  if (!matches) return fail(Fault::authentication_failed);
  if (claims.kind == Claims::Kind::service_sas) {
    TRY_OK(apply_stored_policy(sas, place));
  }
  TRY_OK(check_use(sas, use.caller));
  claims.sas = std::move(sas);
  return claims;
}

Result<void> Access::allow(const Claims& claims, Operation operation, const Place& place) {
  if (claims.account != place.account) return fail(Fault::authorization_failure);
  const Need need = need_of(operation);
  switch (claims.kind) {
    case Claims::Kind::owner:
      return {};
    case Claims::Kind::account_sas:
      return allow_account_sas(claims, need);
    case Claims::Kind::service_sas:
    case Claims::Kind::delegation_sas:
      return allow_service_sas(claims, need, place);
    case Claims::Kind::anonymous:
      break;
  }
  const bool reads_blob = operation == Operation::read_blob;
  const bool reads_container =
      operation == Operation::list_blobs || operation == Operation::read_container;
  if (reads_blob || reads_container) {
    const auto container = storage_.container({place.account, place.container, {}}, {});
    if (container && (container->access == PublicAccess::container ||
                      (container->access == PublicAccess::blob && reads_blob)))
      return {};
    if (!container && container.error().code() != Errc::not_found)
      return std::unexpected(container.error());
  }
  return fail(Fault::no_authentication_information);
}

Result<Conditions> Access::allow_put(const Claims& claims, const Place& place,
                                     Conditions conditions) {
  const auto whole = allow(claims, Operation::write_blob, place);
  if (whole) return conditions;
  if (!allow(claims, Operation::create_blob, place)) return std::unexpected(whole.error());
  conditions.if_none_match = "*";
  return conditions;
}

}  // namespace mlgate::blob
