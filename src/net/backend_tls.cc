#include "net/backend_tls.h"

#include "base/c_free.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <string_view>

namespace mlgate::net {
namespace {

constexpr std::string_view kProtocols[] = {"http/1.1"};

using Bio = std::unique_ptr<BIO, CFree<BIO_free_all>>;

bool is_about_name(int error) noexcept {
  return error == X509_V_ERR_HOSTNAME_MISMATCH || error == X509_V_ERR_IP_ADDRESS_MISMATCH;
}

// What is not to be verified counts as good.
int forgive_name(int good, X509_STORE_CTX* context) {
  if (good == 1 || !is_about_name(X509_STORE_CTX_get_error(context))) return good;
  X509_STORE_CTX_set_error(context, X509_V_OK);
  return 1;
}
int forgive_chain(int good, X509_STORE_CTX* context) {
  if (good == 1 || is_about_name(X509_STORE_CTX_get_error(context))) return good;
  X509_STORE_CTX_set_error(context, X509_V_OK);
  return 1;
}

void set_verification(SSL_CTX* context, const BackendTlsOptions& options) {
  if (options.verify_chain && options.verify_name) return;
  if (!options.verify_chain && !options.verify_name) {
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
  } else {
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER,
                       options.verify_chain ? forgive_name : forgive_chain);
  }
}

Result<void> wrong(std::string text) {
  ERR_clear_error();
  return fail(Errc::invalid_argument, std::move(text));
}

Result<void> use_certificate(SSL_CTX* context, const BackendTlsOptions& options) {
  const Bio certificates(
      BIO_new_mem_buf(options.certificate_pem.data(), int(options.certificate_pem.size())));
  bool first = true;
  for (;;) {
    X509* one = PEM_read_bio_X509(certificates.get(), nullptr, nullptr, nullptr);
    if (!one) break;
    // The context takes a chain certificate over, and shares the first one.
    const bool good = first ? SSL_CTX_use_certificate(context, one) == 1
                            : SSL_CTX_add0_chain_cert(context, one) == 1;
    if (first || !good) X509_free(one);
    if (!good) return wrong("the client certificate cannot be used");
    first = false;
  }
  ERR_clear_error();  // The end of the text is an error to the reader.
  if (first) return wrong("the client certificate cannot be read");
  const Bio keys(BIO_new_mem_buf(options.key_pem.data(), int(options.key_pem.size())));
  EVP_PKEY* key = PEM_read_bio_PrivateKey(keys.get(), nullptr, nullptr, nullptr);
  if (!key) return wrong("the key of the client certificate cannot be read");
  const bool fits =
      SSL_CTX_use_PrivateKey(context, key) == 1 && SSL_CTX_check_private_key(context) == 1;
  EVP_PKEY_free(key);
  if (!fits) return wrong("the key does not belong to the client certificate");
  return {};
}

}  // namespace

Result<void> trust_authorities(ssl_ctx_st* context, const std::filesystem::path& file) {
  if (file.empty() || SSL_CTX_load_verify_file(context, file.c_str()) == 1) return {};
  return wrong("the authorities in " + file.string() + " cannot be read");
}

Result<std::shared_ptr<const BackendTls>> make_backend_tls(const BackendTlsOptions& options) {
  auto out = std::make_shared<BackendTls>();
  TRY(out->context, make_client_context(options.ca_certificate, kProtocols));
  TRY_OK(trust_authorities(out->context.get(), options.extra_ca));
  set_verification(out->context.get(), options);
  if (!options.certificate_pem.empty()) {
    TRY_OK(use_certificate(out->context.get(), options));
  }
  return out;
}

}  // namespace mlgate::net
