#pragma once
// TLS without a certificate authority: at first start mlgate makes a small CA of its own and a
// certificate for this machine's names, so that https works at once; and the OpenSSL contexts that
// listeners and clients use. The CA is trusted by our own client, and by a browser once its owner
// installs ca.pem.
#include "base/result.h"
#include "base/time.h"

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct ssl_ctx_st;

namespace mlgate::net {

struct TlsFiles {
  std::filesystem::path ca_certificate;      // ca.pem
  std::filesystem::path ca_key;              // ca.key, 0600
  std::filesystem::path server_certificate;  // server.pem
  std::filesystem::path server_key;          // server.key, 0600
};
TlsFiles tls_files(const std::filesystem::path& folder);

// Makes what is missing in `folder` (which must exist): a P-256 CA "mlgate local CA" (10 years),
// and a server certificate (397 days) for localhost, *.localhost, 127.0.0.1, ::1 and `extra_names`
// (DNS names or addresses). The server certificate is made anew when fewer than 30 days are left,
// when a name is missing or when the CA has changed; the CA never is, for people have installed it:
// one that has expired is an error.
Result<TlsFiles> ensure_certificates(const std::filesystem::path& folder,
                                     const std::vector<std::string>& extra_names, TimeMs now);

struct TlsContextFree {
  void operator()(ssl_ctx_st* context) const noexcept;
};
using TlsContext = std::unique_ptr<ssl_ctx_st, TlsContextFree>;

// TLS 1.2 and 1.3, forward secrecy and AEAD ciphers only. `protocols` are the ALPN names in order
// of preference; a caller that offers ALPN but none of them is refused, one without ALPN is served.
Result<TlsContext> make_server_context(const std::filesystem::path& certificate,
                                       const std::filesystem::path& key,
                                       std::span<const std::string_view> protocols);

// Verifies its peer against the system's authorities and those in `ca_certificate` (none when
// empty). The name to verify is set per connection (SSL_set1_host).
Result<TlsContext> make_client_context(const std::filesystem::path& ca_certificate,
                                       std::span<const std::string_view> protocols);

// For tools that show a certificate.
struct CertificateInfo {
  std::string subject;  // "CN=localhost"
  std::string issuer;
  std::vector<std::string> names;  // Of the SAN: "localhost", "127.0.0.1", …
  TimeMs not_before = 0;
  TimeMs not_after = 0;
  std::string sha256;  // Lower-case hex of the DER.
};
Result<CertificateInfo> read_certificate(const std::filesystem::path& file);

}  // namespace mlgate::net
