#include "identity/jose.h"

#include "base/c_free.h"
#include "base/crypto.h"
#include "base/text.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <vector>

namespace mlgate::identity {
namespace {

constexpr std::size_t kTokenBytesMax = 16'384;
constexpr unsigned kKeyBits = 2'048;

using Bio = std::unique_ptr<BIO, CFree<BIO_free_all>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, CFree<EVP_MD_CTX_free>>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::unexpected<Error> broken(std::string_view what) {
  return fail(Errc::internal, "OpenSSL cannot " + std::string(what));
}

std::unexpected<Error> refused(std::string_view why) {
  return fail(Errc::denied, "the token is not valid: " + std::string(why));
}

Result<std::string> number_of(EVP_PKEY* key, const char* name) {
  BIGNUM* raw = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &raw) != 1) return broken("read a key");
  const std::unique_ptr<BIGNUM, CFree<BN_free>> number(raw);
  std::string bytes(static_cast<std::size_t>(BN_num_bytes(raw)), '\0');
  BN_bn2bin(raw, reinterpret_cast<unsigned char*>(bytes.data()));
  return base64url_encode(bytes);
}

}  // namespace

Result<void> SigningKey::describe() {
  TRY(modulus_, number_of(key_.get(), OSSL_PKEY_PARAM_RSA_N));
  TRY(exponent_, number_of(key_.get(), OSSL_PKEY_PARAM_RSA_E));
  // Members in lexical order, no blanks: what RFC 7638 hashes.
  id_ = base64url_encode(
      sha256("{\"e\":\"" + exponent_ + "\",\"kty\":\"RSA\",\"n\":\"" + modulus_ + "\"}"));
  return {};
}

Result<SigningKey> SigningKey::generate() {
  SigningKey out;
  out.key_ = {EVP_RSA_gen(kKeyBits), EVP_PKEY_free};
  if (!out.key_) return broken("make a key pair");
  TRY_OK(out.describe());
  return out;
}

Result<SigningKey> SigningKey::from_pem(std::string_view pem) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (!bio) return broken("read a key");
  SigningKey out;
  out.key_ = {PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr), EVP_PKEY_free};
  if (!out.key_ || EVP_PKEY_get_base_id(out.key_.get()) != EVP_PKEY_RSA)
    return fail(Errc::invalid_argument, "the text holds no RSA private key");
  TRY_OK(out.describe());
  return out;
}

Result<std::string> SigningKey::to_pem() const {
  const Bio bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_PKCS8PrivateKey(bio.get(), key_.get(), nullptr, nullptr, 0, nullptr,
                                            nullptr) != 1)
    return broken("write a key");
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

Json SigningKey::public_jwk() const {
  return Json::object({{"kty", "RSA"},
                       {"use", "sig"},
                       {"alg", "RS256"},
                       {"kid", id_},
                       {"n", modulus_},
                       {"e", exponent_}});
}

Result<std::string> SigningKey::sign(std::string_view bytes) const {
  const DigestContext context(EVP_MD_CTX_new());
  std::size_t size = 0;
  if (!context ||
      EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &size, bytes_of(bytes), bytes.size()) != 1)
    return broken("sign");
  std::string out(size, '\0');
  if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size,
                     bytes_of(bytes), bytes.size()) != 1)
    return broken("sign");
  out.resize(size);
  return out;
}

bool SigningKey::verify(std::string_view bytes, std::string_view signature) const {
  const DigestContext context(EVP_MD_CTX_new());
  return context &&
         EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) == 1 &&
         EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(bytes),
                          bytes.size()) == 1;
}

Result<std::string> make_jwt(const SigningKey& key, const Json& claims) {
  const Json header = Json::object({{"alg", "RS256"}, {"kid", key.id()}, {"typ", "JWT"}});
  std::string token = base64url_encode(header.dump()) + "." + base64url_encode(claims.dump());
  TRY(const std::string signature, key.sign(token));
  return token + "." + base64url_encode(signature);
}

Result<Json> open_jwt(const SigningKey& key, std::string_view token) {
  if (token.size() > kTokenBytesMax) return refused("it is too long");
  const auto parts = split(token, '.');
  if (parts.size() != 3) return refused("it does not have three parts");
  const auto header_text = base64url_decode(parts[0]);
  const auto signature = base64url_decode(parts[2]);
  if (!header_text || !signature) return refused("it is not base64url");
  const auto header = Json::parse(*header_text);
  if (!header || header->string_or("alg") != "RS256") return refused("it is not signed with RS256");
  if (header->string_or("kid") != key.id()) return refused("its key is not known");
  const std::string_view signed_part = token.substr(0, parts[0].size() + 1 + parts[1].size());
  if (!key.verify(signed_part, *signature)) return refused("its signature is wrong");
  const auto claims_text = base64url_decode(parts[1]);
  if (!claims_text) return refused("it is not base64url");
  auto claims = Json::parse(*claims_text);
  if (!claims || !claims->is_object()) return refused("its claims cannot be read");
  return *std::move(claims);
}

}  // namespace mlgate::identity
