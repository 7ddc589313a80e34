#pragma once
// JSON Web Tokens signed with RS256 (RFC 7515, 7517, 7519) over OpenSSL. A key is parsed once and
// kept, because parsing costs more than signing's share of a request should.
#include "base/json.h"
#include "base/result.h"

#include <memory>
#include <string>
#include <string_view>

struct evp_pkey_st;

namespace mlgate::identity {

// An RSA key pair of 2,048 bits. Immutable; safe from any thread.
class SigningKey {
 public:
  static Result<SigningKey> generate();
  static Result<SigningKey> from_pem(std::string_view pem);

  Result<std::string> to_pem() const;                     // PKCS #8, private.
  const std::string& id() const noexcept { return id_; }  // RFC 7638 thumbprint.
  // The public half as a JSON Web Key.
  Json public_jwk() const;

  // Raw signature of RSASSA-PKCS1-v1_5 with SHA-256.
  Result<std::string> sign(std::string_view bytes) const;
  bool verify(std::string_view bytes, std::string_view signature) const;

 private:
  Result<void> describe();

  std::shared_ptr<evp_pkey_st> key_;
  std::string id_, modulus_, exponent_;  // The latter two base64url, as a JWK has them.
};

// header.payload.signature with {"alg":"RS256","kid":…,"typ":"JWT"}.
Result<std::string> make_jwt(const SigningKey& key, const Json& claims);

// The claims of a token that the key signed. Its times and audience are the caller's to check.
// denied for anything else, other algorithms included. At most 16 KiB.
Result<Json> open_jwt(const SigningKey& key, std::string_view token);

}  // namespace mlgate::identity
