#include "net/tls_ca.h"

#include "base/text.h"
#include "net/certificates_internal.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>
#include <vector>

namespace mlgate::net {
namespace {

using internal::openssl_failure;

constexpr TimeMs kHourMs = 3'600'000;
constexpr TimeMs kDayMs = 24 * kHourMs;
constexpr TimeMs kCaLife = 3653 * kDayMs;     // Ten years.
constexpr TimeMs kServerLife = 397 * kDayMs;  // Browsers refuse longer ones.
constexpr TimeMs kRenewBefore = 30 * kDayMs;

constexpr const char* kCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

// Clocks of callers may be a little behind ours.
internal::Period period_from(TimeMs now, TimeMs life) noexcept {
  return {now - kHourMs, now - kHourMs + life};
}

std::vector<std::string> wanted_names(const std::vector<std::string>& extra) {
  std::vector<std::string> names{"localhost", "*.localhost", "127.0.0.1", "::1"};
  for (const std::string& name : extra)
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  return names;
}

Result<void> make_ca(const TlsFiles& files, TimeMs now) {
  TRY(const internal::Key key, internal::make_key());
  TRY(const auto certificate, internal::make_ca_certificate(key, period_from(now, kCaLife)));
  TRY(const std::string key_text, internal::key_pem(key));
  TRY(const std::string text, internal::certificate_pem(certificate));
  // The key first: a certificate without its key could not be told from one whose key was taken
  // away.
  TRY_OK(internal::write_file(files.ca_key, key_text, internal::Secrecy::secret));
  return internal::write_file(files.ca_certificate, text, internal::Secrecy::open);
}

Result<void> make_server(const TlsFiles& files, x509_st* ca, const std::vector<std::string>& names,
                         TimeMs now) {
  TRY(const internal::Key ca_key, internal::load_key(files.ca_key));
  if (!internal::belongs_to(ca, ca_key.get()))
    return fail(Errc::conflict,
                files.ca_key.string() + " is not the key of " + files.ca_certificate.string());
  TRY(const internal::Key key, internal::make_key());
  internal::Period period = period_from(now, kServerLife);
  period.until = std::min(period.until, internal::period_of(ca).until);
  TRY(const auto certificate,
      internal::make_server_certificate(key, {ca, ca_key.get()}, period, names));
  TRY(const std::string key_text, internal::key_pem(key));
  TRY(const std::string text, internal::certificate_pem(certificate));
  TRY_OK(internal::write_file(files.server_key, key_text, internal::Secrecy::secret));
  return internal::write_file(files.server_certificate, text, internal::Secrecy::open);
}

// Addresses are compared as bytes, so that "0:0::1" is found as "::1".
bool has_names(x509_st* certificate, const std::vector<std::string>& wanted) {
  const std::vector<std::string> present = internal::names_of(certificate);
  return std::ranges::all_of(wanted, [&](const std::string& name) {
    return std::ranges::any_of(
               present, [&](const std::string& has) { return equals_ignoring_case(has, name); }) ||
           X509_check_ip_asc(certificate, name.c_str(), 0) == 1;
  });
}

bool server_is_good(const TlsFiles& files, x509_st* ca, const std::vector<std::string>& names,
                    TimeMs now) {
  const auto certificate = internal::load_certificate(files.server_certificate);
  const auto key = internal::load_key(files.server_key);
  if (!certificate || !key) return false;
  const internal::Period period = internal::period_of(certificate->get());
  return internal::belongs_to(certificate->get(), key->get()) &&
         internal::is_issued_by(certificate->get(), ca) && has_names(certificate->get(), names) &&
         period.from <= now && period.until - now >= kRenewBefore;
}

// The ALPN list as it goes over the wire: each name after its length.
Result<std::string> alpn_list(std::span<const std::string_view> protocols) {
  std::string list;
  for (const std::string_view name : protocols) {
    if (name.empty() || name.size() > 255)
      return fail(Errc::invalid_argument, "'" + std::string(name) + "' is not an ALPN name");
    list += char(name.size());
    list += name;
  }
  return list;
}

// A context keeps its ALPN list as extra data, which OpenSSL frees with it.
void free_list(void*, void* list, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<std::string*>(list);
}
int list_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, &free_list);
  return index;
}

int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                    const unsigned char* offered, unsigned offered_size, void* list) {
  const auto& ours = *static_cast<const std::string*>(list);
  unsigned char* out = nullptr;
  const int found =
      SSL_select_next_proto(&out, chosen_size, reinterpret_cast<const unsigned char*>(ours.data()),
                            unsigned(ours.size()), offered, offered_size);
  if (found != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *chosen = out;
  return SSL_TLSEXT_ERR_OK;
}

bool harden(ssl_ctx_st* context) {
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
         SSL_CTX_set_cipher_list(context, kCiphers) == 1;
}

std::string name_text(const X509_NAME* name) {
  BIO* bio = BIO_new(BIO_s_mem());
  std::string text;
  if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    if (size > 0) text.assign(data, std::size_t(size));
  }
  BIO_free(bio);
  return text;
}

}  // namespace

