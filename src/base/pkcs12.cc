#include "base/pkcs12.h"

#include "base/c_free.h"
#include "base/text.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include <algorithm>
#include <ctime>
#include <memory>

namespace mlgate {
namespace {

constexpr std::size_t kArchiveBytesMax = 256 * 1024;

using Bio = std::unique_ptr<BIO, CFree<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, CFree<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, CFree<EVP_PKEY_free>>;
struct FreeChain {
  void operator()(STACK_OF(X509) * chain) const noexcept { sk_X509_pop_free(chain, X509_free); }
};

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, std::size_t(std::max(size, 0L))};
}

std::string subject_of(X509* certificate) {
  const Bio out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate), 0,
                     XN_FLAG_RFC2253 & ~unsigned(ASN1_STRFLGS_ESC_MSB));
  return text_of(out.get());
}

std::string thumbprint_of(X509* certificate) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  X509_digest(certificate, EVP_sha1(), digest, &size);
  std::string hex = to_hex({reinterpret_cast<char*>(digest), size});
  for (char& c : hex)
    if (c >= 'a' && c <= 'f') c = char(c - 32);
  return hex;
}

TimeMs end_of(X509* certificate) {
  std::tm civil{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &civil) != 1) return 0;
  return TimeMs(timegm(&civil)) * 1'000;
}

}  // namespace

Result<CertificateBundle> read_pkcs12(std::string_view bytes, const std::string& password) {
  const auto wrong = [] {
    ERR_clear_error();
    return fail(Errc::invalid_argument,
                "The data is no PKCS #12 archive, or the password is not its own.");
  };
  if (bytes.empty() || bytes.size() > kArchiveBytesMax) return wrong();
  const auto* from = reinterpret_cast<const unsigned char*>(bytes.data());
  const std::unique_ptr<PKCS12, CFree<PKCS12_free>> archive(
      d2i_PKCS12(nullptr, &from, long(bytes.size())));
  if (!archive) return wrong();
  EVP_PKEY* key_found = nullptr;
  X509* certificate_found = nullptr;
  STACK_OF(X509)* chain_found = nullptr;
  if (PKCS12_parse(archive.get(), password.c_str(), &key_found, &certificate_found, &chain_found) !=
      1)
    return wrong();
  const Key key(key_found);
  const Certificate certificate(certificate_found);
  const std::unique_ptr<STACK_OF(X509), FreeChain> chain(chain_found);
  if (!key || !certificate)
    return fail(Errc::invalid_argument, "The archive holds no certificate with its key.");
  CertificateBundle out;
  const Bio certificates(BIO_new(BIO_s_mem())), keys(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(certificates.get(), certificate.get());
  for (int i = 0; chain && i < sk_X509_num(chain.get()); ++i)
    PEM_write_bio_X509(certificates.get(), sk_X509_value(chain.get(), i));
  PEM_write_bio_PrivateKey(keys.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  out.certificate_pem = text_of(certificates.get());
  out.key_pem = text_of(keys.get());
  out.subject = subject_of(certificate.get());
  out.thumbprint = thumbprint_of(certificate.get());
  out.not_after = end_of(certificate.get());
  return out;
}

}  // namespace mlgate
