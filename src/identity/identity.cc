#include "identity/identity.h"

#include "base/crypto.h"
#include "base/text.h"

#include <algorithm>
#include <array>

namespace mlgate::identity {
namespace {

constexpr std::string_view kPrincipals = "identity.principal";
constexpr std::string_view kKeys = "identity.key";
constexpr std::string_view kTokenKey = "token";
constexpr std::string_view kKeyPlace = "identity.key/token";
constexpr std::int64_t kClockSkewSeconds = 300;
constexpr std::array<std::string_view, 3> kRoles{"reader", "publisher", "administrator"};

// Secrets are 256 random bits of our making, so a plain digest cannot be searched, and checking one
// is cheap.
std::string hash_secret(std::string_view secret) { return to_hex(sha256(secret)); }

std::string new_secret() { return base64url_encode(random_bytes(32)); }

Json encode(const Principal& principal, std::string_view secret_hash) {
  return Json::object({{"clientId", principal.client_id},
                       {"objectId", principal.object_id},
                       {"name", principal.name},
                       {"role", to_text(principal.role)},
                       {"created", principal.created_ms},
                       {"secret", secret_hash}});
}

Principal decode(const Json& json) {
  return {std::string(json.string_or("clientId")), std::string(json.string_or("objectId")),
          std::string(json.string_or("name")),
          parse_role(json.string_or("role")).value_or(Role::reader), json.int_or("created", 0)};
}

Result<SigningKey> unseal_key(const store::Vault& vault, std::string_view sealed) {
  auto pem = vault.unseal(sealed, kKeyPlace);
  if (!pem)
    return std::unexpected(std::move(pem).error().within("opening the key that signs tokens"));
  return SigningKey::from_pem(*pem);
}

Result<SigningKey> load_key(store::Store& store, const store::Vault& vault) {
  TRY(const auto kept, store.get(kKeys, kTokenKey));
  if (kept) return unseal_key(vault, kept->body);
  TRY(SigningKey fresh, SigningKey::generate());
  TRY(const std::string pem, fresh.to_pem());
  auto written = store.commit({{std::string(kKeys), std::string(kTokenKey),
                                vault.seal(pem, kKeyPlace), store::Expect::absent, 0}});
  if (written) return fresh;
  if (written.error().code() != Errc::precondition_failed)
    return std::unexpected(std::move(written).error());
  // Another process was first: its key is the one.
  TRY(const auto theirs, store.get(kKeys, kTokenKey));
  if (!theirs) return fail(Errc::unavailable, "the key that signs tokens has gone");
  return unseal_key(vault, theirs->body);
}

bool is_for(const Json& claims, const std::vector<std::string>& audiences) {
  const std::string_view audience = claims.string_or("aud");
  return std::ranges::any_of(audiences, [&](const std::string& one) { return one == audience; });
}

}  // namespace

std::string_view to_text(Role role) noexcept { return kRoles[static_cast<std::size_t>(role) % 3]; }

std::optional<Role> parse_role(std::string_view text) noexcept {
  const auto* at = std::ranges::find(kRoles, text);
  if (at == kRoles.end()) return std::nullopt;
  return static_cast<Role>(at - kRoles.begin());
}

Result<Identity> Identity::open(store::Store& store, const store::Vault& vault, const Clock& clock,
                                TokenOptions options) {
  TRY(SigningKey key, load_key(store, vault));
  return Identity(store, clock, std::move(options), std::move(key));
}

Result<NewPrincipal> Identity::create_principal(std::string_view name, Role role) {
  NewPrincipal made;
  made.principal = {new_guid(), new_guid(), std::string(name), role, clock_->now_ms()};
  made.secret = new_secret();
  TRY_OK(store_->commit(
      {{std::string(kPrincipals), made.principal.client_id,
        encode(made.principal, hash_secret(made.secret)).dump(), store::Expect::absent, 0}}));
  return made;
}

Result<std::optional<Json>> Identity::load(std::string_view client_id) const {
  const std::string key = to_lower(client_id);
  if (key.empty() || key.size() > 100) return std::nullopt;
  TRY(const auto document, store_->get(kPrincipals, key));
  if (!document) return std::nullopt;
  TRY(Json json, Json::parse(document->body));
  return json;
}

Result<std::vector<Principal>> Identity::principals() const {
  TRY(const auto documents, store_->list(kPrincipals, ""));
  std::vector<Principal> out;
  for (const store::Document& document : documents) {
    TRY(const Json json, Json::parse(document.body));
    out.push_back(decode(json));
  }
  return out;
}

Result<void> Identity::remove_principal(std::string_view client_id) {
  TRY(const auto json, load(client_id));
  if (!json) return fail(Errc::not_found, "there is no such principal");
  TRY_OK(store_->commit({{std::string(kPrincipals), to_lower(client_id), std::nullopt}}));
  return {};
}

Result<NewPrincipal> Identity::reset_secret(std::string_view client_id) {
  TRY(const auto json, load(client_id));
  if (!json) return fail(Errc::not_found, "there is no such principal");
  NewPrincipal made{decode(*json), new_secret()};
  TRY_OK(store_->commit({{std::string(kPrincipals), made.principal.client_id,
                          encode(made.principal, hash_secret(made.secret)).dump()}}));
  return made;
}

Result<Principal> Identity::check_secret(std::string_view client_id,
                                         std::string_view secret) const {
  TRY(const auto json, load(client_id));
  const std::string hash = hash_secret(secret);
  // An unknown client costs the same comparison.
  const std::string kept = json ? std::string(json->string_or("secret")) : std::string(64, '-');
  const bool same = equal_secrets(hash, kept);
  if (!json || !same) return fail(Errc::denied, "the client id or its secret is wrong");
  return decode(*json);
}

Result<std::string> Identity::issue_token(const Principal& principal,
                                          std::string_view audience) const {
  const std::int64_t now = clock_->now_ms() / 1'000;
  return make_jwt(key_, Json::object({{"aud", audience},
                                      {"iss", options_.issuer},
                                      {"iat", now},
                                      {"nbf", now},
                                      {"exp", now + kTokenSeconds},
                                      {"appid", principal.client_id},
                                      {"appidacr", "1"},
                                      {"azp", principal.client_id},
                                      {"idtyp", "app"},
                                      {"oid", principal.object_id},
                                      {"sub", principal.object_id},
                                      {"tid", options_.tenant_id},
                                      {"ver", "1.0"}}));
}

Result<Principal> Identity::check_token(std::string_view token,
                                        const std::vector<std::string>& audiences) const {
  TRY(const Json claims, open_jwt(key_, token));
  const std::int64_t now = clock_->now_ms() / 1'000;
  if (claims.int_or("exp", 0) <= now) return fail(Errc::denied, "the token has expired");
  if (claims.int_or("nbf", 0) > now + kClockSkewSeconds)
    return fail(Errc::denied, "the token is not valid yet");
  if (claims.string_or("iss") != options_.issuer)
    return fail(Errc::denied, "the token was issued by someone else");
  if (!is_for(claims, audiences)) return fail(Errc::denied, "the token is for another audience");
  TRY(const auto json, load(claims.string_or("appid")));
  if (!json) return fail(Errc::denied, "the principal of the token is not there any more");
  return decode(*json);
}

Json Identity::jwks() const { return Json::object({{"keys", Json::array({key_.public_jwk()})}}); }

}  // namespace mlgate::identity
