#pragma once
// TLS towards one backend that wants something else than the rest: a client certificate, or less
// verification. Made when configuration is compiled; connections keep it alive through the
// snapshot.
#include "net/tls_ca.h"

#include <filesystem>
#include <memory>
#include <string>

namespace mlgate::net {

struct BackendTlsOptions {
  bool verify_chain = true;
  bool verify_name = true;
  std::string certificate_pem;  // Empty: no client certificate.
  std::string key_pem;
  std::filesystem::path ca_certificate;  // Our own CA, as for every backend.
  std::filesystem::path extra_ca;        // Further authorities; empty: none.
};

struct BackendTls {
  TlsContext context;
};

// invalid_argument when certificate and key do not fit.
Result<std::shared_ptr<const BackendTls>> make_backend_tls(const BackendTlsOptions& options);

// Trusts the authorities of a PEM file besides those it trusts already.
Result<void> trust_authorities(ssl_ctx_st* context, const std::filesystem::path& file);

}  // namespace mlgate::net