void TlsContextFree::operator()(ssl_ctx_st* context) const noexcept { SSL_CTX_free(context); }

TlsFiles tls_files(const std::filesystem::path& folder) {
  return {folder / "ca.pem", folder / "ca.key", folder / "server.pem", folder / "server.key"};
}

Result<TlsFiles> ensure_certificates(const std::filesystem::path& folder,
                                     const std::vector<std::string>& extra_names, TimeMs now) {
  TlsFiles files = tls_files(folder);
  auto ca = internal::load_certificate(files.ca_certificate);
  if (!ca && ca.error().code() == Errc::not_found) {
    TRY_OK(make_ca(files, now));
    ca = internal::load_certificate(files.ca_certificate);
  }
  if (!ca) return std::unexpected(std::move(ca).error());
  if (internal::period_of(ca->get()).until <= now)
    return fail(Errc::precondition_failed,
                files.ca_certificate.string() +
                    " has expired; remove it, start again, and install the new one where the old "
                    "one was trusted");
  const std::vector<std::string> names = wanted_names(extra_names);
  if (!server_is_good(files, ca->get(), names, now)) {
    TRY_OK(make_server(files, ca->get(), names, now));
  }
  return files;
}

Result<TlsContext> make_server_context(const std::filesystem::path& certificate,
                                       const std::filesystem::path& key,
                                       std::span<const std::string_view> protocols) {
  TRY(const std::string list, alpn_list(protocols));
  // Read by hand, so that errors name the file and no pass phrase is asked for.
  TRY(const internal::Key private_key, internal::load_key(key));
  TlsContext context(SSL_CTX_new(TLS_server_method()));
  if (!context || !harden(context.get())) return openssl_failure("cannot set up TLS");
  if (SSL_CTX_use_certificate_chain_file(context.get(), certificate.c_str()) != 1)
    return openssl_failure("cannot use " + certificate.string());
  if (SSL_CTX_use_PrivateKey(context.get(), private_key.get()) != 1 ||
      SSL_CTX_check_private_key(context.get()) != 1)
    return openssl_failure(key.string() + " is not the key of " + certificate.string());
  SSL_CTX_set_options(context.get(), SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_num_tickets(context.get(), 1);
  if (!list.empty()) {
    auto kept = std::make_unique<std::string>(list);
    if (SSL_CTX_set_ex_data(context.get(), list_index(), kept.get()) != 1)
      return openssl_failure("cannot set up TLS");
    SSL_CTX_set_alpn_select_cb(context.get(), &choose_protocol, kept.release());
  }
  return context;
}

Result<TlsContext> make_client_context(const std::filesystem::path& ca_certificate,
                                       std::span<const std::string_view> protocols) {
  TRY(const std::string list, alpn_list(protocols));
  TlsContext context(SSL_CTX_new(TLS_client_method()));
  if (!context || !harden(context.get())) return openssl_failure("cannot set up TLS");
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  X509_VERIFY_PARAM_set_hostflags(SSL_CTX_get0_param(context.get()),
                                  X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  // A machine without a store still reaches our own endpoints.
  SSL_CTX_set_default_verify_paths(context.get());
  ERR_clear_error();
  if (!ca_certificate.empty() &&
      SSL_CTX_load_verify_file(context.get(), ca_certificate.c_str()) != 1)
    return openssl_failure("cannot use " + ca_certificate.string());
  if (!list.empty() &&
      SSL_CTX_set_alpn_protos(context.get(), reinterpret_cast<const unsigned char*>(list.data()),
                              unsigned(list.size())) != 0)
    return openssl_failure("cannot set up TLS");
  return context;
}

Result<CertificateInfo> read_certificate(const std::filesystem::path& file) {
  TRY(const internal::Certificate certificate, internal::load_certificate(file));
  const internal::Period period = internal::period_of(certificate.get());
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned digest_size = 0;
  if (X509_digest(certificate.get(), EVP_sha256(), digest, &digest_size) != 1)
    return openssl_failure("cannot digest " + file.string());
  return CertificateInfo{name_text(X509_get_subject_name(certificate.get())),
                         name_text(X509_get_issuer_name(certificate.get())),
                         internal::names_of(certificate.get()),
                         period.from,
                         period.until,
                         to_hex({reinterpret_cast<const char*>(digest), digest_size})};
}

}  // namespace mlgate::net
