#include "base/c_free.h"
#include "base/text.h"
#include "net/certificates_internal.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

namespace mlgate::net::internal {
namespace {

constexpr std::size_t kDnsNameBytesMax = 253;

using Bio = std::unique_ptr<BIO, CFree<BIO_free_all>>;
using Names = std::unique_ptr<GENERAL_NAMES, CFree<GENERAL_NAMES_free>>;

Bio memory_bio() { return Bio(BIO_new(BIO_s_mem())); }

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return size > 0 ? std::string(data, std::size_t(size)) : std::string();
}

Result<Bio> open_file(const std::filesystem::path& file) {
  Bio bio(BIO_new_file(file.c_str(), "r"));
  if (bio) return bio;
  const int error = errno;
  ERR_clear_error();
  return fail(error == ENOENT ? Errc::not_found : Errc::unavailable,
              "cannot read " + file.string() + ": " + std::strerror(error));
}

bool set_serial(X509* certificate) {
  unsigned char bytes[16];
  if (RAND_bytes(bytes, sizeof bytes) != 1) return false;
  // Positive and of full length (RFC 5280, 4.1.2.2).
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x3f) | 0x40);
  BIGNUM* number = BN_bin2bn(bytes, sizeof bytes, nullptr);
  const bool done = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
  BN_free(number);
  return done;
}

bool set_period(X509* certificate, Period period) {
  return ASN1_TIME_set(X509_getm_notBefore(certificate), std::time_t(period.from / 1000)) &&
         ASN1_TIME_set(X509_getm_notAfter(certificate), std::time_t(period.until / 1000));
}

bool set_subject(X509* certificate, const char* common_name) {
  return X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(common_name), -1, -1,
                                    0) == 1;
}

// `value` in OpenSSL's configuration syntax; always a constant of ours.
bool add_extension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
  const bool done = extension && X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return done;
}

std::string address_bytes(const std::string& text) {
  char bytes[16];
  if (::inet_pton(AF_INET, text.c_str(), bytes) == 1) return {bytes, 4};
  if (::inet_pton(AF_INET6, text.c_str(), bytes) == 1) return {bytes, 16};
  return {};
}

bool is_dns_name(std::string_view name) noexcept {
  if (name.starts_with("*.")) name.remove_prefix(2);
  return !name.empty() && name.size() <= kDnsNameBytesMax && name.front() != '.' &&
         name.find("..") == std::string_view::npos && std::ranges::all_of(name, [](char c) {
           return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_';
         });
}

bool add_name(GENERAL_NAMES* names, const std::string& text) {
  const std::string address = address_bytes(text);
  const std::string& value = address.empty() ? text : address;
  GENERAL_NAME* name = GENERAL_NAME_new();
  ASN1_STRING* string = address.empty() ? static_cast<ASN1_STRING*>(ASN1_IA5STRING_new())
                                        : static_cast<ASN1_STRING*>(ASN1_OCTET_STRING_new());
  if (name && string && ASN1_STRING_set(string, value.data(), int(value.size())) == 1) {
    GENERAL_NAME_set0_value(name, address.empty() ? GEN_DNS : GEN_IPADD, string);
    if (sk_GENERAL_NAME_push(names, name) > 0) return true;
    string = nullptr;  // The name owns it.
  }
  ASN1_STRING_free(string);
  GENERAL_NAME_free(name);
  return false;
}

Result<void> add_names(X509* certificate, const std::vector<std::string>& names) {
  const Names list(GENERAL_NAMES_new());
  for (const std::string& name : names) {
    if (address_bytes(name).empty() && !is_dns_name(name))
      return fail(Errc::invalid_argument, "'" + name + "' is no name for a certificate");
    if (!list || !add_name(list.get(), name)) return openssl_failure("cannot name the certificate");
  }
  if (X509_add1_ext_i2d(certificate, NID_subject_alt_name, list.get(), 0, X509V3_ADD_DEFAULT) != 1)
    return openssl_failure("cannot name the certificate");
  return {};
}

TimeMs to_time(const ASN1_TIME* time) noexcept {
  std::tm parts{};
  if (!time || ASN1_TIME_to_tm(time, &parts) != 1) return 0;
  return TimeMs(::timegm(&parts)) * 1000;
}

std::string_view view(const ASN1_STRING* text) noexcept {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          std::size_t(ASN1_STRING_length(text))};
}

}  // namespace

void KeyFree::operator()(evp_pkey_st* key) const noexcept { EVP_PKEY_free(key); }
void CertificateFree::operator()(x509_st* certificate) const noexcept { X509_free(certificate); }

std::unexpected<Error> openssl_failure(std::string_view what) {
  const unsigned long code = ERR_get_error();
  char reason[160] = "unknown";
  if (code != 0) ERR_error_string_n(code, reason, sizeof reason);
  ERR_clear_error();
  return fail(Errc::unavailable, std::string(what) + ": " + reason);
}

Result<Key> make_key() {
  Key key(EVP_EC_gen("P-256"));
  if (!key) return openssl_failure("cannot make a key");
  return key;
}

Result<Key> load_key(const std::filesystem::path& file) {
  TRY(const Bio bio, open_file(file));
  // A key that wants a pass phrase is an error, not a question on the terminal.
  const auto no_phrase = [](char*, int, int, void*) { return -1; };
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_phrase, nullptr));
  if (!key) return openssl_failure(file.string() + " holds no private key");
  return key;
}

