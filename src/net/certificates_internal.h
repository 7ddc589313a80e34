#pragma once
// Owning handles of OpenSSL objects, and reading and writing them as files; for tls_ca.cc and its
// parts.
#include "base/result.h"
#include "base/time.h"

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct evp_pkey_st;
struct x509_st;

namespace mlgate::net::internal {

struct KeyFree {
  void operator()(evp_pkey_st* key) const noexcept;
};
struct CertificateFree {
  void operator()(x509_st* certificate) const noexcept;
};
using Key = std::unique_ptr<evp_pkey_st, KeyFree>;
using Certificate = std::unique_ptr<x509_st, CertificateFree>;

// unavailable with what OpenSSL says, and its error queue emptied.
std::unexpected<Error> openssl_failure(std::string_view what);

Result<Key> make_key();  // P-256.
Result<Key> load_key(const std::filesystem::path& file);
Result<Certificate> load_certificate(const std::filesystem::path& file);

// Whole or not at all, flushed to the disk; `secret` files are readable by their owner only.
enum class Secrecy : unsigned char { open, secret };
Result<void> write_file(const std::filesystem::path& file, std::string_view text, Secrecy secrecy);
Result<std::string> key_pem(const Key& key);
Result<std::string> certificate_pem(const Certificate& certificate);

struct Issuer {
  x509_st* certificate = nullptr;  // Null: self-signed.
  evp_pkey_st* key = nullptr;
};
struct Period {
  TimeMs from = 0;
  TimeMs until = 0;
};
Result<Certificate> make_ca_certificate(const Key& key, Period period);
// `names`: DNS names and addresses.
Result<Certificate> make_server_certificate(const Key& key, const Issuer& issuer, Period period,
                                            const std::vector<std::string>& names);

std::vector<std::string> names_of(x509_st* certificate);
Period period_of(x509_st* certificate) noexcept;
// Signed by `ca`, and belonging to `key`.
bool is_issued_by(x509_st* certificate, x509_st* ca) noexcept;
bool belongs_to(x509_st* certificate, evp_pkey_st* key) noexcept;

}  // namespace mlgate::net::internal
