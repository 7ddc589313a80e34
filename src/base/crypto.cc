#include "base/crypto.h"

#include "base/check.h"
#include "base/text.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>

#include <array>
#include <vector>

namespace mlgate {
namespace {

void ensure_sodium() {
  static const bool ready = sodium_init() >= 0;
  CHECK(ready);
}

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

std::string encode(std::string_view bytes, int variant) {
  std::string out(sodium_base64_ENCODED_LEN(bytes.size(), variant), '\0');
  sodium_bin2base64(out.data(), out.size(), bytes_of(bytes), bytes.size(), variant);
  out.pop_back();  // The terminating zero.
  return out;
}

Result<std::string> decode(std::string_view text, int variant) {
  std::string out(text.size(), '\0');
  std::size_t size = 0;
  const char* end = nullptr;
  if (sodium_base642bin(bytes_of(out), out.size(), text.data(), text.size(), nullptr, &size, &end,
                        variant) != 0 ||
      end != text.data() + text.size())
    return fail(Errc::invalid_argument, "not valid base64");
  out.resize(size);
  return out;
}

std::string hmac(const EVP_MD* digest, std::string_view key, std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  CHECK(HMAC(digest, key.data(), int(key.size()), bytes_of(bytes), bytes.size(), out.data(),
             &size) != nullptr);
  return {reinterpret_cast<const char*>(out.data()), size};
}

}  // namespace

std::string random_bytes(std::size_t count) {
  ensure_sodium();
  std::string out(count, '\0');
  randombytes_buf(out.data(), out.size());
  return out;
}

std::string new_hex_id() { return to_hex(random_bytes(16)); }

std::string new_guid() {
  std::string bytes = random_bytes(16);
  bytes[6] = char((bytes[6] & 0x0F) | 0x40);
  bytes[8] = char((bytes[8] & 0x3F) | 0x80);
  std::string hex = to_hex(bytes);
  for (const std::size_t at : {20U, 16U, 12U, 8U}) hex.insert(at, 1, '-');
  return hex;
}

std::string new_service_key() { return base64_encode(random_bytes(64)); }

std::string base64_encode(std::string_view bytes) {
  return encode(bytes, sodium_base64_VARIANT_ORIGINAL);
}
Result<std::string> base64_decode(std::string_view text) {
  return decode(text, sodium_base64_VARIANT_ORIGINAL);
}
std::string base64url_encode(std::string_view bytes) {
  return encode(bytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}
Result<std::string> base64url_decode(std::string_view text) {
  return decode(text, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

std::string sha256(std::string_view bytes) {
  std::string out(32, '\0');
  unsigned size = 0;
  CHECK(EVP_Digest(bytes.data(), bytes.size(), bytes_of(out), &size, EVP_sha256(), nullptr) == 1);
  return out;
}

std::string sha1(std::string_view bytes) {
  std::string out(20, '\0');
  unsigned size = 0;
  CHECK(EVP_Digest(bytes.data(), bytes.size(), bytes_of(out), &size, EVP_sha1(), nullptr) == 1);
  return out;
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  return hmac(EVP_sha256(), key, bytes);
}
std::string hmac_sha512(std::string_view key, std::string_view bytes) {
  return hmac(EVP_sha512(), key, bytes);
}

std::uint64_t keyed_hash(std::string_view key, std::string_view bytes) noexcept {
  DCHECK(key.size() == crypto_shorthash_KEYBYTES);
  std::uint64_t out = 0;
  crypto_shorthash(reinterpret_cast<unsigned char*>(&out), bytes_of(bytes), bytes.size(),
                   bytes_of(key));
  return out;
}

bool equal_secrets(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string seal(std::string_view key, std::string_view plain, std::string_view context) {
  CHECK(key.size() == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
  std::string out = random_bytes(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);
  const std::string nonce = out;
  out.resize(nonce.size() + plain.size() + crypto_aead_xchacha20poly1305_ietf_ABYTES);
  unsigned long long size = 0;
  crypto_aead_xchacha20poly1305_ietf_encrypt(bytes_of(out) + nonce.size(), &size, bytes_of(plain),
                                             plain.size(), bytes_of(context), context.size(),
                                             nullptr, bytes_of(nonce), bytes_of(key));
  out.resize(nonce.size() + size);
  return out;
}

Result<std::string> unseal(std::string_view key, std::string_view sealed,
                           std::string_view context) {
  CHECK(key.size() == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
  ensure_sodium();
  constexpr std::size_t kNonce = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
  constexpr std::size_t kTag = crypto_aead_xchacha20poly1305_ietf_ABYTES;
  if (sealed.size() < kNonce + kTag) return fail(Errc::denied, "sealed value is cut short");
  std::string out(sealed.size() - kNonce - kTag, '\0');
  unsigned long long size = 0;
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(
          bytes_of(out), &size, nullptr, bytes_of(sealed) + kNonce, sealed.size() - kNonce,
          bytes_of(context), context.size(), bytes_of(sealed), bytes_of(key)) != 0)
    return fail(Errc::denied, "sealed value does not open with this key");
  out.resize(size);
  return out;
}

std::string hash_password(std::string_view password) {
  ensure_sodium();
  std::array<char, crypto_pwhash_STRBYTES> out{};
  CHECK(crypto_pwhash_argon2id_str(out.data(), password.data(), password.size(), 2,
                                   std::size_t{19} << 20) == 0);
  return out.data();
}

bool verify_password(std::string_view hash, std::string_view password) {
  ensure_sodium();
  const std::string text(hash);
  return crypto_pwhash_str_verify(text.c_str(), password.data(), password.size()) == 0;
}

}  // namespace mlgate
