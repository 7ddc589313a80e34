#pragma once
// Who may use the management interface: service principals with a secret, and the tokens they get
// for it. The signing key is made at first use and kept sealed in the store, so tokens outlive a
// restart and are good in every process on the same data.
#include "base/result.h"
#include "base/time.h"
#include "identity/jose.h"
#include "store/store.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::identity {

enum class Role : unsigned char {
  reader,
  publisher,
  administrator
};  // Each may what those before may.
std::string_view to_text(Role role) noexcept;
std::optional<Role> parse_role(std::string_view text) noexcept;

struct Principal {
  std::string client_id;  // A GUID.
  std::string object_id;  // A GUID.
  std::string name;
  Role role = Role::reader;
  TimeMs created_ms = 0;
};

struct NewPrincipal {
  Principal principal;
  std::string secret;  // Shown once; only its hash is kept.
};

struct TokenOptions {
  std::string tenant_id;
  std::string issuer;  // "https://localhost:8444/{tenant}/v2.0"
};

// Safe from any thread that may block.
class Identity {
 public:
  // Reads the signing key of the store, making it when there is none.
  static Result<Identity> open(store::Store& store, const store::Vault& vault, const Clock& clock,
                               TokenOptions options);

  Result<NewPrincipal> create_principal(std::string_view name, Role role);
  Result<std::vector<Principal>> principals() const;
  // not_found when there is no such principal.
  Result<void> remove_principal(std::string_view client_id);
  // A new secret in place of the old one.
  Result<NewPrincipal> reset_secret(std::string_view client_id);

  // denied for an unknown client and for a wrong secret alike.
  Result<Principal> check_secret(std::string_view client_id, std::string_view secret) const;

  static constexpr std::int64_t kTokenSeconds = 3'600;
  Result<std::string> issue_token(const Principal& principal, std::string_view audience) const;
  // The principal a valid token was issued to: signed by us, within its time, for one of the
  // audiences, and its principal still there; the role is the present one.
  Result<Principal> check_token(std::string_view token,
                                const std::vector<std::string>& audiences) const;
  // {"keys":[…]}
  Json jwks() const;

 private:
  Identity(store::Store& store, const Clock& clock, TokenOptions options, SigningKey key)
      : store_(&store), clock_(&clock), options_(std::move(options)), key_(std::move(key)) {}
  Result<std::optional<Json>> load(std::string_view client_id) const;

  store::Store* store_;
  const Clock* clock_;
  TokenOptions options_;
  SigningKey key_;
};

}  // namespace mlgate::identity