Result<Certificate> load_certificate(const std::filesystem::path& file) {
  TRY(const Bio bio, open_file(file));
  Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  if (!certificate) return openssl_failure(file.string() + " holds no certificate");
  return certificate;
}

Result<void> write_file(const std::filesystem::path& file, std::string_view text, Secrecy secrecy) {
  const std::string temporary = file.string() + ".new";
  const auto failed = [&](int error) {
    ::unlink(temporary.c_str());
    return fail(Errc::unavailable, "cannot write " + file.string() + ": " + std::strerror(error));
  };
  ::unlink(temporary.c_str());
  const mode_t mode = secrecy == Secrecy::secret ? 0600 : 0644;
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0) return failed(errno);
  int error = 0;
  while (!text.empty() && error == 0) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(std::size_t(written));
    } else if (errno != EINTR) {
      error = errno;
    }
  }
  if (error == 0 && ::fsync(fd) != 0) error = errno;
  ::close(fd);
  if (error == 0 && ::rename(temporary.c_str(), file.c_str()) != 0) error = errno;
  if (error != 0) return failed(error);
  return {};
}

Result<std::string> key_pem(const Key& key) {
  const Bio bio = memory_bio();
  if (!bio || PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                            nullptr) != 1)
    return openssl_failure("cannot write a key");
  return text_of(bio.get());
}

Result<std::string> certificate_pem(const Certificate& certificate) {
  const Bio bio = memory_bio();
  if (!bio || PEM_write_bio_X509(bio.get(), certificate.get()) != 1)
    return openssl_failure("cannot write a certificate");
  return text_of(bio.get());
}

Result<Certificate> make_ca_certificate(const Key& key, Period period) {
  Certificate made(X509_new());
  X509* ca = made.get();
  const bool done = ca && X509_set_version(ca, X509_VERSION_3) && set_serial(ca) &&
                    set_period(ca, period) && set_subject(ca, "mlgate local CA") &&
                    X509_set_issuer_name(ca, X509_get_subject_name(ca)) &&
                    X509_set_pubkey(ca, key.get()) &&
                    add_extension(ca, ca, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
                    add_extension(ca, ca, NID_key_usage, "critical,keyCertSign,cRLSign") &&
                    add_extension(ca, ca, NID_subject_key_identifier, "hash") &&
                    X509_sign(ca, key.get(), EVP_sha256()) > 0;
  if (!done) return openssl_failure("cannot make the certificate authority");
  return made;
}

Result<Certificate> make_server_certificate(const Key& key, const Issuer& issuer, Period period,
                                            const std::vector<std::string>& names) {
  Certificate made(X509_new());
  X509* leaf = made.get();
  X509* ca = issuer.certificate;
  const bool begun = leaf && X509_set_version(leaf, X509_VERSION_3) && set_serial(leaf) &&
                     set_period(leaf, period) && set_subject(leaf, "localhost") &&
                     X509_set_issuer_name(leaf, X509_get_subject_name(ca)) &&
                     X509_set_pubkey(leaf, key.get());
  if (!begun) return openssl_failure("cannot make the server certificate");
  TRY_OK(add_names(leaf, names));
  const bool done = add_extension(leaf, ca, NID_basic_constraints, "critical,CA:FALSE") &&
                    add_extension(leaf, ca, NID_key_usage, "critical,digitalSignature") &&
                    add_extension(leaf, ca, NID_ext_key_usage, "serverAuth") &&
                    add_extension(leaf, ca, NID_subject_key_identifier, "hash") &&
                    add_extension(leaf, ca, NID_authority_key_identifier, "keyid:always") &&
                    X509_sign(leaf, issuer.key, EVP_sha256()) > 0;
  if (!done) return openssl_failure("cannot make the server certificate");
  return made;
}

std::vector<std::string> names_of(x509_st* certificate) {
  std::vector<std::string> out;
  const Names names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    int type = 0;
    const void* value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), i), &type);
    const std::string_view bytes = view(static_cast<const ASN1_STRING*>(value));
    if (type == GEN_DNS) out.emplace_back(bytes);
    if (type == GEN_IPADD && (bytes.size() == 4 || bytes.size() == 16)) {
      char text[INET6_ADDRSTRLEN] = "";
      ::inet_ntop(bytes.size() == 4 ? AF_INET : AF_INET6, bytes.data(), text, sizeof text);
      out.emplace_back(text);
    }
  }
  return out;
}

Period period_of(x509_st* certificate) noexcept {
  return {to_time(X509_get0_notBefore(certificate)), to_time(X509_get0_notAfter(certificate))};
}

bool is_issued_by(x509_st* certificate, x509_st* ca) noexcept {
  const bool is = X509_check_issued(ca, certificate) == X509_V_OK &&
                  X509_verify(certificate, X509_get0_pubkey(ca)) == 1;
  ERR_clear_error();
  return is;
}

bool belongs_to(x509_st* certificate, evp_pkey_st* key) noexcept {
  const bool is = X509_check_private_key(certificate, key) == 1;
  ERR_clear_error();
  return is;
}

}  // namespace mlgate::net::internal
