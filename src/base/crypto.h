#pragma once
// Random bytes, digests, authenticated encryption and comparison of secrets; thin over OpenSSL and
// libsodium.
#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mlgate {

std::string random_bytes(std::size_t count);
// 32 lower-case hex digits, 128 random bits: ids of workspaces, services, endpoints, jobs;
// subscription keys.
std::string new_hex_id();
// A random (version 4) GUID, lower case with dashes.
std::string new_guid();
// Base64 of 64 random bytes: 88 characters, ends "==". The keys of web-service endpoints.
std::string new_service_key();

std::string base64_encode(std::string_view bytes);
Result<std::string> base64_decode(std::string_view text);
std::string base64url_encode(std::string_view bytes);  // Without padding (RFC 7515).
Result<std::string> base64url_decode(std::string_view text);

// 20 bytes, raw. For protocols that name it (WebSocket); it protects nothing.
std::string sha1(std::string_view bytes);
std::string sha256(std::string_view bytes);  // 32 bytes, raw.
std::string hmac_sha256(std::string_view key, std::string_view bytes);
std::string hmac_sha512(std::string_view key, std::string_view bytes);

// A fast keyed 64-bit hash (SipHash-2-4) for tables whose keys a caller may choose. `key` has 16
// bytes.
std::uint64_t keyed_hash(std::string_view key, std::string_view bytes) noexcept;

// Time depends on the lengths only.
bool equal_secrets(std::string_view a, std::string_view b) noexcept;

// XChaCha20-Poly1305 with a random nonce in front. `key` has 32 bytes; `context` is authenticated
// with it, so that a sealed value cannot be moved to another place.
std::string seal(std::string_view key, std::string_view plain, std::string_view context);
Result<std::string> unseal(std::string_view key, std::string_view sealed, std::string_view context);

// argon2id in its standard text form; ~25 ms of CPU, so never on a worker.
std::string hash_password(std::string_view password);
bool verify_password(std::string_view hash, std::string_view password);

}  // namespace mlgate
